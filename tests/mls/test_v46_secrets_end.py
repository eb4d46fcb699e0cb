"""V46 (RFC 9420 §8, §9.2): exports, authenticators and resumption keys are those of the epochs that are kept; whatever is used once is gone
after its use, from the group, from its dump and from the store."""

from __future__ import annotations

import pytest

from connexa.mls import EpochError
from connexa.mls import key_schedule as schedule
from connexa.mls.framing import MLSMessage
from connexa.mls.policy import Rules
from connexa.mls.welcome import Welcome, open_group_secrets
from tests.mls.kit import NOW, SUITE, Person, Room, refused
from tests.mls.walk import leaked

NAMES = ("alice", "bob", "carol", "dave")
KEPT_ALL_EPOCH = ("sender_data_secret", "exporter_secret", "external_secret", "confirmation_key", "membership_key", "init_secret")


def secrets_of(room: Room, name: str) -> dict[str, bytes]:
    held = room[name]._state.epoch.secrets
    return {field: getattr(held, field) for field in held.__slots__}


def traces(room: Room, name: str) -> tuple:
    """Wherever a secret could still lie."""
    return room[name], room[name].dump(), room.people[name].store.groups


def test_the_walk_finds_what_is_there() -> None:
    room = Room(*NAMES).warm()
    for name in NAMES:
        held = secrets_of(room, name)
        assert len(leaked(held.values(), room[name])) == len(held)
        assert len(leaked(held.values(), room[name].dump())) == len(held)
        assert len(leaked(held.values(), room.people[name].store.groups)) == len(held)
        path = room[name]._state.epoch.path
        keys = [path.leaf_key.raw, *(key.raw for key in path.node_keys.values())]
        assert len(leaked(keys, room[name])) == len(keys)


@pytest.mark.parametrize("wire", ["public", "private"])
def test_an_epochs_secrets_end_with_it(wire) -> None:
    room = Room(*NAMES).warm()
    old = {name: secrets_of(room, name) for name in NAMES}
    room.commit("alice", update=True, wire=wire)
    for name in NAMES:
        gone = [secret for field, secret in old[name].items() if field in KEPT_ALL_EPOCH and field != "sender_data_secret"]
        assert not leaked(gone, *traces(room, name)), name
    for _ in range(3):
        room.commit("bob", update=True, wire=wire)
    for name in NAMES:
        gone = [secret for field, secret in old[name].items() if field != "resumption_psk"]
        assert not leaked(gone, *traces(room, name)), name


def test_what_a_commit_uses_once_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every input and output of the key schedule that is not an epoch's own secret: commit, joiner, welcome, encryption and PSK secrets."""
    room = Room(*NAMES, psks={b"one": b"1" * 32}).warm()
    used: list[bytes] = []
    suite = type(SUITE)
    extract, derive = suite.extract, suite.derive_secret

    def spying_extract(self, salt: bytes, ikm: bytes) -> bytes:
        out = extract(self, salt, ikm)
        used.extend(one for one in (ikm, out) if one.strip(b"\0"))
        return out

    def spying_derive(self, secret: bytes, label: str) -> bytes:
        out = derive(self, secret, label)
        if label in ("path", "node", "welcome", "encryption"):
            used.extend((secret, out))
        return out

    monkeypatch.setattr(suite, "extract", spying_extract)
    monkeypatch.setattr(suite, "derive_secret", spying_derive)
    newcomer = Person.make("erin", 9)
    newcomer.store.psks[b"one"] = b"1" * 32
    bundle = newcomer.bundle()
    staged = room.commit("alice", update=True, add=[bundle.key_package], psk=[b"one"])
    room.people["erin"], room.groups["erin"] = newcomer, newcomer.join(staged.welcome, bundle)
    monkeypatch.undo()
    del staged
    used = [secret for secret in used if secret != b"1" * 32]
    assert len(used) > 20
    for name in room.groups:
        own = {getattr(room[name]._state.epoch.secrets, field) for field in room[name]._state.epoch.secrets.__slots__}
        node_keys = {key.raw for key in room[name]._state.epoch.path.node_keys.values()}
        # The root of the secret tree lives until the first message of the epoch splits it: that is its use.
        roots = set(room[name]._state.epoch.ratchets._nodes.values())
        assert not leaked(set(used) - own - node_keys - roots, *traces(room, name)), name


