"""Settings that are read anew while the homeserver runs: what may change holds at once, of the rest it is said that it needs a restart.

Links stay open. Nothing changes where the new settings do not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.settings import FIXED_LIMITS, ServerSettings

__all__ = ["Reloaded", "Reread", "reload"]

Reread = Callable[[], ServerSettings]

LIVE: Final = ("registration", "contact", "blocked_domains", "metrics", "limits")


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """Which settings hold from now on, and which only after a restart."""

    changed: tuple[str, ...]
    after_restart: tuple[str, ...]
    v: int = 1


def reload(house: Homeserver, reread: Reread) -> Reloaded:
    """Read the settings anew, go by them, and show a new certificate; a UsageError says what does not hold, and nothing has changed."""
    wanted = reread()
    wanted.metrics.token()
    before, after = dict(_leaves(house.settings)), dict(_leaves(wanted))
    differing = [key for key in after if after[key] != before[key]]
    house.adopt(msgspec.structs.replace(house.settings, **{name: getattr(wanted, name) for name in LIVE}))
    house.certificates.renew_if_due(house.domain_key, force=True)
    fixed = {f"limits.{name}" for name in FIXED_LIMITS}
    live = [key for key in differing if key.partition(".")[0] in LIVE and key not in fixed]
    return Reloaded(changed=tuple(live), after_restart=tuple(key for key in differing if key not in live))


def _leaves(settings: msgspec.Struct, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, msgspec.Struct):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
