"""The document at `https://<domain>/.well-known/connexa/server` (identity §3).

JSON `{"v": 1, "info": …, "key_id": …, "sig": …, "rotations": […]}` around protobuf in base64url. Only the signed parts are
used: the server info, and rotation statements for those who have missed some.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from connexa.errors import ConnexaError
from connexa.identity import _base64url
from connexa.identity.address import Domain
from connexa.identity.rotation import MAX_ROTATIONS, DomainRotation, verify_domain_rotation
from connexa.identity.server_info import ServerInfo, invalid_info, read_server_info
from connexa.wire import MAX_STATEMENT, parse
from connexa.wire.v1.keys_pb2 import Signed, SignedRotation

WELL_KNOWN_PATH = "/.well-known/connexa/server"
MAX_WELL_KNOWN = 65_536


@dataclass(frozen=True, slots=True)
class WellKnown:
    """A domain's own word about itself, signed by the key that it names."""

    signed: Signed
    info: ServerInfo
    rotations: tuple[DomainRotation, ...] = ()


def format_well_known(signed: Signed, key_id: str, rotations: Sequence[SignedRotation] = ()) -> bytes:
    """Write the document."""
    document = {
        "v": 1,
        "info": _base64url.encode(signed.body),
        "key_id": key_id,
        "sig": _base64url.encode(signed.signature),
        "rotations": [_base64url.encode(r.SerializeToString(deterministic=True)) for r in rotations],
    }
    return json.dumps(document).encode()


def parse_well_known(raw: bytes, *, domain: Domain, now: float) -> WellKnown:
    """Read and check the document; everything that is wrong with it is `domain.invalid`."""
    if len(raw) > MAX_WELL_KNOWN:
        raise invalid_info("Its well-known document is too long.")
    try:
        return _read(raw, domain, now)
    except (ValueError, RecursionError):
        raise invalid_info("Its well-known document is malformed.") from None
    except ConnexaError as error:
        raise invalid_info(error.message) from error


def _read(raw: bytes, domain: Domain, now: float) -> WellKnown:
    document = json.loads(raw)
    if not isinstance(document, dict) or document.get("v") != 1:
        raise ValueError("not a document of ours")
    info, signature, key_id, rotations = (document.get(name) for name in ("info", "sig", "key_id", "rotations"))
    rotations = [] if rotations is None else rotations
    if not (isinstance(info, str) and isinstance(signature, str) and isinstance(rotations, list) and len(rotations) <= MAX_ROTATIONS):
        raise ValueError("fields are missing or of another type")
    signed = Signed(body=_base64url.decode(info), signature=_base64url.decode(signature))
    checked = read_server_info(signed, domain=domain, now=now)
    if key_id != checked.keys.current.id:
        raise ValueError("signed by another key than the current one")
    return WellKnown(signed, checked, tuple(_rotation(text, domain) for text in rotations))


def _rotation(text: object, domain: Domain) -> DomainRotation:
    if not isinstance(text, str):
        raise ValueError("a rotation is not a string")
    return verify_domain_rotation(parse(SignedRotation, _base64url.decode(text), MAX_STATEMENT), domain=domain)
