"""Media: uploads by blind passes, parts that survive any crash, reads by a capability, limits with codes, nothing about who."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from connexa.crypto import sha256
from connexa.homeserver.media import LocalBlobs, blobs, ledger
from connexa.homeserver.media.blobs import part_path
from connexa.homeserver.media.service import MAX_RANGE
from connexa.pairwise import blob_id, media_pass_proof
from connexa.testing import serve_web
from connexa.wire import BLOB_PART, SEGMENT, blob_size, media_passes, padded_segments, parts_of
from connexa.wire.v1.link_pb2 import IssuePasses
from connexa.wire.v1.media_pb2 import MediaBegin, MediaPass, MediaState

from .village import Person, Token, Village, settings_with, village

SEGMENTS = 10
SIZE = blob_size(SEGMENTS)
WEEK = 7 * 86_400


@dataclass
class Upload:
    """An upload with what it takes to write and to read it."""

    read: bytes
    write: bytes
    id: bytes
    whole: bytes
    segments: int
    passes: list[Token]

    def begun(self, *, life: float, now: float, **changes: object) -> MediaBegin:
        write_hash = sha256(self.write)
        shown = [
            MediaPass(key=t.key, input=t.input, proof=media_pass_proof(t.output, self.id, write_hash, self.segments)) for t in self.passes
        ]
        fields = {"version": 1, "write_hash": write_hash, "segments": self.segments, "expires": int(now + life), "passes": shown} | changes
        return MediaBegin(**fields)  # type: ignore[arg-type]

    def part(self, number: int) -> bytes:
        return self.whole[number * BLOB_PART : (number + 1) * BLOB_PART]


class Desk:
    """Somebody who uploads and reads, over real sockets."""

    def __init__(self, v: Village, http: httpx.AsyncClient, alice: Person, root: Path) -> None:
        self.v = v
        self.http = http
        self.alice = alice
        self.root = root

    async def upload(self, segments: int = SEGMENTS) -> Upload:
        read, write = self.v.rng(32), self.v.rng(32)
        passes = await self.v.passes(self.alice, media_passes(segments), media=True)
        return Upload(read, write, blob_id(read), os.urandom(blob_size(segments)), segments, passes)

    async def begin(self, of: Upload, **changes: object) -> httpx.Response:
        asked = of.begun(life=30 * 86_400, now=self.v.clock(), **changes)
        return await self.post(of, asked.SerializeToString())

    async def post(self, of: Upload, raw: bytes, kind: str = "application/x-protobuf") -> httpx.Response:
        return await self.http.post(f"/v1/media/{of.id.hex()}", content=raw, headers={"content-type": kind})

    async def put(self, of: Upload, number: int, part: bytes | None = None, write: bytes | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {(write or of.write).hex()}", "content-type": "application/octet-stream"}
        part = of.part(number) if part is None else part
        return await self.http.put(f"/v1/media/{of.id.hex()}/{number}", content=part, headers=headers)

    async def state(self, of: Upload, write: bytes | None = None) -> httpx.Response:
        return await self.http.get(f"/v1/media/{of.id.hex()}/state", headers={"authorization": f"Bearer {(write or of.write).hex()}"})

    async def get(self, of: Upload, start: int, last: int, read: bytes | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {(read or of.read).hex()}", "range": f"bytes={start}-{last}"}
        return await self.http.get(f"/v1/media/{of.id.hex()}", headers=headers)

    async def delete(self, of: Upload, write: bytes | None = None) -> httpx.Response:
        return await self.http.delete(f"/v1/media/{of.id.hex()}", headers={"authorization": f"Bearer {(write or of.write).hex()}"})

    async def whole(self, segments: int = SEGMENTS) -> Upload:
        of = await self.upload(segments)
        assert (await self.begin(of)).status_code == 200
        for number in range(parts_of(segments)):
            assert (await self.put(of, number)).status_code == 200
        return of

    @property
    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())


@asynccontextmanager
async def opened(path: Path, **limits: int) -> AsyncIterator[Desk]:
    root = path / "media"
    async with village(path, settings_with(**limits), blobs=LocalBlobs(root)) as v, serve_web(v.house, tls=False) as web:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{web.port}", trust_env=False) as http:
            yield Desk(v, http, await v.settle("alice"), root)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as made:
        yield made


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def stored(answer: httpx.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    state = MediaState.FromString(answer.content)
    return state.stored, state.parts


async def test_a_blob_is_uploaded_in_parts_and_read_by_ranges(desk: Desk) -> None:
    of = await desk.whole()
    assert stored(await desk.state(of)) == (2, 2)
    pieces = b""
    while len(pieces) < SIZE:
        answer = await desk.get(of, len(pieces), len(pieces) + 99_999)
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {len(pieces)}-{len(pieces) + len(answer.content) - 1}/{SIZE}"
        pieces += answer.content
    assert pieces == of.whole
    assert (await desk.get(of, BLOB_PART - 1, BLOB_PART)).content == of.whole[BLOB_PART - 1 : BLOB_PART + 1]


async def test_an_upload_goes_on_where_it_was_and_a_part_that_comes_twice_is_one(desk: Desk) -> None:
    of = await desk.upload()
    assert stored(await desk.begin(of)) == (0, 2)
    assert stored(await desk.put(of, 0)) == (1, 2)
    assert stored(await desk.begin(of)) == (1, 2)  # with the passes that it has spent already
    assert stored(await desk.state(of)) == (1, 2)
    assert stored(await desk.put(of, 0, b"other bytes")) == (1, 2)
    assert refused(await desk.get(of, 0, 9)) == (404, "media.not_found")
    assert stored(await desk.put(of, 1)) == (2, 2)
    assert (await desk.get(of, 0, 9)).content == of.whole[:10]


async def test_who_shows_the_wrong_right_learns_nothing(desk: Desk) -> None:
    of, nobody = await desk.whole(), await desk.upload()
    missing = (404, "media.not_found")
    for answer in (
        await desk.get(of, 0, 9, read=of.write),
        await desk.get(of, 0, 9, read=bytes(32)),
        await desk.get(nobody, 0, 9),
        await desk.state(of, of.read),
        await desk.state(nobody),
        await desk.put(of, 0, write=of.read),
        await desk.delete(of, of.read),
        await desk.http.get(f"/v1/media/{of.id.hex()}", headers={"range": "bytes=0-9"}),
        await desk.http.get("/v1/media/%2e%2e", headers={"range": "bytes=0-9"}),
    ):
        assert refused(answer) == missing
    assert (await desk.get(of, 0, 9)).status_code == 206


async def test_what_does_not_follow_the_protocol_is_refused_and_stores_nothing(desk: Desk) -> None:
    of = await desk.upload()
    good = of.begun(life=3_600, now=desk.v.clock())

    async def answered(**changes: object) -> tuple[int, str]:
        return refused(await desk.begin(of, **changes))

    now = int(desk.v.clock())
    assert await answered(version=2) == (400, "frame.malformed")
    assert await answered(write_hash=b"short") == (400, "frame.malformed")
    assert await answered(segments=0, passes=[]) == (400, "media.size")
    assert await answered(segments=9) == (400, "media.size")  # no padded size
    assert await answered(segments=4_096) == (413, "media.too_large")
    assert await answered(expires=now + 40 * 86_400) == (400, "media.expiry")
    assert await answered(expires=now - 4_000) == (400, "media.expiry")
    assert await answered(passes=[]) == (400, "frame.malformed")
    assert await answered(passes=[*good.passes, *good.passes]) == (400, "frame.malformed")
    assert refused(await desk.post(of, b"\xff\xff")) == (400, "frame.malformed")
    assert refused(await desk.post(of, good.SerializeToString(), "text/plain")) == (415, "request.media_type")
    assert (await desk.post(of, bytes(20_000))).status_code == 413
    assert desk.v.rows("media") == desk.v.rows("spent_media_pass") == 0

    assert (await desk.begin(of)).status_code == 200
    assert refused(await desk.put(of, 1)) == (409, "media.gap")
    assert refused(await desk.put(of, 0, of.part(0)[:-1])) == (400, "media.part_size")
    assert (await desk.put(of, 0, bytes(BLOB_PART + 1))).status_code == 413
    assert desk.files == []
    assert (await desk.put(of, 0)).status_code == (await desk.put(of, 1)).status_code == 200
    assert refused(await desk.put(of, 2, b"more")) == (409, "media.gap")
    for start, last in ((0, MAX_RANGE), (SIZE, SIZE + 5), (9, 3)):
        assert refused(await desk.get(of, start, last)) == (416, "media.range")


async def test_a_media_pass_pays_once_for_the_upload_that_it_names(desk: Desk) -> None:
    of, other = await desk.upload(), await desk.upload()
    forged = [MediaPass(key=t.key, input=t.input, proof=bytes(32)) for t in of.passes]
    assert refused(await desk.begin(of, passes=forged)) == (401, "pass.refused")
    theirs = list(other.begun(life=3_600, now=desk.v.clock()).passes)
    assert refused(await desk.begin(of, passes=theirs)) == (401, "pass.refused")
    assert (await desk.begin(of)).status_code == 200
    other.passes = of.passes
    assert refused(await desk.begin(other)) == (401, "pass.refused")

    links = await desk.v.passes(desk.alice, 1)
    third = await desk.upload()
    third.passes = links  # a pass for links is none for media
    assert refused(await desk.begin(third)) == (401, "pass.refused")
    assert desk.v.rows("media") == 1


async def test_passes_of_two_weeks_are_good_and_spent_ones_are_forgotten_with_their_key(desk: Desk) -> None:
    old, late = await desk.upload(), await desk.upload()
    desk.v.clock.advance(WEEK)
    await desk.v.house.tick()
    assert (await desk.begin(old)).status_code == 200
    desk.v.clock.advance(WEEK)
    await desk.v.house.tick()
    assert refused(await desk.begin(late)) == (401, "pass.refused")
    desk.v.clock.advance(WEEK)
    media = desk.v.house.media
    assert media is not None
    await media.sweep()
    assert desk.v.rows("spent_media_pass") == 0


async def test_an_account_has_so_many_media_passes_a_day_beside_its_others(tmp_path: Path) -> None:
    async with opened(tmp_path, media_passes_per_day=3, passes_per_day=2) as desk:
        await desk.v.passes(desk.alice, 3, media=True)
        await desk.v.passes(desk.alice, 2)
        client = await desk.v.login(desk.alice.devices[0])
        for media in (True, False):
            batch = [desk.v.rng(32)]
            assert (await client.call(issue_passes=IssuePasses(blinded=batch, media=media))).code == "rate.limited"


async def test_a_full_homeserver_says_so_and_spends_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, media_total_segments=SEGMENTS + 1) as desk:
        await desk.whole()
        of = await desk.upload()
        assert refused(await desk.begin(of)) == (507, "media.full")
        assert desk.v.rows("spent_media_pass") == 1


async def test_too_many_requests_are_refused_by_source(tmp_path: Path) -> None:
    async with opened(tmp_path, media_requests_per_minute=3) as desk:
        of = await desk.upload()
        codes = [(await desk.state(of)).status_code for _ in range(5)]
        assert codes == [404, 404, 404, 429, 429]
        desk.v.clock.advance(61)
        assert (await desk.state(of)).status_code == 404


async def test_what_is_over_goes_with_its_parts_and_an_upload_that_does_not_end_goes_sooner(desk: Desk) -> None:
    media = desk.v.house.media
    assert media is not None
    whole, begun = await desk.whole(), await desk.upload()
    await desk.begin(begun)
    await desk.put(begun, 0)
    desk.v.clock.advance(ledger.UPLOAD_SECONDS + 1)
    assert refused(await desk.put(begun, 1)) == (404, "media.not_found")
    assert await media.sweep() == 1
    assert desk.files == sorted(part_path(whole.id, number) for number in range(2))
    assert (await desk.get(whole, 0, 9)).status_code == 206
    desk.v.clock.advance(30 * 86_400)
    assert refused(await desk.get(whole, 0, 9)) == (404, "media.not_found")
    assert await media.sweep() == 1
    assert desk.files == []
    assert desk.v.rows("media") == 0
    assert list(desk.root.iterdir()) == []


async def test_the_uploader_alone_ends_a_blob(desk: Desk) -> None:
    media = desk.v.house.media
    assert media is not None
    of = await desk.whole()
    assert (await desk.delete(of)).status_code == 200
    assert refused(await desk.get(of, 0, 9)) == (404, "media.not_found")
    assert refused(await desk.begin(of)) == (409, "media.taken")  # its name is not given again while its parts lie there
    assert await media.sweep() == 1
    assert desk.files == []


async def test_a_part_that_comes_while_its_blob_ends_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    media = desk.v.house.media
    assert media is not None
    of = await desk.upload()
    await desk.begin(of)
    put = LocalBlobs.put

    async def slow(store: LocalBlobs, path: str, part: bytes) -> None:
        await put(store, path, part)
        await media.delete(of.id, of.write)

    monkeypatch.setattr(LocalBlobs, "put", slow)
    assert refused(await desk.put(of, 0)) == (404, "media.not_found")
    assert desk.files == []


async def test_another_upload_of_the_same_name_is_refused(desk: Desk) -> None:
    of, other = await desk.upload(), await desk.upload()
    await desk.begin(of)
    other.id = of.id
    assert refused(await desk.begin(other)) == (409, "media.taken")
    assert stored(await desk.state(of)) == (0, 2)


async def test_h16_parts_are_synced_with_their_names_before_they_are_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(number: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        fsync(number)

    monkeypatch.setattr(os, "fsync", watched)
    store = LocalBlobs(tmp_path / "media")
    await store.put("ab/cd/ef-0000", b"part")
    assert synced == ["folder"] * 3 + ["file", "folder"]
    assert await store.get("ab/cd/ef-0000", 1, 3) == b"ar"
    assert os.listdir(tmp_path / "media" / "ab" / "cd") == ["ef-0000"]


async def test_a_disk_that_takes_nothing_is_told_and_leaves_no_half_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as desk:
        of = await desk.upload()
        await desk.begin(of)

        def full(_number: int) -> None:
            raise OSError(28, "no space")

        with monkeypatch.context() as patched:
            patched.setattr(blobs, "sync_folder", full)
            answer = await desk.put(of, 0)
            assert refused(answer)[1] == "store.full"
        assert stored(await desk.state(of)) == (0, 2)
        assert stored(await desk.put(of, 0)) == (1, 2)


async def test_the_homeserver_keeps_nothing_of_who_uploads_or_reads(desk: Desk) -> None:
    of = await desk.whole()
    await desk.get(of, 0, 9)
    for table in ("media", "spent_media_pass"):
        for row in desk.v.house.database.read(f"SELECT * FROM {table}"):
            cells = [cell for cell in row if isinstance(cell, bytes)]
            for secret in (of.read, of.write, desk.alice.user.id, desk.alice.devices[0].id, *(t.input for t in of.passes)):
                assert secret not in cells


async def test_without_a_store_there_is_no_media(tmp_path: Path) -> None:
    async with village(tmp_path) as v, serve_web(v.house, tls=False) as web:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{web.port}", trust_env=False) as http:
            assert (await http.post(f"/v1/media/{'0' * 32}", content=b"")).status_code == 404
        assert v.house.publication.policy.media_segments == 0


def test_padded_sizes_are_few_and_waste_little() -> None:
    assert [padded_segments(size) for size in (0, 1, SEGMENT, SEGMENT + 1, 9 * SEGMENT, 100 * 1024 * 1024)] == [1, 1, 1, 2, 10, 1_600]
    for count in range(1, 3_000):
        padded = padded_segments(count * SEGMENT)
        assert count <= padded <= count * 1.125
        assert padded_segments(padded * SEGMENT) == padded
    assert len({padded_segments(count * SEGMENT) for count in range(1, 2_049)}) < 100
