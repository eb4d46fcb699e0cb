"""The pairwise room: what a stranger, a server or the other device can send, and what is read back from the store.

Sealing would stop every mutation, so a ratchet message, a wrap and a sealed plaintext are damaged where they stand open.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from connexa.crypto import sha256
from connexa.pairwise import (
    PairingCode,
    PairingTalk,
    SessionSet,
    Wrap,
    decode_wrap,
    decrypt,
    dump_session,
    encode_wrap,
    encrypt,
    format_pairing_code,
    load_session,
    open_pairing_answer,
    open_pairing_grant,
    open_pairing_request,
    open_sealed,
    pad,
    parse_pairing_code,
    read_initial,
    seal_pairing_answer,
    seal_pairing_grant,
    seal_pairing_request,
    unpad,
    verify_bundle,
    week_of,
)
from connexa.wire import MAX_ENVELOPE, parse
from connexa.wire.v1.keys_pb2 import PrekeyBundle
from tests.pairwise.world import NOW, Device

from .target import Target

_rng = Random(6).randbytes
_alice, _bob = Device.make("a", 1), Device.make("b", 2)
_session = _alice.begin(_bob)
_wrap = encode_wrap(Wrap(_rng(32), _rng(32), _rng(16), _rng(16), _rng(32), 7, _rng(32), 2, _rng(32)))
_alices, _message = encrypt(_session, _wrap, _rng)
_bobs = _bob.answer(_alice, _session.initial, _message).session
_alices, _second = encrypt(_alices, _wrap, _rng)
_alices, _third = encrypt(_alices, _wrap, _rng)
_sealed = _alice.seal_to(_bob, b"", _second)
_sealed_initial = _alice.seal_to(_bob, _session.initial, _message)
_code = PairingCode(_alice.dik.public, _rng(32), sha256(_bob.dsk.public.raw, _bob.dik.public.raw), sha256(_rng(32)))
_request = seal_pairing_request(_code, b"request" * 20)
_answer = seal_pairing_answer(_code, b"answer" * 20, _bob.id, _alice.id)
_talk = PairingTalk(_code, _bob.id, _alice.id, _request, _answer, _rng(32))
_grant = seal_pairing_grant(_talk, b"grant" * 20)


def _target(name: str, seeds: tuple[bytes, ...], read: Callable[[bytes], object], *codes: str) -> Target:
    return Target(f"pairwise.{name}", seeds, read, frozenset(codes))


def _read_bundle(raw: bytes) -> None:
    verify_bundle(parse(PrekeyBundle, raw, MAX_ENVELOPE), _bob.user.public, _bob.listed, NOW)


def _read_message(raw: bytes) -> None:
    before = dump_session(_bobs)
    try:
        decrypt(_bobs, raw, NOW)
    finally:
        assert dump_session(_bobs) == before  # a refusal changes nothing, and neither does success: the caller stores what comes back


BUNDLE_CODES = (
    "frame.malformed",
    "frame.too_large",
    "key.invalid",
    "signature.invalid",
    "prekey.invalid",
    "prekey.expired",
    "certificate.invalid",
)
TARGETS = (
    _target(
        "pairing_code",
        (format_pairing_code(_code).encode(),),
        lambda raw: parse_pairing_code(raw.decode(errors="surrogateescape")),
        "pairing.malformed",
        "pairing.in_address",
        "pairing.other_code",
        "pairing.version",
        "key.invalid",
    ),
    _target("pairing_request", (_request,), lambda raw: open_pairing_request(_code, raw), "pairing.invalid"),
    _target("pairing_answer", (_answer,), lambda raw: open_pairing_answer(_alice.dik, _code, raw, _alice.id), "pairing.invalid"),
    _target("pairing_grant", (_grant,), lambda raw: open_pairing_grant(_alice.dik, _talk, raw), "pairing.invalid"),
    _target("wrap", (_wrap,), decode_wrap, "message.rejected"),
    _target("padding", (pad(b"content"), pad(b"")), unpad, "message.rejected"),
    _target("message", (_second, _third), _read_message, "message.rejected"),
    _target("initial", (_session.initial,), lambda raw: read_initial(raw, _alice.sender, NOW), "message.rejected"),
    _target("sealed", (_sealed, _sealed_initial), lambda raw: open_sealed(_bob.sek[1], _bob.id, week_of(NOW), raw), "message.rejected"),
    _target(
        "bundle",
        (_bob.bundle_message().SerializeToString(), _bob.bundle_message(last_resort=True).SerializeToString()),
        _read_bundle,
        *BUNDLE_CODES,
    ),
    _target("session", (dump_session(_bobs), dump_session(_alices)), load_session, "session.broken"),
    _target("session_set", (SessionSet((_bobs, _alices)).dump(),), SessionSet.load, "session.broken"),
)
