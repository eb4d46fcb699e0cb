"""Somebody is not there, for a while: nothing is lost, nothing comes twice, the order of each sender holds."""

from __future__ import annotations

from connexa.node.views import MessageState
from connexa.testing import Device, World

ALICE, BOB = "alice@a.example", "bob@b.example"


async def friends(world: World) -> tuple[Device, Device]:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    await world.befriend(alice, bob)
    return alice, bob


async def send_many(device: Device, to: str, texts: list[str]) -> list[str]:
    return [(await device.node.send("", to, text)).id for text in texts]


async def test_the_recipient_is_offline_and_then_online(world: World) -> None:
    alice, bob = await friends(world)
    await bob.stop()
    texts = [f"while you were away {number}" for number in range(20)]
    sent = await send_many(alice, BOB, texts)
    info = await alice.until_state(sent[-1], MessageState.ACCEPTED)
    assert info.path == "server"
    await bob.start()
    await bob.until_text(ALICE, texts[-1])
    assert bob.texts(ALICE)[-20:] == texts
    await alice.until_state(sent[-1], MessageState.DELIVERED)


async def test_the_sender_is_offline_and_its_outbox_waits(world: World) -> None:
    alice, bob = await friends(world)
    world.network.cut(alice.name, "a.example")
    sent = await send_many(alice, BOB, ["one", "two", "three"])
    assert alice.node.message("", sent[0]).message.state == MessageState.QUEUED
    await alice.stop()
    await alice.start()
    world.network.heal(alice.name, "a.example")
    await bob.until_text(ALICE, "three")
    assert bob.texts(ALICE)[-3:] == ["one", "two", "three"]


async def test_each_homeserver_is_restarted(world: World) -> None:
    alice, bob = await friends(world)
    for domain in ("a.example", "b.example"):
        await world.houses[domain].stop()
        sent = await send_many(alice, BOB, [f"{domain} is down {number}" for number in range(5)])
        await world.houses[domain].start()
        await bob.until_text(ALICE, f"{domain} is down 4")
        await alice.until_state(sent[-1], MessageState.DELIVERED)
    assert bob.texts(ALICE)[-10:] == [f"{domain} is down {number}" for domain in ("a.example", "b.example") for number in range(5)]


async def test_the_network_between_the_homeservers_is_cut(world: World) -> None:
    alice, bob = await friends(world)
    world.network.cut("a.example", "b.example")
    sent = await send_many(alice, BOB, ["over the cut"])
    await alice.until_state(sent[0], MessageState.ACCEPTED)  # durable at a.example
    assert "over the cut" not in bob.texts(ALICE)
    world.network.heal("a.example", "b.example")
    await bob.until_text(ALICE, "over the cut")


async def test_connections_are_lost_again_and_again_in_both_directions(world: World) -> None:
    alice, bob = await friends(world)
    dice = world.rng.choices()
    theirs, ours = [f"from alice {number}" for number in range(60)], [f"from bob {number}" for number in range(60)]
    for number in range(60):
        await alice.node.send("", BOB, theirs[number])
        await bob.node.send("", ALICE, ours[number])
        if dice.random() < 0.3:
            world.network.drop(dice.choice([alice.name, bob.name]))
    await bob.until_text(ALICE, theirs[-1])
    await alice.until_text(BOB, ours[-1])
    assert bob.texts(ALICE)[-60:] == theirs
    assert alice.texts(BOB)[-60:] == ours


async def test_a_slow_network_only_makes_it_slow(world: World) -> None:
    alice, bob = await friends(world)
    world.network.delay(alice.name, "a.example", 0.05)
    world.network.delay("a.example", "b.example", 0.05)
    world.network.delay(bob.name, "b.example", 0.05)
    texts = [f"slowly {number}" for number in range(10)]
    await send_many(alice, BOB, texts)
    await bob.until_text(ALICE, texts[-1])
    assert bob.texts(ALICE)[-10:] == texts
