"""Two people with a device each, for the tests of this room: seeded randomness, a fixed clock, real keys and certificates."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from connexa.crypto import Ed25519Secret, HybridSecret, MlKemSecret, Rng, X25519Secret
from connexa.identity import (
    DeviceCertificate,
    DeviceId,
    Domain,
    ListedDevice,
    SenderCertificate,
    UserSecret,
    body_hash,
    issue_device_certificate,
    issue_sender_certificate,
    sender_keys_hash,
)
from connexa.pairwise import (
    Bundle,
    Initial,
    LocalDevice,
    PrekeyOwner,
    Responded,
    ResponderSecrets,
    Sender,
    Session,
    SessionEvent,
    SessionSet,
    encrypt,
    initiate,
    make_last_resort,
    make_one_time,
    make_seal_key,
    make_signed_prekey,
    open_sealed,
    read_initial,
    respond,
    seal,
    verify_bundle,
    verify_sender,
    week_of,
)
from connexa.wire.v1.keys_pb2 import PrekeyBundle, Signed

NOW = 1_800_000_000


def seeded(seed: int) -> Rng:
    """Randomness that a test can repeat."""
    return random.Random(seed).randbytes


@dataclass
class Device:
    """A device with its keys, its prekeys and its domain."""

    name: str
    rng: Rng
    user: UserSecret
    domain_key: Ed25519Secret
    dsk: Ed25519Secret
    dik: X25519Secret
    certificate: DeviceCertificate
    signed_certificate: Signed
    spk: tuple[Signed, X25519Secret]
    last_resort: tuple[Signed, MlKemSecret]
    one_time: tuple[Signed, HybridSecret]
    sek: tuple[Signed, HybridSecret]
    seen: set[bytes] = field(default_factory=set)

    @classmethod
    def make(cls, name: str, seed: int, now: int = NOW, user: UserSecret | None = None) -> Device:
        rng = seeded(seed)
        user = user or UserSecret.generate(rng, now)
        dsk, dik = Ed25519Secret.generate(rng), X25519Secret.generate(rng)
        certificate = DeviceCertificate(user.id, DeviceId(rng(32)), dsk.public, dik.public, now + 365 * 86_400)
        owner = PrekeyOwner(user.id, certificate.device, dsk)
        return cls(
            name,
            rng,
            user,
            Ed25519Secret.generate(rng),
            dsk,
            dik,
            certificate,
            issue_device_certificate(certificate, user),
            make_signed_prekey(owner, 7, now, rng),
            make_last_resort(owner, 3, now, rng),
            make_one_time(owner, 21, now, rng),
            make_seal_key(owner, week_of(now), rng),
        )

    def renew_prekeys(self, now: int) -> None:
        """What a device does when it is back."""
        self.spk = make_signed_prekey(self.owner, 8, now, self.rng)
        self.one_time = make_one_time(self.owner, 22, now, self.rng)
        self.sek = make_seal_key(self.owner, week_of(now), self.rng)

    @property
    def id(self) -> DeviceId:
        return self.certificate.device

    @property
    def domain(self) -> Domain:
        return Domain(f"{self.name}.example")

    @property
    def local(self) -> LocalDevice:
        return LocalDevice(self.user.public, self.signed_certificate, self.certificate, self.dik)

    @property
    def owner(self) -> PrekeyOwner:
        return PrekeyOwner(self.user.id, self.id, self.dsk)

    @property
    def listed(self) -> ListedDevice:
        return ListedDevice(self.id, body_hash(self.signed_certificate))

    def bundle_message(self, *, last_resort: bool = False) -> PrekeyBundle:
        one_time = self.last_resort[0] if last_resort else self.one_time[0]
        return PrekeyBundle(certificate=self.signed_certificate, spk=self.spk[0], sek=self.sek[0], one_time=one_time)

    def bundle(self, now: int = NOW, *, last_resort: bool = False) -> Bundle:
        return verify_bundle(self.bundle_message(last_resort=last_resort), self.user.public, self.listed, now)

    def sender_certificate(self, now: int = NOW, life: int = 86_400) -> Signed:
        keys = sender_keys_hash(self.user.public.key, self.dsk.public)
        return issue_sender_certificate(SenderCertificate(self.user.id, self.id, keys, self.domain, now + life), self.domain_key, now)

    @property
    def sender(self) -> Sender:
        return Sender(self.user.id, self.id, sender_keys_hash(self.user.public.key, self.dsk.public), self.domain)

    def secrets_for(self, initial: Initial) -> ResponderSecrets:
        if initial.one_time:
            return ResponderSecrets.with_pair(self.spk[1], self.one_time[1])
        return ResponderSecrets(self.spk[1], self.last_resort[1], None)

    def begin(self, other: Device, now: int = NOW, *, last_resort: bool = False) -> Session:
        return initiate(self.local, other.bundle(now, last_resort=last_resort), now, self.rng)

    def answer(self, other: Device, initial: bytes, message: bytes, now: int = NOW) -> Responded:
        read = read_initial(initial, other.sender, now)
        responded = respond(self.local, read, self.secrets_for(read), message, seen=self.seen, now=now)
        self.seen.add(responded.ephemeral)
        return responded

    def seal_to(self, other: Device, initial: bytes, message: bytes, now: int = NOW) -> bytes:
        return seal(other.bundle(now).seal_key, self.sender_certificate(now), initial, message)

    def unseal_from(self, other: Device, sealed: bytes, now: int = NOW) -> tuple[Sender, bytes, bytes]:
        unsealed = open_sealed(self.sek[1], self.id, week_of(now), sealed)
        return verify_sender(unsealed, [other.domain_key.public], now), unsealed.initial, unsealed.message


def first_message(alice: Device, bob: Device, *, last_resort: bool = False) -> tuple[bytes, bytes]:
    """The initial part and the message `first` of a new session."""
    session = alice.begin(bob, last_resort=last_resort)
    return session.initial, encrypt(session, b"first", alice.rng)[1]


def first_plaintext(
    bob: Device, initial: Initial, message: bytes, secrets: ResponderSecrets | None = None, *, seen: frozenset[bytes] = frozenset()
) -> bytes:
    """What Bob makes of it; he remembers nothing."""
    return respond(bob.local, initial, secrets or bob.secrets_for(initial), message, seen=seen, now=NOW).plaintext


@dataclass
class End:
    """One side of a conversation as a node keeps it: a set of sessions with the other device, and what came."""

    device: Device
    other: Device
    sessions: SessionSet = field(default_factory=SessionSet)
    opened: list[bytes] = field(default_factory=list)
    events: list[SessionEvent] = field(default_factory=list)
    now: int = NOW

    def send(self, plaintext: bytes) -> tuple[bytes, bytes]:
        """The initial part (empty if none is due) and the message."""
        if not (session := self.sessions.for_sending(self.now)):
            session = self.device.begin(self.other, self.now)
            self.sessions = self.sessions.with_own(session, self.now)
        initial = session.initial
        session, message = encrypt(session, plaintext, self.device.rng)
        self.sessions = self.sessions.with_sent(session)
        return initial, message

    def receive(self, packet: tuple[bytes, bytes]) -> None:
        """Open a packet and keep what it changes, or let `Reject` through with everything as it was."""
        initial, message = packet
        sender = self.other.sender
        if initial:
            read = read_initial(initial, sender, self.now)
            if not self.sessions.knows(read.ephemeral.raw):
                self._respond(read, message)
                return
        received = self.sessions.receive(sender, message, self.now)
        self.sessions = received.sessions
        self._keep(received.plaintext, received.event)

    def _respond(self, read: Initial, message: bytes) -> None:
        secrets = self.device.secrets_for(read)
        responded = respond(self.device.local, read, secrets, message, seen=self.device.seen, now=self.now)
        self.device.seen.add(responded.ephemeral)
        self.sessions, event = self.sessions.with_theirs(responded.session, self.now)
        self._keep(responded.plaintext, event)

    def _keep(self, plaintext: bytes, event: SessionEvent | None) -> None:
        self.opened.append(plaintext)
        if event:
            self.events.append(event)


def two_ends(seed: int = 1) -> tuple[End, End]:
    """Alice and Bob with nothing between them yet."""
    alice, bob = Device.make("a", seed), Device.make("b", seed + 1)
    return End(alice, bob), End(bob, alice)


def acquainted(seed: int = 1) -> tuple[End, End]:
    """Alice and Bob with a session that both have spoken on."""
    alice, bob = two_ends(seed)
    bob.receive(alice.send(b"hello"))
    alice.receive(bob.send(b"hello to you"))
    return alice, bob
