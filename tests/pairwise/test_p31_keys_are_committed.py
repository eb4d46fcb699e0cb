"""P31: header and message keys, the sealed sender's key and wrapped keys are committed to, since the AEAD alone is not: it opens one
ciphertext under two keys for whoever knows both. Bodies are bound to their wraps by a hash, and to their key by zeros.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as with_changed

from connexa.crypto import aead_open, aead_seal, hmac_sha256, hpke_seal, sha256, stretch_password
from connexa.errors import RefusedError
from connexa.pairwise import Reason, Reject, Session, Wrap, decrypt, encrypt, open_body, open_sealed, pad, seal_body, week_of
from connexa.store.keys import WRAP_AD, load_key
from tests.pairwise.naive import ratchet, sealed
from tests.pairwise.naive.primitives import dh, dh_public, kem_open, seal, u32
from tests.pairwise.talk import pair, turn
from tests.pairwise.two_keys import opening_under_both
from tests.pairwise.world import NOW, Device, seeded

RNG, RANDOM = seeded(31), random.Random(31)
ALICE, BOB, CAROL = Device.make("a", 1), Device.make("b", 2), Device.make("c", 3)
WEEK = week_of(NOW)


def _sending() -> tuple[Session, Session]:
    """Alice with a chain to send on, and Bob who has it too."""
    a, b = turn(*pair())
    a, message = encrypt(a, b"x", RNG)
    return a, decrypt(b, message, NOW)[0]


def _message(a: Session, *, two_headers: bytes = b"", two_messages: bytes = b"") -> bytes:
    """Alice's next message by the formulas; with a second header key or EC message key its ciphertext opens under that one too."""
    state, ad, n12 = a.ratchet, a.binding.ad_out, RNG(12)
    _, epoch, pq_n, _, pq_key = state.pq.send(RNG)
    header = state.own_public + u32(state.sending.previous) + u32(state.sending.n) + u32(epoch) + u32(pq_n) + b"\x01\0" + bytes(128)
    key, commit = ratchet.header_keys(state.sending.header, n12)
    box = seal(key, n12, header, ad)
    if two_headers:  # blocks 5 and 6 lie in the chunk
        other = ratchet.header_keys(two_headers, n12)[0]
        box = opening_under_both((key, n12), (other, n12), ad, box[:-16], (5, 6), RANDOM)
        assert aead_open(other, n12, box, ad)
    eh = n12 + commit + box
    key, nonce, commit = ratchet.message_keys(hmac_sha256(state.sending.chain, b"\1"), pq_key, n12)
    head = eh + commit
    body = seal(key, nonce, bytes(256), ad + head)
    if two_messages:
        other, other_nonce, _ = ratchet.message_keys(two_messages, pq_key, n12)
        body = opening_under_both((key, nonce), (other, other_nonce), ad + head, body[:-16], (3, 4), RANDOM)
        assert aead_open(other, other_nonce, body, ad + head)
    return head + body


def test_p31_a_header_that_opens_under_two_keys_is_of_the_one_it_commits_to() -> None:
    a, b = _sending()
    other = RNG(32)
    message = _message(a, two_headers=other)
    assert decrypt(b, message, NOW)[1] == bytes(256)
    receiving = with_changed(b.ratchet.receiving, header=other)
    with pytest.raises(Reject) as refused:
        decrypt(with_changed(b, ratchet=with_changed(b.ratchet, receiving=receiving)), message, NOW)
    assert refused.value.reason is Reason.HEADER


def test_p31_a_message_that_opens_under_two_keys_is_of_the_one_it_commits_to() -> None:
    a, b = _sending()
    chain = RNG(32)
    message = _message(a, two_messages=hmac_sha256(chain, b"\1"))
    assert len(decrypt(b, message, NOW)[1]) == 256
    receiving = with_changed(b.ratchet.receiving, chain=chain)
    with pytest.raises(Reject) as refused:
        decrypt(with_changed(b, ratchet=with_changed(b.ratchet, receiving=receiving)), message, NOW)
    assert refused.value.reason is Reason.BODY


def test_p31_the_formulas_themselves_open() -> None:
    a, b = _sending()
    assert decrypt(b, _message(a), NOW)[1] == bytes(256)


def _plain(message: bytes) -> bytes:
    vouch = ALICE.sender_certificate().SerializeToString()
    return (bytes(32) + len(vouch).to_bytes(2, "big") + vouch + b"\0\0" + message + b"\x80").ljust(1_024, b"\0")


def _seal_context(secret_seed: bytes, enc: bytes, info: bytes) -> tuple[bytes, bytes]:
    shared = sealed.combine(
        kem_open(secret_seed[:64], enc[:1_088]),
        dh(secret_seed[64:], enc[1_088:]),
        enc[1_088:],
        dh_public(secret_seed[64:]),
    )
    return sealed.schedule(shared, info)


