"""PQXDH (pairwise §2): how two devices come to a session, with a KEM key always and one transcript that binds everything.

After the public-domain specification of PQXDH; suite 0x0001. A missing or lower suite is refused and nothing is retried with less (P05).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from connexa.crypto import (
    MLKEM_CIPHERTEXT_BYTES,
    ZERO_SALT,
    HybridSecret,
    InvalidKey,
    MlKemSecret,
    Rng,
    X25519Public,
    X25519Secret,
    hkdf,
    sha512,
)
from connexa.identity import SUITE, ListedDevice, UserPublic, body_hash, verify_device_certificate
from connexa.pairwise._parties import Binding, LocalDevice, Party
from connexa.pairwise._pq import PqChains
from connexa.pairwise._prekeys import Bundle, is_last_resort
from connexa.pairwise._ratchet_state import Ratchet
from connexa.pairwise._reject import Reason, Reject, rejecting
from connexa.pairwise._sealed import Sender
from connexa.pairwise._session import Session, decrypt
from connexa.wire import parse
from connexa.wire.v1.keys_pb2 import InitialPart

__all__ = ["Initial", "Responded", "ResponderSecrets", "initiate", "read_initial", "respond"]

MAX_INITIAL = 2_048


@dataclass(frozen=True, slots=True)
class Initial:
    """The checked initial part of a message: who begins, with which of our prekeys."""

    party: Party
    spk: int
    kem: int
    one_time: bool
    ephemeral: X25519Public
    ciphertext: bytes
    certificate_digest: bytes  # SHA-256 of the certificate's body, as the user's device list names it

    @property
    def listed(self) -> ListedDevice:
        """The entry that the initiator's device list must hold."""
        return ListedDevice(self.party.device, self.certificate_digest)


@dataclass(frozen=True, slots=True)
class ResponderSecrets:
    """Our private prekeys that an initial part names; `one_time` exactly where it says that one was used."""

    spk: X25519Secret
    kem: MlKemSecret
    one_time: X25519Secret | None

    @classmethod
    def with_pair(cls, spk: X25519Secret, pair: HybridSecret) -> ResponderSecrets:
        """With a one-time pair, which holds both the KEM key and the X25519 key."""
        return cls(spk, pair.mlkem, pair.x25519)


@dataclass(frozen=True, slots=True)
class Responded:
    """What the responder stores in one transaction: session, plaintext, the used one-time key gone, the EK remembered (P06, P07)."""

    session: Session
    plaintext: bytes = field(repr=False)
    ephemeral: bytes
    spk: int
    kem: int
    one_time: int | None  # id of the one-time pair to delete


def initiate(local: LocalDevice, bundle: Bundle, now: float, rng: Rng) -> Session:
    """Begin a session with a device; the initial part waits in `session.initial` for the messages that carry it."""
    ephemeral = X25519Secret.generate(rng)
    ciphertext, kem_secret = bundle.kem.encapsulate()
    shared = [
        local.dik.exchange(bundle.spk),
        ephemeral.exchange(bundle.party.dik),
        ephemeral.exchange(bundle.spk),
        ephemeral.exchange(bundle.one_time) if bundle.one_time else b"",
    ]
    digest, used = body_hash(local.signed_certificate), bundle.one_time is not None
    initial = Initial(local.party, bundle.spk_id, bundle.kem_id, used, ephemeral.public, ciphertext, digest)
    one_time = bundle.one_time.raw if bundle.one_time else b""
    transcript = _transcript(initial, bundle.party, bundle.spk.raw, bundle.kem.raw, one_time)
    root, header, pq = _derive(transcript, shared, kem_secret, now, initiator=True)
    binding = _binding(transcript, local.party, bundle.party, ephemeral.public, now, initiator=True)
    ratchet = Ratchet.initiator(root, header, bundle.spk.raw, pq)
    return Session(binding, ratchet, _encode_initial(local, initial), heard=0, confirmed=False)


def read_initial(raw: bytes, sender: Sender, accepted_at: float) -> Initial:
    """Check an initial part: suite, keys, the initiator's certificate, and that they are the sealed sender's (P13, P19)."""
    with rejecting(Reason.MALFORMED):
        message = parse(InitialPart, raw, MAX_INITIAL)
    if message.suite != SUITE or len(message.ciphertext) != MLKEM_CIPHERTEXT_BYTES:
        raise Reject(Reason.SUITE)
    if not message.spk or not message.kem or message.one_time == is_last_resort(message.kem):
        raise Reject(Reason.KEYS)
    with rejecting(Reason.IDENTITY):
        user = UserPublic.from_packet(message.user_key)
        certificate = verify_device_certificate(message.certificate, user, accepted_at)
        ephemeral = X25519Public(message.ephemeral)
    party = Party.of(user, certificate)
    if (party.user, party.device, party.keys_hash) != (sender.user, sender.device, sender.keys):
        raise Reject(Reason.IDENTITY)
    digest = body_hash(message.certificate)
    return Initial(party, message.spk, message.kem, message.one_time, ephemeral, message.ciphertext, digest)


