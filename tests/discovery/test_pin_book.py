from __future__ import annotations

import asyncio
import base64

import pytest

from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.identity import Endpoints, Pin, PinEvent, PinnedKey, PinState, dump_pin, issue_domain_rotation
from connexa.wire.v1.link_pb2 import DomainReply
from tests.identity.people import DAY, A, B, secret, server_info

from .conftest import WELL_KNOWN, DictStorage
from .internet import page_of

KEY, NEXT, OTHER = secret("b"), secret("b next"), secret("mallory")


def refused(code: str):
    return pytest.raises(ConnexaError, check=lambda error: error.code == code)


async def test_two_channels_that_agree_pin_a_domain(world):
    world.publish(B, KEY)
    storage = DictStorage()
    book, events = world.book(storage)
    remote = await book.require(B)
    assert (remote.state, remote.key, remote.keys) == (PinState.PINNED, KEY.public, (KEY.public,))
    assert [str(e) for e in (remote.federation, remote.link, remote.https)] == ["mx.b.example:9444", "b.example:8443", "b.example:8080"]
    assert remote.server_info is not None
    assert remote.signed_info is not None
    assert events == [PinEvent.PINNED]
    assert list(storage.records) == [B]


async def test_a_pinned_domain_is_answered_from_storage_and_looked_up_once_a_day(world):
    world.publish(B, KEY)
    storage = DictStorage()
    await world.book(storage)[0].find(B)
    asked = len(world.dns.asked)
    again, _ = world.book(storage)
    world.clock.advance(DAY - 1)
    assert (await again.find(B)).key == KEY.public
    assert len(world.dns.asked) == asked
    world.clock.advance(1)
    await again.find(B)
    assert len(world.dns.asked) > asked


async def test_i03_channels_that_disagree_pin_nothing(world):
    world.publish_txt(B, KEY)
    world.publish_web(B, OTHER)
    storage = DictStorage()
    book, events = world.book(storage)
    with refused("domain.conflict"):
        await book.find(B)
    assert storage.records == {}
    assert events == [PinEvent.CONFLICT]
    assert await book.known(B) is None


async def test_i04_failures_keep_the_pin(world):
    world.publish(B, KEY)
    book, events = world.book(timeout=0.3)
    await book.find(B)
    world.clock.advance(DAY)
    world.dns.faults[f"_connexa.{B}"] = "SERVFAIL"
    world.dns.faults[B] = "drop"
    assert (await book.find(B)).state is PinState.PINNED
    assert events == [PinEvent.PINNED]


async def test_nobody_there_and_nobody_answering_have_different_codes(world):
    book, _ = world.book()
    with refused("domain.unknown"):
        await book.find(B)
    world.dns.faults[f"_connexa.{A}"] = "SERVFAIL"
    with pytest.raises(NetworkError) as refusal:
        await book.find(A)
    assert (refusal.value.code, refusal.value.retryable) == ("directory.unavailable", True)
    world.dns.set("_connexa.c.example", 'TXT "v=connexa1;k=short"')
    with refused("domain.invalid"):
        await book.find(type(B)("c.example"))


async def test_i06_a_domain_at_a_private_address_is_blocked(world):
    world.publish(B, KEY)
    book, _ = world.book(allow_addresses=())
    with refused("domain.blocked"):
        await book.find(B)


async def test_i81_a_provisional_domain_is_found_and_not_sent_to(world):
    world.publish_txt(B, KEY)
    book, events = world.book()
    assert (await book.find(B)).state is PinState.PROVISIONAL
    with pytest.raises(RefusedError) as refusal:
        await book.require(B)
    assert (refusal.value.code, refusal.value.retryable) == ("domain.provisional", True)
    world.publish_web(B, KEY)
    world.clock.advance(601)
    assert (await book.require(B)).state is PinState.PINNED
    assert events == [PinEvent.PROVISIONAL, PinEvent.PINNED]


async def test_i81_a_channel_that_only_fails_makes_nothing_provisional(world):
    world.publish_txt(B, KEY)
    world.dns.set(B, "A 127.0.0.1")
    world.web.pages[B, WELL_KNOWN] = page_of(b"", status="503 Later")
    with refused("directory.unavailable"):
        await world.book()[0].find(B)


