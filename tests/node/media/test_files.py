"""Files between people: real homeservers with real HTTPS, real nodes; cuts, kills, hostile bytes, and whose copies are whose."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from connexa.content import Text
from connexa.errors import ConnexaError, NetworkError, NotFoundError, RefusedError, UsageError
from connexa.homeserver.settings import LimitSettings
from connexa.node.media.client import MediaClient
from connexa.node.media.desk import GivenFile
from connexa.node.views import MessageView
from connexa.testing import Device, World
from connexa.wire import BLOB_PART, SEALED_SEGMENT, SEGMENT, blob_size, padded_segments

ALICE, BOB = "alice@a.example", "bob@b.example"
SIZE = 3 * BLOB_PART + 12_345


def noise(size: int = SIZE, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


async def pieces(whole: bytes, step: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), step):
        yield whole[start : start + step]


async def hand_over(device: Device, whole: bytes, name: str = "film.mp4", kind: str = "video/mp4") -> GivenFile:
    file = await device.node.media().hand_over(len(whole), pieces(whole))
    return GivenFile(file.id, name, kind, width=640, height=480)


async def send(device: Device, to: str, whole: bytes, text: str = "look", name: str = "film.mp4") -> str:
    file = await hand_over(device, whole, name)
    message = device.rng(16)
    return (await device.node.media().send(to, Text(text), [file], message)).id


async def read(device: Device, message: str, place: int = 0, start: int = 0, stop: int | None = None) -> bytes:
    opened = device.node.media().open(message, place)
    stop = opened.attachment.size if stop is None else stop
    return b"".join([piece async for piece in opened.read(start, stop)])


def folder(device: Device) -> list[Path]:
    return sorted((device.world.directory / device.name / "media").glob("*"))


def parts(world: World, domain: str = "a.example") -> list[Path]:
    return sorted(path for path in (world.directory / domain / "media").rglob("*") if path.is_file())


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[World, Device, Device]]:
    async with World.open(tmp_path, media=True) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        yield world, alice, bob


async def arrived(device: Device, text: str = "look") -> MessageView:
    return await device.until_text(ALICE, text)


async def test_a_file_goes_to_a_contact_and_is_read_whole_and_by_range(pair: tuple[World, Device, Device]) -> None:
    world, alice, bob = pair
    whole = noise()
    message = await send(alice, BOB, whole)
    got = await arrived(bob)
    assert got.id == message
    (file,) = got.attachments
    assert (file.name, file.type, file.size, file.width) == ("film.mp4", "video/mp4", SIZE, 640)
    assert file.expires > world.clock() + 29 * 86_400
    assert await read(bob, message, start=SEGMENT - 5, stop=SEGMENT + 5) == whole[SEGMENT - 5 : SEGMENT + 5]
    assert bob.node.media().fetched(message, 0).share < 1
    assert await read(bob, message) == whole
    assert bob.node.media().fetched(message, 0).share == 1
    assert await read(alice, message) == whole
    assert not alice.node.media().sendings()
    stored = b"".join(path.read_bytes() for path in [*parts(world), *folder(bob), *folder(alice)])
    assert whole[:32] not in stored
    assert whole[-40:] not in stored
    assert sum(path.stat().st_size for path in parts(world)) == blob_size(padded_segments(SIZE))


async def test_an_empty_file_and_many_at_once(pair: tuple[World, Device, Device]) -> None:
    _, alice, bob = pair
    files = [await hand_over(alice, noise(size, size), f"{size}.bin", "application/octet-stream") for size in (0, 1, SEGMENT, SEGMENT + 1)]
    await alice.node.media().send(BOB, Text(""), files, alice.rng(16))
    got = await bob.until(lambda: next((one for one in bob.log(ALICE) if one.attachments), None))
    assert [one.size for one in got.attachments] == [0, 1, SEGMENT, SEGMENT + 1]
    for place, size in enumerate((0, 1, SEGMENT, SEGMENT + 1)):
        assert await read(bob, got.id, place) == noise(size, size)
    with pytest.raises(NotFoundError):
        bob.node.media().open(got.id, 4)


async def test_own_devices_and_groups_have_the_same_file(tmp_path: Path) -> None:
    async with World.open(tmp_path, media=True) as world:
        alice, phone = await world.person(ALICE, devices=2)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        whole = noise(SEGMENT + 7)
        message = await send(alice, BOB, whole)
        await phone.until_text(BOB, "look", mine=True)
        assert await read(phone, message) == whole

        await alice.node.groups().create("Garden")
        await alice.node.groups().invite("Garden", BOB)
        await bob.until(lambda: next(iter(bob.node.groups().groups()), None), what="an invitation")
        await bob.node.groups().accept("Garden")
        said = await send(alice, "Garden", whole, text="to all")
        got = await bob.until(lambda: next((one for one in bob.node.messages("", "Garden") if one.text == "to all"), None))
        assert got.id == said
        assert await read(bob, said) == whole
        keys = {row[0] for row in bob.read("SELECT blob FROM media_here")}
        assert len(keys) == 1  # of the group's; the other one was for the two alone and is not here
        await bob.until_text(ALICE, "look")
        assert await read(bob, message) == whole
        assert len(bob.read("SELECT blob FROM media_here")) == 2


async def test_the_same_file_is_uploaded_once_for_one_audience(pair: tuple[World, Device, Device]) -> None:
    world, alice, bob = pair
    whole = noise(SEGMENT)
    first = await send(alice, BOB, whole)
    await arrived(bob)
    before = parts(world)
    second = await send(alice, BOB, whole, text="again", name="other name.mp4")
    got = await arrived(bob, "again")
    assert got.attachments[0].name == "other name.mp4"
    assert parts(world) == before
    assert await read(bob, second) == await read(bob, first) == whole
    (carol,) = await world.person("carol@a.example")
    await world.befriend(alice, carol)
    await send(alice, "carol@a.example", whole, text="for you")
    await carol.until_text(ALICE, "for you")
    assert len(parts(world)) == 2 * len(before)


class Cut:
    """Lets so many calls of a method of the client through, then behaves like a network that is gone until it is back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, after: int) -> None:
        self.left = after
        self.calls = 0
        real = getattr(MediaClient, method)

        async def cut(client: MediaClient, *arguments: object) -> object:
            self.calls += 1
            if self.left <= 0:
                raise NetworkError("media.unreachable", "cut")
            self.left -= 1
            return await real(client, *arguments)

        monkeypatch.setattr(MediaClient, method, cut)


