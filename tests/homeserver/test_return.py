"""The holder of the user key comes back to an account of which no device is left; nobody else gets in by that door."""

from __future__ import annotations

from pathlib import Path

from connexa.crypto import Kind
from connexa.identity import UserSecret, match_certificates, next_device_list, read_device_list
from connexa.wire import account_statement
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import Mode, Register, Registered

from .village import DOMAIN, Person, Village, village


def _new_device(v: Village, person: Person) -> Signed:
    """The certificate of a device that nobody has seen yet."""
    person.add_device(v.rng, v.clock())
    return person.devices.pop().certificate


async def _returned(v: Village, person: Person, certificate: Signed, devices: Signed) -> Registered:
    answer = await (await v.apply(person, certificate, devices)).expect("registered")
    assert isinstance(answer, Registered)
    return answer


async def test_the_question_is_answered_with_the_newest_list_and_changes_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice", devices=2)
        found = await _returned(v, alice, Signed(), Signed())
        assert (found.attestation, found.device_list) == (alice.attestation, alice.lists[-1])
        match_certificates(read_device_list(found.device_list, alice.user.public), found.certificates, alice.user.public, v.clock())
        assert (v.rows("device_list"), v.rows("device")) == (2, 2)


async def test_the_next_list_lets_the_restored_device_in_and_shuts_the_lost_one_out(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice", devices=2)
        lost, phone = await v.login(alice.devices[0]), await v.login(alice.devices[1])
        restored = alice.add_device(v.rng, v.clock())
        following = next_device_list(alice.lists[-1], alice.user, [restored.certificate, alice.devices[1].certificate], v.clock(), backup=7)
        assert (await _returned(v, alice, restored.certificate, following)).device_list == following
        assert await lost.closed() == (4401, "login.refused")
        while (notice := (await phone.next()).notice).code == "prekeys.low":
            pass
        assert (notice.code, notice.number) == ("devices.changed", 3)
        (await v.login(restored)).close()
        again = await _returned(v, alice, restored.certificate, following)  # the answer was lost
        assert (again.device_list, v.rows("device_list")) == (following, 3)


async def test_lists_that_do_not_follow_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice", devices=2), await v.settle("bob")
        certificate = _new_device(v, alice)
        newest, now = alice.lists[-1], v.clock()
        gap = next_device_list(next_device_list(newest, alice.user, [certificate], now), alice.user, [certificate], now)
        fork = None
        for _ in range(3):
            fork = next_device_list(fork, alice.user, [certificate], now)
        assert fork is not None
        foreign = next_device_list(bob.lists[-1], bob.user, [bob.devices[0].certificate], now)
        unknown = next_device_list(newest, alice.user, [_new_device(v, alice)], now)
        for devices, code in (
            (alice.lists[0], "devices.rollback"),
            (next_device_list(None, alice.user, [certificate], now), "devices.rollback"),
            (gap, "devices.gap"),
            (fork, "devices.fork"),
            (foreign, "signature.invalid"),
            (unknown, "devices.invalid"),
        ):
            assert (await (await v.apply(alice, certificate, devices)).closed())[1] == code
        assert (v.rows("device_list"), v.rows("device")) == (3, 3)
        (await v.login(alice.devices[0])).close()


async def test_only_the_user_key_opens_the_door(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        thief = UserSecret.generate(v.rng, v.clock())
        certificate, now = _new_device(v, alice), v.clock()
        following = next_device_list(alice.lists[-1], alice.user, [certificate], now)
        client = await v.dial("a thief")
        challenge = await client.greet(Mode.MODE_REGISTER)
        asked = Register(localpart="alice", user_key=alice.user.public.packet, certificate=certificate, device_list=following)
        asked.signature = thief.key.sign(Kind.ACCOUNT, challenge.nonce + bytes(64))
        client.say(register=asked)
        assert await client.closed() == (4422, "signature.invalid")

        # A proof that the owner made on another connection is worth nothing on this one.
        client = await v.dial("a thief")
        await client.greet(Mode.MODE_REGISTER)
        statement = account_statement(
            domain=DOMAIN,
            localpart="alice",
            nonce=challenge.nonce,
            user=alice.user.id,
            certificate_body=bytes(32),
            list_body=bytes(32),
            certificate=client.channel.certificate_hash,
        )
        asked.signature = alice.user.key.sign(Kind.ACCOUNT, statement)
        client.say(register=asked)
        assert await client.closed() == (4422, "signature.invalid")

        # A key of one's own does not lead into somebody else's account.
        eve, invite = v.stranger("alice"), bytes.fromhex(await v.house.create_account_invite(1, 7))
        assert (await (await v.register(eve, invite)).closed())[1] == "address.taken"
        assert v.rows("device_list") == 1


async def test_a_deleted_account_has_no_way_back(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        await v.house.delete_user("alice")
        invite = bytes.fromhex(await v.house.create_account_invite(1, 7))
        refused = await v.apply(alice, Signed(), Signed(), invite)
        assert (await refused.closed())[1] == "account.exists"


async def test_changes_of_the_list_by_this_door_are_counted_with_all_others(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        most = v.house.settings.limits.lists_per_day
        code = ""
        for number in range(most + 1):
            certificate = _new_device(v, alice)
            alice.lists.append(next_device_list(alice.lists[-1], alice.user, [certificate], v.clock()))
            answer = await (await v.apply(alice, certificate, alice.lists[-1], source=f"place {number // 10}")).next()
            code = answer.notice.code or code
        assert code == "rate.limited"
        assert v.rows("device_list") <= most
