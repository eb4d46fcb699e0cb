"""P04: X25519 keys of low order or with a second name, and Ed25519 keys of small order or with a second name, are refused at every door."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from connexa.crypto import InvalidKey, Kind, MlKemPublic, X25519Public, X25519Secret
from connexa.errors import ConnexaError
from connexa.pairwise import Reason, Reject
from tests.identity.people import WEAK_KEYS
from tests.pairwise.doors import ED25519_DOORS, GOOD_ED25519, GOOD_X25519, LATER, X25519_DOORS, prekey_door

FIELD = 2**255 - 19
LOW_ORDER = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    FIELD - 1,
)
SECOND_NAMES = (FIELD, FIELD + 1, FIELD + 18, 2**255 - 1, 2**255, 2**255 + 9, 2**256 - 1)
BAD_X25519 = [number.to_bytes(32, "little") for number in (*LOW_ORDER, *SECOND_NAMES)]
LENGTHS = [b"", bytes(31), bytes(33), GOOD_X25519[:31], GOOD_X25519 + b"\0"]


@pytest.mark.parametrize("door", X25519_DOORS)
def test_p04_no_door_takes_a_weak_agreement_key(door: str) -> None:
    enter = X25519_DOORS[door]
    if door not in LATER:
        assert enter(GOOD_X25519)
    for raw in BAD_X25519:
        with pytest.raises(ConnexaError):
            enter(raw)


@pytest.mark.parametrize("door", ED25519_DOORS)
def test_p04_no_door_takes_a_weak_signing_key(door: str) -> None:
    enter = ED25519_DOORS[door]
    if door not in LATER:
        assert enter(GOOD_ED25519)
    for raw in WEAK_KEYS:
        with pytest.raises(ConnexaError):
            enter(raw)


IMPORTS = {
    *("identity/devices.py", "identity/discovery_file.py", "identity/invite.py", "identity/openpgp.py", "identity/pin_record.py"),
    *("identity/rotation.py", "identity/server_info.py", "identity/txt.py", "identity/user.py"),
    *("pairwise/_chunked.py", "pairwise/_pairing_code.py", "pairwise/_pqxdh.py", "pairwise/_prekeys.py", "pairwise/_ratchet.py"),
    *("node/approvals.py", "node/passes.py", "node/stored.py", "cli/demo/server.py"),
    *("identity/groups.py", "identity/rejects.py", "node/groups/admins.py", "node/groups/cards.py", "node/groups/sealing.py"),
}
"""Where bytes become a public key. A module that comes in here gets its door in doors.py."""


def test_p04_these_are_all_the_doors(root: Path) -> None:
    kinds = {"Ed25519Public", "X25519Public", "MlKemPublic", "HybridPublic", "VoprfPublic"}
    source, found = root / "src/connexa", set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                made = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "from_bytes" else node.func
                name = made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")
                if name in kinds:
                    found.add(str(path.relative_to(source)))
    assert {name for name in found if not name.startswith(("crypto/", "testing/"))} == IMPORTS


def test_p04_no_door_takes_a_key_of_another_length() -> None:
    for doors in (ED25519_DOORS, X25519_DOORS):
        for name, enter in doors.items():
            if name not in ("ratchet header", "sealed packet", "pairing code"):  # there the length follows from the layout
                for raw in LENGTHS:
                    with pytest.raises((ConnexaError, ValueError)):
                        enter(raw)


@pytest.mark.parametrize("kind", [Kind.KEM_LR, Kind.OTP, Kind.SEK])
def test_p04_no_door_takes_a_kem_key_that_fails_the_input_check(kind: Kind) -> None:
    for raw in (b"\xff" * 1_184, bytes(1_183), bytes(1_185), b"\x01\x0d" + bytes(1_182)):
        with pytest.raises(InvalidKey):
            MlKemPublic(raw)
        with pytest.raises(ConnexaError):
            prekey_door(kind, "mlkem768", raw)


@pytest.mark.parametrize("raw", BAD_X25519)
def test_p04_the_type_itself_refuses(raw: bytes) -> None:
    with pytest.raises(InvalidKey):
        X25519Public(raw)


def test_p04_a_ratchet_step_onto_a_weak_key_is_refused_as_a_step() -> None:
    for raw in (GOOD_X25519, *BAD_X25519):
        with pytest.raises(Reject) as refused:
            X25519_DOORS["ratchet header"](raw)
        assert (refused.value.reason is Reason.STEP) == (raw != GOOD_X25519)


def test_p04_neighbours_of_weak_keys_are_admitted() -> None:
    secret = X25519Secret(bytes(range(32)))
    for number in (2, FIELD - 2, LOW_ORDER[2] + 1, LOW_ORDER[3] - 1):
        assert secret.exchange(X25519Public(number.to_bytes(32, "little")))


def test_p04_two_names_of_one_key_are_not_both_admitted() -> None:
    raw = X25519Secret.from_bytes(bytes(range(32))).public.raw
    with pytest.raises(InvalidKey):
        X25519Public.from_bytes(raw[:31] + bytes([raw[31] | 0x80]))


def test_p04_wycheproof(vectors: Path) -> None:
    refused = {"not canonical": 0, "zero": 0}
    agreed = 0
    groups = json.loads((vectors / "e2ee/wycheproof/x25519_test.json").read_text())["testGroups"]
    for case in (case for group in groups for case in group["tests"]):
        secret, raw = X25519Secret.from_bytes(bytes.fromhex(case["private"])), bytes.fromhex(case["public"])
        try:
            public = X25519Public.from_bytes(raw)
        except InvalidKey:
            assert case["result"] == "acceptable"
            canonical = int.from_bytes(raw, "little") < 2**255 - 19
            assert not canonical or set(bytes.fromhex(case["shared"])) == {0}
            refused["zero" if canonical else "not canonical"] += 1
            continue
        assert secret.exchange(public).hex() == case["shared"]
        agreed += 1
    assert refused == {"not canonical": 29, "zero": 15}
    assert agreed == 518 - 29 - 15
