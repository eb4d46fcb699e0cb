"""Search: what is asked is found, the best first, and what was deleted is found no more, not even on the disk."""

from __future__ import annotations

from typing import Any

import pytest

from connexa.content import ContactState, Content, Edit, Span, SpanKind, Text, Withdrawal, encode
from connexa.errors import UsageError
from connexa.node.conversations import delete_entries
from connexa.node.entry import Entry
from connexa.node.log import add_entry, conversation_of
from connexa.node.people import person_by_user, set_state
from connexa.node.search.asked import Asked, Term, read_asked
from connexa.node.search.find import find
from connexa.node.search.index import catch_up, is_behind
from connexa.node.views import MessageState
from connexa.store import Execute

from .correspondents import Device

DAY = 86_400


@pytest.fixture
async def alice(pair: tuple[Device, Device]) -> Device:
    """Whose log it is; Bob is her contact."""
    one, bob = pair
    await one.know(bob, ContactState.ACCEPTED)
    return one


async def say(alice: Device, body: Any, *, mine: bool = False, at: float = 0) -> bytes:
    """Put something into the log with Bob, so many seconds before now."""
    account, message = alice.account, alice.home.rng(16)
    user = alice.home.database.read("SELECT user FROM person")[0][0]

    def store(execute: Execute) -> None:
        person = person_by_user(execute, 1, user)
        assert person is not None
        sender, now = account.user_id if mine else user, alice.home.clock() - at
        state = MessageState.ACCEPTED if mine else MessageState.RECEIVED
        entry = Entry(message, sender, sender, 0, mine, body, encode(Content(int(now * 1000), body)), now, state)
        add_entry(execute, 1, conversation_of(execute, account, person), entry, now)

    await alice.home.change(store)
    return message


async def found(alice: Device, typed: str, *, newest_first: bool = True, **more: Any) -> list[str]:
    assert await catch_up(alice.home, 10)
    options = {"older": None, "limit": 50, **more}
    return [
        one.message.text
        for one in find(alice.home.database.read, alice.account, read_asked(typed), newest_first=newest_first, **options).hits
    ]


async def test_words_beginnings_phrases_and_filters(alice: Device) -> None:
    await say(alice, Text("The quick brown fox"), at=9 * DAY)
    await say(alice, Text("Ein früher Vogel", "Über Vögel"), mine=True, at=5 * DAY)
    await say(alice, Text("brown the quick, see https://a.example/"), at=3)
    await say(alice, Text("@bob look", spans=(Span(SpanKind.MENTION, 0, 4, bytes(32)),)), mine=True)
    bob = "bob@b.example"
    expected = {
        "quick": ["brown the quick, see https://a.example/", "The quick brown fox"],
        '"quick brown"': ["The quick brown fox"],
        "QUI": ["brown the quick, see https://a.example/", "The quick brown fox"],
        "qui* fox": ["The quick brown fox"],
        "qui fox": [],  # only the last word may be a beginning by itself
        "qu": [],
        "vogel": ["Ein früher Vogel"],
        "uber": ["Ein früher Vogel"],
        f"from:{bob} brown": ["brown the quick, see https://a.example/", "The quick brown fox"],
        "from:bob fox": ["The quick brown fox"],
        "from:me vogel": ["Ein früher Vogel"],
        "from:me brown": [],
        f"in:{bob} fox": ["The quick brown fox"],
        "has:link": ["brown the quick, see https://a.example/"],
        "has:mail": ["Ein früher Vogel"],
        "has:mention": ["@bob look"],
        'fox AND brown) OR "': [],  # no word of the index's own language
        "c1": [],  # nor a tag
        "text:quick": [],
    }
    for typed, texts in expected.items():
        assert await found(alice, typed) == texts, typed