def test_the_root_of_the_message_keys_goes_with_the_first_message() -> None:
    room = Room(*NAMES).warm()
    roots = {name: list(room[name]._state.epoch.ratchets._nodes.values()) for name in NAMES}
    room.deliver("bob", room["bob"].encrypt(b"hello"))
    for name in NAMES:
        assert not leaked(roots[name], *traces(room, name)), name


def test_a_used_init_key_opens_nothing_twice() -> None:
    room = Room(*NAMES)
    newcomer = Person.make("erin", 9)
    bundle = newcomer.bundle()
    staged = room["alice"].commit(add=[bundle.key_package], now=NOW)
    group = newcomer.join(staged.welcome, bundle)
    welcome = MLSMessage.decode(staged.welcome).body
    assert isinstance(welcome, Welcome)
    joiner = open_group_secrets(SUITE, welcome, bundle.key_package.ref(SUITE), bundle.init_sk).joiner_secret
    assert not leaked([bundle.init_sk.raw, joiner], group, group.dump(), newcomer.store.groups)
    assert leaked([bundle.enc_sk.raw], group)


def test_resumption_keys_of_the_last_epochs_and_no_others() -> None:
    room = Room("alice", "bob", rules=Rules(resumption_epochs=3))
    keys = {room["bob"].epoch: room["bob"].resumption_psk(room["bob"].epoch)}
    for _ in range(6):
        room.commit("alice", update=True)
        keys[room["bob"].epoch] = room["bob"].resumption_psk(room["bob"].epoch)
    now = room["bob"].epoch
    for name in ("alice", "bob"):
        for epoch, key in keys.items():
            if epoch >= now - 3:
                assert room[name].resumption_psk(epoch) == key
            else:
                with refused(room[name], rule="V25", error=EpochError):
                    room[name].resumption_psk(epoch)
                assert not leaked([key], *traces(room, name))
        for epoch in (now + 1, 2**64 - 1):
            with refused(room[name], rule="V25", error=EpochError):
                room[name].resumption_psk(epoch)


def test_exports_are_of_the_current_epoch_alone() -> None:
    room = Room(*NAMES)
    before = room["bob"].export("label", b"context", 32)
    assert before == room["alice"].export("label", b"context", 32)
    assert before not in {room["bob"].export("other", b"context", 32), room["bob"].export("label", b"", 32)}
    assert schedule.export(SUITE, secrets_of(room, "bob")["exporter_secret"], "label", b"context", 32) == before
    room.commit("alice", update=True)
    assert room["bob"].export("label", b"context", 32) != before
    assert not leaked([before], *traces(room, "bob"))


def test_after_every_message_nothing_that_was_used_is_left() -> None:
    """A conversation, with a walk after each message: no key that has opened or sealed something is anywhere."""
    room = Room("alice", "bob", "carol")
    spy = room.people["carol"].restarted(room["carol"])
    gone: dict[str, list[bytes]] = {name: [] for name in room.groups}
    generations = dict.fromkeys(room.groups, 0)
    for turn in range(12):
        name = ("alice", "bob", "bob", "carol")[turn % 4]
        ratchets = spy._state.epoch.ratchets
        step = ratchets.reach(room.leaf(name), 1, generations[name])
        generations[name] += 1
        room.deliver(name, room[name].encrypt(b"%d" % turn))
        for who in room.groups:
            gone[who].append(step.key.key)
            assert not leaked(gone[who], *traces(room, who)), (turn, who)
        if turn == 6:
            room.commit("alice", update=True)
            spy = room.people["carol"].restarted(room["carol"])
            generations = dict.fromkeys(room.groups, 0)
