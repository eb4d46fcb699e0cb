"""Blind tokens against RFC 9497, and what a dishonest issuer or client may try (I66, I67, I72)."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connexa.crypto import InvalidKey, InvalidProof, Rng
from connexa.crypto.voprf import BlindedBatch, VoprfPublic, VoprfSecret, blind_batch, evaluate_batch, finalize_batch, redeem

RNG = random.Random(9497).randbytes
ISSUER = VoprfSecret.from_seed(bytes(range(32)))


def test_rfc9497(vectors: Path) -> None:
    suites = json.loads((vectors / "e2ee/voprf/allVectors.json").read_text())
    (suite,) = [s for s in suites if s["identifier"] == "ristretto255-SHA512" and s["mode"] == 1]
    issuer = VoprfSecret(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]))
    assert issuer.public.raw.hex() == suite["pkSm"]
    for case in suite["vectors"]:
        inputs, blinds = _list(case["Input"]), _list(case["Blind"])
        batch = blind_batch(inputs, _fixed(blinds))
        assert list(batch.elements) == _list(case["BlindedElement"])
        evaluated, proof = evaluate_batch(issuer, batch.elements, _fixed(_list(case["Proof"]["r"])))
        assert evaluated == _list(case["EvaluationElement"])
        assert proof.hex() == case["Proof"]["proof"]
        outputs = finalize_batch(issuer.public, batch, evaluated, proof)
        assert outputs == _list(case["Output"])
        assert [redeem(issuer, i) for i in inputs] == outputs


def _fixed(scalars: list[bytes]) -> Rng:
    """Randomness that is reduced to exactly these scalars."""
    following = iter(scalars)
    return lambda _: next(following) + bytes(32)


def _list(hexes: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in hexes.split(",")]


def _issued(count: int = 3) -> tuple[BlindedBatch, list[bytes], bytes]:
    batch = blind_batch([RNG(32) for _ in range(count)], RNG)
    evaluated, proof = evaluate_batch(ISSUER, batch.elements, RNG)
    return batch, evaluated, proof


def test_i67_a_proof_under_another_key_is_refused() -> None:
    batch, evaluated, proof = _issued()
    with pytest.raises(InvalidProof):
        finalize_batch(VoprfSecret.generate(RNG).public, batch, evaluated, proof)


def test_one_token_of_a_batch_under_a_special_key_is_noticed() -> None:
    batch, evaluated, _ = _issued()
    tagged = VoprfSecret.generate(RNG)
    mixed = [*evaluated[:2], tagged.times(batch.elements[2])]
    _, proof = evaluate_batch(ISSUER, batch.elements, RNG)
    with pytest.raises(InvalidProof):
        finalize_batch(ISSUER.public, batch, mixed, proof)


@pytest.mark.parametrize("position", [0, 31, 32, 63])
def test_a_changed_proof_is_refused(position: int) -> None:
    batch, evaluated, proof = _issued()
    broken = bytearray(proof)
    broken[position] ^= 1
    with pytest.raises(InvalidProof):
        finalize_batch(ISSUER.public, batch, evaluated, bytes(broken))


@pytest.mark.parametrize("element", [b"", bytes(32), bytes(31), b"\xff" * 32, b"\x01" + bytes(31)])
def test_elements_that_are_none_are_refused(element: bytes) -> None:
    batch, evaluated, proof = _issued()
    with pytest.raises(InvalidProof):
        evaluate_batch(ISSUER, [element], RNG)
    with pytest.raises(InvalidProof):
        finalize_batch(ISSUER.public, batch, [element, *evaluated[1:]], proof)
    with pytest.raises(InvalidKey):
        VoprfPublic.from_bytes(element)


def test_batches_are_bounded_and_whole() -> None:
    batch, evaluated, proof = _issued()
    with pytest.raises(InvalidProof):
        finalize_batch(ISSUER.public, batch, evaluated[:2], proof)
    with pytest.raises(InvalidProof):
        evaluate_batch(ISSUER, [], RNG)
    with pytest.raises(InvalidProof):
        evaluate_batch(ISSUER, [batch.elements[0]] * 257, RNG)
    for wrong in ([], [b"x"] * 257):
        with pytest.raises(ValueError, match="1 to 256"):
            blind_batch(wrong, RNG)


def test_the_issuer_cannot_link_what_it_saw_to_what_it_redeems() -> None:
    token_input = RNG(32)
    one, other = (blind_batch([token_input], RNG) for _ in range(2))
    assert one.elements != other.elements
    outputs = []
    for batch in (one, other):
        evaluated, proof = evaluate_batch(ISSUER, batch.elements, RNG)
        outputs += finalize_batch(ISSUER.public, batch, evaluated, proof)
    assert outputs == [redeem(ISSUER, token_input)] * 2


def test_nothing_secret_is_shown() -> None:
    batch, _, _ = _issued(1)
    assert ISSUER.seed.hex() not in repr(ISSUER)
    assert repr(batch.blinds[0]) not in repr(batch)


def test_the_unpacked_library_leaves_no_file(tmp_path: Path) -> None:
    program = "import connexa.crypto.voprf as v; assert v.VoprfSecret(bytes(32)).public.raw"
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "TMPDIR": str(tmp_path)}, timeout=60)
    assert list(tmp_path.iterdir()) == []


def test_a_full_temporary_directory_is_a_clear_error() -> None:
    program = "import connexa.crypto.voprf"
    limit = (4_096, 4_096)
    outcome = subprocess.run(
        [sys.executable, "-B", "-c", program],
        preexec_fn=lambda: (resource.setrlimit(resource.RLIMIT_FSIZE, limit), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)),  # type: ignore[func-returns-value]
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert outcome.returncode != 0 and "library.unpacked" in outcome.stderr
