"""P17: with every DH output known a session is still secret through ML-KEM, and the reverse."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from msgspec.structs import replace

from connexa.crypto import MlKemPublic, MlKemSecret, X25519Secret
from connexa.pairwise import Reject, ResponderSecrets, decrypt, encrypt, read_initial, respond
from tests.pairwise.talk import RNG, epochs, pair, turn, until
from tests.pairwise.world import NOW, Device, two_ends

DH = patch.object(X25519Secret, "exchange", lambda self, public: b"\7" * 32)


def _known_kem(self: MlKemPublic) -> tuple[bytes, bytes]:
    return bytes(1_088), b"\7" * 32


def test_who_knows_every_dh_output_of_the_beginning_needs_the_kem_key() -> None:
    alice, bob = two_ends()
    with DH:
        initial, message = alice.send(b"secret")
        read = read_initial(initial, alice.device.sender, NOW)
        secrets = bob.device.secrets_for(read)
        guessed = ResponderSecrets(secrets.spk, _with_public(MlKemSecret.generate(RNG), secrets.kem), secrets.one_time)
        with pytest.raises(Reject):
            respond(bob.device.local, read, guessed, message, seen=(), now=NOW)
        assert respond(bob.device.local, read, secrets, message, seen=(), now=NOW).plaintext == b"secret"


def _with_public(secret: MlKemSecret, of: MlKemSecret) -> MlKemSecret:
    """Another private key under the right public one, so that only the shared secret differs."""
    secret.public = of.public
    return secret


def test_who_knows_the_kem_secret_of_the_beginning_needs_the_dh_keys() -> None:
    alice, bob = two_ends()
    with patch.object(MlKemPublic, "encapsulate", _known_kem), patch.object(MlKemSecret, "decapsulate", lambda self, raw: b"\7" * 32):
        initial, message = alice.send(b"secret")
        read = read_initial(initial, alice.device.sender, NOW)
        secrets = bob.device.secrets_for(read)
        spk = X25519Secret.generate(RNG)
        spk._public = secrets.spk.public
        with pytest.raises(Reject):
            respond(bob.device.local, read, ResponderSecrets(spk, secrets.kem, secrets.one_time), message, seen=(), now=NOW)
        assert respond(bob.device.local, read, secrets, message, seen=(), now=NOW).plaintext == b"secret"


def test_the_post_quantum_seed_alone_keeps_a_running_session_secret() -> None:
    a, b = turn(*pair())
    other, _ = pair(5)
    _, message = encrypt(a, b"secret", RNG)
    thief = replace(b, ratchet=replace(b.ratchet, pq=other.ratchet.pq))  # everything classical, and another PQ seed
    with pytest.raises(Reject):
        decrypt(thief, message, NOW)
    assert decrypt(b, message, NOW)[1] == b"secret"


def test_the_classical_root_alone_keeps_a_running_session_secret() -> None:
    a, b = turn(*pair())
    _, message = encrypt(a, b"secret", RNG)
    thief = replace(b, ratchet=replace(b.ratchet, root=bytes(31) + b"\1"))  # everything post-quantum, and another root
    with pytest.raises(Reject):
        decrypt(thief, message, NOW)


def test_new_epochs_heal_a_session_whose_dh_outputs_are_all_known() -> None:
    with DH:
        a, b = until(lambda a, b: epochs(a)[1] >= 1, *pair())
        stolen = b.ratchet.pq
        a, b = until(lambda a, b: epochs(a)[1] >= 2, a, b)
        _, message = encrypt(a, b"secret", RNG)
        with pytest.raises(Reject):
            decrypt(replace(b, ratchet=replace(b.ratchet, pq=stolen)), message, NOW)
        assert decrypt(b, message, NOW)[1] == b"secret"


def test_every_beginning_has_a_kem_part() -> None:
    alice, bob = Device.make("a", 1), Device.make("b", 2)
    for last_resort in (False, True):
        session = alice.begin(bob, last_resort=last_resort)
        assert len(read_initial(session.initial, alice.sender, NOW).ciphertext) == 1_088
