"""The frozen vectors: what the naive implementation makes of named randomness. `python -m tests.pairwise.naive` writes them anew.

Every random value stands in the file under a name that says what it is for. It comes from the name, so that a change of one
place moves nothing else: SHAKE256("connexa vectors" | file | name).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.pairwise.naive import pqxdh, ratchet, sealed
from tests.pairwise.naive.primitives import dh_public, signing_public

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
NOW = 1_800_000_000
LAST_RESORT = 1 << 31

Json = dict[str, Any]


def random(file: str, name: str, length: int) -> bytes:
    return hashlib.shake_256(f"connexa vectors/{file}/{name}".encode()).digest(length)


def text(value: object) -> object:
    """The same with bytes as hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: text(part) for name, part in value.items()}
    return [text(part) for part in value] if isinstance(value, list) else value


def person(file: str, name: str) -> Json:
    """The secrets of a device and when its user key was made."""
    secrets: Json = {part: random(file, f"{name} {part}", 32) for part in ("user_seed", "device", "dsk", "dik")}
    return {**secrets, "created": NOW - 3_600, "not_after": NOW + 365 * 86_400}


def prekeys(file: str, name: str, *, one_time: bool) -> Json:
    otp = random(file, f"{name} otp", 32) if one_time else b""
    kem = random(file, f"{name} {'otp kem' if one_time else 'klr'}", 64)
    return {"spk_id": 7, "spk": random(file, f"{name} spk", 32), "kem_id": 21 if one_time else LAST_RESORT | 3, "kem": kem, "otp": otp}


def begun(file: str, case: str, *, one_time: bool, alice: Json, bob: Json) -> tuple[Json, Json, Json]:
    """What is written of a key agreement, and both sides' ratchets after it."""
    keys = prekeys(file, f"{case} bob", one_time=one_time)
    draws = {"ek": random(file, f"{case} ek", 32), "m": random(file, f"{case} m", 32)}
    a, b = pqxdh.device(alice), pqxdh.device(bob)
    ours = pqxdh.initiate(alice, b, pqxdh.prekey_fields(keys), draws["ek"], draws["m"])
    theirs = pqxdh.respond(bob, keys, a, ours["ephemeral"], ours["ciphertext"])
    assert {name: ours[name] for name in theirs} == theirs
    written = {"alice": alice, "bob": bob, "prekeys of bob": keys, "draws": draws}
    written |= {"T": ours["T"], "root seed": ours["root"], "HK A": ours["hk_a"], "NHK B": ours["nhk_b"], "PQ seed": ours["pq"]}
    sides = (ratchet.start(ours, "A", a, b, spk=dh_public(keys["spk"])), ratchet.start(theirs, "B", a, b, spk=keys["spk"]))
    return {**written, "initial": ours["initial"]}, *sides


def pqxdh_file() -> Json:
    """Key agreement with a one-time pair and with a last-resort key, up to the first message."""
    cases = []
    for name, one_time in (("one-time pair", True), ("last resort", False)):
        alice, bob = person("pqxdh", f"{name} alice"), person("pqxdh", f"{name} bob")
        written, a, b = begun("pqxdh", name, one_time=one_time, alice=alice, bob=bob)
        draws = {"n12": random("pqxdh", f"{name} n12", 12), "dh": random("pqxdh", f"{name} dh", 32)}
        message = ratchet.send(a, b"first", dict(draws))[1]
        assert ratchet.receive(b, message)[1] == b"first"
        cases.append({"name": name, **written, "first message": {"plaintext": b"first", "draws": draws, "message": message}})
    return {"now": NOW, "cases": cases}


def sealed_file() -> Json:
    """A sealed packet of each size; the message inside is noise, for the layout does not look into it."""
    cases = []
    domain, alice = random("sealed", "domain key", 32), person("sealed", "alice")
    bob, week = random("sealed", "bob device", 32), NOW // 604_800
    seed = random("sealed", "bob sek", 96)
    certificate = sealed.sender_certificate(domain, pqxdh.device(alice), "a.example", NOW + 86_400)
    for name, initial in (("with an initial part", random("sealed", "initial", 1_394)), ("without", b"")):
        message = random("sealed", f"{name} message", 542)
        draws = {"m": random("sealed", f"{name} m", 32), "hpke": random("sealed", f"{name} hpke", 32)}
        public = sealed.seal_key_public(seed)
        packet = sealed.seal_packet(public, bob, week, certificate, initial, message, dict(draws))
        cases.append({"name": name, "draws": draws, "initial": initial, "message": message, "packet": packet})
    given = {"now": NOW, "domain": "a.example", "domain key": domain, "domain public": signing_public(domain)}
    given |= {"alice": alice, "device of bob": bob, "SEK id": week, "SEK of bob": seed}
    return {**given, "sender certificate": certificate, "cases": cases}