async def test_an_upload_goes_on_after_a_cut_and_a_restart(pair: tuple[World, Device, Device], monkeypatch: pytest.MonkeyPatch) -> None:
    _, alice, bob = pair
    cut = Cut(monkeypatch, "put", 2)
    whole = noise()
    message = await send(alice, BOB, whole)

    def half() -> bool | None:
        (one,) = alice.node.media().sendings()
        return True if one.files[0].share > 0 and cut.calls > 2 else None

    await alice.until(half, what="two parts")
    await alice.stop()
    assert not bob.texts(ALICE)[1:]
    cut.left, calls = 1_000, cut.calls
    await alice.start()
    await arrived(bob)
    assert cut.calls == calls + 2  # what was there did not go again
    assert await read(bob, message) == whole


async def test_a_download_goes_on_after_a_cut_and_a_restart(pair: tuple[World, Device, Device], monkeypatch: pytest.MonkeyPatch) -> None:
    _, alice, bob = pair
    whole = noise()
    message = await send(alice, BOB, whole)
    await arrived(bob)
    cut = Cut(monkeypatch, "read", 2)  # the hashes, and one piece
    await bob.node.media().fetch(message, 0)

    def waits() -> bool | None:
        view = bob.node.media().fetched(message, 0)
        return True if view.failure == "media.unreachable" and 0 < view.share < 1 and view.wanted else None

    await bob.until(waits, what="a piece and a cut")
    await bob.stop()
    cut.left, calls = 1_000, cut.calls
    await bob.start()
    await bob.until(lambda: True if bob.node.media().fetched(message, 0).share == 1 else None, what="all of it")
    assert cut.calls - calls == 1  # neither the hashes nor the first piece came again
    assert not bob.node.media().fetched(message, 0).wanted
    assert await read(bob, message) == whole


