"""A pin as bytes, for whoever keeps it: JSON with a version, so that a later one can still read it."""

from __future__ import annotations

import json

from connexa.crypto import Ed25519Public
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import _base64url
from connexa.identity.address import check_domain
from connexa.identity.endpoint import Endpoints
from connexa.identity.pins import Pin, PinnedKey, PinState
from connexa.wire import MAX_STATEMENT, parse
from connexa.wire.v1.keys_pb2 import Signed

MAX_SIGNED = MAX_STATEMENT + 128  # a body with its signature


def dump_pin(pin: Pin) -> bytes:
    """Write a pin for storage."""
    record = {
        "v": 1,
        "domain": pin.domain,
        "state": pin.state.value,
        "keys": [[_base64url.encode(k.key.raw), k.not_after] for k in pin.keys],
        "federation": str(pin.endpoints.federation),
        "link": str(pin.endpoints.link),
        "https": str(pin.endpoints.https),
        "since": pin.since,
        "checked": pin.checked,
        "secure": pin.secure,
        "info": _base64url.encode(pin.info.SerializeToString(deterministic=True)) if pin.info else None,
        "info_issued": pin.info_issued,
    }
    return json.dumps(record).encode()


def load_pin(record: bytes) -> Pin:
    """Read a pin back from our own storage."""
    try:
        fields = json.loads(record)
        if fields["v"] != 1:
            raise ValueError("another version")
        return Pin(
            domain=check_domain(fields["domain"]),
            state=PinState(fields["state"]),
            keys=tuple(PinnedKey(Ed25519Public.from_bytes(_base64url.decode(key)), end) for key, end in fields["keys"]),
            endpoints=Endpoints.parse(fields["domain"], **{name: fields[name] for name in ("federation", "link", "https")}),
            since=fields["since"],
            checked=fields["checked"],
            secure=fields["secure"],
            info=parse(Signed, _base64url.decode(fields["info"]), MAX_SIGNED) if fields["info"] else None,
            info_issued=fields["info_issued"],
        )
    except (ValueError, KeyError, TypeError, ConnexaError):
        raise IntegrityError("pin.damaged", "The record of a domain's key is damaged.", "Forget the domain and look it up again.") from None
