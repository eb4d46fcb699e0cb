"""The sizes of messages, and the stored form of sessions."""

from __future__ import annotations

import pytest

from connexa.crypto import X25519Public
from connexa.errors import IntegrityError
from connexa.pairwise import decrypt, dump_session, encrypt, load_session
from connexa.pairwise._ratchet import OVERHEAD
from tests.pairwise.talk import RNG, pair, sent
from tests.pairwise.world import NOW


def test_sizes() -> None:
    a, _ = pair()
    assert OVERHEAD == 286
    assert len(encrypt(a, bytes(256), RNG)[1]) == 542


def test_stored_states_are_small_and_read_strictly() -> None:
    a, b = pair()
    a, messages = sent(a, 101)
    b, _ = decrypt(b, messages[100], NOW)
    raw = dump_session(b)
    assert len(dump_session(a)) < 1_100
    assert len(raw) < 1_100 + 100 * 2 * 36
    assert dump_session(load_session(raw)) == raw
    for broken in (b"", raw[:-1], raw + b"\0", b"\2" + raw[1:], raw[:161] + b"\x80" + raw[162:]):
        with pytest.raises(IntegrityError, match="cannot be read"):
            load_session(broken)
    assert raw.hex() not in repr(b)
    assert b.ratchet.root.hex() not in repr(b.ratchet)
    assert X25519Public(b.ratchet.own_public).raw == b.ratchet.own_public
