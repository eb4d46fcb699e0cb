"""What is said about an entry: the same in the end, in whichever order it came; nobody changes what somebody else has said."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec
import pytest

from connexa.content import ContactState, Content, Edit, LogBody, Reaction, Span, SpanKind, Text, Timer, Withdrawal, encode
from connexa.node.acts import hide
from connexa.node.entry import Entry
from connexa.node.log import add_entry, conversation_of
from connexa.node.markup import read_markup
from connexa.node.messages import message_by_id, page_of, thread_of, versions_of
from connexa.node.people import person_by_user
from connexa.node.views import MessageState, MessageView
from connexa.store import Execute, Row

from .correspondents import Device

Said = tuple[bool, bytes, int, LogBody]  # mine, id, when, what


@pytest.fixture
async def alice(pair: tuple[Device, Device]) -> Device:
    """Whose log it is; Bob is her contact."""
    one, bob = pair
    await one.know(bob, ContactState.ACCEPTED)
    return one


def name(text: str) -> bytes:
    return text.encode().ljust(16, b"-")


class Log:
    """The log with the only contact, filled by hand."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.me = device.account.user_id
        self.them = device.home.database.read("SELECT user FROM person")[0][0]

    async def fill(self, entries: Sequence[Said]) -> None:
        await self.device.home.change(lambda execute: self._fill(execute, entries))

    def _fill(self, execute: Execute, entries: Sequence[Said]) -> None:
        person = person_by_user(execute, 1, self.them)
        assert person is not None
        conversation = conversation_of(execute, self.device.account, person)
        execute("DELETE FROM message")
        for mine, message, at, body in entries:
            sender = self.me if mine else self.them
            state = MessageState.ACCEPTED if mine else MessageState.RECEIVED
            raw = encode(Content(at, body))
            entry = Entry(message, sender, sender, 0, mine, body, raw, at / 1000, state)
            add_entry(execute, 1, conversation, entry, self.device.home.clock())

    def shown(self) -> list[MessageView]:
        """Every line, whatever its place."""
        conversations = [row[0] for row in self.device.home.database.read("SELECT id FROM conversation")]
        page = page_of(self.device.home.database.read, conversations, None, 500)
        return sorted((msgspec.structs.replace(one, cursor=0, received=0.0) for one in page), key=lambda one: one.id)

    def rows(self, sql: str) -> list[Row]:
        return self.device.home.database.read(sql)


async def test_in_whichever_order_they_come_the_same_shows(alice: Device) -> None:
    log = Log(alice)
    them, me = log.them, log.me
    entries: list[Said] = [
        (False, name("first"), 1_000, Text("frist")),
        (False, name("gone"), 1_100, Text("regretted")),
        (True, name("mine"), 1_200, Text("hello", reply_to=name("first"))),
        (False, name("edit 1"), 2_000, Edit(name("first"), "firs", (Span(SpanKind.BOLD, 0, 4),))),
        (False, name("edit 2"), 2_100, Edit(name("first"), "first", (Span(SpanKind.ITALIC, 1, 2),))),
        (False, name("edit 0"), 2_100, Edit(name("first"), "at the same time")),
        (True, name("forged"), 9_000, Edit(name("first"), "words in somebody's mouth")),
        (False, name("forged 2"), 9_000, Withdrawal(name("mine"))),
        (False, name("late edit"), 2_500, Edit(name("gone"), "still regretted")),
        (True, name("sad"), 2_600, Reaction(name("gone"), them, "\N{WHITE FROWNING FACE}")),
        (False, name("taken"), 2_700, Withdrawal(name("gone"))),
        (True, name("up"), 2_800, Reaction(name("first"), them, "\N{THUMBS UP SIGN}")),
        (True, name("down"), 2_900, Reaction(name("first"), them, "\N{THUMBS DOWN SIGN}")),
        (False, name("own"), 2_900, Reaction(name("first"), them, "\N{THUMBS DOWN SIGN}")),
        (False, name("heart"), 3_000, Reaction(name("mine"), me, "\N{HEAVY BLACK HEART}")),
        (False, name("nothing"), 3_100, Reaction(name("mine"), me, "")),
        (True, name("unknown"), 3_200, Reaction(name("never came"), them, "\N{THUMBS UP SIGN}")),
        (False, name("orphan"), 3_300, Edit(name("never came"), "of nothing")),
        (False, name("a week"), 3_400, Timer(604_800)),
        (True, name("a day"), 3_500, Timer(86_400)),
    ]
    await log.fill(entries)
    expected = log.shown()
    by_id = {bytes.fromhex(one.id): one for one in expected}
    assert sorted(by_id) == sorted(name(each) for each in ("first", "gone", "mine", "a week", "a day"))
    first, gone, mine = by_id[name("first")], by_id[name("gone")], by_id[name("mine")]
    assert (first.text, first.edited, first.replies) == ("first", 2.1, 1)
    assert [(span.kind, span.start, span.length) for span in first.spans] == [("italic", 1, 2)]
    assert [(one.emoji, len(one.people), one.mine) for one in first.reactions] == [("\N{THUMBS DOWN SIGN}", 2, True)]
    assert (gone.kind, gone.text, gone.reactions) == ("withdrawn", "", [])
    assert (mine.text, mine.reactions) == ("hello", [])
    assert mine.reply is not None and mine.reply.text == "first"
    leftover = "SELECT count(*) FROM message WHERE instr(text, 'regretted') OR instr(content, CAST('regretted' AS BLOB))"
    assert log.rows(leftover) == [(0,)]
    assert log.rows("SELECT timer FROM conversation") == [(86_400,)]
    for seed in range(40):
        order = list(entries)
        Random(seed).shuffle(order)
        alice.home.database.writer_connection.execute("UPDATE conversation SET timer = 0, timer_at = 0, timer_message = x''")
        await log.fill(order)
        assert log.shown() == expected, seed
        assert log.rows(leftover) == [(0,)], seed
        assert log.rows("SELECT timer FROM conversation") == [(86_400,)], seed