async def test_a_cancelled_upload_leaves_nothing(pair: tuple[World, Device, Device], monkeypatch: pytest.MonkeyPatch) -> None:
    world, alice, bob = pair
    Cut(monkeypatch, "put", 1)
    message = await send(alice, BOB, noise())
    await alice.until(lambda: True if parts(world) else None, what="a part")
    await alice.node.media().cancel(message)
    assert alice.node.media().sendings() == []
    assert folder(alice) == []
    media = world.houses["a.example"].server.media
    assert media is not None
    async with asyncio.timeout(30):
        while alice.read("SELECT 1 FROM media_end"):  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)
    await media.sweep()
    assert parts(world) == []
    assert bob.texts(ALICE) == ["may I?"]
    with pytest.raises(NotFoundError):
        await alice.node.media().cancel(message)


async def test_a_cancelled_download_keeps_what_came(pair: tuple[World, Device, Device], monkeypatch: pytest.MonkeyPatch) -> None:
    _, alice, bob = pair
    message = await send(alice, BOB, noise())
    await arrived(bob)
    Cut(monkeypatch, "read", 2)
    await bob.node.media().fetch(message, 0)
    await bob.until(lambda: True if bob.node.media().fetched(message, 0).failure else None, what="a cut")
    view = await bob.node.media().stop(message, 0)
    assert (view.wanted, view.failure) == (False, "")
    assert 0 < view.share < 1


async def test_what_a_homeserver_changes_is_not_shown(pair: tuple[World, Device, Device]) -> None:
    world, alice, bob = pair
    whole = noise()
    message = await send(alice, BOB, whole)
    await arrived(bob)
    first = parts(world)[0]
    kept = first.read_bytes()
    for changed in (
        bytes([kept[0] ^ 1]) + kept[1:],  # a bit of it
        kept[SEALED_SEGMENT : 2 * SEALED_SEGMENT]
        + kept[:SEALED_SEGMENT]
        + kept[2 * SEALED_SEGMENT :],  # two segments in each other's place
        bytes(len(kept)),
    ):
        first.write_bytes(changed)
        with pytest.raises(ConnexaError) as failed:
            await read(bob, message, stop=10)
        assert failed.value.code == "attachment.damaged"
    await bob.node.media().fetch(message, 0)
    view = await bob.until(lambda: found if (found := bob.node.media().fetched(message, 0)).failure else None, what="a refusal")
    assert (view.failure, view.wanted) == ("attachment.damaged", False)
    last = parts(world)[-1]
    hashes = last.read_bytes()
    first.write_bytes(kept)
    last.write_bytes(hashes[:-1] + bytes([hashes[-1] ^ 1]))
    for path in folder(bob):
        path.unlink()
    with pytest.raises(ConnexaError) as failed:
        await read(bob, message, stop=10)
    assert failed.value.code == "attachment.damaged"
    last.write_bytes(hashes)
    assert await read(bob, message) == whole


