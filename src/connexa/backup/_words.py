"""The 24 words that people write down: 256 bits and 8 bits of SHA-256, eleven bits a word.

BIP-0039's English list and checksum (`english.txt` is the list of that document, unchanged); its seed derivation is not used, the words
are the key itself. Errors name the place of a word and never a word.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from connexa.backup._keys import RECOVERY_BYTES, RecoveryKey
from connexa.crypto import sha256
from connexa.errors import UsageError

__all__ = ["WORD_COUNT", "key_of_words", "words_of_key"]

WORD_COUNT: Final = 24
_BITS: Final = 11
_HINT: Final = "Compare it with what you wrote down; the first four letters of a word are enough."


@cache
def _list() -> tuple[str, ...]:
    return tuple(files(__package__).joinpath("english.txt").read_text(encoding="ascii").split())


@cache
def _places() -> dict[str, int]:
    """The place of every word and of its first four letters, which no two words share."""
    places = {word[:4]: place for place, word in enumerate(_list())}
    return places | {word: place for place, word in enumerate(_list())}


def words_of_key(key: RecoveryKey) -> tuple[str, ...]:
    """The words of a recovery key."""
    number = int.from_bytes(key.raw + sha256(key.raw)[:1])
    return tuple(_list()[number >> _BITS * (WORD_COUNT - 1 - place) & 0x7FF] for place in range(WORD_COUNT))


def key_of_words(text: str) -> RecoveryKey:
    """The recovery key behind what somebody typed; `words.count`, `words.unknown` or `words.wrong` where it is none.

    Case, line breaks and the numbers of a numbered list do no harm.
    """
    words = [word for word in text.lower().split() if not word.rstrip(".:)").isdigit()]
    if len(words) != WORD_COUNT:
        raise UsageError("words.count", f"These are {len(words)} words, and it takes {WORD_COUNT}.", "Type all of them in their order.")
    number = 0
    for place, word in enumerate(words, 1):
        if word not in _places():
            raise UsageError("words.unknown", f"Word {place} is not in the list of words.", _HINT)
        number = number << _BITS | _places()[word]
    raw = number.to_bytes(RECOVERY_BYTES + 1)
    if sha256(raw[:-1])[:1] != raw[-1:]:
        raise UsageError("words.wrong", "One of the words is another one, or two are in each other's place.", _HINT)
    return RecoveryKey(raw[:-1])
