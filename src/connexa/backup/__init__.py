"""Backups without I/O: the recovery words, the keys behind them, the container that files are, and the records inside it.

Implements pairwise §8 with P27, P31, P36 and P37. What the records mean to a device's store, and where files lie, is for the node.
"""

from __future__ import annotations

from connexa.backup._container import FRONT_BYTES, Front, Opener, Sealer
from connexa.backup._head import HEAD_BYTES, Head
from connexa.backup._keys import RecoveryKey
from connexa.backup._records import Order, parse_record
from connexa.backup._series import check_follows, choose_series
from connexa.backup._words import WORD_COUNT, key_of_words, words_of_key

__all__ = [
    "FRONT_BYTES",
    "HEAD_BYTES",
    "WORD_COUNT",
    "Front",
    "Head",
    "Opener",
    "Order",
    "RecoveryKey",
    "Sealer",
    "check_follows",
    "choose_series",
    "key_of_words",
    "parse_record",
    "words_of_key",
]
