"""A homeserver's machine is lost, and an older backup brings it back: people and the other domain go on with it, nothing is shown twice."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from connexa.crypto import sha256
from connexa.testing import ProgramDevice, ProgramWorld, run_program

ALICE, CAROL, BOB = "alice@a.example", "carol@a.example", "bob@b.example"


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_people_and_another_domain_go_on_with_a_homeserver_that_came_back(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        alice, tablet = await world.person(ALICE, devices=2)
        (carol,), (bob,) = await world.person(CAROL), await world.person(BOB)
        await world.befriend(alice, bob)
        await world.befriend(alice, carol)
        for address in (BOB, CAROL):
            await tablet.client.until_contact(address)
        server = world.servers["a.example"]
        await _all_speak(alice, tablet, carol, bob, "before")

        async def verb(*words: str) -> None:
            done = await run_program(["--json", "server", *words], home=server.home, env=server.env)
            assert done.code == 0, done.stderr

        await verb("backup", str(tmp_path / "kept"))
        await verb("words", "--output", str(tmp_path / "words"))
        for round_ in range(4):  # numbers of links, of own copies and of the stream to the other domain go on
            await _all_speak(alice, tablet, carol, bob, f"meanwhile {round_}")
        await server.program.kill()
        shutil.rmtree(server.home / "data")
        await verb("restore", str(tmp_path / "kept"), "--words", f"file:{tmp_path / 'words'}")
        await server.program.start()
        for round_ in range(2):
            await _all_speak(alice, tablet, carol, bob, f"after {round_}")
        for one in (alice, tablet, carol, bob):
            for other in {ALICE, CAROL, BOB} - {one.address}:
                if (one.address, other) not in {(BOB, CAROL), (CAROL, BOB)}:
                    shown = Counter(await one.client.texts(other))
                    assert not [text for text, count in shown.items() if count > 1]


async def _all_speak(alice: ProgramDevice, tablet: ProgramDevice, carol: ProgramDevice, bob: ProgramDevice, words: str) -> None:
    """Alice speaks with both; all of it is there on both of her devices."""
    for writer, to in ((alice, BOB), (bob, ALICE), (alice, CAROL), (carol, ALICE)):
        text = f"{words}, by {writer.address} to {to}"
        await writer.client.send(to, text, sha256(text.encode()).hex()[:32])
        readers = [bob] if to == BOB else [carol] if to == CAROL else []
        for reader in readers:
            await reader.client.until_text(writer.address, text)
        for own in (alice, tablet):
            await own.client.until_text(to if to != ALICE else writer.address, text)