async def test_the_administrator_confirms_a_provisional_key(world):
    world.publish_txt(B, KEY)
    book, _ = world.book()
    await book.find(B)
    assert (await book.confirm(B, KEY.public)).state is PinState.PINNED
    assert (await book.require(B)).key == KEY.public


async def _change_key(world, following, rotations=()) -> None:
    world.publish_txt(B, following)
    world.publish_web(B, following, rotations=tuple(rotations))
    world.clock.advance(DAY)


async def test_i14_a_change_without_statement_is_quarantine_until_the_administrator_decides(world):
    world.publish(B, KEY)
    book, events = world.book()
    await book.find(B)
    await _change_key(world, OTHER)
    for _ in range(2):
        with refused("domain.quarantined"):
            await book.find(B)
    assert await book.known(B) is None
    assert events == [PinEvent.PINNED, PinEvent.QUARANTINED]
    assert (await book.confirm(B, OTHER.public)).keys == (OTHER.public,)
    assert (await book.find(B)).server_info is not None


async def test_i13_i16_i82_a_rotation_is_followed_and_the_old_key_ends(world):
    world.publish(B, KEY)
    book, events = world.book()
    await book.find(B)
    statement = issue_domain_rotation(B, KEY, NEXT, not_before=int(world.clock()))
    world.publish_txt(B, KEY, NEXT)
    world.publish_web(B, KEY, NEXT, (statement,))
    world.clock.advance(DAY)
    assert (await book.find(B)).keys == (NEXT.public, KEY.public)
    await _change_key(world, NEXT)
    assert (await book.find(B)).keys == (NEXT.public, KEY.public)
    world.clock.advance(29 * DAY + 1)
    known = await book.known(B)
    assert known is not None
    assert known.keys == (NEXT.public,)
    assert events == [PinEvent.PINNED, PinEvent.ROTATED]


async def test_i15_a_missed_rotation_is_caught_up_from_the_well_known_document(world):
    world.publish(B, KEY)
    book, _ = world.book()
    await book.find(B)
    start = int(world.clock())
    steps = [
        issue_domain_rotation(B, KEY, NEXT, not_before=start + DAY),
        issue_domain_rotation(B, NEXT, OTHER, not_before=start + 40 * DAY),
    ]
    world.clock.advance(41 * DAY)
    await _change_key(world, OTHER, steps)
    assert (await book.find(B)).keys == (OTHER.public, NEXT.public)


async def test_i11_a_domain_pinned_by_dnssec_warns_when_it_is_lost(world):
    world.dns.authentic = True
    world.publish_txt(B, KEY)
    book, events = world.book()
    assert (await book.require(B)).state is PinState.PINNED
    world.dns.authentic = False
    await _change_key(world, OTHER)
    with refused("domain.quarantined"):
        await book.find(B)
    assert PinEvent.DOWNGRADED in events


# ---- the discovery file and invites -----------------------------------------------------------------------------------


def _line(key) -> str:
    raw = base64.urlsafe_b64encode(key.public.raw).rstrip(b"=").decode()
    return f'[domain."{B}"]\nkey = "{raw}"\nfederation = "127.0.0.1:9"\nhttps = "127.0.0.1:9"\n'


async def test_i19_the_discovery_file_wins_over_look_ups_and_pins(world):
    world.publish(B, OTHER)
    file = world.folder / "discovery.toml"
    file.write_text("")
    book, events = world.book(file=file)
    assert (await book.require(B)).key == OTHER.public
    file.write_text(_line(KEY))
    remote = await book.require(B)
    assert (remote.key, str(remote.federation), str(remote.link)) == (KEY.public, "127.0.0.1:9", "b.example:8443")
    assert events == [PinEvent.PINNED, PinEvent.REPLACED]
    file.write_text(_line(KEY).replace(":9", ":10"))
    assert str((await book.require(B)).federation) == "127.0.0.1:10"


