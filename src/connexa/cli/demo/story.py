"""What happens in the demo, and what each party saw of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from connexa.errors import IntegrityError

from .device import Device
from .server import Counts
from .stage import Person, Stage

__all__ = ["TEXTS", "Seen", "Step", "tell_story"]

REQUEST: Final = "Hello Bob, Alice here. Is the summer house free in May?"
ANSWER: Final = "Alice! It is, from the third on. Bring the green boat."
MESSAGE: Final = "Then we arrive on the fourth, with the boat and the dog."
TEXTS: Final = (REQUEST, ANSWER, MESSAGE)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one party saw."""

    party: str
    what: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened."""

    title: str
    seconds: float
    seen: list[Seen]


def tell_story(stage: Stage) -> Iterator[Step]:
    """Request, accept, answer, and a message to two devices while one of them is off."""
    yield _ask(stage)
    yield _accept(stage)
    yield _answer(stage)
    yield _write_to_a_phone_that_is_off(stage)
    yield _switch_on(stage)


class _Watched:
    """Measures a step: its time, and what the homeservers hold and carried meanwhile."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._begin = time.monotonic()
        self._before = {server.domain: server.counts() for server in stage.servers}

    def servers(self) -> list[Seen]:
        """What each homeserver saw since the beginning of the step."""
        return [Seen(server.domain, _describe(self._before[server.domain], server.counts())) for server in self._stage.servers]

    def step(self, title: str, seen: list[Seen]) -> Step:
        """The step, with its time."""
        return Step(title, time.monotonic() - self._begin, seen)


def _ask(stage: Stage) -> Step:
    watched, alice, bob = _Watched(stage), stage.alice, stage.bob
    sent = alice.laptop.node.post("/api/messages/send", to=bob.address, text=REQUEST)
    request = bob.laptop.until_request()
    opened = bob.laptop.node.get(f"/api/requests/{request['id']}")
    _expect(opened["texts"] == [REQUEST] and opened["address"] == alice.address, "the request holds Alice's words")
    seen = [
        Seen(alice.laptop.name, f"sent ({_state(alice.laptop, sent)})", REQUEST),
        *watched.servers(),
        Seen(bob.laptop.name, f"a request of somebody at {request['domain']}; opened, it is {opened['address']}", opened["texts"][0]),
    ]
    return watched.step("Alice asks: they are strangers, so it is a request", seen)


def _accept(stage: Stage) -> Step:
    watched, alice, bob = _Watched(stage), stage.alice, stage.bob
    request = bob.laptop.until_request()
    bob.laptop.node.post("/api/requests/accept", request=request["id"])
    for device, who in ((alice.laptop, bob), (alice.phone, bob), (bob.phone, alice)):
        device.until_contact(who.address)
    seen = [
        *watched.servers(),
        Seen(alice.laptop.name, "Bob is a contact, and gave the key to his door"),
        Seen(alice.phone.name, "knows it too"),
        Seen(bob.phone.name, "knows it too"),
    ]
    return watched.step("Bob accepts", seen)


def _answer(stage: Stage) -> Step:
    watched, alice, bob = _Watched(stage), stage.alice, stage.bob
    sent = bob.laptop.node.post("/api/messages/send", to=alice.address, text=ANSWER)
    shown = [_shown(device, bob, ANSWER) for device in (alice.laptop, alice.phone)]
    bob.phone.until_text(alice.address, ANSWER)
    info = bob.laptop.until_devices(sent["id"], "delivered", 2)
    seen = [
        Seen(bob.laptop.name, "sent", ANSWER),
        *watched.servers(),
        *shown,
        Seen(bob.phone.name, "has the copy of what the laptop sent", ANSWER),
        Seen(bob.laptop.name, f"receipts of both devices: {_times(info)}"),
    ]
    return watched.step("Bob answers: Alice's laptop and phone show it", seen)


def _write_to_a_phone_that_is_off(stage: Stage) -> Step:
    alice, bob = stage.alice, stage.bob
    bob.phone.end()
    watched = _Watched(stage)
    sent = alice.laptop.node.post("/api/messages/send", to=bob.address, text=MESSAGE)
    shown = _shown(bob.laptop, alice, MESSAGE)
    info = alice.laptop.until_devices(sent["id"], "delivered", 1)
    seen = [Seen(alice.laptop.name, "sent", MESSAGE), *watched.servers(), shown, Seen(alice.laptop.name, f"one receipt: {_times(info)}")]
    return watched.step("Alice writes while Bob's phone is off", seen)


def _switch_on(stage: Stage) -> Step:
    alice, bob = stage.alice, stage.bob
    watched = _Watched(stage)
    bob.phone.program.start().await_ready()
    shown = _shown(bob.phone, alice, MESSAGE)
    conversation = bob.phone.conversation(alice.address) or {}
    bob.phone.node.post("/api/conversations/read", conversation=conversation["id"])
    message = _last_of(alice.laptop, bob)
    alice.laptop.until_devices(message, "delivered", 2)
    info = alice.laptop.until_devices(message, "read", 1)
    seen = [shown, Seen(alice.laptop.name, f"receipts: {_times(info)}"), *watched.servers()]
    return watched.step("Bob's phone comes back and shows it; he reads it there", seen)


def _describe(before: Counts, after: Counts) -> str:
    """In words: envelopes by where they came from, and what waits; there is no more that it could tell."""
    taken = [
        (after.submitted - before.submitted, "on links without a login"),
        (after.remote - before.remote, "from the other domain"),
        (after.own - before.own, "between devices of one person"),
    ]
    words = [f"{count} sealed {where}" for count, where in taken if count]
    waiting = [f"{after.waiting} waiting in a mailbox, {after.waiting_bytes:,} bytes of ciphertext"] if after.waiting else []
    return "; ".join([*words, *waiting]) or "nothing"


def _shown(device: Device, sender: Person, text: str) -> Seen:
    message = device.until_text(sender.address, text)
    _expect(message["sender"] == sender.address, "the sender is who wrote it")
    return Seen(
        device.name,
        f"from {message['sender']}, {1000 * (message['received'] - message['sent']):.0f} ms after it was written",
        message["text"],
    )


def _last_of(device: Device, other: Person) -> str:
    conversation = device.conversation(other.address) or {}
    return str(conversation["last"]["id"])


def _state(device: Device, message: dict[str, Any]) -> str:
    return str(device.node.get(f"/api/message/{message['id']}")["message"]["state"])


def _times(info: dict[str, Any]) -> str:
    sent = info["message"]["sent"]
    return ", ".join(f"{state} after {1000 * (at - sent):.0f} ms" for state, at in sorted(info["states"].items(), key=lambda item: item[1]))


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise IntegrityError("demo.wrong", f"This should hold and does not: {what}.")
