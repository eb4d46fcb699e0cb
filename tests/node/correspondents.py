"""Two people's devices on real stores, with the post between them done by hand: for tests of what the inbox and the outbox make of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from connexa.content import Body, ContactState, Content, Text, encode
from connexa.crypto import Ed25519Secret, X25519Secret
from connexa.discovery import DiscoverySettings, Resolver
from connexa.identity import (
    Address,
    Attestation,
    DeviceCertificate,
    DeviceId,
    Domain,
    Endpoints,
    Pin,
    PinnedKey,
    PinState,
    SenderCertificate,
    UserSecret,
    dump_pin,
    issue_attestation,
    issue_device_certificate,
    issue_sender_certificate,
    next_device_list,
    sender_keys_hash,
)
from connexa.node.account import Account, load_account, own_device_list, profile_key
from connexa.node.arrivals import Taken
from connexa.node.devices import OWN, Recipient, keep_list, keep_seal_keys, sending_sessions
from connexa.node.directory import verified_bundles
from connexa.node.domains import Domains
from connexa.node.enrolment import keep_device
from connexa.node.events import EventLog
from connexa.node.history import answer_history, begin_history
from connexa.node.home import Home, first
from connexa.node.inbox import take_push
from connexa.node.link_frames import PushedItem
from connexa.node.log import sent_as
from connexa.node.mender import mend
from connexa.node.outbox import mark_sealed, waiting_for
from connexa.node.outcomes import settle_committed
from connexa.node.own_copies import seal_own_copies, seal_own_messages
from connexa.node.own_list import keep_own_list
from connexa.node.people import Person, add_person, person_by_user
from connexa.node.prekeys import make_due_prekeys
from connexa.node.receipts import send_receipts
from connexa.node.schema import MIGRATIONS
from connexa.node.sealing import Door, Outgoing, seal_envelope
from connexa.node.sending import send_text
from connexa.node.sessions import SendingSessions, begin_session
from connexa.node.settings import NodeSettings
from connexa.node.streams import bind
from connexa.pairwise import week_of, weekly_key
from connexa.store import Execute, Writer, open_database
from connexa.testing import FakeClock, MemoryNetwork, SeededRandom
from connexa.wire.v1.keys_pb2 import PrekeyBundle, Signed
from connexa.wire.v1.link_pb2 import PushClass
from connexa.wire.v1.message_pb2 import Envelope

KINDS = {"token": PushClass.PUSH_CONTACT, "stranger": PushClass.PUSH_REQUEST, "invite": PushClass.PUSH_REQUEST, "own": PushClass.PUSH_OWN}


class Device:
    """One device of a person, without links."""

    def __init__(self, home: Home, number: int, domain_key: Ed25519Secret) -> None:
        self.home = home
        self.number = number
        self.domain_key = domain_key
        self._seqs = itertools.count(1)

    @property
    def account(self) -> Account:
        return load_account(self.home.database.read, self.number)

    def pin(self, domain: str, key: Ed25519Secret, state: PinState = PinState.PINNED) -> None:
        """Hold a domain to a key."""
        pin = Pin(Domain(domain), state, (PinnedKey(key.public),), Endpoints.parse(domain), int(self.home.clock()), int(self.home.clock()))
        record = dump_pin(pin)
        self.home.database.writer_connection.execute("INSERT OR REPLACE INTO remote (domain, record) VALUES (?, ?)", (domain, record))

    def sender_certificate(self, *, life: int = 86_400, key: Ed25519Secret | None = None, domain: str = "") -> Signed:
        """What the homeserver of this device would say of it today."""
        account, now = self.account, self.home.clock()
        certificate = SenderCertificate(
            account.user_id,
            account.device,
            sender_keys_hash(account.user.key, account.dsk.public),
            Domain(domain or account.address.domain),
            int(now) + life,
        )
        return issue_sender_certificate(certificate, key or self.domain_key, now)

    def bundle(self, *, spend: bool = True) -> PrekeyBundle:
        """What a claim of this device's prekeys gives: the next one-time key that is not claimed yet."""
        query, week = self.home.database.read, week_of(self.home.clock())

        def newest(kind: str) -> Signed:
            rows = query("SELECT prekey FROM prekey WHERE account = ? AND type = ? ORDER BY id DESC", (self.number, kind))
            return Signed.FromString(rows[0][0])

        pool = query("SELECT id, prekey FROM prekey WHERE account = ? AND type = 'otp' AND uploaded = 0 ORDER BY id", (self.number,))
        if pool and spend:
            self.home.database.writer_connection.execute("UPDATE prekey SET uploaded = 1 WHERE type = 'otp' AND id = ?", (pool[0][0],))
        sek = query("SELECT prekey FROM prekey WHERE account = ? AND type = 'sek' AND id = ?", (self.number, week))[0][0]
        one_time = Signed.FromString(pool[0][1]) if pool else newest("kem-lr")
        return PrekeyBundle(certificate=self.account.certificate, spk=newest("spk"), sek=Signed.FromString(sek), one_time=one_time)

    async def write(
        self,
        to: Sequence[Device],
        body: Body,
        door: str = "token",
        *,
        message: bytes | None = None,
        counter: int = 0,
        sender: Signed | None = None,
    ) -> Envelope:
        """Seal one content for all of a person's devices, beginning the sessions that are missing."""
        now, them = self.home.clock(), to[0].account
        own = own_device_list(to[0].home.database.read, them)
        assert own is not None
        bundles = [device.bundle() for device in to]
        checked = verified_bundles(bundles, them.user, own[1], now)
        what = Outgoing(message or self.home.rng(16), counter, bytes(32), encode(Content(int(now * 1000), body)), now + 86_400)

        def seal(execute: Execute) -> bytes:
            for bundle, _ in checked:
                begin_session(execute, self.account, bundle, now, self.home.rng)
            keys = tuple(bundle.seal_key for bundle, _ in checked)
            recipient = Recipient(them.user_id, them.address.domain, own[1].version, bytes(32), keys)
            opening = Door(door, weekly_key(profile_key(to[0].home.database.read, them.id), week_of(now)), bytes(16))
            vouch, sessions = sender or self.sender_certificate(), sending_sessions(execute, self.number, recipient, now)
            raw, _ = seal_envelope(execute, self.account, recipient, sessions, what, opening, vouch, now, self.home.rng)
            sessions.store(execute)
            return raw

        return Envelope.FromString(await self.home.change(seal))

    async def know(self, other: Device, state: ContactState) -> None:
        """Have somebody among the people of this account, with their key, list and profile key."""
        them, now = other.account, self.home.clock()
        own, key = own_device_list(other.home.database.read, them), profile_key(other.home.database.read, them.id)
        assert own is not None

        def store(execute: Execute) -> None:
            number = add_person(execute, self.number, them.address, state, now)
            execute(
                "UPDATE person SET user = ?, user_key = ?, attestation = ?, device_list = ?, profile_key = ? WHERE id = ?",
                (them.user_id, them.user.packet, them.attestation.SerializeToString(), own[0].SerializeToString(), key, number),
            )
            keep_list(execute, self.number, number, own[1])

        await self.home.change(store)

    async def post(self, to: Sequence[Device]) -> list[Envelope]:
        """Seal everything that waits in the outbox for a person, as the delivery does, and note that their homeserver took it."""
        person, now, account = self.person(to[0]), self.home.clock(), self.account
        own = own_device_list(to[0].home.database.read, to[0].account)
        assert own is not None

        def seal(execute: Execute) -> list[bytes]:
            lacking = SendingSessions(execute, self.number, person.user, [device.account.device for device in to], now).missing()
            keys = []
            for device in to:
                new = device.account.device in lacking
                ((bundle, _),) = verified_bundles([device.bundle(spend=new)], to[0].account.user, own[1], now)
                keys.append(bundle.seal_key)
                if new:
                    begin_session(execute, account, bundle, now, self.home.rng)
            recipient = Recipient(person.user, person.address.domain, own[1].version, bytes(32), tuple(keys))
            sessions, sealed = sending_sessions(execute, self.number, recipient, now), []
            opening = Door("token", weekly_key(profile_key(to[0].home.database.read, 1), week_of(now)))
            for row in waiting_for(execute, self.number, person.id, 500):
                raw, content = seal_envelope(
                    execute, account, recipient, sessions, row.what, opening, self.sender_certificate(), now, self.home.rng
                )
                mark_sealed(execute, self.number, row, [key.device for key in keys], now)
                if row.kind == "text":
                    sent_as(execute, account, row.what.message, content)
                bind(execute, 1, self.number, row.id, "token", b"", raw, now)
                sealed.append(raw)
            sessions.store(execute)
            up_to = first(execute, "SELECT coalesce(max(number), 0) FROM envelope")
            settle_committed(execute, self.home.events, account, 1, up_to[0] if up_to else 0, (), now)
            return sealed

        return [Envelope.FromString(raw) for raw in await self.home.change(seal)]

    async def say(self, to: Device, text: str) -> bytes:
        """Write a text as its owner does; returns the message id."""
        message = self.home.rng(16)
        address = str(to.account.address)
        await self.home.change(lambda execute: send_text(execute, self.home, self.account, address, Text(text), message))
        return message

    async def mend(self) -> None:
        """Do what the account's mending does when its time has come."""
        await self.home.change(lambda execute: mend(execute, self.home, self.account))

    async def receipts(self) -> None:
        """Put the receipts that are noted into the outbox."""
        await self.home.change(lambda execute: send_receipts(execute, self.number, self.home.clock(), self.home.rng))

    def gaps(self) -> list[int]:
        """Counters that are missing."""
        return [row[0] for row in self.home.database.read("SELECT counter FROM counter_gap ORDER BY counter")]

    def person(self, other: Device) -> Person:
        """Somebody, as this account knows them."""
        found = person_by_user(self.home.database.read, self.number, other.account.user_id)
        assert found is not None
        return found

    def pushed(self, envelope: Envelope, *, seq: int | None = None, accepted_at: float | None = None) -> PushedItem:
        """An envelope as this device's homeserver pushes it."""
        packet = next(p for p in envelope.packets if p.device == self.account.device)
        return PushedItem(
            seq=seq or next(self._seqs),
            accepted_at=int(self.home.clock() if accepted_at is None else accepted_at),
            kind=KINDS[envelope.WhichOneof("right") or ""],
            envelope=envelope.id,
            body=envelope.body,
            device=packet.device,
            sek=packet.sek,
            sealed=packet.sealed,
        )

    async def take(self, *items: PushedItem) -> Taken:
        """Take one push frame."""
        account = self.account
        return await self.home.change(lambda execute: take_push(execute, self.home, account, items))

    async def restart(self, path: Path) -> None:
        """Close the store and open it again, as the next start of the program does."""
        clock, rng = self.home.clock, self.home.rng
        await self.home.writer.close()
        self.home.database.close()
        assert isinstance(clock, FakeClock) and isinstance(rng, SeededRandom)
        self.home = make_home(path, clock, rng)

    def undecryptable(self) -> int:
        """Arrivals that did not open, whoever sent them."""
        refused = self.home.database.read("SELECT refused FROM account WHERE id = ?", (self.number,))[0][0]
        return int(refused + self.home.database.read("SELECT coalesce(sum(unopened), 0) FROM ask")[0][0])

    def texts(self) -> list[str]:
        return [row[0] for row in self.home.database.read("SELECT text FROM message WHERE account = ? ORDER BY cursor", (self.number,))]

    def state_of(self, other: Device) -> str:
        rows = self.home.database.read("SELECT state FROM person WHERE account = ? AND user = ?", (self.number, other.account.user_id))
        return rows[0][0] if rows else ""

    def events(self) -> list[str]:
        return [event.kind for event in self.home.events.replay(0)]