async def test_what_this_disk_loses_or_changes_is_fetched_again(pair: tuple[World, Device, Device]) -> None:
    _, alice, bob = pair
    whole = noise()
    message = await send(alice, BOB, whole)
    await arrived(bob)
    assert await read(bob, message) == whole
    (path,) = folder(bob)
    kept = bytearray(path.read_bytes())
    kept[5] ^= 1
    path.write_bytes(kept[: len(kept) // 2])
    assert await read(bob, message) == whole
    path.unlink()
    assert await read(bob, message, start=SIZE - 9) == whole[-9:]


async def test_a_homeserver_that_is_dead_or_keeps_it_no_more_is_a_typed_error(pair: tuple[World, Device, Device]) -> None:
    world, alice, bob = pair
    message = await send(alice, BOB, noise(10))
    await arrived(bob)
    media = world.houses["a.example"].server.media
    assert media is not None
    for path in parts(world):
        path.unlink()
    with pytest.raises(NotFoundError) as gone:
        await read(bob, message)
    assert gone.value.code == "attachment.gone"
    await world.houses["a.example"].stop()
    with pytest.raises(NetworkError) as dead:
        await read(bob, message)
    assert (dead.value.code, dead.value.retryable) == ("media.unreachable", True)


async def test_limits_are_known_before_and_held_when_it_is_handed_over(tmp_path: Path) -> None:
    async with World.open(tmp_path, media=True, limits=LimitSettings(media_segments=4), domains=("a.example",)) as world:
        (alice,) = await world.person("alice@a.example")
        limits = await alice.node.media().limits()
        assert limits.file_bytes == 4 * SEGMENT

        async def too_large() -> AsyncIterator[bytes]:
            yield pytest.fail("something is read of it")

        with pytest.raises(RefusedError) as refused:
            await alice.node.media().hand_over(4 * SEGMENT + 1, too_large())
        assert refused.value.code == "attachment.too_large"
        for size in (9, 11):
            with pytest.raises(UsageError) as wrong:
                await alice.node.media().hand_over(size, pieces(bytes(10)))
            assert wrong.value.code == "attachment.wrong_size"
        assert folder(alice) == []


async def test_files_go_to_accepted_contacts_alone_and_once(pair: tuple[World, Device, Device]) -> None:
    world, alice, bob = pair
    file = await hand_over(alice, b"x")
    with pytest.raises(ConnexaError) as nobody:
        await alice.node.media().send("carol@b.example", Text("hi"), [file], alice.rng(16))
    assert nobody.value.code == "contact.not_found"
    (carol,) = await world.person("carol@b.example")
    await alice.node.send("", carol.address, "may I?")
    with pytest.raises(RefusedError) as asked:
        await alice.node.media().send(carol.address, Text("hi"), [file], alice.rng(16))
    assert asked.value.code == "request.refused"
    message = alice.rng(16)
    for bad in (replace(file, name="../a"), replace(file, type="x"), replace(file, thumbnail=b"<svg/>")):
        with pytest.raises(UsageError) as refused:
            await alice.node.media().send(BOB, Text("hi"), [bad], message)
        assert refused.value.code == "attachment.malformed"
    with pytest.raises(UsageError) as long:
        await alice.node.media().send(BOB, Text("x" * 14_300), [file], message)
    assert long.value.code == "message.too_large"
    await alice.node.media().send(BOB, Text("hi"), [file], message)
    with pytest.raises(NotFoundError) as taken:
        await alice.node.media().send(BOB, Text("hi"), [file], alice.rng(16))
    assert taken.value.code == "attachment.not_found"
    await arrived(bob, "hi")


async def test_without_media_at_the_homeserver_nothing_is_taken(tmp_path: Path) -> None:
    async with World.open(tmp_path, domains=("a.example",)) as world:
        (alice,) = await world.person("alice@a.example")
        with pytest.raises(RefusedError) as refused:
            await hand_over(alice, b"x")
        assert refused.value.code == "attachment.no_media"
        assert alice.read("SELECT 1 FROM media_pass") == []


async def test_a_large_file_waits_for_as_many_passes_as_it_costs(tmp_path: Path) -> None:
    async with World.open(tmp_path, media=True, limits=LimitSettings(media_passes_per_day=3)) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        await alice.until(lambda: True if len(alice.read("SELECT 1 FROM media_pass")) == 3 else None, what="the day's passes")
        file = await hand_over(alice, noise(8 * 1024 * 1024 + 1))
        await alice.node.media().send(BOB, Text("large"), [file], alice.rng(16))
        await arrived(bob, "large")
        assert len(alice.read("SELECT 1 FROM media_pass")) == 1
        more = await hand_over(alice, noise(8 * 1024 * 1024 + 1, 2))
        waiting = await alice.node.media().send(BOB, Text("more"), [more], alice.rng(16))
        assert waiting.failure == ""
        world.clock.advance(86_400)
        alice.node._running[1].wakeups.upkeep.set()
        await arrived(bob, "more")


async def test_deleted_messages_take_their_files_with_them(pair: tuple[World, Device, Device]) -> None:
    _, alice, bob = pair
    message = await send(alice, BOB, noise(10))
    await arrived(bob)
    await read(bob, message)
    for device in (alice, bob):
        assert len(folder(device)) == 1
        await device.node.delete_message("", message)
        assert await device.node.media().sweep() == 1
        assert folder(device) == []


async def test_what_was_being_handed_over_when_a_node_ended_is_gone(pair: tuple[World, Device, Device]) -> None:
    _, alice, _ = pair
    root = alice.world.directory / alice.name / "media"
    root.mkdir()
    (root / ("0" * 32 + ".new")).write_bytes(b"half")
    await alice.stop()
    await alice.start()
    await alice.until_up()
    assert folder(alice) == []
