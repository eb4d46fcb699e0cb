"""What a device has to keep fresh at its homeserver, and what the store forgets in time.

Runs on an open mailbox link: at once after the login, at notices, and every so often. Each piece looks at the store for what is due, so a
piece that was cut off is simply due again.
"""

from __future__ import annotations

from connexa.crypto import Ed25519Public, voprf
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import (
    MAX_LIST_LIFE,
    ServerInfo,
    check_successor,
    next_device_list,
    verify_device_list,
    verify_sender_certificate,
    verify_server_info,
)
from connexa.node.account import Account, newest_backup, own_device_list, profile_key
from connexa.node.devices import OWN, keep_certificates, keep_seal_keys
from connexa.node.directory import verified_bundles
from connexa.node.home import Home, first
from connexa.node.link import MailboxLink
from connexa.node.media.passes import forget_old_passes, keep_media_passes, passes_at_hand
from connexa.node.outbox import expire
from connexa.node.own_list import keep_own_list
from connexa.node.passes import fetch_passes
from connexa.node.prekeys import forget_old_prekeys, make_due_prekeys, mark_uploaded, pending_upload
from connexa.node.sessions import begin_session, can_send
from connexa.node.streams import count_passes, forget_old_streams, keep_passes
from connexa.pairwise import week_of, weekly_key
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import (
    BundlesReply,
    DomainReply,
    Empty,
    GetDomain,
    GetOwnList,
    GetSenderCertificate,
    OwnBundles,
    PrekeyStatus,
    PrekeyStatusReply,
    PutDeviceList,
    PutInvite,
    PutTokenKeys,
    TokenKey,
)

__all__ = ["Upkeep", "forget_old", "own_certificates"]

WEEKS_AHEAD = 8
SENDER_MARGIN = 43_200
DAY = 86_400
REQUESTS_KEPT = 60 * DAY


