"""The frozen vectors: the naive implementation makes them anew byte for byte, and ours makes and opens the same bytes.

Whoever changes a file here on purpose runs `python -m tests.pairwise.naive`, and changes the protocol's version.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import Ed25519Public, HybridSecret
from connexa.identity import DeviceId
from connexa.pairwise import (
    SealKey,
    Session,
    Wrap,
    decode_wrap,
    decrypt,
    dump_session,
    encode_wrap,
    encrypt,
    initiate,
    load_session,
    open_body,
    open_sealed,
    read_initial,
    respond,
    seal,
    seal_body,
    verify_sender,
)
from connexa.wire.v1.keys_pb2 import Signed
from tests.pairwise import naive
from tests.pairwise.from_vectors import Draws, bundle, encapsulating, local_device, responder_secrets, sender
from tests.pairwise.naive import pqxdh, sealed
from tests.pairwise.naive.primitives import kem_public
from tests.pairwise.naive.vectors import FILES, FOLDER, stored, written

Json = dict[str, Any]


@pytest.mark.parametrize("name", FILES)
def test_the_naive_implementation_makes_each_file_anew(name: str) -> None:
    assert written(name) == (FOLDER / f"{name}.json").read_text()


def test_the_naive_implementation_knows_nothing_of_ours() -> None:
    for path in Path(naive.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            allowed = {"cryptography", "tests", *sys.stdlib_module_names}
            assert {name.split(".")[0] for name in names} <= allowed, path.name
            assert all(name.startswith("tests.pairwise.naive") for name in names if name.startswith("tests")), path.name


def test_each_file_is_known() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(FILES)


def _begin(case: Json, now: int) -> Session:
    keys, draws = case["prekeys of bob"], case["draws"]
    with encapsulating({kem_public(keys["kem"]): draws["m"]}):
        return initiate(local_device(case["alice"]), bundle(local_device(case["bob"]).party, keys), now, Draws(draws["ek"]))


def _answer(case: Json, message: bytes, now: int) -> tuple[Session, bytes]:
    read = read_initial(case["initial"], sender(local_device(case["alice"])), now)
    secrets = responder_secrets(case["prekeys of bob"])
    responded = respond(local_device(case["bob"]), read, secrets, message, seen=(), now=now)
    return responded.session, responded.plaintext


@pytest.mark.parametrize("number", [0, 1])
def test_key_agreement(number: int) -> None:
    file = stored("pqxdh")
    case = file["cases"][number]
    first = case["first message"]
    session = _begin(case, file["now"])
    assert session.initial == case["initial"]
    assert session.binding.transcript == case["T"]
    assert session.ratchet.root == case["root seed"]
    _, message = encrypt(session, first["plaintext"], Draws(*first["draws"].values()))
    assert message == first["message"]
    assert _answer(case, message, file["now"])[1] == first["plaintext"]


def test_fan_out() -> None:
    file = stored("fan-out")
    body = seal_body(file["content"], Draws(file["cek"]))
    assert body.ciphertext == file["body"]
    place = file["place"]
    wrap = Wrap(
        body.key,
        body.digest,
        place["body"],
        place["message"],
        place["conversation"],
        place["counter"],
        place["last_seen"],
        place["list_version"],
        place["list_digest"],
    )
    assert encode_wrap(wrap) == file["wrap"]
    assert sealed.open_wrap(encode_wrap(wrap), body.ciphertext)[0] == file["cek"]
    for device in file["devices"]:
        case = {"alice": file["alice"], **device}
        session = _begin(case, file["now"])
        case["initial"] = session.initial
        _, message = encrypt(session, file["wrap"], Draws(*case["message"]["draws"].values()))
        assert message == case["message"]["message"]
        opened = decode_wrap(_answer(case, message, file["now"])[1])
        assert opened == wrap
        assert open_body(opened, file["body"]) == file["content"]


@pytest.mark.parametrize("number", [0, 1])
def test_sealed_sender(number: int) -> None:
    file = stored("sealed")
    case, certificate = file["cases"][number], Signed.FromString(file["sender certificate"])
    secret, device = HybridSecret.from_seed(file["SEK of bob"]), DeviceId(file["device of bob"])
    unsealed = open_sealed(secret, device, file["SEK id"], case["packet"])
    assert (unsealed.certificate, unsealed.initial, unsealed.message) == (certificate, case["initial"], case["message"])
    who = verify_sender(unsealed, [Ed25519Public(file["domain public"])], file["now"])
    alice = pqxdh.device(file["alice"])
    assert (who.user, who.device, who.domain) == (alice["user"], alice["device"], file["domain"])
    packet = seal(SealKey(device, file["SEK id"], secret.public), certificate, case["initial"], case["message"])
    assert packet != case["packet"]  # its randomness is the library's
    parts = sealed.open_packet(file["SEK of bob"], device, file["SEK id"], packet)
    assert parts == (file["sender certificate"], case["initial"], case["message"])


def _draws(draws: Json) -> Draws:
    """Ours encapsulates in the library: `m` is given there."""
    return Draws(*(value for name, value in draws.items() if name != "m"))


def _encapsulations(events: list[Json]) -> dict[bytes, bytes]:
    """The key of each post-quantum epoch, and the randomness that answers it."""
    keys = [kem_public(event["draws"]["kem"]) for event in events if "kem" in event.get("draws", {})]
    answers = [event["draws"]["m"] for event in events if "m" in event.get("draws", {})]
    return dict(zip(keys, answers, strict=True))


def test_ratchet() -> None:
    """Each state goes through its stored form after each message."""
    file = stored("ratchet")
    case, events, now = file["session"], file["events"], file["now"]
    ends: dict[str, Session] = {"alice": _begin(case, now)}
    messages: list[Json] = []
    with encapsulating(_encapsulations(events)):
        for event in events:
            if who := event.get("from"):
                draws = _draws(event["draws"])
                after, message = encrypt(ends[who], event["plaintext"], draws)
                assert message == event["message"], f"message {len(messages)}"
                assert not draws.left
                messages.append(event)
            else:
                who, sent = event["to"], messages[event["opens"]]
                after, plaintext = decrypt(ends[who], sent["message"], now) if who in ends else _answer(case, sent["message"], now)
                assert plaintext == sent["plaintext"]
            ends[who] = load_session(dump_session(after))
    assert sum("kem" in event["draws"] for event in messages) == 2
    assert len(messages) > 80
