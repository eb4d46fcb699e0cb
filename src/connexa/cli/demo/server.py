"""A homeserver of the demo: a process of its own on free loopback ports, asked as its administrator asks it what it sees."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from connexa.crypto import Ed25519Public
from connexa.crypto.x509 import anchor_pem
from connexa.homeserver.admin_client import AdminClient
from connexa.identity import Domain, Endpoints, StaticEntry
from connexa.settings import paths

from .process import Program, run_verb

__all__ = ["Counts", "Homeserver"]

_LISTENERS: Final = ("link", "federation", "https")
_CALL_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a homeserver counted so far, and what waits in its mailboxes now."""

    submitted: int  # envelopes on links that a pass opened, without knowing whose
    remote: int  # envelopes that another domain brought
    own: int  # envelopes between the devices of one person
    waiting: int
    waiting_bytes: int


class Homeserver:
    """One domain."""

    def __init__(self, domain: str, home: Path, ports: list[int], discovery: Path) -> None:
        self.domain = Domain(domain)
        self.home = home
        self.ports = dict(zip(_LISTENERS, ports, strict=True))
        settings = {"DOMAIN": domain, "DISCOVERY__FILE": str(discovery), "DISCOVERY__DNS": "false", "DISCOVERY__WELL_KNOWN": "false"}
        for name, port in self.ports.items():
            listener = name.upper()
            settings |= {f"{listener}__HOST": "127.0.0.1", f"{listener}__PORT": str(port), f"{listener}__PUBLIC": f"127.0.0.1:{port}"}
        self._settings = {f"CONNEXA_SERVER__{name}": value for name, value in settings.items()}
        self.program = Program(domain, ["server", "run"], home, self._settings)
        self._web: httpx.Client | None = None
        self._admin: AdminClient | None = None

    def create(self) -> StaticEntry:
        """Make the domain's key and database; returns the domain's entry of the discovery file."""
        made = run_verb(["server", "init", self.domain], self.home, self._settings)
        key = Ed25519Public.from_bytes(bytes.fromhex(made["key"]))
        context = ssl.create_default_context(cadata=anchor_pem(self.domain, key, time.time()).decode("ascii"))
        self._web = httpx.Client(verify=context, timeout=_CALL_SECONDS, trust_env=False)
        self._admin = AdminClient(paths("default", {"CONNEXA_HOME": str(self.home)}).socket("server.sock"), _CALL_SECONDS)
        endpoints = Endpoints.parse(self.domain, **{name: f"127.0.0.1:{port}" for name, port in self.ports.items()})
        return StaticEntry(self.domain, key, endpoints)

    def end(self) -> None:
        """Stop it."""
        for client in (self._web, self._admin):
            if client is not None:
                client.__exit__(None, None, None)
        self.program.end()

    def invite(self) -> str:
        """An invite for one account."""
        return str(self._ask("POST", "/v1/invites", {})["invite"])

    def counts(self) -> Counts:
        """What it counted so far."""
        status = self._ask("GET", "/v1/status")
        accepted = dict(self._accepted())
        return Counts(
            accepted.get("local", 0) + accepted.get("queued", 0),
            accepted.get("remote", 0),
            accepted.get("own", 0),
            status["mailbox_messages"],
            status["mailbox_bytes"],
        )

    def _accepted(self) -> Iterator[tuple[str, int]]:
        if self._web is None:
            return
        page = self._web.get(f"https://127.0.0.1:{self.ports['https']}/metrics", extensions={"sni_hostname": self.domain})
        for family in text_string_to_metric_families(page.raise_for_status().text):
            for sample in family.samples:
                if sample.name == "connexa_envelopes_total" and sample.labels["status"] == "envelope.accepted":
                    yield sample.labels["origin"], int(sample.value)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._admin is None:
            return {}
        return self._admin.call(method, path, body)
