"""An old copy of a store is put back: nobody does anything about it, and everything that was said is there in the end."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import msgspec

from connexa.node.settings import NodeSettings, RepairSettings
from connexa.testing import World
from connexa.testing.world import Device, House


async def copied(program: Device | House, name: str) -> Path:
    """Stop a program, copy its files, and start it again."""
    await program.stop()
    kept = program.world.directory / f"{name}.kept"
    shutil.copytree(program.world.directory / name, kept)
    await program.start()
    return kept


async def put_back(program: Device | House, name: str, kept: Path) -> None:
    """Stop a program, put its old files back, and start it with them."""
    await program.stop()
    shutil.rmtree(program.world.directory / name)
    shutil.copytree(kept, program.world.directory / name)
    await program.start()


async def two(world: World) -> tuple[Device, Device]:
    """Alice and Bob, contacts, who ask for what is missing without much delay."""
    (alice,) = await world.person("alice@a.example")
    (bob,) = await world.person("bob@b.example")
    for device in (alice, bob):
        device.settings = quick(device.settings)
        await device.stop()
        await device.start()
        await device.until_up()
    await world.befriend(alice, bob)
    return alice, bob


def quick(settings: NodeSettings) -> NodeSettings:
    return msgspec.structs.replace(settings, repair=RepairSettings(ask_after=0.3))


async def talk(one: Device, other: Device, words: str, rounds: int = 3) -> None:
    """Both speak in turn, so that the ratchet turns."""
    for number in range(rounds):
        for sender, receiver in ((one, other), (other, one)):
            text = f"{words} {number} of {sender.name}"
            await sender.node.send("", receiver.address, text)
            await receiver.until_text(sender.address, text)


def once(texts: list[str]) -> bool:
    return all(count == 1 for count in Counter(texts).values())


async def test_a_receiver_who_is_put_back_gets_everything_again(world: World) -> None:
    alice, bob = await two(world)
    await talk(alice, bob, "before")
    kept = await copied(bob, bob.name)
    await bob.until_up()
    await talk(alice, bob, "lost")
    world.clock.advance(120)
    await put_back(bob, bob.name, kept)
    for number in range(3):
        await bob.until_text(alice.address, f"lost {number} of alice-1")
    await talk(alice, bob, "after")
    assert once(bob.texts(alice.address))
    assert bob.node.conversation("", alice.address).missing == 0
    assert bob.node.account().undecryptable == alice.node.account().undecryptable == 0


async def test_what_a_sender_says_who_was_put_back_arrives(world: World) -> None:
    alice, bob = await two(world)
    await talk(alice, bob, "before")
    kept = await copied(alice, alice.name)
    await alice.until_up()
    await talk(alice, bob, "forgotten")
    await put_back(alice, alice.name, kept)
    sent = [await alice.node.send("", bob.address, f"anew {number}") for number in range(3)]
    for one in sent:
        await bob.until_text(alice.address, one.text)
        await alice.until_state(one.id, "delivered", "read")
    await talk(bob, alice, "after")
    assert once(bob.texts(alice.address))
    assert bob.node.account().undecryptable == 0


async def test_a_homeserver_that_was_put_back_takes_the_link_of_a_node_that_is_ahead(world: World) -> None:
    alice, bob = await two(world)
    house = world.houses["b.example"]
    kept = await copied(house, house.domain)
    await bob.until_up()
    await talk(alice, bob, "ahead", rounds=4)
    await put_back(house, house.domain, kept)
    world.write_discovery()
    await alice.node.send("", bob.address, "hello again")
    await bob.until_text(alice.address, "hello again")
    assert bob.node.account().link == "up"
    assert once(bob.texts(alice.address))


async def test_a_device_whose_list_was_never_seen_is_found_and_heard(world: World) -> None:
    alice, bob = await two(world)
    await bob.stop()
    await world.linked(alice, "alice-2")
    third = await world.linked(alice, "alice-3")
    await third.until_contact(bob.address)
    mailbox = world.houses["b.example"].server.writer
    await mailbox.run(lambda execute: execute("DELETE FROM mailbox"))  # the lists that Alice has told Bob of are lost
    for number in range(3):
        sent = await third.node.send("", bob.address, f"from a new device {number}")
        await third.until_state(sent.id, "accepted")
    world.clock.advance(30)
    await bob.start()
    for number in range(3):
        await bob.until_text(alice.address, f"from a new device {number}")
    assert bob.node.account().undecryptable == 0