async def test_ten_thousand_reactions_of_somebody_are_one(alice: Device) -> None:
    log = Log(alice)
    flood: list[Said] = [
        (False, number.to_bytes(16, "big"), 2_000 + number, Reaction(name("mine"), log.me, chr(0x1F600 + number % 64)))
        for number in range(10_000)
    ]
    await log.fill([(True, name("mine"), 1_000, Text("hello")), *flood])
    (mine,) = log.shown()
    assert [len(one.people) for one in mine.reactions] == [1]
    assert log.rows("SELECT count(*) FROM message WHERE content != x''") == [(2,)]


async def test_of_very_many_wordings_the_last_hundred_are_kept(alice: Device) -> None:
    log = Log(alice)
    flood: list[Said] = [
        (False, number.to_bytes(16, "big"), 2_000 + number, Edit(name("text"), f"wording {number}")) for number in range(150)
    ]
    await log.fill([*flood[::-1], (False, name("text"), 1_000, Text("hello"))])
    assert [one.text for one in log.shown()] == ["wording 149"]
    assert len(versions_of(alice.home.database.read, 1, name("text").hex())) == 101


async def test_a_deleted_message_takes_its_wordings_along_and_keeps_later_ones_out(alice: Device) -> None:
    log = Log(alice)
    edit: Said = (False, name("edit"), 2_000, Edit(name("text"), "another secret"))
    await log.fill([(False, name("text"), 1_000, Text("secret")), edit, (True, name("answer"), 3_000, Text("so", reply_to=name("text")))])
    assert [one.text for one in versions_of(alice.home.database.read, 1, name("text").hex())] == ["secret", "another secret"]
    (cursor,) = log.rows("SELECT cursor FROM message WHERE text = 'another secret' AND kind = 'text'")[0]
    await alice.home.change(lambda execute: hide(execute, cursor))
    assert [one.text for one in log.shown()] == ["so"]
    assert log.rows("SELECT count(*) FROM message WHERE instr(content, CAST('secret' AS BLOB)) OR instr(text, 'secret')") == [(0,)]


async def test_an_edit_that_goes_gives_the_first_words_back(alice: Device) -> None:
    log = Log(alice)
    await log.fill([(False, name("text"), 1_000, Text("first")), (False, name("edit"), 2_000, Edit(name("text"), "second"))])
    (cursor,) = log.rows("SELECT cursor FROM message WHERE kind = 'edit'")[0]
    await alice.home.change(lambda execute: hide(execute, cursor))
    shown = message_by_id(alice.home.database.read, 1, log.them, name("text"))
    assert (shown.text, shown.edited) == ("first", 0)


async def test_threads_end_where_answers_go_in_a_circle(alice: Device) -> None:
    log = Log(alice)
    chain: list[Said] = [
        (False, name("a"), 1, Text("a", reply_to=name("c"))),
        (True, name("b"), 2, Text("b", reply_to=name("a"))),
        (False, name("c"), 3, Text("c", reply_to=name("b"))),
        (True, name("d"), 4, Text("d", reply_to=name("d"))),
        (True, name("e"), 5, Text("e", reply_to=name("c"))),
        (True, name("f"), 6, Text("beside it")),
    ]
    await log.fill(chain)
    query = alice.home.database.read
    for start in ("a", "b", "c", "e"):
        assert [one.text for one in thread_of(query, 1, name(start).hex())] == ["a", "b", "c", "e"]
    assert [one.text for one in thread_of(query, 1, name("d").hex())] == ["d"]


def test_marks_are_read_flat_and_once() -> None:
    bob = b"b" * 32
    typed = "**so** it *is*: `**x**` ~~no~~ ||who|| **open\n> said\n(@bob@b.example @eve@e.example x@bob@b.example"
    text, spans = read_markup(typed, lambda address: bob if address == "bob@b.example" else b"")
    assert text == "so it is: **x** no who **open\nsaid\n(@bob@b.example @eve@e.example x@bob@b.example"
    assert [(span.kind.name, text[span.start : span.start + span.length]) for span in spans] == [
        ("BOLD", "so"),
        ("ITALIC", "is"),
        ("CODE", "**x**"),
        ("STRIKE", "no"),
        ("SPOILER", "who"),
        ("QUOTE", "said"),
        ("MENTION", "@bob@b.example"),
    ]
    assert spans[-1].user == bob
    encode(Content(1, Text(text, spans=spans)))
