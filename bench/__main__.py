"""`python -m bench NAME [--json]`; without a name it measures all of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module

import msgspec

from .row import Row

FIGURES = {
    "pairwise": "sessions on one core, beside other packages: messages in and out of order, set-up, stored size",
    "mls": "groups on one core, beside other implementations: join, commit, process, encrypt and decrypt at 2, 100 and 1,000 members",
    "message": "cryptography of one message to one device, without network or disk",
    "latency": "from sending to standing in the recipient's log, between real processes on this machine",
    "link": "messages between people of one homeserver, a hundred pairs: how many, how soon, at what cost, beside NATS JetStream",
    "peers": "the same work on prosody, ejabberd, synapse, NATS JetStream and mosquitto, as far as they are installed",
    "federation": "the same between people of two homeservers",
    "idle": "ten thousand devices that are there and silent: memory of each, and how soon all are back when all come at once",
    "hostile": "how soon mail arrives while somebody attacks the homeserver: slow links, half-open handshakes, huge frames, a flood",
    "offline": "how soon ten thousand messages that waited for a device are fetched and acknowledged",
    "search": "how soon something is found among a million messages",
    "web": "the web app: its size, first paint, opening a chat, frames while scrolling a hundred thousand messages",
    "linking": "how soon a new device is of use, and how soon ten thousand messages of history are on it",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", epilog="; ".join(f"{name}: {text}" for name, text in FIGURES.items()))
    parser.add_argument("name", nargs="?", choices=list(FIGURES), help="all where left out")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    chosen = parser.parse_args()
    for row in _rows([chosen.name] if chosen.name else list(FIGURES)):
        promise = f"   promised {row.promised:g}" if row.promised is not None else ""
        beside = f"   {row.ratio:.4g} of {row.against}" if row.ratio is not None else ""
        line = msgspec.json.encode(row).decode() if chosen.json else f"{row.name:<40} {row.value:>10g} {row.unit}{promise}{beside}"
        print(line, flush=True)
    return 0


def _rows(names: Iterable[str]) -> Iterator[Row]:
    for name in names:
        yield from import_module(f"bench.{name}").rows()


if __name__ == "__main__":
    sys.exit(main())
