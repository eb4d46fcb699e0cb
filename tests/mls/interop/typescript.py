"""ts-mls in a Node.js process: one request a line, one answer a line (`node/peer.mjs`)."""

from __future__ import annotations

import json
import selectors
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .member import Committed, Member, Psk

NODE = Path(__file__).parent / "node"
SUITES = (1, 2, 3, 5, 7)
PATIENCE = 60.0  # seconds for one answer
LARGEST_BLOCK = 1 << 20


def missing() -> str | None:
    """Why ts-mls cannot run here; None where it can."""
    if shutil.which("node") is None:
        return "Node.js is not there"
    return None if (NODE / "node_modules" / "ts-mls").is_dir() else "ts-mls is not installed: make interop"


class Refused(Exception):
    """ts-mls declined; the text is its own."""


class TypeScript:
    """The Node.js process. One serves as many members as a test has."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["node", "peer.mjs"], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.rest = b""
        self.spent = 0.0  # seconds of processor time, of operations alone

    def __enter__(self) -> TypeScript:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, operation: str, **given: Any) -> dict[str, Any]:
        """One operation and its answer."""
        assert self.process.stdin is not None
        line = json.dumps({"do": operation, **given}).encode() + b"\n"
        self.process.stdin.write(line)
        answer: dict[str, Any] = json.loads(self._line())
        self.spent += answer["cpu_us"] / 1e6
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def _line(self) -> bytes:
        parts = [self.rest]
        while b"\n" not in parts[-1]:
            if not self.selector.select(PATIENCE):
                raise TimeoutError("ts-mls does not answer")
            assert self.process.stdout is not None
            parts.append(self.process.stdout.read(LARGEST_BLOCK))
            if not parts[-1]:
                raise EOFError("ts-mls has ended")
        line, _, self.rest = b"".join(parts).partition(b"\n")
        return line

    def close(self) -> None:
        """End the process."""
        self.selector.close()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait(timeout=PATIENCE)


class Script:
    """A member that runs on ts-mls."""

    def __init__(self, host: TypeScript, name: str, suite: int, *, grease: bool = False) -> None:
        self.host, self.name, self.leaf = host, name, 0
        self.ask("client", suite=suite, identity=name.encode().hex(), grease=grease)

    def ask(self, operation: str, **given: Any) -> dict[str, Any]:
        return self.host.ask(operation, who=self.name, **given)

    def key_package(self, suite: int | None = None) -> bytes:
        return bytes.fromhex(self.ask("key_package", suite=suite)["key_package"])

    def create(self, group_id: bytes) -> None:
        self.ask("create", group_id=group_id.hex())

    def join(self, welcome: bytes, ratchet_tree: bytes | None) -> None:
        self.ask("join", welcome=welcome.hex(), ratchet_tree=ratchet_tree and ratchet_tree.hex())

    def learn(self, psk: Psk) -> None:
        self.ask("psk", psk_id=psk.id.hex(), psk=psk.secret.hex())

    def commit(self, *, add: Sequence[bytes] = (), remove: Sequence[Member] = (), psks: Sequence[Psk] = ()) -> Committed:
        return self.commit_of(
            [{"kind": "remove", "leaf": member.leaf} for member in remove]
            + [{"kind": "add", "key_package": package.hex()} for package in add]
            + [{"kind": "psk", "psk_id": psk.id.hex()} for psk in psks]
        )

    def commit_of(self, proposals: Sequence[dict[str, Any]], *, public: bool = False) -> Committed:
        return _committed(self.ask("commit", proposals=proposals, public=public))

    def propose_add(self, key_package: bytes, *, public: bool = False) -> bytes:
        return self._propose({"kind": "add", "key_package": key_package.hex()}, public)

    def propose_remove(self, member: Member, *, public: bool = False) -> bytes:
        return self._propose({"kind": "remove", "leaf": member.leaf}, public)

    def propose_extensions(self, extensions: Sequence[tuple[str, bytes]]) -> bytes:
        """Extensions of the group by their names in ts-mls."""
        return self._propose({"kind": "extensions", "extensions": [(name, content.hex()) for name, content in extensions]}, public=False)

    def _propose(self, proposal: dict[str, Any], public: bool) -> bytes:
        return bytes.fromhex(self.ask("propose", proposal=proposal, public=public)["message"])

    def process(self, message: bytes, sender: Member) -> bytes | None:
        body = self.ask("process", message=message.hex()).get("data")
        return None if body is None else bytes.fromhex(body)

    def encrypt(self, body: bytes) -> bytes:
        return bytes.fromhex(self.ask("encrypt", data=body.hex())["message"])

    def exported(self, label: str, context: bytes, length: int) -> bytes:
        return bytes.fromhex(self.ask("exported", label=label, context=context.hex(), length=length)["secret"])

    def authenticator(self) -> bytes:
        return bytes.fromhex(self.ask("state")["authenticator"])

    def group_info(self) -> bytes:
        return bytes.fromhex(self.ask("group_info")["group_info"])

    def external_join(self, group_info: bytes, *, resync: bool = False) -> bytes:
        return bytes.fromhex(self.ask("external_join", group_info=group_info.hex(), resync=resync)["commit"])

    def propose_self_add(self, group_info: bytes) -> bytes:
        return bytes.fromhex(self.ask("propose_self_add", group_info=group_info.hex())["message"])

    def reinit(self, group_id: bytes, suite: int) -> Committed:
        return _committed(self.ask("reinit", group_id=group_id.hex(), suite=suite))

    def reinit_create(self, members: Sequence[bytes]) -> Committed:
        return _committed(self.ask("reinit_create", members=[package.hex() for package in members]))

    def branch(self, group_id: bytes, members: Sequence[bytes]) -> Committed:
        return _committed(self.ask("branch", group_id=group_id.hex(), members=[package.hex() for package in members]))

    def resume(self, kind: str, welcome: bytes, ratchet_tree: bytes | None) -> None:
        self.ask("resume", kind=kind, welcome=welcome.hex(), ratchet_tree=ratchet_tree and ratchet_tree.hex())


def _committed(answer: dict[str, Any]) -> Committed:
    commit, welcome, tree = (answer.get(name) for name in ("commit", "welcome", "ratchet_tree"))
    assert commit is not None
    return Committed(bytes.fromhex(commit), welcome and bytes.fromhex(welcome), ratchet_tree=tree and bytes.fromhex(tree))