async def befriend(alice: Device, bob: Device) -> None:
    await alice.know(bob, ContactState.ACCEPTED)
    await bob.know(alice, ContactState.ACCEPTED)


def dump(device: Device) -> dict[str, list[tuple[object, ...]]]:
    """Everything that an arrival may change, but for the memory of envelopes and the count."""
    tables = (
        "session",
        "prekey",
        "initial_seen",
        "person",
        "person_device",
        "conversation",
        "message",
        "outbox",
        "receipt",
        "counter_high",
    )
    return {table: device.home.database.read(f"SELECT * FROM {table}") for table in tables}


async def open_device(
    path: Path, clock: FakeClock, rng: SeededRandom, address: str, domain_key: Ed25519Secret, device: DeviceId | None = None
) -> Device:
    """A primary device of a new account, as if its homeserver had attested it; its owner may choose the device's id."""
    home = make_home(path, clock, rng)
    now, where = clock(), Address.parse(address)
    user = UserSecret.generate(rng, now)
    device, dsk = device or DeviceId(rng(32)), Ed25519Secret.generate(rng)
    dik = X25519Secret.generate(rng)
    certificate = issue_device_certificate(DeviceCertificate(user.id, device, dsk.public, dik.public, int(now) + 10**8), user)
    signed = next_device_list(None, user, [certificate], now)
    attestation = issue_attestation(Attestation(where, user.id), domain_key)

    def store(execute: Execute) -> int:
        execute(
            "INSERT INTO account (address, state, user, user_key, seed, device, dsk, dik, certificate, attestation, profile_key, created)"
            " VALUES (?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                str(where),
                user.id,
                user.public.packet,
                user.seed,
                device,
                dsk.seed,
                dik.raw,
                certificate.SerializeToString(),
                attestation.SerializeToString(),
                rng(32),
                now,
            ),
        )
        account = load_account(execute, 1)
        keep_device(execute, home, 1, device, certificate, "")
        keep_own_list(execute, home, account, signed)
        make_due_prekeys(execute, account, 0, rng, now)
        execute("INSERT INTO stream (id, account, use, key, input, output, opened) VALUES (1, 1, 1, 0, x'', x'', ?)", (now,))
        return 1

    made = Device(home, await home.change(store), domain_key)
    made.pin(where.domain, domain_key)
    return made


