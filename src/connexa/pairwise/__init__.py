"""What two devices say to each other alone: prekeys, sessions (PQXDH, header-encrypted Double Ratchet, post-quantum chains), sealed
sender, wraps and bodies, rights without identity, linking codes and safety numbers.

Sans-IO: every function takes states, keys, time and randomness, and returns what the caller stores in one transaction. Written after
public-domain specifications; unaudited.
"""

from __future__ import annotations

from connexa.pairwise._dump import dump_session, load_session
from connexa.pairwise._padding import bucket_for, pad, unpad
from connexa.pairwise._pairing import (
    PairingTalk,
    check_reveal,
    open_pairing_answer,
    open_pairing_grant,
    open_pairing_request,
    pairing_digits,
    pairing_done,
    seal_pairing_answer,
    seal_pairing_grant,
    seal_pairing_request,
)
from connexa.pairwise._pairing_code import PairingCode, format_pairing_code, parse_pairing_code, slot_id
from connexa.pairwise._parties import Binding, LocalDevice, Party
from connexa.pairwise._pqxdh import Initial, Responded, ResponderSecrets, initiate, read_initial, respond
from connexa.pairwise._prekeys import (
    KEEP_OLD,
    ONE_TIME_POOL,
    ONE_TIME_REFILL,
    PREKEY_LIFE,
    ROTATE_AFTER,
    SEAL_KEY_WEEKS,
    Bundle,
    Prekey,
    PrekeyOwner,
    SealKey,
    is_last_resort,
    make_last_resort,
    make_one_time,
    make_seal_key,
    make_signed_prekey,
    read_prekey,
    verify_bundle,
    verify_seal_key,
    week_of,
)
from connexa.pairwise._reject import Clone, Duplicate, Reason, Reject
from connexa.pairwise._rights import (
    call_proof,
    invite_introduction_proof,
    packets_hash,
    pass_id,
    pass_proof,
    pass_spent_key,
    right_proof,
    weekly_key,
)
from connexa.pairwise._safety import safety_digest, safety_number
from connexa.pairwise._sealed import SEALED_INITIAL_SIZE, SEALED_SIZE, Sender, Unsealed, open_sealed, seal, verify_sender
from connexa.pairwise._session import Session, decrypt, encrypt
from connexa.pairwise._session_set import MAX_ARCHIVED, Received, SessionEvent, SessionSet
from connexa.pairwise._wrap import WRAP_SIZE, SealedBody, Wrap, check_wrap, decode_wrap, encode_wrap, open_body, seal_body

__all__ = [
    "KEEP_OLD",
    "MAX_ARCHIVED",
    "ONE_TIME_POOL",
    "ONE_TIME_REFILL",
    "PREKEY_LIFE",
    "ROTATE_AFTER",
    "SEALED_INITIAL_SIZE",
    "SEALED_SIZE",
    "SEAL_KEY_WEEKS",
    "WRAP_SIZE",
    "Binding",
    "Bundle",
    "Clone",
    "Duplicate",
    "Initial",
    "LocalDevice",
    "PairingCode",
    "PairingTalk",
    "Party",
    "Prekey",
    "PrekeyOwner",
    "Reason",
    "Received",
    "Reject",
    "Responded",
    "ResponderSecrets",
    "SealKey",
    "SealedBody",
    "Sender",
    "Session",
    "SessionEvent",
    "SessionSet",
    "Unsealed",
    "Wrap",
    "bucket_for",
    "call_proof",
    "check_reveal",
    "check_wrap",
    "decode_wrap",
    "decrypt",
    "dump_session",
    "encode_wrap",
    "encrypt",
    "format_pairing_code",
    "initiate",
    "invite_introduction_proof",
    "is_last_resort",
    "load_session",
    "make_last_resort",
    "make_one_time",
    "make_seal_key",
    "make_signed_prekey",
    "open_body",
    "open_pairing_answer",
    "open_pairing_grant",
    "open_pairing_request",
    "open_sealed",
    "packets_hash",
    "pad",
    "pairing_digits",
    "pairing_done",
    "parse_pairing_code",
    "pass_id",
    "pass_proof",
    "pass_spent_key",
    "read_initial",
    "read_prekey",
    "respond",
    "right_proof",
    "safety_digest",
    "safety_number",
    "seal",
    "seal_body",
    "seal_pairing_answer",
    "seal_pairing_grant",
    "seal_pairing_request",
    "slot_id",
    "unpad",
    "verify_bundle",
    "verify_seal_key",
    "verify_sender",
    "week_of",
    "weekly_key",
]
