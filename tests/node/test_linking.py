"""Linking a device, as its owner and as whoever carries the words see it: one use, one try, and nothing half done (P28, P48)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from connexa.crypto import Ed25519Public, Ed25519Secret, X25519Public
from connexa.errors import ConflictError, ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError, UsageError
from connexa.homeserver.link_pair import PairRole, Slot
from connexa.identity import (
    Address,
    Attestation,
    DeviceCertificate,
    DeviceId,
    issue_attestation,
    issue_device_certificate,
    next_device_list,
)
from connexa.node.account import own_device_list
from connexa.node.linking import Newcomer, open_slot
from connexa.node.views import ApprovalView, EventView
from connexa.pairwise import (
    PairingTalk,
    format_pairing_code,
    open_pairing_request,
    parse_pairing_code,
    seal_pairing_answer,
    seal_pairing_grant,
    seal_pairing_request,
)
from connexa.testing import Device, SeededRandom, World
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import PairAnswer, PairGrant, PairRequest

ALICE, BOB = "alice@a.example", "bob@a.example"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path, domains=("a.example",)) as opened:
        yield opened


async def meet(world: World, desk: Device, name: str = "phone") -> tuple[Device, str, ApprovalView]:
    """A new device whose code was read on the desk, and that waits for its digits."""
    phone = await world.device(name, desk.address)
    shown = await phone.node.link_account(desk.address)
    return phone, shown.code, await desk.node.approve_device("", shown.code)


async def failure(device: Device) -> EventView:
    """Why a linking came to nothing, as its device tells it."""

    def look() -> EventView | None:
        return next((event for event in device.node.replay() if event.kind == "account.link_failed"), None)

    return await device.until(look, what="the end of the linking")


def has_nothing(device: Device) -> bool:
    """Whether a device that is linked to nobody has stored nothing of anybody."""
    tables = ("account", "own_device", "prekey", "session", "person", "history", "register")
    return not any(device.node._home.database.read(f"SELECT 1 FROM {table}") for table in tables)


def listed(device: Device) -> int:
    return sum(one.listed for one in device.node.devices())


async def test_both_devices_show_the_same_person_and_the_names_of_both(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone, _, met = await meet(world, desk)
    assert met.name == "phone"
    digits = await phone.until_digits()
    assert phone.node.linking(ALICE).fingerprint == desk.node.account().fingerprint
    linked = await desk.node.confirm_device("", met.id, f"{digits[:3]} {digits[3:]}")
    assert (linked.name, linked.listed, linked.last_seen > 0) == ("phone", True, True)
    await phone.until_up()
    assert phone.node.account().fingerprint == desk.node.account().fingerprint
    names = {one.id: one.name for one in desk.node.devices()}
    await phone.until(lambda: True if {one.id: one.name for one in phone.node.devices()} == names else None, what="the desk's name")
    with pytest.raises(NotFoundError):
        phone.node.linking(ALICE)


async def test_every_own_device_is_told_of_a_new_one(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    tablet = await world.linked(desk, "tablet")
    new = tablet.node.account().device

    def told(device: Device) -> bool | None:
        return next((True for event in device.node.replay() if event.kind == "device.new" and event.fields["device"] == new), None)

    for device in (desk, phone):
        await device.until(lambda device=device: told(device), what="device.new")  # type: ignore[misc]
    assert told(tablet) is None


async def test_wrong_digits_are_the_end_of_the_code_on_both_sides(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone, code, met = await meet(world, desk)
    digits = await phone.until_digits()
    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    with pytest.raises(RefusedError, match=r"pairing\.digits"):
        await desk.node.confirm_device("", met.id, wrong)
    assert (await failure(phone)).fields["code"] == "pair.gone"
    with pytest.raises(NotFoundError, match=r"device\.not_waiting"):
        await desk.node.confirm_device("", met.id, digits)  # the right ones come too late
    with pytest.raises(ConflictError, match=r"pair\.taken"):
        await desk.node.approve_device("", code)
    assert has_nothing(phone)
    assert listed(desk) == len(desk.node.devices()) == 1


async def test_without_digits_the_device_stays_out(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone, _, met = await meet(world, desk)
    with pytest.raises(RefusedError, match=r"pairing\.declined"):
        await desk.node.confirm_device("", met.id, " ")
    assert (await failure(phone)).fields["code"] == "pair.gone"
    assert has_nothing(phone)
    assert listed(desk) == 1


async def test_there_is_one_try_also_for_two_at_once(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone, _, met = await meet(world, desk)
    digits = await phone.until_digits()
    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    tries = (desk.node.confirm_device("", met.id, one) for one in (wrong, digits))
    refused = await asyncio.gather(*tries, return_exceptions=True)
    assert [one.code for one in refused if isinstance(one, ConnexaError)] == ["pairing.digits", "device.not_waiting"]
    assert listed(desk) == 1


async def test_a_device_that_left_before_its_digits_were_typed_is_not_let_in(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone, _, met = await meet(world, desk)
    digits = await phone.until_digits()
    approval = desk.node._approvals._now[bytes.fromhex(met.id)]
    await phone.stop()
    await asyncio.wait({approval.last_word}, timeout=5)
    with pytest.raises(NotFoundError, match=r"device\.not_waiting"):
        await desk.node.confirm_device("", met.id, digits)
    assert listed(desk) == 1


async def test_digits_are_good_for_a_minute(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone, _, met = await meet(world, desk)
    digits = await phone.until_digits()
    world.clock.advance(61)
    with pytest.raises(RefusedError, match=r"pairing\.expired"):
        await desk.node.confirm_device("", met.id, digits)
    await failure(phone)
    assert has_nothing(phone)
    assert listed(desk) == 1


async def test_a_code_that_nobody_read_in_time_is_worth_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk,) = await world.person(ALICE)
    phone = await world.device("phone", ALICE)
    monkeypatch.setattr("connexa.node.linking.PAIR_SECONDS", 0.05)
    shown = await phone.node.link_account(ALICE)
    assert (await failure(phone)).fields["code"] == "pair.timeout"
    with pytest.raises(ConflictError, match=r"pair\.taken"):
        await desk.node.approve_device("", shown.code)
    assert has_nothing(phone)


async def test_a_code_is_good_for_one_device(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone, code, met = await meet(world, desk)
    await desk.node.confirm_device("", met.id, await phone.until_digits())
    with pytest.raises(ConflictError, match=r"pair\.taken"):
        await desk.node.approve_device("", code)
    await phone.until_up()
    assert listed(desk) == 2


async def test_of_two_approvers_one_is_let_in(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone = await world.device("phone", ALICE)
    shown = await phone.node.link_account(ALICE)
    outcomes = await asyncio.gather(*(desk.node.approve_device("", shown.code) for _ in range(2)), return_exceptions=True)
    met = [one for one in outcomes if isinstance(one, ApprovalView)]
    assert [one.code for one in outcomes if isinstance(one, ConnexaError)] == ["pair.taken"]
    await desk.node.confirm_device("", met[0].id, await phone.until_digits())
    await phone.until_up()


async def test_a_new_code_takes_the_place_of_the_one_before(world: World) -> None:
    (desk,) = await world.person(ALICE)
    phone = await world.device("phone", ALICE)
    first = await phone.node.link_account(ALICE)
    second = await phone.node.link_account(ALICE, "pocket")
    with pytest.raises(ConflictError):
        await desk.node.approve_device("", first.code)
    met = await desk.node.approve_device("", second.code)
    await desk.node.confirm_device("", met.id, await phone.until_digits())
    await phone.until_up()
    # Whoever waits for the second code is not told that the first one came to nothing.
    assert not [event for event in phone.node.replay() if event.kind == "account.link_failed"]
    assert {device.name for device in desk.node.devices()} >= {"pocket"}


async def test_a_linked_device_lets_nobody_in_and_shuts_nobody_out(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    tablet = await world.device("tablet", ALICE)
    shown = await tablet.node.link_account(ALICE)
    for refused in (phone.node.approve_device("", shown.code), phone.node.revoke_device("", desk.node.account().device)):
        with pytest.raises(RefusedError, match=r"device\.not_primary") as error:
            await refused
        assert error.value.hint
    met = await desk.node.approve_device("", shown.code)  # the code was not spent by the one who may not
    await desk.node.confirm_device("", met.id, await tablet.until_digits())


async def test_whoever_pastes_a_strangers_code_gives_them_nothing(world: World) -> None:
    """Mallory shows a code for her own account and brings Alice to read it: the new device wants Mallory's, Alice's answers for hers."""
    (desk,) = await world.person(ALICE)
    mallory = await world.device("mallory", BOB)
    await world.person(BOB)
    shown = await mallory.node.link_account(BOB)
    with pytest.raises(NetworkError, match=r"pair\.gone"):
        await desk.node.approve_device("", shown.code)
    assert (await failure(mallory)).fields["code"] == "pairing.invalid"
    assert listed(desk) == 1


async def test_a_device_that_takes_the_id_of_another_or_other_keys_is_refused(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    eve, rng = phone.node._home, SeededRandom(1)
    for take_id, swap_keys in ((True, False), (False, True)):
        new = Newcomer.make(eve, Address.parse(ALICE), "eve")
        device = phone.node._account("").device if take_id else new.device
        dsk = Ed25519Secret.generate(rng) if swap_keys else new.dsk
        request = PairRequest(device=device, dsk=dsk.public.raw, dik=new.dik.public.raw)
        link = await open_slot(eve, new.address, new.code.secret)
        link.send(seal_pairing_request(new.code, request.SerializeToString()))
        with pytest.raises(IntegrityError, match=r"pairing\.invalid"):
            await desk.node.approve_device("", format_pairing_code(new.code))
        link.close()
    assert listed(desk) == 2


# What goes over the slot: 1 request, 2 answer, 3 r, 4 grant, 5 the last word.

Carry = Callable[[Slot, PairRole, bytes], None]
CARRY = Slot.carry


def cut_at(number: int) -> Carry:
    """A homeserver that loses the connection instead of carrying this payload."""
    count = 0

    def carry(slot: Slot, sender: PairRole, payload: bytes) -> None:
        nonlocal count
        count += 1
        if count == number:
            slot.end(NetworkError("server.temporary", "The power is gone."))
        else:
            CARRY(slot, sender, payload)

    return carry


def change_at(number: int) -> Carry:
    """A homeserver that changes the last bit of this payload."""
    count = 0

    def carry(slot: Slot, sender: PairRole, payload: bytes) -> None:
        nonlocal count
        count += 1
        CARRY(slot, sender, payload[:-1] + bytes([payload[-1] ^ 1]) if count == number else payload)

    return carry


async def link_over(world: World, desk: Device, phone: Device) -> None:
    shown = await phone.node.link_account(ALICE)
    met = await desk.node.approve_device("", shown.code)
    await desk.node.confirm_device("", met.id, await phone.until_digits())


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("fault", [cut_at, change_at])
async def test_what_is_lost_or_changed_before_the_digits_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, fault: Callable[[int], Carry]
) -> None:
    (desk,) = await world.person(ALICE)
    phone = await world.device("phone", ALICE)
    with monkeypatch.context() as patch:
        patch.setattr(Slot, "carry", fault(number))
        with pytest.raises(ConnexaError):
            async with asyncio.timeout(5):
                await link_over(world, desk, phone)
        await failure(phone)
    assert has_nothing(phone)
    assert len(desk.node.devices()) == 1
    await link_over(world, desk, phone)  # the next code links it
    await phone.until_up()


@pytest.mark.parametrize("fault", [cut_at, change_at])
async def test_a_device_that_never_got_its_grant_is_shown_so_and_can_be_shut_out(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Callable[[int], Carry]
) -> None:
    (desk,) = await world.person(ALICE)
    phone = await world.device("phone", ALICE)
    monkeypatch.setattr(Slot, "carry", fault(4))
    await link_over(world, desk, phone)
    await failure(phone)
    assert has_nothing(phone)
    (lost,) = [one for one in desk.node.devices() if not one.this]
    assert (lost.listed, lost.last_seen) == (True, 0)
    await desk.node.revoke_device("", lost.id[:8])
    assert [one.this for one in desk.node.devices()] == [True]  # it has never been a device of hers


@pytest.mark.parametrize("fault", [cut_at, change_at])
async def test_a_device_whose_last_word_was_lost_is_linked_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Callable[[int], Carry]
) -> None:
    (desk,) = await world.person(ALICE)
    phone = await world.device("phone", ALICE)
    monkeypatch.setattr(Slot, "carry", fault(5))
    await link_over(world, desk, phone)
    await phone.until_up()
    await desk.until(lambda: next((True for one in desk.node.devices() if not one.this and one.last_seen), None), what="that it came")


async def test_a_number_that_the_code_does_not_bind_is_refused_before_any_digits(world: World) -> None:
    (desk,) = await world.person(ALICE)
    home = desk.node._home
    new = Newcomer.make(home, Address.parse(ALICE), "")
    link = await open_slot(home, new.address, new.code.secret)
    request = PairRequest(device=new.device, dsk=new.dsk.public.raw, dik=new.dik.public.raw)
    link.send(seal_pairing_request(new.code, request.SerializeToString()))
    meeting = asyncio.create_task(desk.node.approve_device("", format_pairing_code(new.code)))
    await link.receive(5)
    link.send(home.rng(32))
    with pytest.raises(IntegrityError, match=r"pairing\.invalid"):
        await meeting
    link.close()


async def answer_as(world: World, desk: Device, phone: Device, answer: PairAnswer, grant: Callable[[PairRequest], PairGrant] | None) -> str:
    """Somebody who has seen the code answers in the primary's place; returns why the new device took nothing."""
    code = parse_pairing_code((await phone.node.link_account(ALICE)).code)
    account = desk.node._account("")
    link = await open_slot(desk.node._home, account.address, code.secret)
    request = await link.receive(5)
    asked = PairRequest.FromString(open_pairing_request(code, request))
    new = DeviceId(asked.device)
    sealed = seal_pairing_answer(code, answer.SerializeToString(), account.device, new)
    link.send(sealed)
    if grant is not None:
        talk = PairingTalk(code, account.device, new, request, sealed, await link.receive(5))
        link.send(seal_pairing_grant(talk, grant(asked).SerializeToString()))
    why = str((await failure(phone)).fields["code"])
    link.close()
    return why


