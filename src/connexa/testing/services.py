"""PostgreSQL and NATS as tests and benchmarks have them: programs of this machine, where they are installed, reachable from it alone."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

__all__ = ["Nats", "Postgres", "nats_program", "postgres_programs"]

START_SECONDS: Final = 30


def postgres_programs() -> Path | None:
    """The directory of `initdb` and `pg_ctl`, the newest; None where PostgreSQL is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))  # Debian's place
    found = str(versions[-1]) if versions else shutil.which("pg_ctl")
    return Path(found).parent if found is not None else None


def nats_program() -> str | None:
    """The NATS server, where it is installed."""
    return shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")


class Postgres:
    """A cluster of its own in a directory with a short path, on a unix socket there.

    PostgreSQL does not run as root, so root makes the directory the user `postgres`'s.
    """

    def __init__(self, directory: Path) -> None:
        programs = postgres_programs()
        if programs is None:
            raise FileNotFoundError("PostgreSQL is not installed")
        self._programs = programs
        self._directory = directory
        self._as: Sequence[str] = ()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
            self._as = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
        self._run("initdb", "--auth=trust", "--username=connexa", "--encoding=UTF8", "--locale=C", f"--pgdata={directory}/data")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._directory} -c max_connections=64"
        self._run("pg_ctl", f"--pgdata={self._directory}/data", f"--log={self._directory}/log", "-w", f"-o{options}", "start")

    def stop(self) -> None:
        """Stop it at once, as a loss of power would; connections are cut."""
        self._run("pg_ctl", f"--pgdata={self._directory}/data", "-w", "--mode=immediate", "stop")

    def schema(self, name: str) -> str:
        """The address of a schema of its own, made if it is not there."""
        self._run("psql", f"--host={self._directory}", "--username=connexa", "-qc", f"CREATE SCHEMA IF NOT EXISTS {name}", "postgres")
        return f"postgresql:///postgres?host={self._directory}&user=connexa&options={quote(f'-csearch_path={name}')}"

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        found = subprocess.run(
            [*self._as, "head", "-1", f"{self._directory}/data/postmaster.pid"], check=True, capture_output=True, timeout=START_SECONDS
        )
        main = int(found.stdout)
        return [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        # Its output stays open in the server that it starts, so nobody may wait for its end.
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=START_SECONDS, cwd="/")


class Nats:
    """A NATS server with its files in a directory; it keeps its port when it is started again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        program = nats_program()
        if program is None:
            raise FileNotFoundError("nats-server is not installed")
        command = [program, "-a", "127.0.0.1", "-p", str(self._port), "--ports_file_dir", str(self._directory)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + START_SECONDS
        while not (ports := [*self._directory.glob(f"*_{self._process.pid}.ports")]):
            if time.monotonic() > limit:
                raise TimeoutError("nats-server does not start")
            time.sleep(0.02)
        self._port = int(json.loads(ports[0].read_text())["nats"][0].rsplit(":", 1)[1])

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_SECONDS)
            self._process = None