async def test_days_bound_what_is_found(alice: Device) -> None:
    for days in (5, 3, 1):
        await say(alice, Text(f"word {days}"), at=days * DAY)
    middle = alice.home.clock() - 4 * DAY
    query, account = alice.home.database.read, alice.account
    assert await catch_up(alice.home, 10)

    def between(asked: Asked) -> list[str]:
        return [one.message.text for one in find(query, account, asked, older=None, limit=9, newest_first=True).hits]

    assert between(Asked((Term("word"),), before=middle)) == ["word 5"]
    assert between(Asked((Term("word"),), after=middle)) == ["word 1", "word 3"]
    assert between(Asked(after=middle)) == ["word 1", "word 3"]


async def test_the_best_come_first_and_pages_go_on(alice: Device) -> None:
    for number in range(30):
        await say(alice, Text(f"somewhere in a long sentence stands harbour {number} " + "and more " * 20), at=1_000 - number)
    await say(alice, Text("harbour", "harbour"), at=5_000)
    assert (await found(alice, "harbour", newest_first=False))[0] == "harbour"
    query, account, asked = alice.home.database.read, alice.account, read_asked("harbour")
    first = find(query, account, asked, older=None, limit=20, newest_first=True)
    second = find(query, account, asked, older=first.older, limit=20, newest_first=True)
    assert (len(first.hits), len(second.hits), second.older) == (20, 11, None)
    assert not {one.message.id for one in first.hits} & {one.message.id for one in second.hits}


async def test_a_hit_shows_where_it_is(alice: Device) -> None:
    await say(alice, Text("x" * 300 + " needle in it"))
    assert await catch_up(alice.home, 10)
    (hit,) = find(alice.home.database.read, alice.account, read_asked("need"), older=None, limit=9, newest_first=False).hits
    assert hit.cut
    assert [hit.snippet[one.start : one.start + one.length] for one in hit.matches] == ["need"]


async def test_what_is_gone_or_worded_anew_leaves_the_index(alice: Device) -> None:
    edited = await say(alice, Text("zanzibar"))
    await say(alice, Edit(edited, "timbuktu"), at=-1)
    withdrawn = await say(alice, Text("reykjavik"))
    assert await found(alice, "reykjavik") == ["reykjavik"]
    assert await found(alice, "zanzibar") == []
    assert await found(alice, "timbuktu") == ["timbuktu"]
    await say(alice, Withdrawal(withdrawn), at=-2)
    assert is_behind(alice.home.database.read)
    assert await found(alice, "reykjavik") == []
    ((conversation,),) = alice.home.database.read("SELECT id FROM conversation")
    await alice.home.change(lambda execute: delete_entries(execute, alice.home, alice.account, conversation))
    assert await found(alice, "timbuktu") == []
    for word in (b"zanzibar", b"timbuktu", b"reykjavik"):
        for table, column in (("message_words_data", "block"), ("message_words_content", "c0"), ("message", "content")):
            sql = f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), ?)"
            assert alice.home.database.read(sql, (word[2:],)) == [(0,)], (word, table)


async def test_requests_are_not_found_before_they_are_accepted(alice: Device) -> None:
    await say(alice, Text("may I"))
    user = alice.home.database.read("SELECT user FROM person")[0][0]
    for state, texts in ((ContactState.PENDING, []), (ContactState.REJECTED, []), (ContactState.ACCEPTED, ["may I"])):

        def become(execute: Execute, state: ContactState = state) -> None:
            person = person_by_user(execute, 1, user)
            assert person is not None
            set_state(execute, person, state)

        await alice.home.change(become)
        assert await found(alice, "may") == texts


@pytest.mark.parametrize("typed", ["", "   ", "!?", "has:everything", "before:tomorrow", "after:2026-13-01", "word " * 40])
def test_what_cannot_be_meant_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        read_asked(typed)


@pytest.mark.parametrize("typed", ["from:nobody word", "in:nowhere word"])
async def test_names_that_nobody_has_are_refused(alice: Device, typed: str) -> None:
    with pytest.raises(UsageError):
        await found(alice, typed)
