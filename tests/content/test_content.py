"""Content: round trips, limits, what a later version says, order, own copies (first-message §3, §6; I71, P38)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.content import (
    MAX_CONTENT,
    MAX_OWN_CONTENT,
    MAX_RECEIPTS,
    MAX_TIMER,
    NOTHING_SEEN,
    Accept,
    AccountName,
    Buckets,
    Contact,
    ContactState,
    Content,
    DeviceLists,
    DeviceName,
    Digest,
    Digests,
    Draft,
    Edit,
    Entries,
    Flags,
    GroupChoice,
    History,
    HistoryWanted,
    Introduction,
    InviteShown,
    Listing,
    LogEntry,
    NewerVersion,
    OwnCopies,
    OwnCopy,
    ProfileKey,
    Reaction,
    ReadMark,
    Receipt,
    ReceiptState,
    Register,
    Registers,
    Span,
    SpanKind,
    Text,
    Timer,
    VerifiedHow,
    Wanted,
    Withdrawal,
    batch_own_copies,
    conversation_id,
    decode,
    encode,
    last_seen_hash,
)
from connexa.errors import ConnexaError, IntegrityError, UsageError
from connexa.identity import Address, UserId
from connexa.wire.v1 import message_pb2 as pb
from connexa.wire.v1.keys_pb2 import Signed

BOB = Address.parse("bob@b.example")
LONG = Address.parse("x" * 64 + "@" + "a" * 60 + ".bcdefgh" * 8 + ".abc")
SIGNED = Signed(body=b"body", signature=bytes(64))
INTRO = Introduction(BOB, bytes(42), SIGNED, (SIGNED,), bytes(32), InviteShown(bytes(16), bytes(32)))

ids = st.binary(min_size=16, max_size=16)
keys = st.binary(min_size=32, max_size=32)
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)
copies = st.builds(OwnCopy, keys.map(UserId), st.just(BOB), st.binary(min_size=1, max_size=6_000), ids, st.integers(0, 2**40))
CONTACT: Any = {"user": bytes(32), "address": "bob@b.example", "user_key": bytes(42), "state": "accepted"}
contacts = st.builds(
    lambda how, **facts: Contact(verified_at=7 if how else 0, verified_how=how, **facts), how=st.sampled_from([None, *VerifiedHow]),
    user=keys.map(UserId), address=st.just(BOB), user_key=st.just(bytes(42)), state=st.sampled_from(ContactState),
    attestation=st.sampled_from([None, SIGNED]), device_list=st.sampled_from([None, SIGNED]),
    profile_key=st.sampled_from([b"", bytes(32)]), name=st.text(st.characters(codec="utf-8"), max_size=50),
    rival=st.sampled_from([b"", bytes(32)]), replaces=st.sampled_from([b"", bytes(32)]),
)  # fmt: skip
people = keys.map(UserId)
values = st.one_of(
    contacts,
    st.builds(ReadMark, people, ids, st.booleans()),
    st.builds(Flags, people, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    st.builds(Draft, people, words, words, st.booleans()),
    st.builds(GroupChoice, keys, st.booleans()),
    st.builds(AccountName, st.text(st.characters(codec="utf-8"), max_size=50)),
    st.builds(DeviceName, keys, st.text(st.characters(codec="utf-8"), max_size=50)),
    st.builds(ProfileKey, keys),
)
registers = st.one_of(st.builds(Register, st.integers(1, 2**60), keys, values), st.builds(Register, st.just(0), st.just(b""), values))
log_entries = st.one_of(
    st.builds(LogEntry, ids, st.booleans(), keys, st.integers(0, 2**40), st.integers(1, 2**60)),
    st.builds(
        LogEntry, ids, st.booleans(), keys, st.integers(0, 2**40), st.integers(1, 2**60), st.binary(min_size=1, max_size=500),
        st.sampled_from(["received", "accepted", "delivered", "read", "refused", "expired"]),
    ),
)  # fmt: skip
in_groups = st.builds(
    lambda entry, user, ends: replace(entry, user=user, author=str(BOB), ends=ends), log_entries, keys, st.integers(0, 2**60)
)
names = st.text(st.characters(codec="utf-8"), max_size=50)
entries = st.one_of(
    st.builds(Entries, people, st.just(BOB), st.lists(log_entries, min_size=1, max_size=4).map(tuple)),
    st.builds(Entries, keys, st.none(), st.lists(in_groups, min_size=1, max_size=4).map(tuple), names, st.booleans()),
)
items = st.lists(st.tuples(st.integers(0, 3), ids), min_size=1, max_size=20).map(tuple)
syncs = st.one_of(
    st.lists(registers, min_size=1, max_size=4).map(lambda r: Registers(tuple(r))),
    entries,
    st.builds(HistoryWanted, st.integers(0, 2**60), st.integers(1, 256)),
    st.builds(History, st.integers(1000, 2**60), st.integers(0, 999), st.integers(0, 255), st.integers(0, 2**40), st.tuples(entries)),
    st.lists(st.builds(Digest, people, st.integers(0, 2**40), keys), min_size=1, max_size=4).map(lambda d: Digests(9, tuple(d))),
    st.builds(Buckets, st.integers(0, 2**50), people, st.binary(min_size=4096, max_size=4096)),
    st.builds(Listing, st.integers(0, 2**50), people, st.just(bytes(range(256))), items),
    st.builds(Wanted, people, items),
)
spans = st.sampled_from([(), (Span(SpanKind.BOLD, 0, 1),), (Span(SpanKind.ITALIC, 0, 1), Span(SpanKind.MENTION, 0, 1, bytes(32)))])
bodies = st.one_of(
    st.builds(Text, words, words, st.one_of(st.just(b""), ids), spans, st.booleans()),
    st.builds(Edit, ids, words, spans),
    st.builds(Reaction, ids, keys, st.sampled_from(["", "\N{THUMBS UP SIGN}", "\U0001f469\u200d\U0001f680", "ok"])),
    st.builds(Withdrawal, ids),
    st.builds(Timer, st.integers(0, MAX_TIMER)),
    st.builds(Receipt, st.sampled_from(ReceiptState), st.lists(ids, min_size=1, max_size=MAX_RECEIPTS).map(tuple)),
    st.builds(Accept, keys),
    st.builds(ProfileKey, keys),
    st.just(DeviceLists((SIGNED, SIGNED))),
    syncs,
    st.lists(copies, min_size=1, max_size=2).map(lambda c: OwnCopies(tuple(c))),
)


def _marked(**span: object) -> pb.Text:
    return pb.Text(text="abc", spans=[pb.Span(**{"kind": pb.Span.BOLD, "length": 1, **span})])  # type: ignore[arg-type]


def _register(*, device: bytes = bytes(32), **value: object) -> pb.Sync:
    return pb.Sync(registers=pb.Registers(registers=[pb.OwnRegister(at=1, device=device, **value)]))  # type: ignore[arg-type]


def _entry(*, address: str = "bob@b.example", name: str = "", **fields: object) -> pb.Sync:
    sound = {"message": bytes(16), "device": bytes(32), "place": 1, "content": b"c", "state": "received"}
    entry = pb.LogEntry(**{**sound, **fields})  # type: ignore[arg-type]
    return pb.Sync(entries=pb.Entries(of=bytes(32), address=address, entries=[entry], name=name))


@given(sent=st.integers(0, 2**50), body=bodies, intro=st.sampled_from([None, INTRO, replace(INTRO, invite=None)]))
def test_what_is_said_is_what_is_read(sent: int, body: Text, intro: Introduction | None) -> None:
    content = Content(sent, body, intro)
    assert decode(encode(content)) == content


@given(raw=st.binary(max_size=400))
def test_noise_is_refused_or_kept_as_newer(raw: bytes) -> None:
    try:
        body = decode(raw).body
    except IntegrityError as refusal:
        assert refusal.code == "content.malformed"
    else:
        assert encode(decode(raw)) is not None if not isinstance(body, NewerVersion) else body.raw == raw


@given(body=bodies, position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_mutations_never_raise_anything_else(body: Text, position: int, byte: int) -> None:
    raw = bytearray(encode(Content(1, body)))
    raw[position % len(raw)] = byte
    try:
        decode(bytes(raw))
    except IntegrityError as refusal:
        assert refusal.code == "content.malformed"


@pytest.mark.parametrize(
    "message",
    [
        pb.Content(version=1),
        pb.Content(text=pb.Text(text="no version")),
        pb.Content(version=1, text=pb.Text()),
        pb.Content(version=1, text=pb.Text(text="x", reply_to=b"short")),
        pb.Content(version=1, text=pb.Text(text="x", subject="s" * 1_025)),
        pb.Content(version=1, text=pb.Text(text="x" * MAX_CONTENT)),
        pb.Content(version=1, text=_marked(start=1, length=3)),  # behind the end
        pb.Content(version=1, text=_marked(length=0)),
        pb.Content(version=1, text=_marked(kind=pb.Span.UNKNOWN)),
        pb.Content(version=1, text=_marked(user=bytes(32))),  # nobody is meant by what is bold
        pb.Content(version=1, text=_marked(kind=pb.Span.MENTION)),
        pb.Content(version=1, text=pb.Text(text="abc", spans=[pb.Span(kind=pb.Span.BOLD, length=1)] * 2)),
        pb.Content(version=1, text=pb.Text(text="abc", spans=[pb.Span(kind=pb.Span.BOLD, start=at, length=1) for at in (1, 0)])),
        pb.Content(version=1, text=pb.Text(text="a" * 101, spans=[pb.Span(kind=pb.Span.BOLD, start=at, length=1) for at in range(101)])),
        pb.Content(version=1, edit=pb.Edit(message=bytes(15), text="x")),
        pb.Content(version=1, edit=pb.Edit(message=bytes(16))),
        pb.Content(version=1, reaction=pb.Reaction(message=bytes(16), user=bytes(31), emoji="x")),
        pb.Content(version=1, reaction=pb.Reaction(message=bytes(16), user=bytes(32), emoji="x" * 65)),
        pb.Content(version=1, reaction=pb.Reaction(message=bytes(16), user=bytes(32), emoji="\u202egnp")),  # it would turn its line round
        pb.Content(version=1, reaction=pb.Reaction(message=bytes(16), user=bytes(32), emoji="a\nb")),
        pb.Content(version=1, withdrawal=pb.Withdrawal(message=bytes(17))),
        pb.Content(version=1, set_timer=pb.Timer(seconds=MAX_TIMER + 1)),
        pb.Content(version=1, set_timer=pb.Timer(seconds=1), timer=1),  # what holds stays
        pb.Content(version=1, receipt=pb.Receipt(state=pb.Receipt.READ, messages=[bytes(16)]), timer=1),
        pb.Content(version=1, receipt=pb.Receipt(state=pb.Receipt.UNKNOWN, messages=[bytes(16)])),
        pb.Content(version=1, receipt=pb.Receipt(state=pb.Receipt.READ)),
        pb.Content(version=1, receipt=pb.Receipt(state=pb.Receipt.READ, messages=[bytes(15)])),
        pb.Content(version=1, receipt=pb.Receipt(state=pb.Receipt.READ, messages=[bytes(16)] * (MAX_RECEIPTS + 1))),
        pb.Content(version=1, control=pb.Control()),
        pb.Content(version=1, control=pb.Control(accept=pb.Accept(profile_key=bytes(31)))),
        pb.Content(version=1, control=pb.Control(device_lists=pb.DeviceLists())),
        pb.Content(version=1, sync=pb.Sync()),
        pb.Content(version=1, sync=_register(contact=pb.Contact(user=bytes(32), address="bob@b.example", user_key=bytes(42)))),
        pb.Content(version=1, sync=_register(contact=pb.Contact(**CONTACT, verified_at=7))),
        pb.Content(version=1, sync=_register(contact=pb.Contact(**CONTACT, verified_how="typed"))),
        pb.Content(version=1, sync=_register(contact=pb.Contact(**CONTACT, verified_at=7, verified_how="believed"))),
        pb.Content(version=1, sync=_register(contact=pb.Contact(**CONTACT, rival=bytes(31)))),
        pb.Content(version=1, sync=_register(read=pb.ReadMark(of=bytes(32), message=bytes(15)))),
        pb.Content(version=1, sync=_register(name=pb.DeviceName(device=bytes(31), name="phone"))),
        pb.Content(version=1, sync=_register(account=pb.AccountName(name="n" * 257))),
        pb.Content(version=1, sync=_register(device=b"", account=pb.AccountName(name="n"))),  # decided by nobody, and yet some day
        pb.Content(version=1, sync=_register()),
        pb.Content(version=1, sync=pb.Sync(registers=pb.Registers())),
        pb.Content(version=1, sync=_entry(message=bytes(15))),
        pb.Content(version=1, sync=_entry(place=0)),
        pb.Content(version=1, sync=_entry(state="queued")),
        pb.Content(version=1, sync=_entry(content=b"")),  # deleted, and yet in a state
        pb.Content(version=1, sync=_entry(name="Garden")),  # with a person, and yet a group
        pb.Content(version=1, sync=_entry(user=bytes(32), author="bob@b.example")),
        pb.Content(version=1, sync=_entry(address="", user=bytes(32))),  # in a group, by nobody
        pb.Content(version=1, sync=_entry(address="", author="bob@b.example")),
        pb.Content(version=1, sync=pb.Sync(history_wanted=pb.HistoryWanted(before=5))),
        pb.Content(version=1, sync=pb.Sync(history_wanted=pb.HistoryWanted(before=5, chunks=257))),
        pb.Content(version=1, sync=pb.Sync(history=pb.History(before=5, next=5))),
        pb.Content(version=1, sync=pb.Sync(digests=pb.Digests())),
        pb.Content(version=1, sync=pb.Sync(digests=pb.Digests(digests=[pb.Digest(of=bytes(32), hash=bytes(31))]))),
        pb.Content(version=1, sync=pb.Sync(buckets=pb.Buckets(of=bytes(32), hashes=bytes(4095)))),
        pb.Content(version=1, sync=pb.Sync(listing=pb.Listing(of=bytes(32)))),
        pb.Content(version=1, sync=pb.Sync(listing=pb.Listing(of=bytes(32), buckets=bytes(2)))),
        pb.Content(version=1, sync=pb.Sync(listing=pb.Listing(of=bytes(32), buckets=b"b", items=bytes(17)))),  # not of that bucket
        pb.Content(version=1, sync=pb.Sync(wanted=pb.Wanted(of=bytes(32), items=bytes(18)))),
        pb.Content(version=1, sync=pb.Sync(wanted=pb.Wanted(of=bytes(32), items=b"\x04" + bytes(16)))),
        pb.Content(version=1, own=pb.OwnCopies()),
        pb.Content(version=1, own=pb.OwnCopies(copies=[pb.OwnCopy(user=bytes(32), address="bob", content=b"x", message=bytes(16))])),
        pb.Content(version=1, text=pb.Text(text="x"), intro=pb.Introduction(address="Bob@b.example")),
        pb.Content(version=1, text=pb.Text(text="x"), intro=pb.Introduction()),
    ],
)
def test_wrong_sizes_and_forms_are_refused(message: pb.Content) -> None:
    with pytest.raises(IntegrityError, match="does not follow"):
        decode(message.SerializeToString())


def test_a_later_version_is_kept_and_its_introduction_still_counts() -> None:
    known = encode(Content(5, Text("x"), INTRO))
    later = pb.Content.FromString(known)
    later.version = 2
    unknown_kind = pb.Content(version=1, sent_ms=5, intro=later.intro).SerializeToString() + b"\xa2\x06\x01x"  # field 100
    for raw in (later.SerializeToString(), unknown_kind, known + b"\xa2\x06\x01x"):
        assert decode(raw) == Content(5, NewerVersion(raw), INTRO)
    with pytest.raises(UsageError):
        encode(decode(unknown_kind))


def test_what_cannot_be_read_cannot_be_sent() -> None:
    for body in (Text(""), Text("x" * MAX_CONTENT), Text("\ud800"), Receipt(ReceiptState.READ, ()), Accept(b""), OwnCopies(())):
        with pytest.raises(UsageError):
            encode(Content(1, body))
    with pytest.raises(UsageError):
        encode(Content(-1, Text("x")))


def test_secrets_are_not_shown() -> None:
    key = b"\xab" * 32
    for value in (Accept(key), ProfileKey(key), replace(INTRO, profile_key=key), NewerVersion(key)):
        assert repr(key) not in repr(value)
    shown = repr([Content(1, Text("canary", "canary"), INTRO), Contact(UserId(bytes(32)), BOB, b"", ContactState.PENDING, name="canary")])
    assert "canary" not in shown
    assert "bob" not in shown


def test_a_conversation_of_two_has_one_id() -> None:
    one, other = UserId(b"\1" * 32), UserId(b"\2" * 32)
    expected = hashlib.sha256(b"connexa/conversation/v1\0" + one + other).digest()
    assert conversation_id(one, other) == conversation_id(other, one) == expected


def test_last_seen_covers_id_and_content() -> None:
    assert last_seen_hash(bytes(16), b"x") == hashlib.sha256(bytes(16) + b"x").digest()
    assert bytes(32) == NOTHING_SEEN


def test_the_largest_content_fits_an_own_copy_to_the_longest_address() -> None:
    frame = len(encode(Content(2**60, Text("x" * 10_000)))) - 10_000
    content = encode(Content(2**60, Text("x" * (MAX_CONTENT - frame))))
    assert len(content) == MAX_CONTENT
    copy = OwnCopy(UserId(b"\xff" * 32), LONG, content, b"\xff" * 16, 2**63)
    (raw,) = batch_own_copies([copy], 2**60)
    assert len(raw) <= MAX_OWN_CONTENT


def test_refusals_are_of_the_one_root() -> None:
    with pytest.raises(ConnexaError):
        decode(b"\xff")
