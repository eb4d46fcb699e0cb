"""Welcome and GroupInfo: our own, and what a new member refuses (§12.4.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.crypto import system_random
from connexa.mls import CryptoError, ValidationError
from connexa.mls.codec import decode
from connexa.mls.extensions import Extensions
from connexa.mls.key_schedule import GroupContext
from connexa.mls.psk import ExternalPSK, PreSharedKeyID
from connexa.mls.suite import SUITES
from connexa.mls.welcome import GroupInfo, NewMember, Welcome, open_group_info, open_group_secrets, seal_welcome, split

SUITE = SUITES[1]
CONTEXT = GroupContext(SUITE.number, b"group", 4, b"t" * 32, b"c" * 32, Extensions(()))
JOINER, PSKS = b"j" * 32, (PreSharedKeyID(ExternalPSK(b"psk"), b"n" * 32),)
PSK_SECRET = b"p" * 32
INIT_KEYS = [SUITE.generate_key_pair(system_random) for _ in range(3)]
SIGNER = SUITE.generate_signature_key(system_random)


def ref(number: int) -> bytes:
    return bytes((number,)) * 32


@pytest.fixture
def welcome() -> Welcome:
    info = GroupInfo.sign(SUITE, CONTEXT, Extensions(()), b"tag", 9, SIGNER)
    members = [NewMember(ref(n), key.public, None if n == 0 else b"path" * 8) for n, key in enumerate(INIT_KEYS)]
    return seal_welcome(SUITE, info, JOINER, PSK_SECRET, PSKS, members, system_random)


@pytest.mark.parametrize("number", range(3))
def test_each_new_member_opens_its_entry_and_the_one_group_info(welcome: Welcome, number: int) -> None:
    received = decode(Welcome.read, welcome.encode())
    assert received == welcome
    for piece in (received, decode(Welcome.read, split(received, ref(number)).encode())):
        secrets = open_group_secrets(SUITE, piece, ref(number), INIT_KEYS[number])
        assert (secrets.joiner_secret, secrets.psks) == (JOINER, PSKS)
        assert secrets.path_secret == (None if number == 0 else b"path" * 8)
        info = open_group_info(SUITE, piece, JOINER, PSK_SECRET)
        info.verify(SUITE, SIGNER.public)
        assert (info.group_context, info.confirmation_tag, info.signer) == (CONTEXT, b"tag", 9)


def test_a_split_welcome_holds_one_entry(welcome: Welcome) -> None:
    piece = split(welcome, ref(1))
    assert [entry.new_member for entry in piece.secrets] == [ref(1)]
    with pytest.raises(CryptoError):
        open_group_secrets(SUITE, piece, ref(1), INIT_KEYS[2])


def test_V19_no_entry_or_two_for_a_key_package_are_refused(welcome: Welcome) -> None:
    doubled = replace(welcome, secrets=(*welcome.secrets, welcome.secrets[0]))
    for wrong, name in ((welcome, ref(7)), (doubled, ref(0))):
        for attempt in (lambda w=wrong, n=name: split(w, n), lambda w=wrong, n=name: open_group_secrets(SUITE, w, n, INIT_KEYS[0])):
            with pytest.raises(ValidationError) as refused:
                attempt()
            assert refused.value.rule == "V19"


def test_V19_another_suite_is_refused(welcome: Welcome) -> None:
    with pytest.raises(ValidationError) as refused:
        open_group_secrets(SUITE, replace(welcome, cipher_suite=3), ref(0), INIT_KEYS[0])
    assert refused.value.rule == "V19"


def test_V18_a_group_info_holds_under_its_signers_key_alone(welcome: Welcome) -> None:
    info = open_group_info(SUITE, welcome, JOINER, PSK_SECRET)
    other = SUITE.generate_signature_key(system_random)
    for raw, key in ((info.raw, other.public), (info.raw.replace(b"group", b"grouq"), SIGNER.public)):
        with pytest.raises(CryptoError) as refused:
            decode(GroupInfo.read, raw).verify(SUITE, key)
        assert refused.value.rule == "V18"


def test_without_the_psk_the_group_info_stays_shut(welcome: Welcome) -> None:
    with pytest.raises(CryptoError):
        open_group_info(SUITE, welcome, JOINER, bytes(32))


def test_the_entries_are_bound_to_the_group_info(welcome: Welcome) -> None:
    other = replace(welcome, encrypted_group_info=welcome.encrypted_group_info + b"\0")
    with pytest.raises(CryptoError):
        open_group_secrets(SUITE, other, ref(0), INIT_KEYS[0])


def test_no_secret_shows_itself(welcome: Welcome) -> None:
    secrets = open_group_secrets(SUITE, welcome, ref(1), INIT_KEYS[1])
    assert repr(secrets) == "<GroupSecrets redacted>"
    assert "path" not in repr(NewMember(ref(1), b"key", b"path" * 8))
