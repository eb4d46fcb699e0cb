"""A homeserver of the demo: a process of its own on free loopback ports, asked over its admin verbs what it sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from .process import Program, run_verb

__all__ = ["Homeserver"]

_LISTENERS: Final = ("link", "federation", "https")


class Homeserver:
    """One domain."""

    def __init__(self, domain: str, home: Path, ports: list[int], discovery: Path) -> None:
        self.domain = domain
        self.home = home
        self.ports = dict(zip(_LISTENERS, ports, strict=True))
        self.settings = {
            "CONNEXA_SERVER__DOMAIN": domain,
            "CONNEXA_SERVER__DISCOVERY__FILE": str(discovery),
            "CONNEXA_SERVER__DISCOVERY__DNS": "false",
            "CONNEXA_SERVER__DISCOVERY__WELL_KNOWN": "false",
        }
        for name, port in self.ports.items():
            self.settings |= {
                f"CONNEXA_SERVER__{name.upper()}__HOST": "127.0.0.1",
                f"CONNEXA_SERVER__{name.upper()}__PORT": str(port),
                f"CONNEXA_SERVER__{name.upper()}__PUBLIC": f"127.0.0.1:{port}",
            }
        self.program = Program(domain, ["server", "run"], home, self.settings)

    def create(self) -> str:
        """Make the domain's key; returns its line of the discovery file."""
        made = self.verb("init", self.domain)
        lines = [
            f'[domain."{self.domain}"]',
            f'key = "{made["key"]}"',
            *(f'{name} = "127.0.0.1:{port}"' for name, port in self.ports.items()),
        ]
        return "\n".join(lines) + "\n"

    def invite(self) -> str:
        """An invite for one account."""
        return str(self.verb("invite", "create")["invite"])

    def verb(self, *words: str) -> dict[str, Any]:
        """Run a verb of `connexa server` for this homeserver."""
        return run_verb(["server", *words], self.home, self.settings)
