"""The passive-client kinds: a member that joins by a Welcome, and follows what the others propose and commit."""

from __future__ import annotations

from connexa.mls.conformance.case import Case, Mismatch, expect, optional_bytes
from connexa.mls.events import ProposalStored, Staged
from connexa.mls.framing import MLSMessage
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.nodes import Credential, LeafNode
from connexa.mls.store import MemoryStore

__all__ = ["passive_client"]


def passive_client(case: Case) -> None:
    """Epoch after epoch, the same as everybody else; every check of a join and of a commit is made."""
    bundle = _bundle(case)
    now = _clock(bundle.key_package)
    store = MemoryStore({psk.raw("psk_id"): psk.raw("psk") for psk in case.parts("external_psks")})
    tree = optional_bytes(case["ratchet_tree"])
    group = Group.join(case.raw("welcome"), bundle, auth=_Anybody(), store=store, ratchet_tree=tree, now=now)
    expect("initial_epoch_authenticator", group.epoch_authenticator, case.raw("initial_epoch_authenticator"))
    for number, epoch in enumerate(case.parts("epochs")):
        for proposal in epoch["proposals"]:
            if not isinstance(group.process(bytes.fromhex(proposal), now=now), ProposalStored):
                raise Mismatch(f"a proposal of epoch {number} is none")
        event = group.process(epoch.raw("commit"), now=now)
        if not isinstance(event, Staged):
            raise Mismatch(f"the commit of epoch {number} begins none")
        group.merge(event.commit, now=now)
        expect(f"epoch_authenticator of epoch {number}", group.epoch_authenticator, epoch.raw("epoch_authenticator"))


def _bundle(case: Case) -> KeyPackageBundle:
    """The joiner's key package with its secret keys, which belong to it."""
    suite, package = case.suite, MLSMessage.decode(case.raw("key_package")).body
    if not isinstance(package, KeyPackage):
        raise Mismatch("the key package is none")
    init, encryption = (suite.load_key_pair(case.raw(name)) for name in ("init_priv", "encryption_priv"))
    signer = suite.load_signature_key(case.raw("signature_priv"))
    expect("init_key", init.public, package.init_key)
    expect("encryption_key", encryption.public, package.leaf_node.encryption_key)
    expect("signature_key", signer.public, package.leaf_node.signature_key)
    return KeyPackageBundle(package, init, encryption, signer)


def _clock(package: KeyPackage) -> int:
    """A time at which the joiner's key package held, and with it those made in the same hour: vectors are older than today."""
    lifetime = package.leaf_node.lifetime
    if lifetime is None:
        raise Mismatch("the key package has no lifetime")
    return (lifetime.not_before + lifetime.not_after) // 2


class _Anybody:
    """The authentication service that the vectors suppose: everybody is who they say, and a signature key is a client."""

    def validate(self, credential: Credential, signature_key: bytes, *, now: int) -> bool:
        return True

    def client(self, credential: Credential, signature_key: bytes) -> bytes:
        return signature_key

    def successor(self, old: LeafNode, new: LeafNode) -> bool:
        return True
