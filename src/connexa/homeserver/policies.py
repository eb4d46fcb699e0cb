"""What a homeserver promises in public: every limit, what is kept for how long, what is logged; signed by the domain key (DESIGN 5.7)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from connexa.homeserver.rights import DELETED_KEPT
from connexa.homeserver.settings import ServerSettings

__all__ = ["policies_of"]

_LOGGED: Final = (
    "The log holds events with numbers and codes. No address of a person or a machine, no id and no content is in it.",
    "Metrics are counts without names. They are for this machine and whom the operator gives a token.",
    "What administrators do is kept in an audit log: when, which user of the machine, which act, which account or domain.",
)


def policies_of(settings: ServerSettings) -> dict[str, Any]:
    """The document, without its domain and date."""
    limits = settings.limits
    return {
        "contact": settings.contact,
        "registration": settings.registration,
        "limits": msgspec.to_builtins(limits),
        "retention": {
            "mail": "until the device has stored it, or until it expires",
            "mail_seconds_at_most": limits.max_ttl_seconds,
            "media_seconds_at_most": limits.media_seconds,
            "deleted_account_seconds": DELETED_KEPT,
            "localparts": "for ever: a name is never given to another person",
            "last_login": "one time for each device, overwritten by the next",
            "addresses_of_machines": "in memory, for limits, while they are used",
        },
        "logging": list(_LOGGED),
    }
