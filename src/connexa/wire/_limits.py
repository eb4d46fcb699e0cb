"""Sizes and counts of the wire, in one place: first-message §1, §2, §6, §9 and homeserver §4, §7.4.

These are the protocol's own bounds; a homeserver may set lower ones in its settings and publishes them in its `Policy`.
Bytes unless the name says seconds.
"""

from __future__ import annotations

from typing import Final

MAX_FRAME: Final = 262_144  # one link frame
MAX_ENVELOPE: Final = 65_536
MAX_BATCH: Final = 524_288  # one federation batch, with room for its own fields in MAX_FEDERATION_FRAME
MAX_BATCH_ITEMS: Final = 256
MAX_FEDERATION_FRAME: Final = MAX_BATCH + 65_536
MAX_STATEMENT: Final = 65_536  # a Signed body: server info and device lists are the largest
MAX_INTRODUCE: Final = 1_024
MAX_PAIR_PAYLOAD: Final = 16_384

# The most sub-messages that a repeated field may hold: walking them costs, and no honest frame comes near.
MAX_ITEMS: Final = 1_024

MAX_INTEGER: Final = 2**63 - 1  # of every number on the wire: what a database's signed column holds

ID_SIZE: Final = 16  # envelope, invite, pass stream, pairing slot
USER_SIZE: Final = 32
DEVICE_SIZE: Final = 32
HASH_SIZE: Final = 32
NONCE_SIZE: Final = 32
PROOF_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64

MAX_DOMAIN: Final = 128
MAX_DEVICES: Final = 8  # of one person, so packets of one envelope
AEAD_TAG: Final = 16
BODY_BUCKETS: Final = (256, 512, 1_024, 2_048, 4_096, 8_192, 16_384)
BODY_ZEROS: Final = 32  # before a body's content: no second key opens it to anything (P31)
REQUEST_BODY: Final = 4_096 + AEAD_TAG  # first contact has one size
MAX_BODY: Final = BODY_BUCKETS[-1] + AEAD_TAG
SEALED_SIZES: Final = frozenset({2_160, 5_232})  # without and with an initial part

MAX_TTL_SECONDS: Final = 30 * 86_400
WEEK_SECONDS: Final = 604_800
