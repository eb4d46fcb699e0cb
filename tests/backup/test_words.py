"""The recovery words: BIP-0039's list and checksum, exact about what is wrong and silent about what was typed."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.backup import RecoveryKey, key_of_words, words_of_key
from connexa.crypto import sha256
from connexa.errors import UsageError

# From the test vectors of BIP-0039 (256 bits).
VECTORS = {
    bytes(32): "abandon " * 23 + "art",
    b"\x7f" * 32: "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank"
    " year wave sausage worth title",
    b"\x80" * 32: "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter"
    " advice cage absurd amount doctor acoustic bless",
    b"\xff" * 32: "zoo " * 23 + "vote",
    bytes.fromhex("68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c"): "hamster diagram private dutch cause delay"
    " private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
}


@pytest.mark.parametrize("raw", VECTORS)
def test_the_vectors_of_bip_39(raw: bytes) -> None:
    words = VECTORS[raw].split()
    assert list(words_of_key(RecoveryKey(raw))) == words
    assert key_of_words(" ".join(words)).raw == raw


def test_the_list_is_the_one_of_the_document() -> None:
    text = files("connexa.backup").joinpath("english.txt").read_bytes()
    assert sha256(text).hex() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"


@given(st.binary(min_size=32, max_size=32))
def test_every_key_comes_back_from_its_words_however_they_are_typed(raw: bytes) -> None:
    words = words_of_key(RecoveryKey(raw))
    numbered = "\n".join(f"{place}. {word.upper()}" for place, word in enumerate(words, 1))
    assert key_of_words(numbered).raw == key_of_words("  ".join(word[:4] for word in words)).raw == raw


@given(st.binary(min_size=32, max_size=32), st.integers(0, 23), st.sampled_from(["zebra", "abandon", "xyzzy", "zoo"]))
def test_another_word_is_found_and_never_shown(raw: bytes, place: int, other: str) -> None:
    words = list(words_of_key(RecoveryKey(raw)))
    before, words[place] = words[place], other
    try:
        assert key_of_words(" ".join(words)).raw != raw or before == other  # one of 256 mistakes passes a checksum of 8 bits
    except UsageError as error:
        if error.code == "words.unknown":
            assert other == "xyzzy" and f"Word {place + 1} " in error.message
        assert other not in f"{error.message} {error.hint}".split()
        assert error.code in ("words.unknown", "words.wrong")


@pytest.mark.parametrize("text", ["", "abandon " * 23, "abandon " * 25])
def test_too_few_and_too_many_are_counted(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        key_of_words(text)
    assert refused.value.code == "words.count"


@pytest.mark.parametrize("text", ["abandon " * 24, "zoo " * 24, "legal winner thank year " * 6])
def test_words_of_the_list_that_do_not_fit_together_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        key_of_words(text)
    assert refused.value.code == "words.wrong"


def test_a_recovery_key_shows_nothing_of_itself() -> None:
    assert "41" * 4 not in repr(RecoveryKey(b"A" * 32)) and "AAAA" not in repr(RecoveryKey(b"A" * 32))
