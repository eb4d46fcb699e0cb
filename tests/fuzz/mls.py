"""Groups: what servers, members and strangers can send, at every door; and where signatures and seals would stop every mutation, what a
hostile member puts behind them.

A refusal leaves the state byte for byte as it was, in memory and in the store; what was accepted is undone before the next frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connexa.errors import ConnexaError
from connexa.mls.codec import V
from connexa.mls.content import encode_body
from connexa.mls.events import Staged
from connexa.mls.framing import MLSMessage, PublicMessage
from connexa.mls.group import Group
from connexa.mls.proposals import Remove, Update
from connexa.mls.public_group import PublicGroup
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.registry import ContentType
from connexa.mls.store import MemoryStore
from connexa.mls.welcome import Welcome, open_group_secrets
from tests.mls.hostile import Hostile, forge_package
from tests.mls.kit import AUTH, NOW, SUITE, Person, Room, seeded
from tests.mls.messages import every_kind

from .target import Target

_room = Room("alice", "bob", "carol", "dave", psks={b"psk": b"p" * 32}).warm()
_kinds = every_kind(_room)
_alice = Hostile(_room, "alice")
_newcomer = Person.make("newcomer", 90)
_bundle = _newcomer.bundle()
_signing = forge_package(_newcomer)

PROCESSED = frozenset(
    {
        "mls.malformed",
        "mls.crypto",
        "mls.epoch",
        "mls.stale",
        "mls.proposal_unknown",
        "mls.psk_missing",
        "mls.replayed",
        "mls.generation_gap",
    }
    | {"mls.suite_unsupported", "mls.policy"}
    | {f"mls.v{number:02}" for number in range(1, 47)}
)


class Reader:
    """Bob, who is given everything, and put back as he was whenever something was taken."""

    def __init__(self) -> None:
        self.before = _room["bob"].dump()
        self.restore()

    def restore(self) -> None:
        self.store = MemoryStore({b"psk": b"p" * 32})
        self.group = Group.load(self.before, auth=AUTH, store=self.store, rng=seeded(1))
        self.stored = {name: dict(parts) for name, parts in self.store.groups.items()}

    def process(self, message: bytes) -> None:
        try:
            event = self.group.process(message, now=NOW)
        except ConnexaError:
            assert self.group.dump() == self.before, "a refusal changed the state"
            assert self.store.groups == self.stored, "a refusal changed the store"
            raise
        if isinstance(event, Staged):
            assert self.group.dump() == self.before, "staging a commit changed the state"
            self.group.merge(event.commit, now=NOW)
        self.restore()


class Follower:
    """A server that follows the same group."""

    def __init__(self) -> None:
        self.group = PublicGroup.begin(_room["bob"].group_info(), auth=AUTH, now=NOW)
        self.before = self.group.dump()

    def process(self, message: bytes) -> None:
        try:
            self.group.process(message, now=NOW)
        except ConnexaError:
            assert self.group.dump() == self.before, "a refusal changed the state"
            raise
        self.group = PublicGroup.load(self.before, auth=AUTH)


_reader, _follower = Reader(), Follower()


def _read_message(raw: bytes) -> None:
    assert MLSMessage.decode(raw).encode() == raw, "what was read is not what was written"


def _join(raw: bytes, **how: Any) -> None:
    store = MemoryStore()
    try:
        Group.join(raw, _bundle, auth=AUTH, store=store, now=NOW, rng=seeded(2), **how)
    except ConnexaError:
        assert not store.groups
        raise


def _join_from_outside(raw: bytes) -> None:
    store = MemoryStore()
    Group.external_join(raw, _bundle, auth=AUTH, store=store, now=NOW, rng=seeded(3))
    assert not store.groups, "an external join was stored before it was merged"


def _add(raw: bytes) -> None:
    _reader.group.commit(add=[raw], now=NOW)
    assert _reader.group.dump() == _reader.before


# Behind signature and tag: a body of any bytes, said by a member


def _said(content_type: ContentType) -> Callable[[bytes], None]:
    context = _alice.context
    head = V(context.group_id) + context.epoch.to_bytes(8, "big") + b"\1" + _alice.leaf.to_bytes(4, "big") + V(b"")

    def read(raw: bytes) -> None:
        content = head + bytes((content_type,)) + raw
        tbs = b"\0\1\0\1" + content + context.encode()
        auth = V(SUITE.sign_with_label(_alice.epoch.signer, "FramedContentTBS", tbs))
        if content_type == ContentType.COMMIT:
            auth += V(_commit.confirmation_tag or b"")
        tag = SUITE.mac(_alice.epoch.secrets.membership_key, tbs + auth)
        _reader.process(b"\0\1\0\1" + content + auth + V(tag))

    return read


def _sealed(raw: bytes) -> None:
    _reader.process(_alice.say(b"", private=True, plaintext=raw))


def _joined_tree(raw: bytes) -> None:
    """A tree of any shape, under a GroupInfo that has its hash."""
    tree_hash = RatchetTree.decode(SUITE, raw).hash()
    _join(_alice.welcome(_bundle, encoded_tree=raw, context=lambda context: replace(context, tree_hash=tree_hash)))


def _joined_secrets(raw: bytes) -> None:
    """Group secrets of any bytes, sealed to the newcomer."""
    message = MLSMessage.decode(_welcome).body
    assert isinstance(message, Welcome)
    sealed = SUITE.encrypt_with_label(_bundle.key_package.init_key, "Welcome", message.encrypted_group_info, raw, _alice.rng)
    (entry,) = message.secrets
    entry = replace(entry, sealed=replace(entry.sealed, kem_output=sealed[0], ciphertext=sealed[1]))
    _join(MLSMessage(replace(message, secrets=(entry,))).encode())


def _signed_leaf(raw: bytes) -> None:
    """A leaf of any bytes, signed, in a key package that is signed."""
    signature = SUITE.sign_with_label(_newcomer.signer, "LeafNodeTBS", raw)
    leaf = raw + V(signature)
    package = b"\0\1\0\1" + V(_signing.key_package.init_key) + leaf + b"\0"
    _add(b"\0\1\0\5" + package + V(SUITE.sign_with_label(_newcomer.signer, "KeyPackageTBS", package)))


def _load(raw: bytes) -> None:
    Group.load(raw, auth=AUTH, store=MemoryStore(), rng=seeded(4))


_welcome = _alice.welcome(_bundle)
_staged = _room["bob"].commit(update=True, now=NOW)
_own_commit = MLSMessage.decode(_alice.commit(Remove(2))).body
assert isinstance(_own_commit, PublicMessage)
_commit = _own_commit.authenticated
_tree = _alice.tree
_tree.add(_bundle.key_package.leaf_node)
_opened = MLSMessage.decode(_welcome).body
assert isinstance(_opened, Welcome)
_secrets = open_group_secrets(SUITE, _opened, _bundle.key_package.ref(SUITE), _bundle.init_sk).encode()
_handshakes = tuple(_kinds[kind] for kind in ("public_proposal", "add_proposal", "public_commit", "new_member_proposal", "external_commit"))
_private = tuple(_kinds[kind] for kind in ("private_proposal", "private_commit", "application"))
_plaintext = encode_body(b"hello") + _alice.sign(b"hello", private=True).auth_data() + bytes(50)
_proposals = tuple(encode_body(proposal) for proposal in (Remove(2), Update(_alice.leaf_node())))


def _target(name: str, seeds: tuple[bytes, ...], read: Callable[[bytes], object], codes: frozenset[str] = PROCESSED) -> Target:
    return Target(f"mls.{name}", seeds, read, codes)


TARGETS = (
    _target("message", tuple(_kinds.values()), _read_message, frozenset({"mls.malformed", "mls.v42"})),
    _target("process", (*_handshakes, *_private), _reader.process),
    _target("follow", _handshakes, _follower.process),
    _target("welcome", (_welcome,), _join),
    _target("group_info", (_kinds["group_info"],), _join_from_outside),
    _target("key_package", (_kinds["key_package"],), _add),
    _target("said_proposal", _proposals, _said(ContentType.PROPOSAL)),
    _target("said_commit", (encode_body(_commit.content.body),), _said(ContentType.COMMIT)),
    _target("sealed_content", (_plaintext,), _sealed),
    _target("joined_tree", (_tree.encode(),), _joined_tree),
    _target("joined_secrets", (_secrets,), _joined_secrets),
    _target("signed_leaf", (_signing.key_package.leaf_node.tbs,), _signed_leaf),
    _target("state", (_reader.before,), _load, frozenset({"mls.state_broken"})),
    _target("followed_state", (_follower.before,), lambda raw: PublicGroup.load(raw, auth=AUTH), frozenset({"mls.state_broken"})),
    _target("staged", (_room["bob"].dump_staged(_staged),), _room["bob"].load_staged, frozenset({"mls.state_broken"})),
)
