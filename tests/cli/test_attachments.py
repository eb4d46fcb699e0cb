"""A large file by the command line, between real programs over TLS."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from connexa.cli.demo.stage import raised_stage
from connexa.crypto import sha256

from .test_verbs import on

pytestmark = pytest.mark.xdist_group("processes")

SIZE = 100 * 1024 * 1024
MOST_KIB = 400 * 1024  # of memory in a program, which is some 100 MiB without any file


@pytest.mark.slow
def test_a_hundred_mebibytes_go_through_and_no_program_holds_them(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(random.Random(SIZE).randbytes(SIZE))
    with raised_stage(lambda _: None) as stage:
        alice, bob, to_bob = stage.alice.laptop, stage.bob.laptop, stage.bob.address
        text = on(bob, "invite", "create", "--uses", "1").data["text"]
        on(alice, "invite", "accept", "-", stdin=f"{text}\n")
        on(alice, "send", to_bob, "first words", "--wait", "delivered")
        alice.until_contact(to_bob)
        sent = on(alice, "--timeout", "180", "send", to_bob, "--attach", str(path), "--wait", "delivered").data
        saved = on(bob, "--timeout", "180", "attachment", "save", sent["id"], "--to", str(tmp_path / "saved")).data
        assert sha256(Path(saved["path"]).read_bytes()) == sha256(path.read_bytes())
        for device in (alice, bob):
            status = Path(f"/proc/{device.program.ready['pid']}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
            assert peak < MOST_KIB
