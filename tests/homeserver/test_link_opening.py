"""Opening a link: hello, challenge, proof; and everything that is not one of them (H11, I89)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connexa.wire import MAX_FRAME
from connexa.wire.v1.link_pb2 import Call, LinkHello, LinkUp, Login, Mode, PairOpen, PassShow

from .village import Village, settings_with, village


def frame(**fields: object) -> bytes:
    return LinkUp(**fields).SerializeToString()  # type: ignore[arg-type]


HELLO = frame(hello=LinkHello(min=1, max=1, mode=Mode.MODE_MAILBOX))


@pytest.mark.parametrize(
    ("raw", "code", "notice"),
    [
        (b"", 4400, "frame.malformed"),
        (b"\xff\xff\xff", 4400, "frame.malformed"),
        (HELLO[:-1], 4400, "frame.malformed"),
        (HELLO + b"\xfa\x07\x00", 4400, "frame.malformed"),  # a field that this version does not know
        (bytes(MAX_FRAME + 1), 4413, "frame.too_large"),
        (frame(hello=LinkHello(min=2, max=3, mode=Mode.MODE_MAILBOX)), 4426, "version.unsupported"),
        (frame(hello=LinkHello(min=3, max=1, mode=Mode.MODE_MAILBOX)), 4400, "frame.malformed"),
        (frame(hello=LinkHello(min=1, max=1)), 4400, "frame.malformed"),
        (b"\x0a\x06\x08\x01\x10\x01\x18\x4d", 4400, "frame.malformed"),
        (frame(login=Login()), 4400, "frame.unexpected"),
        (frame(call=Call(id=1)), 4400, "frame.unexpected"),
    ],
)
async def test_anything_but_a_hello_ends_the_link_with_its_code(tmp_path: Path, raw: bytes, code: int, notice: str) -> None:
    async with village(tmp_path) as v:
        client = await v.dial()
        client.channel.send(raw)
        assert await client.closed() == (code, notice)
        assert v.house.door.open_links == 0


async def test_a_second_hello_and_another_modes_proof_are_unexpected(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        for second in (HELLO, frame(pair=PairOpen(slot=bytes(16)))):
            client = await v.dial()
            await client.greet(Mode.MODE_MAILBOX)
            client.channel.send(second)
            assert await client.closed() == (4400, "frame.unexpected")


async def test_h11_a_login_that_does_not_come_is_timed_out(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(opening_seconds=0.05)) as v:
        silent, greeted = await v.dial(), await v.dial()
        await greeted.greet(Mode.MODE_MAILBOX)
        assert await silent.closed() == (4408, "link.timeout")
        assert await greeted.closed() == (4408, "link.timeout")


async def test_h11_a_login_for_another_domain_nonce_mode_certificate_or_device_is_refused(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        device, other = alice.devices[0], bob.devices[0]

        async def tried(change: object) -> tuple[int, str]:
            client = await v.dial()
            nonce = (await client.greet(Mode.MODE_MAILBOX)).nonce
            client.say(login=change(nonce, client.channel.certificate_hash))  # type: ignore[operator]
            return await client.closed()

        def as_other(nonce: bytes, seen: bytes) -> Login:
            stolen = v.login_frame(device, nonce, seen)
            stolen.user, stolen.device = other.owner.user.id, other.id
            return stolen

        def unknown(nonce: bytes, seen: bytes) -> Login:
            stranger = v.stranger("carol")
            return v.login_frame(stranger.add_device(v.rng, v.clock()), nonce, seen)

        wrong = {
            "domain": lambda nonce, seen: v.login_frame(device, nonce, seen, domain="a.example"),
            "nonce": lambda nonce, seen: v.login_frame(device, bytes(32), seen),
            "mode": lambda nonce, seen: v.login_frame(device, nonce, seen, mode=Mode.MODE_SUBMIT),
            "certificate (I89)": lambda nonce, seen: v.login_frame(device, nonce, bytes(32)),
            "device": as_other,
            "unknown": unknown,
        }
        assert {name: await tried(change) for name, change in wrong.items()} == dict.fromkeys(wrong, (4401, "login.refused"))


async def test_a_login_that_was_recorded_opens_nothing_a_second_time(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        first = await v.dial()
        nonce = (await first.greet(Mode.MODE_MAILBOX)).nonce
        recorded = v.login_frame(alice.devices[0], nonce, first.channel.certificate_hash)
        first.say(login=recorded)
        await first.expect("ready")
        replay = await v.dial()
        await replay.greet(Mode.MODE_MAILBOX)
        replay.say(login=recorded)
        assert await replay.closed() == (4401, "login.refused")
        await first.quiet()  # and the real link stands


async def test_h8_the_newest_link_of_a_device_wins(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        old = await v.login(bob.devices[0], resume=True)
        new = await v.login(bob.devices[0], resume=True)
        assert await old.closed() == (4409, "link.replaced")
        (token,) = await v.passes(alice, 1)
        sender = await v.submit(token)
        sender.send((1, v.mail(bob)))
        await sender.committed(1)
        assert len(await new.pushes(1)) == 1


async def test_h10_logins_and_waiting_connections_of_one_source_are_limited(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(logins_per_minute=3, waiting_per_source=2)) as v:
        alice = v.stranger("alice")
        device = alice.add_device(v.rng, v.clock())

        async def attempt(source: str) -> tuple[int, str]:
            client = await v.dial(source)
            nonce = (await client.greet(Mode.MODE_MAILBOX)).nonce
            client.say(login=v.login_frame(device, nonce, client.channel.certificate_hash))
            return await client.closed()

        assert [await attempt("here") for _ in range(4)] == [(4401, "login.refused")] * 3 + [(4429, "rate.limited")]
        assert await attempt("there") == (4401, "login.refused")
        waiting = [await v.dial("here") for _ in range(3)]
        assert await waiting[2].closed() == (4429, "rate.limited")
        waiting[0].close()
        await asyncio.sleep(0)
        again = await v.dial("here")
        await again.greet(Mode.MODE_PAIR)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), kind=st.sampled_from(["login", "pass", "register", "pair", "send", "resume"]))
async def test_a_flipped_bit_never_opens_stores_or_breaks_anything(prepared: Village, place: int, bit: int, kind: str) -> None:
    v = prepared
    before = {table: v.rows(table) for table in ("account", "mailbox", "spent_pass", "device_list")}
    alice, (token,) = v.people["alice"], [v.token]  # type: ignore[attr-defined]
    if kind in ("send", "resume"):
        client = await v.login(alice.devices[0])
        raw = (
            frame(send={"envelopes": [{"number": 1, "envelope": v.own(alice.devices[0])}]}) if kind == "send" else frame(resume={"last": 0})
        )
    else:
        client = await v.dial()
        modes = {"login": Mode.MODE_MAILBOX, "pass": Mode.MODE_SUBMIT, "register": Mode.MODE_REGISTER, "pair": Mode.MODE_PAIR}
        challenge = await client.greet(modes[kind])
        seen = client.channel.certificate_hash
        raw = {
            "login": lambda: frame(login=v.login_frame(alice.devices[0], challenge.nonce, seen)),
            "pass": lambda: frame(**{"pass": PassShow(key=token.key, input=token.input, proof=bytes(32), use=PassShow.STREAM)}),
            "register": lambda: frame(register={"localpart": "eve", "user_key": alice.user.public.packet}),
            "pair": lambda: frame(pair=PairOpen(slot=bytes(16))),
        }[kind]()
    at = place % len(raw)
    client.channel.send(raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :])
    for _ in range(8):
        await asyncio.sleep(0)
    client.close()
    fresh = await v.login(alice.devices[0])
    await fresh.quiet()
    fresh.close()
    if kind != "send":  # a flipped bit in sealed bytes is not the homeserver's to see
        assert {table: v.rows(table) for table in before} == before


@pytest.fixture
async def prepared(tmp_path: Path):
    async with village(tmp_path) as v:
        alice = await v.settle("alice", devices=2)
        (v.token,) = await v.passes(alice, 1)  # type: ignore[attr-defined]
        yield v
