"""Groups that live long and change often, in every kind of message, with restarts in between."""

from __future__ import annotations

from random import Random

import pytest

from connexa.mls import Removed, Rules, get_suite
from tests.mls.people import NOW, Person, agree, package, party


def everybody_processes(message: bytes, people: list[Person], author: Person) -> None:
    for person in people:
        if person is not author:
            person.group.process(message, now=NOW)


@pytest.mark.parametrize("wire", ["private", "public"])
def test_a_group_grows_and_shrinks_past_powers_of_two(wire):
    people = party("p0")
    for target in (9, 3, 17, 1, 5):
        while len(people) != target:
            author = people[len(people) // 2]
            if len(people) < target:
                newcomer = Person(f"p{len(people)}-{target}")
                bundle = newcomer.bundle()
                staged = author.group.commit(add=[package(bundle)], wire=wire, force_path=len(people) % 3 == 0, now=NOW)
                newcomers = [(newcomer, bundle)]
            else:
                gone = next(person for person in reversed(people) if person is not author)
                staged = author.group.commit(remove=[gone.group.own_leaf], wire=wire, now=NOW)
                assert isinstance(gone.group.process(staged.commit, now=NOW), Removed)
                people.remove(gone)
                newcomers = []
            for person in people:
                commit = staged if person is author else person.group.process(staged.commit, now=NOW).commit
                person.group.merge(commit, now=NOW)
            for newcomer, bundle in newcomers:
                newcomer.join(staged.welcome, bundle)
                people.append(newcomer)
            agree(*people)


def test_two_hundred_epochs_of_everything():
    random = Random(7)
    rules = Rules(past_epochs=2)
    people = party(*(f"p{number}" for number in range(6)), rules=rules)
    names = 6
    for epoch in range(200):
        author = random.choice(people)
        wire = random.choice(("private", "public"))
        newcomers = []
        for proposer in random.sample(people, random.randrange(3)):
            if random.random() < 0.5:
                message = proposer.group.propose_update(now=NOW, wire=wire)
            else:
                newcomer = Person(f"p{names}", rules=rules)
                names += 1
                bundle = newcomer.bundle()
                newcomers.append((newcomer, bundle))
                message = proposer.group.propose_add(package(bundle), now=NOW, wire=wire)
            everybody_processes(message, people, proposer)
        gone = random.sample([one for one in people if one is not author], max(0, min(2, len(people) - 5)))
        staged = author.group.commit(remove=[one.group.own_leaf for one in gone], update=random.random() < 0.5, wire=wire, now=NOW)
        late = [(one, one.group.encrypt(b"late")) for one in random.sample(people, 2)]
        for person in list(people):
            if person in gone:
                assert isinstance(person.group.process(staged.commit, now=NOW), Removed)
                people.remove(person)
                continue
            person.group.merge(staged if person is author else person.group.process(staged.commit, now=NOW).commit, now=NOW)
            if random.random() < 0.1:
                person.reopen()
        for sender, message in late:
            for person in people:
                if person is not sender:
                    assert person.group.decrypt(message, now=NOW).data == b"late"
        for newcomer, bundle in newcomers:
            newcomer.join(staged.welcome, bundle)
            people.append(newcomer)
        if epoch % 10 == 0:
            agree(*people)
    agree(*people)
    assert people[0].group.epoch == 201


@pytest.mark.parametrize("suite", [2, 0xF647])
def test_other_suites_live_on_too(suite):
    people = party(*(f"p{number}" for number in range(5)), suite=suite)
    assert people[0].group.suite is get_suite(suite, experimental=True)
    for author in people:
        everybody_processes(author.group.propose_update(now=NOW), people, author)
        committer = people[(people.index(author) + 1) % len(people)]
        staged = committer.group.commit(now=NOW)
        assert staged.updated == (author.group.own_leaf,)
        for person in people:
            person.group.merge(staged if person is committer else person.group.process(staged.commit, now=NOW).commit, now=NOW)
        author.reopen()
        agree(*people)