def test_p31_a_sealed_packet_that_opens_at_two_devices_is_read_by_one() -> None:
    bob_info, carol_info = (sealed.info_for(device.id, WEEK) for device in (BOB, CAROL))
    packet = hpke_seal(BOB.sek[1].public, _plain(bytes(542)), bob_info)
    enc, box = packet[:1_120], packet[1_120:]
    bob, carol = _seal_context(BOB.sek[1].seed, enc, bob_info), _seal_context(CAROL.sek[1].seed, enc, carol_info)
    box = opening_under_both(bob, carol, b"", box[:-16], (30, 31), RANDOM)  # inside the ratchet message
    assert aead_open(*carol, box, b"")
    assert len(open_sealed(BOB.sek[1], BOB.id, WEEK, enc + box).message) == 542
    with pytest.raises(Reject) as refused:
        open_sealed(CAROL.sek[1], CAROL.id, WEEK, enc + box)
    assert refused.value.reason is Reason.BODY


def test_p31_the_zeros_are_checked() -> None:
    info, plain = sealed.info_for(BOB.id, WEEK), _plain(b"m" * 541 + b"\x80")
    assert open_sealed(BOB.sek[1], BOB.id, WEEK, hpke_seal(BOB.sek[1].public, plain, info)).message == b"m" * 541 + b"\x80"
    for broken in (b"\1" + plain[1:], plain[:31] + b"\1" + plain[32:], plain[:-1] + b"\1"):  # the last: padding is zeros alone
        with pytest.raises(Reject):
            open_sealed(BOB.sek[1], BOB.id, WEEK, hpke_seal(BOB.sek[1].public, broken, info))


def test_p31_a_wrapped_database_key_opens_under_one_password(tmp_path: Path) -> None:
    salt = bytes(16)
    right, other = ((stretch_password(word, salt), salt[:12]) for word in ("correct", "horse"))
    box = opening_under_both(right, other, WRAP_AD, aead_seal(*right, bytes(32) + b"k" * 32, WRAP_AD)[:-16], (2, 3), RANDOM)
    (tmp_path / "store.key").write_text(f'custody = "password"\nsalt = "{salt.hex()}"\nsealed = "{box.hex()}"\n')
    assert len(load_key(tmp_path, RNG, password="correct")[0]) == 32
    assert aead_open(*other, box, WRAP_AD)
    with pytest.raises(RefusedError) as refused:
        load_key(tmp_path, RNG, password="horse")
    assert refused.value.code == "store.locked"


def _wrap(content: bytes = b"content") -> tuple[Wrap, bytes]:
    body = seal_body(content, RNG)
    return Wrap(body.key, body.digest, RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32)), body.ciphertext


def test_p31_a_body_is_bound_to_its_wrap() -> None:
    wrap, ciphertext = _wrap()
    other, other_ciphertext = _wrap()
    same_key = aead_seal(wrap.key, bytes(12), pad(bytes(32) + b"other words"), b"Connexa/1 body")
    for bad_wrap, bad_body in (
        (wrap, other_ciphertext),
        (wrap, same_key),
        (replace(wrap, key=other.key), ciphertext),
        (wrap, ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])),
        (replace(wrap, body_digest=sha256(ciphertext[:-1])), ciphertext[:-1]),
    ):
        with pytest.raises(Reject):
            open_body(bad_wrap, bad_body)


def test_p31_a_body_that_opens_under_two_keys_is_of_the_one_whose_zeros_it_has() -> None:
    keys = [(RNG(32), bytes(12)) for _ in range(2)]
    plain = pad(bytes(32) + b"x" * 100)
    box = opening_under_both(keys[0], keys[1], b"Connexa/1 body", aead_seal(*keys[0], plain, b"Connexa/1 body")[:-16], (3, 4), RANDOM)
    first, second = (replace(_wrap()[0], key=key, body_digest=sha256(box)) for key, _ in keys)
    assert open_body(first, box).startswith(b"x" * 16)
    assert aead_open(*keys[1], box, b"Connexa/1 body")
    with pytest.raises(Reject) as refused:
        open_body(second, box)
    assert refused.value.reason is Reason.BODY


@pytest.mark.parametrize("wrong", [0, 31])
def test_p31_the_zeros_of_a_body_are_checked(wrong: int) -> None:
    wrap, _ = _wrap()
    zeros = bytes(wrong) + b"\1" + bytes(31 - wrong)
    ciphertext = aead_seal(wrap.key, bytes(12), pad(zeros + b"content"), b"Connexa/1 body")
    with pytest.raises(Reject) as refused:
        open_body(replace(wrap, body_digest=sha256(ciphertext)), ciphertext)
    assert refused.value.reason is Reason.BODY


def test_p31_the_commitments_are_checked() -> None:
    a, b = pair()
    _, message = encrypt(a, bytes(256), RNG)
    for position in (12, 43, 238, 269):  # header commitment, message commitment
        forged = bytearray(message)
        forged[position] ^= 1
        with pytest.raises(Reject) as refused:
            decrypt(b, bytes(forged), NOW)
        assert refused.value.reason is (Reason.HEADER if position < 44 else Reason.BODY)