async def test_a_person_whom_the_domain_does_not_attest_at_the_address_gets_no_device(world: World) -> None:
    (desk,), (mallory,) = await world.person(ALICE), await world.person(BOB)
    alice, other = desk.node._account(""), mallory.node._account("")
    forged = issue_attestation(Attestation(alice.address, other.user_id), Ed25519Secret.generate(SeededRandom(2)))
    for number, attestation in enumerate((other.attestation, alice.attestation, forged)):
        phone = await world.device(f"phone-{number}", ALICE)
        answer = PairAnswer(address=ALICE, user_key=other.user.packet, attestation=attestation)
        assert await answer_as(world, mallory, phone, answer, None) in {"attestation.invalid", "signature.invalid"}
        assert has_nothing(phone)


async def test_a_grant_for_other_keys_or_for_another_device_is_not_taken(world: World) -> None:
    (desk,) = await world.person(ALICE)
    account, rng, now = desk.node._account(""), SeededRandom(3), int(world.clock())
    own, user = own_device_list(desk.node._home.database.read, account), account.secret
    assert own is not None
    assert user is not None
    first_list = own[0]
    answer = PairAnswer(address=ALICE, user_key=account.user.packet, attestation=account.attestation)

    def certify(asked: PairRequest, dsk: bytes) -> Signed:
        keys = Ed25519Public.from_bytes(dsk), X25519Public.from_bytes(asked.dik)
        return issue_device_certificate(DeviceCertificate(account.user_id, DeviceId(asked.device), *keys, now + 10**6), user)

    def with_other_keys(asked: PairRequest) -> PairGrant:
        certificate = certify(asked, Ed25519Secret.generate(rng).public.raw)
        listed = next_device_list(first_list, user, [account.certificate, certificate], now)
        return PairGrant(certificate=certificate, device_list=listed, profile_key=bytes(32))

    def without_a_place(asked: PairRequest) -> PairGrant:
        return PairGrant(certificate=certify(asked, asked.dsk), device_list=first_list, profile_key=bytes(32))

    def of_the_desk(asked: PairRequest) -> PairGrant:
        return PairGrant(certificate=account.certificate, device_list=first_list, profile_key=bytes(32))

    for grant in (with_other_keys, without_a_place, of_the_desk):
        phone = await world.device(grant.__name__, ALICE)
        assert await answer_as(world, desk, phone, answer, grant) == "pairing.invalid"
        assert has_nothing(phone)


