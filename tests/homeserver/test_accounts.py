"""Accounts: who gets one, that an address is never given twice, and what a deletion leaves (I83)."""

from __future__ import annotations

from pathlib import Path

from connexa.crypto import Kind
from connexa.identity import Address, verify_attestation
from connexa.store import Execute
from connexa.wire.v1.link_pb2 import Mode, Register

from .village import DOMAIN, changed, settings_with, village


async def test_an_invite_makes_one_account_attested_by_the_domain(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        invite = bytes.fromhex(await v.house.create_account_invite(1, 7, admin=True))
        alice, eve = v.stranger("alice"), v.stranger("eve")
        attestation = (await (await v.register(alice, invite)).expect("registered")).attestation
        verify_attestation(attestation, [v.house.domain_key.public], address=Address("alice", DOMAIN), user=alice.user.id, n=0)
        assert await (await v.register(eve, invite)).closed() == (4403, "invite.refused")
        assert [(user.localpart, user.admin, user.devices) for user in v.house.list_users()] == [("alice", True, 1)]
        assert invite not in v.house.database.read("SELECT hash FROM account_invite")[0]


async def test_asking_again_with_the_same_key_gives_the_same_account(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        invite = bytes.fromhex(await v.house.create_account_invite(1, 7))
        alice = v.stranger("alice")
        answers = [(await (await v.register(alice, invite)).expect("registered")).attestation for _ in range(2)]
        assert answers[0] == answers[1]
        assert v.rows("account") == 1


async def test_wrong_expired_and_missing_invites_are_refused(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        old = bytes.fromhex(await v.house.create_account_invite(1, 1))
        v.clock.advance(86_401)
        for invite in (b"", bytes(32), old):
            assert await (await v.register(v.stranger("alice"), invite)).closed() == (4403, "invite.refused")
        assert v.rows("account") == 0


async def test_open_registration_needs_no_invite(tmp_path: Path) -> None:
    async with village(tmp_path, changed(settings_with(), registration="open")) as v:
        await (await v.register(v.stranger("alice"), b"")).expect("registered")
        assert await (await v.register(v.stranger("alice"), b"")).closed() == (4409, "address.taken")
        assert await (await v.register(v.stranger("Alice"), b"")).closed() == (4400, "address.malformed")


async def test_i83_a_deleted_address_is_never_given_to_somebody_else(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice", devices=2)
        link = await v.login(alice.devices[1])
        await v.house.delete_user("alice")
        assert await link.closed() == (4401, "login.refused")
        v.clock.advance(400 * 86_400)
        await v.house.tick()
        assert await (await v.register(v.stranger("alice"))).closed() == (4409, "address.taken")
        assert (v.rows("device"), v.rows("prekey"), v.rows("device_list")) == (0, 0, 0)


async def test_a_request_signed_by_another_key_or_for_another_name_is_refused(tmp_path: Path) -> None:
    async with village(tmp_path, changed(settings_with(), registration="open")) as v:
        alice, eve = v.stranger("alice"), v.stranger("eve")
        eve.add_device(v.rng, v.clock())
        eve.next_list(v.clock())
        alice.devices, alice.lists = eve.devices, eve.lists  # somebody else's device and list under my key
        code, notice = await (await v.register(alice, b"")).closed()
        assert (code, notice) == (4422, "signature.invalid")

        carol, client = v.stranger("carol"), await v.dial()  # everything of hers but the signature over this connection
        device, first = carol.add_device(v.rng, v.clock()), carol.next_list(v.clock())
        await client.greet(Mode.MODE_REGISTER)
        unsigned = Register(localpart="carol", user_key=carol.user.public.packet, certificate=device.certificate, device_list=first)
        unsigned.signature = carol.user.key.sign(Kind.ACCOUNT, bytes(64))
        client.say(register=unsigned)
        assert await client.closed() == (4422, "signature.invalid")
        assert v.rows("account") == 0


async def test_h10_attempts_to_register_are_counted_by_source(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(registrations_per_hour=2)) as v:
        ends = [await (await v.register(v.stranger("a"), bytes(32), source="here")).closed() for _ in range(3)]
        assert [code for code, _ in ends] == [4403, 4403, 4429]


async def test_administrators_see_every_account_however_many_there_are(tmp_path: Path) -> None:
    async with village(tmp_path) as v:

        def fill(execute: Execute) -> None:
            for number in range(1_001):
                row = (v.rng(32), f"user{number:04}")
                execute("INSERT INTO account (user, localpart, user_key, attestation, created) VALUES (?, ?, x'', x'', 1)", row)

        await v.house.writer.run(fill)
        found = [account.localpart for account in v.house.list_users()]
        assert found == [f"user{number:04}" for number in range(1_001)]