class Upkeep:
    """The chores of one account on one mailbox link."""

    def __init__(self, home: Home, account: Account, link: MailboxLink) -> None:
        self._home = home
        self._account = account
        self._link = link
        self._given_list: Signed | None = link.ready.device_list

    async def run_all(self) -> str:
        """Do whatever is due, the most urgent first; returns the code of what the homeserver refused, or nothing.

        No mail leaves before there is a sender certificate: by then our door takes the answers to it. After a restore it has another key.
        A refusal of one piece does not hold up the others; the end of the link does.
        """
        failure = ""
        for piece in (
            self._given,
            self._prekeys,
            self.token_keys,
            self._sender,
            self._passes,
            self._media_passes,
            self.invites,
            self._renew_list,
        ):
            try:
                await piece()
            except ConnexaError as error:
                if self._link.ended is not None:
                    raise
                failure = failure or error.code
                if isinstance(error, IntegrityError):
                    await self._warn(error.code)
        now = self._home.clock()
        await self._home.change(lambda execute: forget_old(execute, self._home, self._account.id, now))
        await self._home.writer.truncate_log()  # what was deleted is gone from the disk too (P15)
        return failure

    async def _warn(self, code: str) -> None:
        now, address = self._home.clock(), str(self._account.address)
        await self._home.change(lambda execute: self._home.events.record(execute, address, "trust.warning", now, code=code))

    async def _given(self) -> None:
        given, self._given_list = self._given_list, None  # later runs ask
        await self.own_list(given)

    async def own_list(self, newest: Signed | None = None) -> None:
        """Follow the person's own device list, asking for it where it is not given."""
        if newest is None:
            newest = await self._link.call(GetOwnList(), Signed)
        known = own_device_list(self._home.database.read, self._account)
        if not newest.body or (known is not None and known[0].body == newest.body):
            return
        account, now = self._account, self._home.clock()
        # Several versions may have passed while this device was away. All are signed by the user key; what counts is that it goes up.
        following = verify_device_list(newest, account.user, now)
        if known is not None and following.version == known[1].version + 1:
            check_successor(known[0].body, following)
        if known is not None and following.version <= known[1].version:
            raise IntegrityError("devices.rollback", "The homeserver shows an old list of this person's own devices.")
        await self._home.change(lambda execute: keep_own_list(execute, self._home, account, newest))

    async def _sender(self) -> None:
        """Fetch the certificate that sealed envelopes name this device by."""
        now, account = self._home.clock(), self._account
        row = first(self._home.database.read, "SELECT sender_until FROM account WHERE id = ?", (account.id,))
        if row is not None and row[0] > now + SENDER_MARGIN:
            return
        signed = await self._link.call(GetSenderCertificate(), Signed)
        certificate = verify_sender_certificate(signed, self._keys(), domain=account.address.domain, accepted_at=now)
        await self._home.change(
            lambda execute: execute(
                "UPDATE account SET sender = ?, sender_until = ? WHERE id = ?",
                (signed.SerializeToString(), certificate.expires, account.id),
            )
        )

    async def _prekeys(self) -> None:
        account = self._account
        status = await self._link.call(PrekeyStatus(), PrekeyStatusReply)
        await self._home.change(lambda execute: make_due_prekeys(execute, account, status.one_time, self._home.rng, self._home.clock()))
        while (upload := pending_upload(self._home.database.read, account.id)) is not None:
            await self._link.call(upload.request, Empty)
            await self._home.change(lambda execute, done=upload: mark_uploaded(execute, account.id, done))  # type: ignore[misc]

    async def token_keys(self) -> None:
        """Upload the weekly keys of our door; after a block, in place of all others at once (first-message §7)."""
        account, week = self._account, week_of(self._home.clock())
        row = first(self._home.database.read, "SELECT token_until, token_replace FROM account WHERE id = ?", (account.id,))
        if row is None or (row[0] >= week + WEEKS_AHEAD - 1 and not row[1]):
            return
        profile = profile_key(self._home.database.read, account.id)
        keys = [TokenKey(week=w, key=weekly_key(profile, w)) for w in range(week - 1, week + WEEKS_AHEAD + 1)]
        await self._link.call(PutTokenKeys(keys=keys, replace=bool(row[1])), Empty)
        await self._home.change(
            lambda execute: execute(
                "UPDATE account SET token_until = ?, token_replace = 0 WHERE id = ? AND profile_key = ?",
                (week + WEEKS_AHEAD, account.id, profile),
            )
        )

    async def _passes(self) -> None:
        wanted = self._home.settings.limits.passes_kept
        here = count_passes(self._home.database.read, self._account.id, self._home.clock())
        if here * 2 > wanted:
            return
        passes = await fetch_passes(self._link, await self._info(), wanted - here, self._home.rng)
        await self._home.change(lambda execute: keep_passes(execute, self._account.id, passes))

    async def _media_passes(self) -> None:
        """Keep some ready, and as many as the files ask for that wait; none where the homeserver takes no media."""
        policy = self._given_info().policy
        if not policy.media_segments:
            return
        here, needed = passes_at_hand(self._home.database.read, self._account.id, self._home.clock())
        wanted = max(needed, self._home.settings.limits.media_passes_kept)
        if here >= needed and here * 2 > wanted:
            return
        count = min(wanted - here, policy.media_passes_per_day, voprf.MAX_BATCH)
        if count > 0:
            passes = await fetch_passes(self._link, await self._info(), count, self._home.rng, media=True)
            await self._home.change(lambda execute: keep_media_passes(execute, self._account.id, passes))

    def _given_info(self) -> ServerInfo:
        """What our domain published when the link was opened."""
        given, domain = self._link.ready.server_info, self._account.address.domain
        return verify_server_info(given, self._keys(), domain=domain, now=self._home.clock())

    async def _info(self) -> ServerInfo:
        """What our domain publishes now: pass keys change weekly, and a link may stand for longer."""
        domain = self._account.address.domain
        reply = await self._link.call(GetDomain(domain=domain), DomainReply)
        return verify_server_info(reply.server_info, self._keys(), domain=domain, now=self._home.clock())

    def _keys(self) -> tuple[Ed25519Public, ...]:
        trusted = self._home.domains.trusted(self._account.address.domain)
        return trusted.keys if trusted is not None else ()

    async def invites(self) -> None:
        sql = "SELECT id, secret, uses, expires, revoked FROM invite WHERE account = ? AND uploaded != 1 + revoked"
        for invite, secret, uses, expires, revoked in list(self._home.database.read(sql, (self._account.id,))):
            await self._link.call(PutInvite(id=invite, secret=b"" if revoked else secret, uses=uses, expires=int(expires)), Empty)
            await self._home.change(
                lambda execute, i=invite, r=revoked: execute(  # type: ignore[misc]
                    "UPDATE invite SET uploaded = ? WHERE account = ? AND id = ?", (1 + r, self._account.id, i)
                )
            )

    async def _renew_list(self) -> None:
        """The primary renews the list of devices at half of its life (first-message §9)."""
        account, now = self._account, self._home.clock()
        known = own_device_list(self._home.database.read, account)
        if account.secret is None or known is None or known[1].not_after > now + MAX_LIST_LIFE / 2:
            return
        certificates = own_certificates(self._home, account)
        if len(certificates) == len(known[1].devices):
            counter = newest_backup(self._home.database.read, account.id)
            await self.put_list(next_device_list(known[0], account.secret, certificates, now, backup=counter), [])

    async def put_list(self, signed: Signed, new: list[Signed]) -> None:
        """Give the homeserver a new list, then take it over here."""
        await self._link.call(PutDeviceList(device_list=signed, certificates=new), Empty)
        await self._home.change(lambda execute: keep_own_list(execute, self._home, self._account, signed))

    async def own_sessions(self) -> None:
        """Fetch this week's keys of the own other devices, and begin the sessions that are missing."""
        account, now, query = self._account, self._home.clock(), self._home.database.read
        if not self._own_missing(now):
            return
        await self.own_list()
        missing, own = self._own_missing(now), own_device_list(query, account)
        if not missing or own is None:
            return
        reply = await self._link.call(OwnBundles(devices=missing), BundlesReply)
        bundles = verified_bundles(reply.bundles, account.user, own[1], now)

        def begin(execute: Execute) -> None:
            for bundle, certificate in bundles:
                begin_session(execute, account, bundle, now, self._home.rng)
                keep_certificates(execute, account.id, OWN, [(bundle.party.device, certificate)])
                keep_seal_keys(execute, account.id, OWN, [bundle.seal_key])
                # A restored device may have let it in, which this one knows by the list alone: what it signs next must name it too.
                named = "UPDATE own_device SET certificate = ? WHERE account = ? AND device = ? AND certificate = x''"
                execute(named, (certificate.SerializeToString(), account.id, bundle.party.device))
                # It has been at the homeserver, though its last word of the linking may have been lost.
                seen = "UPDATE own_device SET seen = ? WHERE account = ? AND device = ? AND seen = 0"
                execute(seen, (now, account.id, bundle.party.device))

        await self._home.change(begin)

    def _own_missing(self, now: float) -> list[bytes]:
        query, account, user = self._home.database.read, self._account.id, self._account.user_id
        rows = query("SELECT device, sek_week FROM person_device WHERE account = ? AND person = ?", (account, OWN))
        return [device for device, week in rows if week != week_of(now) or not can_send(query, account, user, device, now)]


def own_certificates(home: Home, account: Account, *, but: bytes = b"") -> list[Signed]:
    """The certificates of all listed own devices, without `but`, in a stable order."""
    sql = (
        "SELECT certificate FROM own_device WHERE account = ? AND device != ? AND listed = 1 AND certificate != x'' ORDER BY added, device"
    )
    return [Signed.FromString(row[0]) for row in home.database.read(sql, (account.id, but))]


def forget_old(execute: Execute, home: Home, account: int, now: float) -> None:
    """Let go of what is over: messages that expired, spent keys, old memories."""
    expire(execute, home.events, account, now)
    forget_old_prekeys(execute, now)
    forget_old_streams(execute, now)
    forget_old_passes(execute, now)
    execute("DELETE FROM envelope_seen WHERE until < ?", (int(now),))
    execute("DELETE FROM early_receipt WHERE at < ?", (now - REQUESTS_KEPT,))
    execute("DELETE FROM held WHERE since < ?", (now - REQUESTS_KEPT,))
    execute("DELETE FROM resent WHERE since < ?", (now - DAY,))
    home.events.trim(execute)
