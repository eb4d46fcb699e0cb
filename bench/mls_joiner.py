"""One join in a process of its own, whose peak of memory then is that of the join: reads a `Joiner` from stdin, writes a `Joined`.

The kernel says the peak in /proc, so this is for Linux. (What `getrusage` says begins with the peak of the process that started this one.)
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec
from tests.mls.interop.ours import ANYBODY, NOW

from connexa.mls.codec import decode
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.policy import Rules
from connexa.mls.store import MemoryStore
from connexa.mls.suite import get_suite

__all__ = ["Joined", "Joiner"]


class Joiner(msgspec.Struct, frozen=True):
    """A Welcome, and the key package with its secret keys."""

    welcome: bytes
    key_package: bytes
    init: bytes
    encryption: bytes
    signature: bytes
    most: int  # members that the rules allow


class Joined(msgspec.Struct, frozen=True):
    """Processor seconds; bytes of memory at the peak, and those that the program with its input needed before."""

    seconds: float
    peak: int
    before: int


def main() -> None:
    given = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Joiner)
    suite = get_suite(1)
    package = decode(KeyPackage.read, given.key_package)
    secrets = suite.load_key_pair(given.init), suite.load_key_pair(given.encryption), suite.load_signature_key(given.signature)
    bundle, store, rules = KeyPackageBundle(package, *secrets), MemoryStore(), Rules(max_members=given.most)
    before, begin = _memory("VmRSS"), time.process_time()
    Group.join(given.welcome, bundle, auth=ANYBODY, store=store, rules=rules, now=NOW)
    sys.stdout.buffer.write(msgspec.msgpack.encode(Joined(time.process_time() - begin, _memory("VmHWM"), before)))


def _memory(field: str) -> int:
    """Bytes: VmRSS now, VmHWM at the peak."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[field].split()[0]) * 1024


if __name__ == "__main__":
    main()
