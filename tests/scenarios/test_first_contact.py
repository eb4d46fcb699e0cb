"""Two people who do not know each other yet: the request, its answers, and what nobody else gets to see."""

from __future__ import annotations

import pytest

from connexa.errors import NotFoundError
from connexa.node.views import ContactState, MessageState
from connexa.testing import World

ALICE, BOB, CAROL = "alice@a.example", "bob@b.example", "carol@a.example"


async def test_a_request_is_accepted_and_both_can_write(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    sent = await alice.node.send("", BOB, "good day, it is Alice")
    request = await bob.until_request()
    assert (request.domain, request.address, request.texts) == ("a.example", "", [])  # the list shows domain and time alone
    opened = bob.node.request("", request.id)
    assert (opened.address, opened.texts) == (ALICE, ["good day, it is Alice"])
    info = await alice.until_state(sent.id, MessageState.ACCEPTED)
    assert info.message.state == MessageState.ACCEPTED  # no receipt before it is accepted
    await bob.node.accept_request("", request.id)
    await alice.until_contact(BOB)
    await alice.until_state(sent.id, MessageState.DELIVERED)
    answer = await bob.node.send("", ALICE, "good day to you")
    await alice.until_text(BOB, "good day to you")
    await bob.until_state(answer.id, MessageState.DELIVERED)
    await alice.node.mark_read("", alice.node.conversations()[0].id)
    await bob.until_state(answer.id, MessageState.READ)
    assert bob.texts(ALICE) == ["good day, it is Alice"]


async def test_what_was_written_before_the_answer_arrives_after_it_in_order(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    texts = [f"line {number}" for number in range(5)]
    for text in texts:
        await alice.node.send("", BOB, text)
    request = await bob.until_request()
    await bob.node.accept_request("", request.id)
    await bob.until_text(ALICE, texts[-1])
    assert bob.texts(ALICE) == texts


async def test_a_rejected_request_tells_nothing_to_the_one_who_asked(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    sent = await alice.node.send("", BOB, "let me in")
    request = await bob.until_request()
    await bob.node.reject_request("", request.id)
    info = await alice.until_state(sent.id, MessageState.ACCEPTED)
    assert info.devices == [] or all(one.state != MessageState.DELIVERED for one in info.devices)
    assert bob.node.requests() == []
    with pytest.raises(NotFoundError):
        bob.node.request("", request.id)


async def test_crossing_requests_accept_each_other(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    world.network.cut("a.example", "b.example")
    await alice.node.send("", BOB, "from alice")
    await bob.node.send("", ALICE, "from bob")
    world.network.heal("a.example", "b.example")
    await alice.until_contact(BOB)
    await bob.until_contact(ALICE)
    await alice.until_text(BOB, "from bob")
    await bob.until_text(ALICE, "from alice")
    assert alice.node.requests() == []
    assert bob.node.requests() == []


async def test_an_invite_opens_the_door_by_itself(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    invite = await bob.node.create_invite("", uses=1, days=1)
    await alice.node.accept_invite("", invite.text)
    await alice.node.send("", BOB, "you invited me")
    await bob.until_text(ALICE, "you invited me")
    assert bob.node.requests() == []
    await alice.until_contact(BOB)


async def test_two_people_of_one_domain_need_no_federation(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (carol,) = await world.person(CAROL)
    world.network.cut("a.example", "b.example")
    await world.befriend(alice, carol)
    await carol.node.send("", ALICE, "next door")
    await alice.until_text(CAROL, "next door")


async def test_a_stranger_who_is_unknown_is_answered_as_one_who_is_not_to_be_found(world: World) -> None:
    (alice,) = await world.person(ALICE)
    sent = await alice.node.send("", "nobody@b.example", "hello?")
    info = await alice.until_state(sent.id, MessageState.REFUSED)
    assert info.message.reason == "directory.unavailable"


async def test_a_blocked_contact_gets_no_further(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    await world.befriend(alice, bob)
    await bob.node.block_contact("", ALICE)
    blocked = bob.node.contact("", ALICE)
    assert blocked.state == ContactState.BLOCKED
    await alice.node.send("", BOB, "are you there?")
    (carol,) = await world.person(CAROL)
    await world.befriend(carol, bob)  # passes the same ways, later
    assert "are you there?" not in bob.texts(ALICE)


async def test_both_sides_see_the_same_safety_number(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    await world.befriend(alice, bob)
    digits = alice.node.safety_number("", BOB).digits
    assert digits == bob.node.safety_number("", ALICE).digits
    assert len(digits.replace(" ", "")) == 60