async def test_a_name_that_would_steer_a_terminal_is_shown_as_none(world: World) -> None:
    (desk,) = await world.person(ALICE)
    eve = desk.node._home
    new = Newcomer.make(eve, Address.parse(ALICE), "")
    link = await open_slot(eve, new.address, new.code.secret)
    request = PairRequest(device=new.device, dsk=new.dsk.public.raw, dik=new.dik.public.raw, name="phone\x1b[2J")
    link.send(seal_pairing_request(new.code, request.SerializeToString()))
    meeting = asyncio.create_task(desk.node.approve_device("", format_pairing_code(new.code)))
    await link.receive(5)
    link.send(new.reveal)
    assert (await meeting).name == ""
    link.close()


async def test_devices_are_named_by_name_or_by_how_their_id_begins(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    ids = {one.name: one.id for one in desk.node.devices()}
    assert (await desk.node.rename_device("", ids["alice-2"][:6], "Pocket")).id == ids["alice-2"]
    assert (await desk.node.rename_device("", "pocket", "phone")).name == "phone"
    for word, code in (("", "device.not_found"), ("nobody", "device.not_found"), (ids["alice-2"][:3], "device.not_found")):
        with pytest.raises(NotFoundError, match=code):
            await desk.node.rename_device("", word, "x")
    await desk.node.rename_device("", ids["alice-1"], "phone")
    with pytest.raises(UsageError, match=r"device\.ambiguous"):
        await desk.node.revoke_device("", "phone")
    assert listed(phone) == 2
