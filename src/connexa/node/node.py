"""The node: one daemon that holds a person's accounts; every face calls the operations here and nothing below.

`account` arguments are addresses, or "" for the only account. Operations raise `ConnexaError` kinds and nothing else. Reading is
synchronous, from what is committed; whatever changes something is a coroutine that returns once the change is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from connexa.backup import key_of_words, words_of_key
from connexa.content import AccountName, Span, Text, VerifiedHow
from connexa.crypto import Rng
from connexa.discovery import Resolver
from connexa.errors import ConnexaError, RefusedError, UsageError
from connexa.identity import Address
from connexa.node import contact_book, conversations, device_book, invites, recovery, trust
from connexa.node.account import Account, AccountState, all_accounts, find_account, load_account
from connexa.node.approvals import Approvals
from connexa.node.backups import Backups
from connexa.node.doctor import examine
from connexa.node.domains import Domains
from connexa.node.enrolment import account_invite, create
from connexa.node.events import EventLog, Subscription
from connexa.node.export import armoured_certificate
from connexa.node.groups.book import find_group
from connexa.node.groups.desk import GroupDesk
from connexa.node.history import pull_again
from connexa.node.home import Clock, Home, Work
from connexa.node.linking import Linkings
from connexa.node.markup import read_markup
from connexa.node.media.desk import MediaDesk
from connexa.node.media.mover import media_folder
from connexa.node.media.views import SendingView
from connexa.node.messages import message_info, message_view
from connexa.node.people import Person, person_at, person_of
from connexa.node.registers import decide
from connexa.node.restore import restore
from connexa.node.retry import kept_up
from connexa.node.revocation import is_revoked, revoked
from connexa.node.running import RunningAccount
from connexa.node.search.asked import read_asked
from connexa.node.search.find import find
from connexa.node.search.index import Indexer, catch_up
from connexa.node.search.views import SearchView
from connexa.node.sending import find_person, parse_id, send_text
from connexa.node.settings import NodeSettings
from connexa.node.status import account_view, status_view
from connexa.node.talk import Talk
from connexa.node.vanishing import Vanishing
from connexa.node.views import (
    AccountView,
    ApprovalView,
    BackupFileView,
    BackupScheduleView,
    BackupView,
    ContactView,
    ConversationView,
    DeviceView,
    DoctorView,
    EventView,
    InviteView,
    LinkCodeView,
    LinkingView,
    MessageInfoView,
    MessageView,
    RecoveryView,
    RequestView,
    RestoredView,
    SafetyNumberView,
    StatusView,
)
from connexa.store import Database, Execute, Writer
from connexa.tasks import TaskGroup
from connexa.wire.transport import LinkDialer

__all__ = ["Node"]

T = TypeVar("T")
EMPTY_LOG_EVERY = 60.0
SEARCH_PATIENCE = 0.1  # seconds that a search waits for the index to know the newest
MAX_NAME = 64


class Node:
    """Open it, then `run` it until it is to end, then `close` it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._started = home.clock()
        self._running: dict[int, RunningAccount] = {}
        self._new: asyncio.Queue[Work] = asyncio.Queue(64)
        self._linkings = Linkings(home, self._new.put, self._begin)
        self._approvals = Approvals(home, self._new.put)
        self._backups = Backups(home)

    @classmethod
    async def open(
        cls,
        settings: NodeSettings,
        database: Database,
        *,
        clock: Clock,
        rng: Rng,
        resolver: Resolver,
        dialer: LinkDialer,
        writes: Callable[[Database], Writer] = Writer,
    ) -> Node:
        """Take over an open database; the caller closes it after `close`. `writes` makes its writer."""
        writer, events = writes(database), EventLog(database, settings.limits.events_kept)
        domains = Domains(database, writer, events, resolver, clock)
        return cls(Home(settings, database, writer, events, clock, rng, dialer, domains))

    async def run(self) -> None:
        """Keep the links of all accounts up until cancelled."""
        try:
            media_folder(self._home).forget_unfinished()
            async with TaskGroup() as tasks:
                tasks.create_task(self._empty_log())
                tasks.create_task(self._backups.run())
                tasks.create_task(kept_up(Indexer(self._home).run))
                tasks.create_task(kept_up(Vanishing(self._home).run))
                for number, _, state in all_accounts(self._home.database.read):
                    # A revoked device asks whether that still holds; one that is not let in yet would be taken for revoked.
                    if state not in (AccountState.CREATING, AccountState.RESTORING):
                        tasks.create_task(self._work(number))
                while True:
                    work = await self._new.get()
                    tasks.create_task(work())
        finally:
            self._home.events.end()

    async def _empty_log(self) -> None:
        """Take deleted keys off the disk: the pages that held them wait in the write-ahead log until it is emptied (P15)."""
        while True:
            await asyncio.sleep(EMPTY_LOG_EVERY)
            with contextlib.suppress(ConnexaError):  # the disk takes no writes now; the next round tries again
                await self._home.writer.truncate_log()

    async def _begin(self, number: int) -> None:
        if number not in self._running:
            await self._new.put(lambda: self._work(number))

    async def _work(self, number: int) -> None:
        self._running[number] = running = RunningAccount(self._home, load_account(self._home.database.read, number))
        await running.run()
        del self._running[number]  # it was revoked

    async def close(self) -> None:
        """Finish what is being written."""
        await self._home.writer.close()

    def status(self) -> StatusView:
        """How the node is."""
        return status_view(self._home, self._started, self._running)

    async def doctor(self) -> DoctorView:
        """Check what can be checked; the whole database file is read."""
        return await examine(self._home, [self._running[number] for number in sorted(self._running)])

    # Accounts and devices

    async def create_account(self, address: str, invite: str | None = None, name: str = "") -> AccountView:
        """Make an account at the homeserver of the address; `invite` is the homeserver's, where it asks for one."""
        number = await create(self._home, Address.parse(address), account_invite(invite), _account_name(name))
        await self._begin(number)
        return account_view(self._home, number, None)

    async def link_account(self, address: str, name: str = "") -> LinkCodeView:
        """Begin to link this device, under that name, to an account by a code that is good for a minute.

        Events: `account.linking` when there are digits to show, then `account.new` or `account.link_failed`.
        """
        return await self._linkings.begin(Address.parse(address), _account_name(name) or self._home.device_name)

    def linking(self, address: str) -> LinkingView:
        """How far this device is in being linked, with the digits to type on the primary device."""
        return self._linkings.view(Address.parse(address))

    def accounts(self) -> list[AccountView]:
        """All accounts."""
        return [account_view(self._home, n, self._running.get(n)) for n, _, _ in all_accounts(self._home.database.read)]

    def account(self, account: str = "") -> AccountView:
        """One account."""
        number = self._number(account)
        return account_view(self._home, number, self._running.get(number))

    async def rename_account(self, account: str, name: str) -> AccountView:
        """Name an account for its owner."""
        of, called = self._account(account), _account_name(name)

        def store(execute: Execute) -> None:
            execute("UPDATE account SET name = ? WHERE id = ?", (called, of.id))
            decide(execute, self._home, of, AccountName(called))

        await self._change(store)
        self._wake(of.id)
        return self.account(account)

    def export_openpgp(self, account: str = "") -> str:
        """The armoured OpenPGP certificate."""
        return armoured_certificate(self._account(account))

    def devices(self, account: str = "") -> list[DeviceView]:
        """The person's devices."""
        return device_book.list_devices(self._home.database.read, self._account(account))

    async def approve_device(self, account: str, code: str) -> ApprovalView:
        """Meet the new device that shows this code; it is let in by `confirm_device`, within a minute."""
        return await self._approvals.begin(self._at_work(account).account, code)

    async def confirm_device(self, account: str, approval: str, digits: str) -> DeviceView:
        """Let a new device in by the digits that it shows: one try. No digits keep it out."""
        running = self._at_work(account)
        device = await self._approvals.confirm(running.account, await running.mailbox.upkeep(), approval, digits)
        running.wake()
        return device_book.device_view(self._home.database.read, running.account, device)

    async def revoke_device(self, account: str, device: str) -> DeviceView:
        """Take a device out of the account; `device` is its name, or how its id begins."""
        running = self._at_work(account)
        view = await device_book.revoke_device(self._home, running.account, await running.mailbox.upkeep(), device)
        running.wake()
        await running.mailbox.change_doors()
        return view

    async def rename_device(self, account: str, device: str, name: str) -> DeviceView:
        """Give a device a name."""
        of = self._account(account)
        raw = await self._change(lambda execute: device_book.rename_device(execute, self._home, of, device, name))
        self._wake(of.id)
        return device_book.device_view(self._home.database.read, of, raw)

    async def pull_history(self, account: str) -> AccountView:
        """Take over what the other own devices hold, once more; what is here already stays."""
        of = self._account(account)
        await self._change(lambda execute: pull_again(execute, of))
        self._wake(of.id)
        return self.account(account)

    # Recovery words and backups

    def recovery(self, account: str = "") -> RecoveryView:
        """How it stands with the recovery words."""
        return recovery.recovery_view(self._home.database.read, self._account(account))

    async def show_recovery(self, account: str = "", *, rotate: bool = False) -> tuple[str, ...]:
        """The 24 words, made at the first call; `rotate` replaces them, for every backup from now on."""
        of = self._account(account)
        act = recovery.rotate if rotate else recovery.begin_recovery
        return words_of_key((await self._change(lambda execute: act(execute, self._home, of))).key)

    async def verify_recovery(self, account: str, answers: Mapping[int, str]) -> RecoveryView:
        """Check at least three words by their numbers; right ones begin the daily backups."""
        of = self._account(account)
        recovery.check_words(self._home.database.read, of, answers)
        await self._change(lambda execute: recovery.confirm(execute, self._home, of))
        return self.recovery(account)

    async def create_backup(self, account: str = "", path: str = "") -> BackupView:
        """Make a backup: the next one in the usual directory, or a whole one at `path`."""
        return await self._backups.create(self._account(account), _path(path))

    def backup_files(self, account: str = "", path: str = "") -> list[BackupFileView]:
        """The backups of an account at a place."""
        return self._backups.files(self._account(account), _path(path))

    def backup_schedule(self, account: str = "") -> BackupScheduleView:
        """When backups are made, and how the last one went."""
        return self._backups.schedule(self._account(account))

    async def verify_backup(self, account: str = "", path: str = "", words: str = "") -> RestoredView:
        """Restore a backup into a store that is thrown away; with `words`, show that they are the right ones too."""
        return await self._backups.verify(self._account(account), _path(path), key_of_words(words) if words else None)

    async def make_due_backups(self) -> None:
        """Make the backups that are due now."""
        await self._backups.make_due()

    async def restore_backup(self, path: str, words: str) -> RestoredView:
        """Bring an account back from a backup, with this node as its new device."""
        number, view = await restore(self._home, Path(path).expanduser(), key_of_words(words))
        await self._begin(number)
        return view

    # Messages

    async def send(
        self,
        account: str,
        to: str,
        text: str,
        *,
        subject: str = "",
        reply_to: str | None = None,
        message_id: str | None = None,
        spans: tuple[Span, ...] = (),
    ) -> MessageView:
        """Store a message for an address, a contact's name or a conversation; it leaves as soon as it can.

        `message_id` (32 hex digits) makes a repeat of the call harmless: the message that is there is returned.
        """
        said = Text(text, subject, parse_id(reply_to, 16, "message") if reply_to else b"", spans)
        return await self._say(self._member(account), to, said, message_id)

    def read_markup(self, account: str, typed: str) -> tuple[str, tuple[Span, ...]]:
        """Words and their parts from a text that is typed with marks; people are mentioned by address."""
        of = self._number(account)

        def user_of(address: str) -> bytes:
            try:
                person = person_at(self._home.database.read, of, Address.parse(address))
            except ConnexaError:
                return b""
            return person.user if person else b""

        return read_markup(typed, user_of)

    async def forward(self, account: str, message: str, to: str, message_id: str | None = None) -> MessageView:
        """Say what a message says to somebody else, marked as passed on; not who has said it."""
        said = self.talk(account).text_of(message)
        if said.attachments:
            raise UsageError("forward.has_files", "That message has files.", "They go by another operation: forward its files.")
        return await self._say(self._member(account), to, replace(said, reply_to=b"", forwarded=True), message_id)

    async def _say(self, of: Account, to: str, said: Text, message_id: str | None) -> MessageView:
        message = self.message_id(message_id)
        if self._is_group(of.id, to):
            return await self.groups(str(of.address)).say(to, said, message)

        def store(execute: Execute) -> tuple[int, Person]:
            cursor, person = send_text(execute, self._home, of, to, said, message)
            self._seal(execute, of.id, person)
            return cursor, person

        cursor, person = await self._change(store)
        self._leaves(of.id, person)
        return message_view(self._home.database.read, cursor)

    def talk(self, account: str = "") -> Talk:
        """What can be done with the entries of an account."""
        of = self._member(account)
        return Talk(self._home, of, lambda execute, person: self._seal(execute, of.id, person), lambda person: self._leaves(of.id, person))

    def _seal(self, execute: Execute, account: int, person: Person) -> None:
        if account in self._running:
            self._running[account].delivery.seal_at_once(execute, person)

    def _leaves(self, account: int, person: Person | None) -> None:
        """Something was said to a person, or in a group: it is on its way."""
        running = self._running.get(account)
        if running is None:
            return
        if person is None:
            running.wake()
            return
        running.delivery.submitter.wake()
        running.delivery.go_on([person.id])

    async def set_timer(self, account: str, conversation: str, seconds: int) -> ConversationView:
        """Let what is said from now on disappear after a time; 0: it stays."""
        of = self._number(account)
        if self._is_group(of, conversation):
            await self.groups(account).set_timer(conversation, seconds)
        else:
            await self.talk(account).set_timer(conversations.number_of(self._home.database.read, of, conversation)[1], seconds)
        return self.conversation(account, conversation)

    async def search(
        self, account: str, typed: str, *, older: int | None = None, limit: int = 50, newest_first: bool = False
    ) -> SearchView:
        """Find what was said: words, beginnings, "phrases", from: in: has: before: after:; `older` goes on from a page before."""
        asked, of = read_asked(typed), self._account(account)
        complete = await catch_up(self._home, SEARCH_PATIENCE)
        found = find(self._home.database.read, of, asked, older=older, limit=limit, newest_first=newest_first)
        return SearchView(items=found.hits, older=found.older, complete=complete)

    def conversations(self, account: str = "", *, archived: bool = False) -> list[ConversationView]:
        """Conversations, those that are pinned first, then the newest."""
        people = conversations.list_conversations(self._home.database.read, self._number(account), archived=archived)
        groups = self.groups(account).conversations(archived=archived)
        return sorted((*people, *groups), key=lambda one: (one.pinned, one.last.cursor if one.last else 0), reverse=True)

    def conversation(self, account: str, conversation: str) -> ConversationView:
        """One conversation, by its id or by whom it is with."""
        of = self._number(account)
        if self._is_group(of, conversation):
            return self.groups(account).conversation(conversation)
        number, _ = conversations.number_of(self._home.database.read, of, conversation)
        return conversations.conversation_view(self._home.database.read, number)

    def messages(self, account: str, conversation: str, *, before: int | None = None, limit: int = 50) -> list[MessageView]:
        """A page of a conversation, oldest first."""
        of = self._number(account)
        if self._is_group(of, conversation):
            return self.groups(account).messages(conversation, before=before, limit=limit)
        _, person = conversations.number_of(self._home.database.read, of, conversation)
        return conversations.list_messages(self._home.database.read, person.id, before, limit)

    def message(self, account: str, message_id: str) -> MessageInfoView:
        """One message with its states, times and way."""
        return message_info(self._home.database.read, self._number(account), message_id)

    async def mark_read(self, account: str, conversation: str) -> None:
        """Everything in a conversation was seen."""
        of = self._account(account)
        if self._is_group(of.id, conversation):
            await self.groups(account).mark_read(conversation)
            return
        _, person = conversations.number_of(self._home.database.read, of.id, conversation)
        await self._change(lambda execute: conversations.mark_read(execute, self._home, of, person))
        self._wake(of.id)

    async def mute_conversation(self, account: str, conversation: str, muted: bool = True) -> ConversationView:
        """Mute a conversation, or not."""
        return await self._flag(account, conversation, "muted", muted)

    async def archive_conversation(self, account: str, conversation: str, archived: bool = True) -> ConversationView:
        """Put a conversation away, or back."""
        return await self._flag(account, conversation, "archived", archived)

    async def pin_conversation(self, account: str, conversation: str, pinned: bool = True) -> ConversationView:
        """Let a conversation stand above the others, or not."""
        return await self._flag(account, conversation, "pinned", pinned)

    async def favour_conversation(self, account: str, conversation: str, favourite: bool = True) -> ConversationView:
        """Keep a conversation among the favourites, or not."""
        return await self._flag(account, conversation, "favourite", favourite)

    async def _flag(self, account: str, conversation: str, flag: str, value: bool) -> ConversationView:
        if self._is_group(self._number(account), conversation):
            await self.groups(account).set_flag(conversation, flag, value)
            return self.conversation(account, conversation)
        return await self._on_conversation(
            account,
            conversation,
            lambda execute, of, number, person: conversations.set_flag(execute, self._home, of, number, person, flag, value),
        )

    async def set_draft(self, account: str, conversation: str, text: str, subject: str = "") -> ConversationView:
        """Keep what is typed in a conversation and not sent yet; empty where nothing is."""
        if self._is_group(self._number(account), conversation):
            return await self.groups(account).set_draft(conversation, text, subject)
        return await self._on_conversation(
            account,
            conversation,
            lambda execute, of, number, person: conversations.set_draft(execute, self._home, of, number, person, text, subject),
        )

    async def delete_conversation(self, account: str, conversation: str) -> None:
        """Delete a conversation's entries on all own devices."""
        if self._is_group(self._number(account), conversation):
            await self.groups(account).delete_conversation(conversation)
            return
        await self._on_conversation(
            account,
            conversation,
            lambda execute, of, number, person: conversations.delete_conversation(execute, self._home, of, number, person),
        )

    async def _on_conversation(
        self, account: str, conversation: str, act: Callable[[Execute, Account, int, Person], None]
    ) -> ConversationView:
        of = self._account(account)
        number, person = conversations.number_of(self._home.database.read, of.id, conversation)
        await self._change(lambda execute: act(execute, of, number, person))
        self._wake(of.id)
        return conversations.conversation_view(self._home.database.read, number)

    async def delete_message(self, account: str, message_id: str) -> None:
        """Delete a message on all own devices."""
        of = self._account(account)
        await self._change(lambda execute: conversations.delete_message(execute, self._home, of, message_id))
        self._wake(of.id)

    # Groups

    def groups(self, account: str = "") -> GroupDesk:
        """What can be done with the groups of an account."""
        of = self._account(account)
        return GroupDesk(self._home, of, lambda: self._wake(of.id))

    # Files

    def media(self, account: str = "") -> MediaDesk:
        """What can be done with the files of an account's messages."""
        of = self._member(account)
        running = self._running.get(of.id)
        return MediaDesk(self._home, of, running.wakeups if running else None)

    def message_id(self, given: str | None) -> bytes:
        """The id of a new message: the one that makes a repeat of the call harmless (32 hex digits), or a random one."""
        return parse_id(given, 16, "message") if given else self._home.rng(16)

    async def forward_files(self, account: str, message: str, to: str, message_id: str | None = None) -> SendingView:
        """Forward a message with files."""
        said = replace(self.talk(account).text_of(message), reply_to=b"", forwarded=True)
        return await self.media(account).forward(message, to, said, self.message_id(message_id))

    def _is_group(self, account: int, named: str) -> bool:
        """Whether that is a group, where no person and no conversation with one is called so."""
        query = self._home.database.read
        return find_person(query, account, named) is None and find_group(query, account, named) is not None

    # Contacts and requests

    def contacts(self, account: str = "") -> list[ContactView]:
        """All contacts."""
        return contact_book.list_contacts(self._home.database.read, self._number(account))

    def contact(self, account: str, who: str) -> ContactView:
        """One contact, by address, name, user id or conversation."""
        return contact_book.contact_view(self._home.database.read, contact_book.named(self._home.database.read, self._number(account), who))

    async def add_contact(self, account: str, address: str, name: str = "") -> ContactView:
        """Add somebody; they learn of it with the first message."""
        of = self._member(account)
        number = await self._change(lambda execute: contact_book.add(execute, self._home, of, Address.parse(address), name))
        self._wake(of.id)
        return self._contact(number)

    async def rename_contact(self, account: str, who: str, name: str) -> ContactView:
        """Call a contact by another name."""
        return await self._on_contact(account, who, lambda execute, of, person: contact_book.rename(execute, self._home, of, person, name))

    async def block_contact(self, account: str, who: str) -> ContactView:
        """Shut somebody out; the homeserver gets the new keys of our door at once."""
        view = await self._on_contact(account, who, lambda execute, of, person: contact_book.block(execute, self._home, of, person))
        await self._at_work(account).mailbox.change_doors()
        return view

    async def unblock_contact(self, account: str, who: str) -> ContactView:
        """Let somebody in again."""
        return await self._on_contact(account, who, lambda execute, of, person: contact_book.unblock(execute, self._home, of, person))

    async def remove_contact(self, account: str, who: str) -> None:
        """Forget a contact; the conversation stays until it is deleted."""
        await self._on_contact(account, who, lambda execute, of, person: contact_book.remove(execute, self._home, of, person))

    async def verify_contact(self, account: str, who: str, proof: str, how: VerifiedHow = VerifiedHow.TYPED) -> ContactView:
        """Note that the safety number was compared: `proof` is its digits, or the text of the other side's QR code.

        Raises `safety.mismatch` where it is another number; nothing changes then.
        """
        return await self._on_contact(account, who, lambda execute, of, p: trust.verify(execute, self._home, of, p, how, proof))

    async def unverify_contact(self, account: str, who: str) -> ContactView:
        """Take back that the safety number was compared."""
        return await self._on_contact(account, who, lambda execute, of, person: trust.unverify(execute, self._home, of, person))

    async def trust_contact(self, account: str, who: str) -> ContactView:
        """Go on with the key that answers for a contact now, without having compared it."""
        return await self._on_contact(account, who, lambda execute, of, person: trust.trust_key(execute, self._home, of, person))

    async def keep_contact(self, account: str, who: str) -> ContactView:
        """Stay with the key of a contact that was known before; the other one is not heard again."""
        return await self._on_contact(account, who, lambda execute, of, person: trust.keep_key(execute, self._home, of, person))

    async def _on_contact(self, account: str, who: str, act: Callable[[Execute, Account, Person], int | None]) -> ContactView:
        """Do something with a contact; `act` returns another person's number where the contact is that one now."""
        of = self._account(account)
        person = contact_book.named(self._home.database.read, of.id, who)
        now = await self._change(lambda execute: act(execute, of, person_of(execute, person.id)))
        self._wake(of.id, now or person.id)
        return self._contact(now or person.id)

    def _contact(self, number: int) -> ContactView:
        return contact_book.contact_view(self._home.database.read, person_of(self._home.database.read, number))

    def safety_number(self, account: str, who: str) -> SafetyNumberView:
        """The sixty digits to compare with a contact."""
        of = self._account(account)
        return contact_book.safety_view(self._home.database.read, of, contact_book.named(self._home.database.read, of.id, who))

    def requests(self, account: str = "") -> list[RequestView]:
        """Who asks, without what they say."""
        return contact_book.list_requests(self._home.database.read, self._number(account))

    def request(self, account: str, request: str) -> RequestView:
        """One request, opened."""
        person = contact_book.request_from(self._home.database.read, self._number(account), request)
        return contact_book.request_view(self._home.database.read, person)

    async def accept_request(self, account: str, request: str) -> ContactView:
        """Accept; they are told, and their text moves to the conversations."""
        of = self._member(account)
        person = contact_book.request_from(self._home.database.read, of.id, request)
        await self._change(lambda execute: contact_book.accept_request(execute, self._home, of, person_of(execute, person.id)))
        self._wake(of.id, person.id)
        return self._contact(person.id)

    async def reject_request(self, account: str, request: str) -> None:
        """Turn a request down; they are told nothing."""
        of = self._account(account)
        person = contact_book.request_from(self._home.database.read, of.id, request)
        await self._change(lambda execute: contact_book.reject_request(execute, self._home, of, person_of(execute, person.id)))
        self._wake(of.id)

    # Invites

    def invites(self, account: str = "") -> list[InviteView]:
        """Invites that were given out."""
        return invites.list_invites(self._home.database.read, self._number(account))

    async def create_invite(self, account: str, uses: int = 1, days: int = 7) -> InviteView:
        """Make an invite; it works once the homeserver knows it, which this waits for if the link is up."""
        of = self._account(account)
        made = await invites.make_invite(self._home, of, uses, days)
        await self._at_work(account).mailbox.change_doors()
        return made

    async def accept_invite(self, account: str, text: str) -> ContactView:
        """Take somebody's invite: the first message to them is accepted by itself."""
        of = self._member(account)
        invite = await invites.open_invite(self._home, of, text)
        number = await self._change(lambda execute: invites.accept_invite(execute, self._home, of, invite))
        self._wake(of.id, number)
        return self._contact(number)

    async def revoke_invite(self, account: str, invite: str) -> None:
        """Take an invite back."""
        of = self._number(account)
        await self._change(lambda execute: invites.revoke(execute, of, invite))
        await self._at_work(account).mailbox.change_doors()

    # Events

    def replay(self, after: int = 0, limit: int = 1000) -> list[EventView]:
        """Events behind a cursor, oldest first."""
        return self._home.events.replay(after, limit)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[Subscription]:
        """Events from now on; `events.slow` is raised to a reader that does not keep up, who then replays."""
        with self._home.events.subscribe() as subscription:
            yield subscription

    # What the operations share

    def _number(self, account: str) -> int:
        return find_account(self._home.database.read, account)

    def _account(self, account: str) -> Account:
        number = self._number(account)
        return self._running[number].account if number in self._running else load_account(self._home.database.read, number)

    def _member(self, account: str) -> Account:
        """An account that this device may speak for."""
        of = self._account(account)
        if is_revoked(self._home.database.read, of.id):
            raise revoked()
        return of

    def _at_work(self, account: str) -> RunningAccount:
        running = self._running.get(self._member(account).id)
        if running is None:
            raise RefusedError("account.not_ready", "This account is not at work yet.", retryable=True)
        return running

    def _wake(self, account: int, *people: int) -> None:
        if account in self._running:
            self._running[account].wake(*people)

    async def _change(self, operation: Callable[[Execute], T]) -> T:
        return await self._home.change(operation)


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _account_name(name: str) -> str:
    name = name.strip()
    if len(name) > MAX_NAME or not name.isprintable():
        raise UsageError("account.bad_name", f"A name has at most {MAX_NAME} printable characters.")
    return name