async def link_device(primary: Device, path: Path, clock: FakeClock, rng: SeededRandom, *, others: Sequence[Device] = ()) -> Device:
    """Another device of the same person, linked as the code and the grant would do it; `others` were linked before."""
    home, account, now = make_home(path, clock, rng), primary.account, clock()
    assert account.secret is not None
    device, dsk, dik = DeviceId(rng(32)), Ed25519Secret.generate(rng), X25519Secret.generate(rng)
    certificate = issue_device_certificate(
        DeviceCertificate(account.user_id, device, dsk.public, dik.public, int(now) + 10**8), account.secret
    )
    own = own_device_list(primary.home.database.read, account)
    assert own is not None
    signed = next_device_list(own[0], account.secret, [account.certificate, *(one.account.certificate for one in others), certificate], now)
    profile = profile_key(primary.home.database.read, account.id)

    def store(execute: Execute) -> int:
        execute(
            "INSERT INTO account (address, state, user, user_key, device, dsk, dik, certificate, attestation, profile_key, created)"
            " VALUES (?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                str(account.address),
                account.user_id,
                account.user.packet,
                device,
                dsk.seed,
                dik.raw,
                certificate.SerializeToString(),
                account.attestation.SerializeToString(),
                profile,
                now,
            ),
        )
        keep_own_list(execute, home, load_account(execute, 1), signed)
        begin_history(execute, 1, account.device)
        make_due_prekeys(execute, load_account(execute, 1), 0, rng, now)
        return 1

    made = Device(home, await home.change(store), primary.domain_key)
    made.pin(account.address.domain, primary.domain_key)
    for one in (primary, *others):
        await one.home.change(lambda execute, told=one: keep_own_list(execute, told.home, told.account, signed))  # type: ignore[misc]
    return made


