"""How soon a new device is of use, and how soon all of the history is on it: real nodes and a homeserver on this machine.

The old device's log is filled by the node's own functions while its program is down; everything behind that goes the way of every linking:
code, digits, mailbox, ratchet. Time runs from the moment in which the digits are typed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

from connexa.cli.client import segment
from connexa.cli.demo.device import Device
from connexa.cli.demo.stage import person_at, raised_stage, register
from connexa.testing import fill_log

from .row import Row

MESSAGES = 10_000
PEOPLE = 20
PAGE = 50
LOOK_EVERY = 0.02
LONGEST = 120.0
PROMISED_USABLE_S = 2.0
PROMISED_COMPLETE_S = 30.0


def rows() -> Iterator[Row]:
    """Link one device with ten thousand messages of history."""
    with raised_stage(lambda line: print(line, file=sys.stderr)) as stage:
        carol = person_at(stage.root, "carol", stage.alice.server)
        old, new = carol.laptop, carol.phone
        try:
            old.program.start().await_ready()
            register(carol)
            old.end()
            fill_log(old.program.home, MESSAGES, people=PEOPLE, now=time.time())
            old.program.start().await_ready()
            old.until_active()
            new.program.start().await_ready()
            begun = _link(carol.address, old, new)
            yield Row.measured("linking.usable_s", _until(lambda: _usable(new)) - begun, "s", PROMISED_USABLE_S)
            yield Row.measured("linking.complete_s", _until(lambda: _complete(new)) - begun, "s", PROMISED_COMPLETE_S)
            if _held(new) != MESSAGES:
                raise RuntimeError(f"{_held(new)} of {MESSAGES} messages came")
        finally:
            old.end()
            new.end()


def _link(address: str, old: Device, new: Device) -> float:
    code = new.node.post("/api/account/link", address=address, name="")["code"]
    met = old.node.post("/api/devices/approve", code=code)
    digits, begun = new.until_digits(address), time.monotonic()
    old.node.post("/api/devices/confirm", approval=met["id"], digits=digits)
    return begun


def _until(look: Callable[[], bool]) -> float:
    limit = time.monotonic() + LONGEST
    while not look():
        if time.monotonic() > limit:
            raise RuntimeError(f"it did not come in {LONGEST:g} s")
        time.sleep(LOOK_EVERY)
    return time.monotonic()


def _usable(device: Device) -> bool:
    """All contacts and conversations are there, and a full page of the one that was spoken in last."""
    if not device.node.get("/api/accounts")["items"] or len(device.node.get("/api/contacts")["items"]) < PEOPLE:
        return False
    found = device.node.get("/api/conversations")["items"]
    return len(found) == PEOPLE and len(device.node.get(f"/api/messages/{segment(found[0]['id'])}", limit=PAGE)["items"]) == PAGE


def _complete(device: Device) -> bool:
    return bool(device.node.get("/api/account")["history"]["complete"])


def _held(device: Device) -> int:
    held = 0
    for one in device.node.get("/api/conversations")["items"]:
        before = None
        while page := device.node.get(f"/api/messages/{segment(one['id'])}", limit=500, before=before)["items"]:
            held += len(page)
            before = page[0]["cursor"]
    return held
