"""A device that its owner has shut out: what it shows, what it can do no more, and how it comes back (P25, first-message §9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connexa.errors import NetworkError, RefusedError
from connexa.node.account import profile_key
from connexa.node.views import MessageState, Verdict
from connexa.testing import Device, World

ALICE, BOB = "alice@a.example", "bob@a.example"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path, domains=("a.example",)) as opened:
        yield opened


async def shut_out(desk: Device, phone: Device) -> None:
    """Revoke the phone on the desk, and wait until it shows that."""
    await desk.node.revoke_device("", phone.node.account().device)
    await phone.until(lambda: True if phone.node.account().state == "revoked" else None, what="that it was revoked")


async def test_a_revoked_device_says_so_and_sends_nothing(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(desk, bob)
    await phone.until_contact(BOB)
    await shut_out(desk, phone)
    assert "account.revoked" in [event.kind for event in phone.node.replay()]
    assert "account.revoked" in phone.node.status().warnings
    assert [one.listed for one in phone.node.devices() if one.this] == [False]
    (check,) = [one for one in (await phone.node.doctor()).checks if one.name == "accounts"]
    assert check.verdict is Verdict.ERROR
    for act in (phone.node.send("", BOB, "still me"), phone.node.add_contact("", "carol@a.example"), phone.node.create_invite("")):
        with pytest.raises(RefusedError, match=r"account\.revoked"):
            await act
    assert [message.text for message in phone.log(BOB)] == ["may I?"]  # the log stays readable
    await bob.node.send("", ALICE, "only for the desk")
    await desk.until_text(BOB, "only for the desk")
    assert phone.texts(BOB) == []


async def test_what_waited_on_a_revoked_device_is_not_sent_later(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    await desk.node.groups().create("Garden")
    await phone.until(lambda: True if [one.state for one in phone.node.groups().groups()] == ["member"] else None, what="the group")
    waiting = [await phone.node.send("", "nobody@nowhere.example", "a last word")]
    world.network.cut(phone.name, "a.example")
    waiting.append(await phone.node.send("", "Garden", "and another"))
    await desk.node.revoke_device("", phone.node.account().device)
    world.network.heal(phone.name, "a.example")
    await phone.until(lambda: True if phone.node.account().state == "revoked" else None, what="that it was revoked")
    for one in waiting:
        shown = phone.node.message("", one.id).message
        assert (shown.state, shown.reason) == (MessageState.REFUSED, "account.revoked")
    query = phone.node._home.database.read
    for table in ("outbox", "pass", "group_outbox"):
        assert query(f"SELECT 1 FROM {table}") == []
    assert query("SELECT sender FROM account") == [(b"",)]


async def test_the_door_of_its_person_is_another_one_and_contacts_know_the_new_list(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(desk, bob)
    await phone.until_contact(BOB)
    known = profile_key(phone.node._home.database.read, 1)
    await shut_out(desk, phone)
    key = profile_key(desk.node._home.database.read, 1)
    assert key != known == profile_key(phone.node._home.database.read, 1)

    def told() -> bool | None:
        found = bob.node._home.database.first("SELECT profile_key FROM person")
        return True if found == (key,) and bob.node.contacts()[0].devices == 1 else None

    await bob.until(told, what="the new list and key")
    await bob.node.send("", ALICE, "through the new door")
    await desk.until_text(BOB, "through the new door")


async def test_a_homeserver_that_was_wrong_is_asked_again_at_the_next_start(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    server = world.houses["a.example"].server.database
    device = bytes.fromhex(phone.node.account().device)
    (kept,) = server.execute("SELECT * FROM device WHERE device = ?", (device,)).fetchall()
    server.execute("DELETE FROM device WHERE device = ?", (device,))
    for _ in range(2):
        await phone.stop()
        await phone.start()
        await phone.until(lambda: True if phone.node.account().state == "revoked" else None, what="that it was revoked")
    assert [event.kind for event in phone.node.replay()].count("account.revoked") == 1
    server.execute(f"INSERT INTO device VALUES ({', '.join('?' * len(kept))})", kept)
    await phone.stop()
    await phone.start()
    await phone.until_up()
    assert phone.node.account().state == "active"
    assert desk.node.account().state == "active"


async def test_it_can_be_linked_anew_and_keeps_its_log(world: World) -> None:
    desk, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(desk, bob)
    await phone.until_contact(BOB)
    await phone.node.send("", BOB, "from the old keys")
    await bob.until_text(ALICE, "from the old keys")
    before = phone.node.account().device
    await shut_out(desk, phone)
    shown = await phone.node.link_account(ALICE)
    met = await desk.node.approve_device("", shown.code)
    await desk.node.confirm_device("", met.id, await phone.until_digits())
    await phone.until_up()
    assert phone.node.account().state == "active"
    assert phone.node.account().device != before
    await phone.node.send("", BOB, "from the new keys")
    await bob.until_text(ALICE, "from the new keys")
    assert [message.text for message in phone.log(BOB)] == ["may I?", "from the old keys", "from the new keys"]
    assert not any(message.gap for message in bob.log(ALICE))
    await bob.node.send("", ALICE, "welcome back")
    await phone.until_text(BOB, "welcome back")


async def test_a_lost_primary_that_comes_back_is_linked_without_the_user_key(world: World, tmp_path: Path) -> None:
    """It was restored elsewhere in the meantime: there is one primary, and two that sign lists would leave out each other's devices."""
    (lost,) = await world.person(ALICE)
    words = await lost.node.show_recovery()
    made = await lost.node.create_backup(path=str(tmp_path / "one.connexa"))
    await lost.stop()
    fresh = await world.device("fresh", ALICE)
    await fresh.node.restore_backup(made.path, " ".join(words))
    await fresh.until_up()
    await lost.start()
    await lost.until(lambda: True if lost.node.account().state == "revoked" else None, what="that it was left out")
    shown = await lost.node.link_account(ALICE)
    met = await fresh.node.approve_device("", shown.code)
    await fresh.node.confirm_device("", met.id, await lost.until_digits())
    await lost.until_up()
    assert (lost.node.account().primary, fresh.node.account().primary) == (False, True)
    query = lost.node._home.database.read
    assert query("SELECT seed FROM account") == [(b"",)]
    assert query("SELECT 1 FROM recovery") == query("SELECT 1 FROM backup") == []