def fan_out_file() -> Json:
    """One body, and its wrap for three devices of one person."""
    content, cek = b"the same words for all of you", random("fan-out", "cek", 32)
    body = sealed.seal_body(content, 256, cek)
    place: Json = {name: random("fan-out", name, 16) for name in ("body", "message")}
    place |= {name: random("fan-out", name, 32) for name in ("conversation", "last_seen", "list_digest")}
    place |= {"counter": 5, "list_version": 3}
    wrap = sealed.wrap(cek, body, place)
    alice, first = person("fan-out", "alice"), person("fan-out", "bob 1")
    devices = []
    for number in (1, 2, 3):
        case = f"bob {number}"
        bob = {**person("fan-out", case), "user_seed": first["user_seed"]}
        written, a, b = begun("fan-out", case, one_time=number != 3, alice=alice, bob=bob)
        draws = {"n12": random("fan-out", f"{case} n12", 12), "dh": random("fan-out", f"{case} dh", 32)}
        message = ratchet.send(a, wrap, dict(draws))[1]
        assert sealed.open_wrap(ratchet.receive(b, message)[1], body) == (cek, place)
        given = ("bob", "prekeys of bob", "draws")
        devices.append({**{name: written[name] for name in given}, "message": {"draws": draws, "message": message}})
    return {"now": NOW, "content": content, "cek": cek, "body": body, "place": place, "wrap": wrap, "alice": alice, "devices": devices}


def ratchet_file() -> Json:
    """A conversation in which one message of 17 is lost and one of 6 comes late, until both send in the second epoch.

    Each round is three messages of Alice and two of Bob; what is late comes a round later, behind a ratchet step.
    """
    alice, bob = person("ratchet", "alice"), person("ratchet", "bob")
    written, a, b = begun("ratchet", "session", one_time=True, alice=alice, bob=bob)
    states: dict[str, Json] = {"alice": a, "bob": b}
    events: list[Json] = []
    late: list[tuple[str, int]] = []

    def say(who: str) -> None:
        number, to = len(messages()), "bob" if who == "alice" else "alice"
        offered = {name: random("ratchet", f"{number} {name}", size) for name, size in (("n12", 12), ("dh", 32), ("kem", 64), ("m", 32))}
        left, plaintext = dict(offered), f"{who} {number}".encode()
        states[who], message = ratchet.send(states[who], plaintext, left)
        draws = {name: value for name, value in offered.items() if name not in left}
        events.append({"from": who, "plaintext": plaintext, "draws": draws, "message": message})
        if number % 17 == 3:
            return  # lost
        late.append((to, number)) if number % 6 == 4 else hear(to, number)

    def hear(who: str, number: int) -> None:
        states[who], plaintext = ratchet.receive(states[who], messages()[number]["message"])
        assert plaintext == messages()[number]["plaintext"]
        events.append({"to": who, "opens": number})

    def messages() -> list[Json]:
        return [event for event in events if "from" in event]

    while min(state["pq"]["send_epoch"] for state in states.values()) < 2:
        delayed, late[:] = list(late), []
        for who in ("alice", "alice", "alice", "bob", "bob"):
            say(who)
        for to, number in delayed:
            hear(to, number)
    return {"now": NOW, "session": written, "events": events}


FILES: dict[str, Callable[[], Json]] = {"pqxdh": pqxdh_file, "sealed": sealed_file, "fan-out": fan_out_file, "ratchet": ratchet_file}


def written(name: str) -> str:
    """The whole file, as it is stored."""
    return json.dumps(text(FILES[name]()), indent=1) + "\n"


def stored(name: str) -> Json:
    """A frozen file, with its hex as bytes wherever it is hex."""
    file: Json = _bytes(json.loads((FOLDER / f"{name}.json").read_text()))
    return file


def _bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: part if name in ("name", "domain", "from", "to") else _bytes(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_bytes(part) for part in value]
    return bytes.fromhex(value) if isinstance(value, str) else value