def respond(
    local: LocalDevice, initial: Initial, secrets: ResponderSecrets | None, message: bytes, *, seen: Container[bytes], now: float
) -> Responded:
    """Open the first message of a session.

    `secrets` is None where the named prekeys are gone; `seen` holds the ephemeral keys that came for the same (KEM id, SPK id),
    kept as long as those private keys live. An ephemeral key of a session that still exists belongs to that session instead.
    """
    if initial.party.device == local.certificate.device:
        raise Reject(Reason.IDENTITY)
    if secrets is None or (secrets.one_time is None) == initial.one_time:
        raise Reject(Reason.KEYS)
    if initial.ephemeral.raw in seen:
        raise Reject(Reason.REPLAY)
    session = _answer(local, initial, secrets, now)
    session, plaintext = decrypt(session, message, now)
    one_time = initial.kem if initial.one_time else None
    return Responded(session, plaintext, initial.ephemeral.raw, initial.spk, initial.kem, one_time)


def _answer(local: LocalDevice, initial: Initial, secrets: ResponderSecrets, now: float) -> Session:
    ephemeral, one_time = initial.ephemeral, secrets.one_time
    try:
        shared = [
            secrets.spk.exchange(initial.party.dik),
            local.dik.exchange(ephemeral),
            secrets.spk.exchange(ephemeral),
            one_time.exchange(ephemeral) if one_time else b"",
        ]
        kem_secret = secrets.kem.decapsulate(initial.ciphertext)
    except InvalidKey:
        raise Reject(Reason.KEYS) from None
    one_time_public = one_time.public.raw if one_time else b""
    transcript = _transcript(initial, local.party, secrets.spk.public.raw, secrets.kem.public.raw, one_time_public)
    root, header, pq = _derive(transcript, shared, kem_secret, now, initiator=False)
    binding = _binding(transcript, local.party, initial.party, ephemeral, now, initiator=False)
    return Session(binding, Ratchet.responder(root, header, secrets.spk, pq), b"", heard=0, confirmed=False)


def _transcript(initial: Initial, responder: Party, spk: bytes, kem: bytes, one_time: bytes) -> bytes:
    fields = (
        SUITE.to_bytes(2, "big"),
        *_identity(initial.party),
        *_identity(responder),
        initial.spk.to_bytes(4, "big"),
        spk,
        initial.kem.to_bytes(4, "big"),
        kem,
        one_time,
        initial.ephemeral.raw,
        initial.ciphertext,
    )
    framed = (tag.to_bytes(2, "big") + len(part).to_bytes(4, "big") + part for tag, part in enumerate(fields, 1))
    return sha512(b"Connexa/1 PQXDH transcript", *framed)


def _identity(party: Party) -> tuple[bytes, ...]:
    return (party.user, party.device, party.uik.raw, party.dsk.raw, party.dik.raw)


def _derive(
    transcript: bytes, shared: list[bytes], kem_secret: bytes, now: float, *, initiator: bool
) -> tuple[bytes, tuple[bytes, bytes], PqChains]:
    ikm = b"\xff" * 32 + b"".join(shared) + kem_secret
    seeds = hkdf(ikm, salt=ZERO_SALT, info=b"Connexa/1 PQXDH" + transcript, length=96)
    header = hkdf(seeds[32:64], salt=ZERO_SALT, info=b"Connexa/1 DR header", length=64)
    return seeds[:32], (header[:32], header[32:]), PqChains.start(seeds[64:], int(now), initiator=initiator)


def _binding(transcript: bytes, local: Party, remote: Party, ephemeral: X25519Public, now: float, *, initiator: bool) -> Binding:
    return Binding(
        transcript,
        local.user,
        local.device,
        remote.user,
        remote.device,
        remote.keys_hash,
        ephemeral.raw,
        initiator,
        int(now),
    )


def _encode_initial(local: LocalDevice, initial: Initial) -> bytes:
    return InitialPart(
        suite=SUITE,
        user_key=local.user.packet,
        certificate=local.signed_certificate,
        spk=initial.spk,
        kem=initial.kem,
        one_time=initial.one_time,
        ephemeral=initial.ephemeral.raw,
        ciphertext=initial.ciphertext,
    ).SerializeToString(deterministic=True)