async def test_of_two_that_were_restored_neither_leaves_the_other_out(world: World, tmp_path: Path) -> None:
    (lost,) = await world.person(ALICE)
    words = await lost.node.show_recovery()
    made = await lost.node.create_backup(path=str(tmp_path / "one.connexa"))
    await lost.stop()
    one = await world.device("one", ALICE)
    await one.node.restore_backup(made.path, " ".join(words))
    await one.until_up()
    other = await world.device("other", ALICE)
    await other.node.restore_backup(made.path, " ".join(words))
    await other.until_up()

    await one.until(lambda: True if one.node.account().devices == 2 else None, what="the list with both")
    mine = one.node.account().device
    await one.node.rename_device("", mine, "desk")
    named = [(mine, "desk")]
    # What it says to the other one needs that one's keys, and with them came the certificate that its next list must name.
    await other.until(lambda: [d for d in other.node.devices() if (d.id, d.name) in named] or None, what="the name of the first one")
    phone = await world.linked(one, "phone")
    assert phone.node.account().devices == 3
    await other.until(lambda: True if other.node.account().devices == 3 else None, what="the list with all three")
    assert other.node.account().state == "active"


async def test_nobody_else_takes_the_place_of_its_log(world: World) -> None:
    """The address was another person's when the log was written, as a domain that gives names twice would have it."""
    desk, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await shut_out(desk, phone)
    other = bob.node._account("").user
    phone.node._home.database.writer_connection.execute("UPDATE account SET user = ?, user_key = ?", (other.id, other.packet))
    shown = await phone.node.link_account(ALICE)
    with pytest.raises(NetworkError, match=r"pair\.gone"):
        await desk.node.approve_device("", shown.code)
    failed = await phone.until(lambda: next((one for one in phone.node.replay() if one.kind == "account.link_failed"), None))
    assert failed.fields["code"] == "identity.changed"
    assert phone.node.account().state == "revoked"