async def test_a_mistake_in_the_discovery_file_is_told_as_such(world):
    file = world.folder / "discovery.toml"
    file.write_text("nonsense = 1")
    with refused("discovery.malformed"):
        await world.book(file=file)[0].find(B)


async def test_an_invite_pins_alone_and_replaces_no_pin(world):
    book, events = world.book()
    endpoints = Endpoints.parse(B, link="127.0.0.1:1")
    remote = await book.pin_by_invite(B, KEY.public, endpoints)
    assert (remote.state, str(remote.link)) == (PinState.PINNED, "127.0.0.1:1")
    assert (await book.require(B)).key == KEY.public
    with refused("domain.conflict"):
        await book.pin_by_invite(B, OTHER.public, endpoints)
    again = await book.pin_by_invite(B, KEY.public, Endpoints.parse(B, link="127.0.0.1:2"))
    assert str(again.link) == "127.0.0.1:1"
    assert events == [PinEvent.PINNED]


async def test_an_invite_proves_a_provisional_key_and_frees_no_quarantine(world):
    world.publish_txt(B, KEY)
    book, _ = world.book()
    await book.find(B)
    assert (await book.pin_by_invite(B, KEY.public, Endpoints.parse(B))).state is PinState.PINNED
    await _change_key(world, OTHER)
    with refused("domain.quarantined"):
        await book.find(B)
    with refused("domain.quarantined"):
        await book.pin_by_invite(B, KEY.public, Endpoints.parse(B))


async def test_a_forgotten_domain_is_met_anew(world):
    world.publish(B, KEY)
    book, _ = world.book()
    await book.find(B)
    await book.forget(B)
    assert await book.known(B) is None
    world.publish(B, OTHER)
    assert (await book.find(B)).key == OTHER.public


# ---- a node, with its homeserver's answer ------------------------------------------------------------------------------


class Homeserver:
    """What a node's homeserver says of b.example."""

    def __init__(self, reply: DomainReply | ConnexaError | None) -> None:
        self.reply = reply
        self.asked = 0

    async def __call__(self, domain) -> DomainReply | None:
        self.asked += 1
        if isinstance(self.reply, ConnexaError):
            raise self.reply
        return self.reply


def _reply(key, *, pinned: bool = True, domain=B) -> DomainReply:
    return DomainReply(server_info=server_info(domain, key), pinned=pinned)


@pytest.mark.parametrize(
    ("reply", "own", "state"),
    [
        (_reply(KEY), "txt", "pinned"),
        (_reply(KEY), "web", "pinned"),
        (_reply(KEY), "none", "provisional"),
        (_reply(KEY, pinned=False), "txt", "provisional"),
        (_reply(KEY, pinned=False), "none", "domain.unknown"),
        (_reply(OTHER), "txt", "domain.conflict"),
        (_reply(KEY, domain=A), "txt", "domain.invalid"),
        (None, "txt", "provisional"),
        (NetworkError("directory.unavailable", "gone"), "txt", "directory.unavailable"),
        (NetworkError("directory.unavailable", "gone"), "both", "pinned"),
        (RefusedError("rate.limited", "no"), "txt", "provisional"),
    ],
)
async def test_a_node_weighs_its_homeserver_as_one_channel(world, reply, own, state):
    if own in ("txt", "both"):
        world.publish_txt(B, KEY)
    if own in ("web", "both"):
        world.publish_web(B, KEY)
    book, _ = world.book(homeserver=Homeserver(reply))
    try:
        assert (await book.find(B)).state.value == state
    except ConnexaError as error:
        assert error.code == state


async def test_a_node_that_asks_nobody_itself_has_one_channel(world):
    book, _ = world.book(homeserver=Homeserver(_reply(KEY)), dns=False, well_known=False)
    assert (await book.find(B)).state is PinState.PROVISIONAL
    assert world.dns.asked == []
    file = world.folder / "discovery.toml"
    file.write_text(_line(KEY))
    book, _ = world.book(homeserver=Homeserver(_reply(KEY)), dns=False, well_known=False, file=file)
    remote = await book.require(B)
    assert remote.server_info is not None
    assert remote.signed_info == server_info(B, KEY)


