"""The frozen vectors: the naive implementation makes them anew byte for byte, and ours makes and opens the same bytes.

Whoever changes a file here on purpose runs `python -m tests.pairwise.naive`, and changes the protocol's version.
"""

from __future__ import annotations

from typing import Any

import pytest

from connexa.crypto import Ed25519Public, HybridSecret
from connexa.identity import DeviceId
from connexa.pairwise import (
    SealKey,
    Session,
    Wrap,
    decode_wrap,
    encode_wrap,
    encrypt,
    initiate,
    open_body,
    open_sealed,
    read_initial,
    respond,
    seal,
    seal_body,
    verify_sender,
)
from connexa.wire.v1.keys_pb2 import Signed
from tests.pairwise.from_vectors import Draws, bundle, encapsulating, local_device, responder_secrets, sender
from tests.pairwise.naive import pqxdh, sealed
from tests.pairwise.naive.primitives import kem_public
from tests.pairwise.naive.vectors import FILES, FOLDER, stored, written

Json = dict[str, Any]


@pytest.mark.parametrize("name", FILES)
def test_the_naive_implementation_makes_each_file_anew(name: str) -> None:
    assert written(name) == (FOLDER / f"{name}.json").read_text()


def test_each_file_is_known() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(FILES)


def _begin(alice: Json, case: Json, now: int) -> Session:
    keys, draws = case["prekeys of bob"], case["draws"]
    with encapsulating({kem_public(keys["kem"]): draws["m"]}):
        return initiate(local_device(alice), bundle(local_device(case["bob"]).party, keys), now, Draws(draws["ek"]))


def _answer(alice: Json, case: Json, initial: bytes, message: bytes, now: int) -> bytes:
    read = read_initial(initial, sender(local_device(alice)), now)
    secrets = responder_secrets(case["prekeys of bob"])
    return respond(local_device(case["bob"]), read, secrets, message, seen=(), now=now).plaintext


@pytest.mark.parametrize("number", [0, 1])
def test_key_agreement(number: int) -> None:
    file = stored("pqxdh")
    case = file["cases"][number]
    first = case["first message"]
    session = _begin(case["alice"], case, file["now"])
    assert session.initial == case["initial"]
    assert session.binding.transcript == case["T"]
    assert session.ratchet.root == case["root seed"]
    _, message = encrypt(session, first["plaintext"], Draws(*first["draws"].values()))
    assert message == first["message"]
    assert _answer(case["alice"], case, case["initial"], message, file["now"]) == first["plaintext"]


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
    for case in file["devices"]:
        session = _begin(file["alice"], case, file["now"])
        initial = session.initial
        _, message = encrypt(session, file["wrap"], Draws(*case["message"]["draws"].values()))
        assert message == case["message"]["message"]
        opened = decode_wrap(_answer(file["alice"], case, initial, message, file["now"]))
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
