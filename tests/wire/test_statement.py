"""Signed bodies: their exact bytes once by hand, and that no two different statements share bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.wire import VersionRange, WireError, account_statement, federation_statement, login_statement, pass_statement
from connexa.wire.v1.link_pb2 import Mode

bytes32 = st.binary(min_size=32, max_size=32)
ranges = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)).map(lambda pair: VersionRange(min(pair), max(pair)))
domains = st.text(min_size=1, max_size=32)

FIELDS: dict[Callable[..., bytes], dict[str, st.SearchStrategy[Any]]] = {
    login_statement: {
        "node": ranges,
        "server": ranges,
        "mode": st.integers(0, 4),
        "domain": domains,
        "nonce": bytes32,
        "user": bytes32,
        "device": bytes32,
        "certificate": bytes32,
    },
    account_statement: {
        "domain": domains,
        "localpart": st.text(max_size=64),
        "nonce": bytes32,
        "user": bytes32,
        "certificate_body": bytes32,
        "list_body": bytes32,
        "certificate": bytes32,
    },
    federation_statement: {
        "dialler": domains,
        "answerer": domains,
        "dialler_nonce": bytes32,
        "answerer_nonce": bytes32,
        "dialler_range": ranges,
        "answerer_range": ranges,
        "dialler_leaf": bytes32,
        "answerer_leaf": bytes32,
    },
    pass_statement: {"node": ranges, "server": ranges, "nonce": bytes32},
}


def test_the_login_body_byte_for_byte() -> None:
    body = login_statement(
        node=VersionRange(1, 2),
        server=VersionRange(2, 3),
        mode=Mode.MODE_MAILBOX,
        domain="a.example",
        nonce=b"n" * 32,
        user=b"u" * 32,
        device=b"d" * 32,
        certificate=b"c" * 32,
    )
    assert body == (
        bytes.fromhex("0001 00000008 00000001 00000002  0002 00000008 00000002 00000003  0003 00000004 00000001")
        + bytes.fromhex("0004 00000009") + b"a.example"
        + bytes.fromhex("0005 00000020") + b"n" * 32
        + bytes.fromhex("0006 00000020") + b"u" * 32
        + bytes.fromhex("0007 00000020") + b"d" * 32
        + bytes.fromhex("0008 00000020") + b"c" * 32
    )  # fmt: skip


def test_the_account_body_byte_for_byte() -> None:
    body = account_statement(
        domain="a.example",
        localpart="alice",
        nonce=b"n" * 32,
        user=b"u" * 32,
        certificate_body=b"d" * 32,
        list_body=b"l" * 32,
        certificate=b"c" * 32,
    )
    head = bytes.fromhex("0001 00000009") + b"a.example" + bytes.fromhex("0002 00000005") + b"alice"
    rest = b"".join(
        bytes([0, tag, 0, 0, 0, 32]) + letter * 32 for tag, letter in zip(range(3, 8), (b"n", b"u", b"d", b"l", b"c"), strict=True)
    )
    assert body == head + rest


def test_the_federation_body_names_the_dialler_first() -> None:
    body = federation_statement(
        dialler="a.example", answerer="b.example", dialler_nonce=b"1" * 32, answerer_nonce=b"2" * 32,
        dialler_range=VersionRange(1, 1), answerer_range=VersionRange(1, 2), dialler_leaf=b"3" * 32, answerer_leaf=b"4" * 32,
    )  # fmt: skip
    assert [body.index(part) for part in (b"a.example", b"b.example", b"1" * 32, b"2" * 32, b"3" * 32, b"4" * 32)] == [
        6,
        21,
        36,
        74,
        140,
        178,
    ]
    assert len(body) == 210


def test_the_pass_body_byte_for_byte() -> None:
    body = pass_statement(node=VersionRange(1, 2), server=VersionRange(3, 4), nonce=b"n" * 32)
    assert body == bytes.fromhex("0001 00000008 00000001 00000002 0002 00000008 00000003 00000004 0003 00000020") + b"n" * 32


@pytest.mark.parametrize("statement", FIELDS)
@given(data=st.data())
def test_statements_are_injective(statement: Callable[..., bytes], data: st.DataObject) -> None:
    """Two statements are the same bytes exactly when every field is the same; one field is changed at a time as well."""
    strategy = st.fixed_dictionaries(FIELDS[statement])
    one = data.draw(strategy)
    other = data.draw(
        st.one_of(strategy, st.sampled_from(sorted(one)).flatmap(lambda name: FIELDS[statement][name].map(lambda v: one | {name: v})))
    )
    assert (statement(**one) == statement(**other)) == (one == other)


@given(st.text(alphabet="ab\0", min_size=2, max_size=12), st.data())
def test_neighbouring_texts_do_not_run_into_each_other(text: str, data: st.DataObject) -> None:
    cuts = st.integers(1, len(text) - 1)
    one, other = data.draw(cuts), data.draw(cuts)
    digests = dict.fromkeys(("nonce", "user", "certificate_body", "list_body", "certificate"), bytes(32))
    bodies = [account_statement(domain=text[:cut], localpart=text[cut:], **digests) for cut in (one, other)]
    assert (bodies[0] == bodies[1]) == (one == other)


@pytest.mark.parametrize("name", ["nonce", "user", "device", "certificate"])
@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_field_of_another_size_is_refused(name: str, size: int) -> None:
    fields = {"nonce": bytes(32), "user": bytes(32), "device": bytes(32), "certificate": bytes(32)} | {name: bytes(size)}
    with pytest.raises(WireError) as caught:
        login_statement(node=VersionRange(1, 1), server=VersionRange(1, 1), mode=1, domain="a.example", **fields)
    assert caught.value.code == "frame.malformed"


@pytest.mark.parametrize("domain", ["", "a" * 129, "\udc80"])
def test_a_domain_that_no_envelope_could_name_is_refused(domain: str) -> None:
    with pytest.raises(WireError):
        account_statement(
            domain=domain,
            localpart="a",
            nonce=bytes(32),
            user=bytes(32),
            certificate_body=bytes(32),
            list_body=bytes(32),
            certificate=bytes(32),
        )


@pytest.mark.parametrize("wrong", [VersionRange(2, 1), VersionRange(-1, 1), VersionRange(0, 2**32)])
def test_a_range_that_does_not_fit_is_refused(wrong: VersionRange) -> None:
    with pytest.raises(WireError):
        pass_statement(node=wrong, server=VersionRange(1, 1), nonce=bytes(32))