async def test_p40_an_arrival_asks_the_homeserver_and_nobody_else(world):
    world.publish(B, KEY)
    homeserver = Homeserver(_reply(KEY))
    book, _ = world.book(homeserver=homeserver)
    for _ in range(2):
        assert (await book.find_for_arrival(B)).state is PinState.PROVISIONAL
    assert (homeserver.asked, world.dns.asked) == (1, [])
    assert (await book.require(B)).state is PinState.PINNED  # its owner writes to that domain: now it is looked up
    assert world.dns.asked != []


async def test_p40_an_arrival_from_a_domain_of_the_file_needs_no_network(world):
    file = world.folder / "discovery.toml"
    file.write_text(_line(KEY))
    homeserver = Homeserver(None)
    book, _ = world.book(homeserver=homeserver, file=file)
    assert (await book.find_for_arrival(B)).state is PinState.PINNED
    assert (homeserver.asked, world.dns.asked) == (0, [])


@pytest.mark.parametrize("reply", [None, _reply(KEY, pinned=False), NetworkError("link.closed", "gone")])
async def test_an_arrival_from_a_domain_that_the_homeserver_does_not_know_waits(world, reply):
    world.publish(B, KEY)
    book, _ = world.book(homeserver=Homeserver(reply))
    with pytest.raises(ConnexaError):
        await book.find_for_arrival(B)
    assert world.dns.asked == []
    assert await book.known(B) is None


async def test_a_homeserver_that_turns_moves_no_pin(world):
    world.publish(B, KEY)
    homeserver = Homeserver(_reply(KEY))
    book, events = world.book(homeserver=homeserver)
    await book.find(B)
    homeserver.reply = _reply(OTHER)
    world.publish(B, KEY)
    world.clock.advance(DAY)
    assert (await book.find(B)).keys == (KEY.public,)
    assert events == [PinEvent.PINNED, PinEvent.CONFLICT]


async def test_finding_one_domain_many_times_at_once_pins_it_once(world):
    world.publish(B, KEY)
    book, events = world.book()
    async with asyncio.TaskGroup() as group:
        found = [group.create_task(book.find(B)) for _ in range(20)]
    assert {task.result().key for task in found} == {KEY.public}
    assert events == [PinEvent.PINNED]


class SlowStorage(DictStorage):
    """Each read takes a turn of the loop, in which others may write."""

    async def get(self, domain):
        record = await super().get(domain)
        await asyncio.sleep(0)
        return record


async def test_a_read_that_crosses_a_change_does_not_bring_the_old_pin_back(world):
    storage = SlowStorage()
    await world.book(storage)[0].pin_by_invite(B, KEY.public, Endpoints.parse(B))
    book, _ = world.book(storage)
    async with asyncio.TaskGroup() as group:
        group.create_task(book.known(B))
        group.create_task(book.confirm(B, OTHER.public))
        group.create_task(book.known(B))
    known = await book.known(B)
    assert known is not None
    assert known.keys == (OTHER.public,)


async def test_an_expired_server_info_is_not_shown(world):
    world.publish(B, KEY)
    book, _ = world.book()
    await book.find(B)
    world.clock.advance(8 * DAY)
    known = await book.known(B)
    assert known is not None
    assert known.server_info is None
    assert known.signed_info is not None


async def test_i16_a_server_info_of_a_key_whose_overlap_is_over_is_not_shown(world):
    now = int(world.clock())
    keys = (PinnedKey(KEY.public, now + 60), PinnedKey(NEXT.public))
    info = server_info(B, KEY, NEXT, issued=now - 60, expires=now + 7 * DAY)
    pin = Pin(B, PinState.PINNED, keys, Endpoints.parse(B), now, now, info=info, info_issued=now - 60)
    storage = DictStorage()
    storage.records[B] = dump_pin(pin)
    book, _ = world.book(storage)
    assert (await book.known(B)).server_info is not None
    world.clock.advance(61)
    remote = await book.known(B)
    assert remote.keys == (NEXT.public,)
    assert remote.server_info is None
