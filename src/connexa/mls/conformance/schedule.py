"""key-schedule, psk_secret, secret-tree, transcript-hashes: the secrets of an epoch."""

from __future__ import annotations

from connexa.mls.codec import decode
from connexa.mls.conformance.case import Case, Mismatch, expect
from connexa.mls.errors import ReplayError
from connexa.mls.extensions import NO_EXTENSIONS
from connexa.mls.framing import AuthenticatedContent
from connexa.mls.key_schedule import (
    GroupContext,
    confirmation_tag,
    confirmed_transcript_hash,
    derive_epoch,
    derive_joiner_secret,
    derive_welcome_secret,
    export,
    interim_transcript_hash,
)
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, psk_secret
from connexa.mls.registry import ContentType
from connexa.mls.secret_tree import SecretTree, Windows, sender_data_key

__all__ = ["key_schedule", "psk_secrets", "secret_tree", "transcript_hashes"]

_SECRETS = (
    "init_secret",
    "sender_data_secret",
    "exporter_secret",
    "epoch_authenticator",
    "external_secret",
    "confirmation_key",
    "membership_key",
    "resumption_psk",
)


def key_schedule(case: Case) -> None:
    """Epoch after epoch, each from the init secret of the one before."""
    suite, init_secret = case.suite, case.raw("initial_init_secret")
    for number, epoch in enumerate(case.parts("epochs")):
        tree_hash, confirmed = epoch.raw("tree_hash"), epoch.raw("confirmed_transcript_hash")
        described = GroupContext(suite.number, case.raw("group_id"), number, tree_hash, confirmed, NO_EXTENSIONS)
        context = described.encode()
        expect("group_context", context, epoch.raw("group_context"))
        expect("group_context read", decode(GroupContext.read, context), described)
        joiner = derive_joiner_secret(suite, init_secret, epoch.raw("commit_secret"), context)
        expect("joiner_secret", joiner, epoch.raw("joiner_secret"))
        new = derive_epoch(suite, joiner, epoch.raw("psk_secret"), context)
        for welcome_secret in (new.welcome_secret, derive_welcome_secret(suite, joiner, epoch.raw("psk_secret"))):
            expect("welcome_secret", welcome_secret, epoch.raw("welcome_secret"))
        expect("encryption_secret", new.encryption_secret, epoch.raw("encryption_secret"))
        for name in _SECRETS:
            expect(name, getattr(new.secrets, name), epoch.raw(name))
        expect("external_pub", suite.derive_key_pair(new.secrets.external_secret).public, epoch.raw("external_pub"))
        asked = epoch.part("exporter")
        exported = export(suite, new.secrets.exporter_secret, asked["label"], asked.raw("context"), asked["length"])
        expect("exporter", exported, asked.raw("secret"))
        init_secret = new.secrets.init_secret


def psk_secrets(case: Case) -> None:
    """External PSKs, in order."""
    suite = case.suite
    psks = [(PreSharedKeyID(ExternalPSK(psk.raw("psk_id")), psk.raw("psk_nonce")), psk.raw("psk")) for psk in case.parts("psks")]
    expect("psk_secret", psk_secret(suite, psks), case.raw("psk_secret"))


def secret_tree(case: Case) -> None:
    """Every key of every leaf, from the tree that deletes: none is given twice."""
    suite, asked = case.suite, case.part("sender_data")
    key, nonce = sender_data_key(suite, asked.raw("sender_data_secret"), asked.raw("ciphertext"))
    expect("sender data", (key, nonce), (asked.raw("key"), asked.raw("nonce")))
    tree = SecretTree(suite, len(case["leaves"]), case.raw("encryption_secret"), Windows(handshake_gap=Windows().application_gap))
    for leaf, generations in enumerate(case["leaves"]):
        for fields in reversed(generations):  # the last one straight away, then those that it skipped
            _generation(tree, leaf, Case(fields))


def _generation(tree: SecretTree, leaf: int, asked: Case) -> None:
    generation = asked["generation"]
    for kind, name in ((ContentType.COMMIT, "handshake"), (ContentType.APPLICATION, "application")):
        step = tree.reach(leaf, kind, generation)
        expect(f"{name} key of leaf {leaf}", (step.key.key, step.key.nonce), (asked.raw(f"{name}_key"), asked.raw(f"{name}_nonce")))
        tree.settle(step)
        try:
            tree.reach(leaf, kind, generation)
        except ReplayError:
            continue
        raise Mismatch(f"the {name} key of leaf {leaf} is given twice")


def transcript_hashes(case: Case) -> None:
    """The two hashes of a commit, and its confirmation tag."""
    suite = case.suite
    commit = decode(AuthenticatedContent.read, case.raw("authenticated_content"))
    confirmed = confirmed_transcript_hash(suite, case.raw("interim_transcript_hash_before"), commit.confirmed_input)
    expect("confirmed_transcript_hash_after", confirmed, case.raw("confirmed_transcript_hash_after"))
    tag = confirmation_tag(suite, case.raw("confirmation_key"), confirmed)
    expect("confirmation_tag", tag, commit.confirmation_tag)
    expect("interim_transcript_hash_after", interim_transcript_hash(suite, confirmed, tag), case.raw("interim_transcript_hash_after"))
