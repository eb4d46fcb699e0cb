"""What is kept of a group: the store holds what the object holds, small parts change with messages, broken states are refused."""

from __future__ import annotations

import pytest

from connexa.errors import IntegrityError, NotFoundError
from connexa.mls import Group, MemoryStore, Rules
from tests.mls.people import AUTH, NOW, Person, deliver, package, party


class Counting(MemoryStore):
    """Remembers what each call changed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[dict[str, bytes | None]] = []

    def save(self, group_id, changed):
        self.calls.append(dict(changed))
        super().save(group_id, changed)


def with_store(person: Person) -> Counting:
    store = Counting()
    person.store = person.begun["store"] = store
    person.group = Group.load(person.group.dump(), **person.begun)
    store.calls.clear()
    return store


def test_each_operation_saves_once_and_what_it_changed():
    alice, bob, carol = party("alice", "bob", "carol")
    store = with_store(bob)

    def saved(work) -> set[str]:
        """The parts that the one call of this operation changed; the store then holds what the object holds."""
        store.calls.clear()
        work()
        assert len(store.calls) == 1
        bob.reopen()
        return set(store.calls[0])

    def kinds(names: set[str]) -> set[str]:
        return {name.split(" ")[0] for name in names}

    assert kinds(saved(lambda: bob.group.encrypt(b"hello"))) == {"key"}
    message = alice.group.encrypt(b"hello")
    assert kinds(saved(lambda: bob.group.process(message, now=NOW))) == {"key"}
    proposal = carol.group.propose_update(now=NOW, wire="public")
    assert kinds(saved(lambda: bob.group.process(proposal, now=NOW))) == {"proposal"}
    assert kinds(saved(lambda: bob.group.propose_update(now=NOW))) == {"proposal", "key"}
    late = alice.group.encrypt(b"late")
    staged = carol.group.commit(update=True, now=NOW)
    event = bob.group.process(staged.commit, now=NOW)
    assert kinds(saved(lambda: bob.group.merge(event.commit, now=NOW))) == {"epoch", "key", "past", "proposal", "resumption"}
    assert kinds(saved(lambda: bob.group.process(late, now=NOW))) == {"past"}


def test_messages_do_not_write_the_tree():
    people = party(*(f"p{number}" for number in range(40)))
    store = with_store(people[0])
    whole = len(people[0].group.dump())
    for message in range(5):
        people[0].group.encrypt(b"%d" % message)
    largest = max(sum(len(part or b"") for part in call.values()) for call in store.calls)
    assert largest < whole / 10


def test_a_group_that_is_not_there():
    with pytest.raises(NotFoundError) as unknown:
        Group.open(b"nowhere", auth=AUTH, store=MemoryStore())
    assert unknown.value.code == "mls.group_unknown"


def test_broken_states_are_refused():
    alice, bob = party("alice", "bob")
    alice.group.process(bob.group.propose_update(now=NOW), now=NOW)
    deliver(bob, bob.group.commit(update=True, by_ref=(), now=NOW), (alice,))
    dump = alice.group.dump()
    for broken in (b"", b"\2" + dump[1:], *(dump[:length] for length in range(0, len(dump), 97)), dump + b"\0"):
        with pytest.raises(IntegrityError) as refused:
            Group.load(broken, auth=AUTH, store=MemoryStore())
        assert refused.value.code == "mls.state_broken"
    parts = dict(alice.store.groups[b"group"])
    for name, part in (
        ("epoch", b""),
        ("epoch", b"\7" + parts["epoch"][1:]),
        ("epoch", parts["epoch"][:-40]),
        ("past 1 ", parts["past 1 "][:-40]),
    ):
        store = MemoryStore()
        store.groups[b"group"] = parts | {name: part}
        with pytest.raises(IntegrityError):
            Group.open(b"group", auth=AUTH, store=store)


def test_broken_staged_commits_are_refused():
    alice, bob = party("alice", "bob")
    kept = alice.group.dump_staged(alice.group.commit(add=[package(Person("carol").bundle())], now=NOW))
    for broken in (b"", b"\2" + kept[1:], *(kept[:length] for length in range(0, len(kept), 61))):
        with pytest.raises(IntegrityError):
            alice.group.load_staged(broken)
    assert bob.group.load_staged(kept).base == bob.group.epoch_authenticator  # a name of the epoch, no secret of ours


def test_a_loaded_dump_takes_the_place_of_what_is_stored():
    alice, bob = party("alice", "bob")
    old = alice.group.dump()
    deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    alice.group = Group.load(old, **alice.begun)
    alice.reopen()
    assert alice.group.epoch == 1


def test_fewer_epochs_are_kept_when_the_rules_say_so():
    alice, bob = party("alice", "bob", rules=Rules(past_epochs=1, resumption_epochs=2))
    for _ in range(5):
        deliver(alice, alice.group.commit(update=True, now=NOW), (bob,))
    kept = {name.partition(" ")[0]: name for name in alice.store.groups[b"group"]}
    assert kept["past"].startswith("past 5")
    assert {name for name in alice.store.groups[b"group"] if name.startswith("resumption")} == {"resumption 4", "resumption 5"}
    alice.reopen()