async def meet(one: Device, other: Device) -> None:
    """Give one device the keys of another of the same person, as OwnBundles does."""
    own = own_device_list(one.home.database.read, one.account)
    assert own is not None
    bundles = verified_bundles([other.bundle()], one.account.user, own[1], one.home.clock())

    def begin(execute: Execute) -> None:
        for bundle, _ in bundles:
            begin_session(execute, one.account, bundle, one.home.clock(), one.home.rng)
            keep_seal_keys(execute, 1, OWN, [bundle.seal_key])

    await one.home.change(begin)


async def carry(one: Device, other: Device) -> int:
    """Seal what is gathered and push it to the other device; returns how many envelopes it took."""
    sender, account = one.sender_certificate(), one.account

    def seal(execute: Execute) -> int:
        return sum(sealing(execute, one.home, account, sender) for sealing in (seal_own_copies, seal_own_messages, answer_history))

    count = await one.home.change(seal)
    rows = one.home.database.read("SELECT raw FROM own_envelope ORDER BY number DESC LIMIT ?", (count,))
    await other.take(*(other.pushed(Envelope.FromString(raw)) for (raw,) in reversed(rows)))
    return count


def make_home(path: Path, clock: FakeClock, rng: SeededRandom) -> Home:
    """A home on a real store, which finds no domain and dials nobody."""
    database = open_database(path, bytes(range(32)), MIGRATIONS)
    writer, settings = Writer(database), NodeSettings(discovery=DiscoverySettings(dns=False, well_known=False))
    events = EventLog(database, settings.limits.events_kept)
    domains = Domains(database, writer, events, Resolver(settings.discovery, clock=clock), clock)
    return Home(settings, database, writer, events, clock, rng, MemoryNetwork().dialer(path.name), domains)
