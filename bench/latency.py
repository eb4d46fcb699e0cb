"""How long a message takes from `send` on one node to its place in the other's log: real processes, TLS, disks, on this machine.

Light load: one message after the other, each sent some time after the one before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from connexa.cli.demo.device import Device
from connexa.cli.demo.stage import Person, person_at, raised_stage, register

from .row import Row, percentile

MESSAGES = 100
WARM_UP = 20  # messages that are sent first and not counted
PAUSE_SECONDS = 0.2
PROMISED_LOCAL_MS = 20.0
PROMISED_FEDERATED_MS = 40.0


def rows() -> Iterator[Row]:
    """Measure within a domain and between two."""
    with raised_stage(lambda line: print(line, file=sys.stderr)) as stage:
        carol = person_at(stage.root, "carol", stage.alice.server)
        try:
            carol.laptop.program.start().await_ready()
            register(carol)
            yield from _measure("local", stage.alice, carol, PROMISED_LOCAL_MS)
        finally:
            carol.laptop.end()
        yield from _measure("federated", stage.alice, stage.bob, PROMISED_FEDERATED_MS)


def _measure(name: str, sender: Person, recipient: Person, promised: float) -> Iterator[Row]:
    sender.laptop.node.post("/api/messages/send", to=recipient.address, text="May I?")
    recipient.laptop.node.post("/api/requests/accept", request=recipient.laptop.until_request()["id"])
    sender.laptop.until_contact(recipient.address)
    begun = {}
    for number in range(-WARM_UP, MESSAGES):
        begun[f"{name} {number}"] = time.time()
        sender.laptop.node.post("/api/messages/send", to=recipient.address, text=f"{name} {number}")
        time.sleep(PAUSE_SECONDS)
    recipient.laptop.until_text(sender.address, f"{name} {MESSAGES - 1}")
    taken = [1000 * (one["received"] - begun[one["text"]]) for one in _log(recipient.laptop, sender.address)[-MESSAGES:]]
    if len(taken) != MESSAGES:
        raise RuntimeError(f"{len(taken)} of {MESSAGES} messages arrived")
    yield Row.measured(f"latency.{name}.p50", percentile(taken, 50), "ms", promised)
    yield Row.measured(f"latency.{name}.p99", percentile(taken, 99), "ms")


def _log(device: Device, address: str) -> list[dict[str, Any]]:
    conversation = device.conversation(address) or {}
    found: list[dict[str, Any]] = device.node.get(f"/api/messages/{conversation['id']}", limit=500)["items"]
    return found
