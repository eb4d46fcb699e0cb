from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.errors import ConnexaError, UsageError
from connexa.identity import Address, Endpoint, Endpoints, check_domain, parse_domain


def test_what_people_type_becomes_canonical():
    assert str(Address.parse("  Alice.B@A.Example. ")) == "alice.b@a.example"
    assert parse_domain("XN--BCHER-KVA.example") == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "typed",
    [
        "alice",
        "@a.example",
        "alice@",
        "al ice@a.example",
        "alice@a",
        "alice@-a.example",
        "alice@10.0.0.1",
        "älice@a.example",
        "alice@bücher.example",
        "a" * 65 + "@a.example",
        "alice@a..example",
        "alice@a.example\n.b",
        "a@b@c.example",
        "alice@" + "a." * 64 + "ab",
    ],
)
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(UsageError):
        Address.parse(typed)


@pytest.mark.parametrize("text", ["Alice@a.example", "alice@A.example", "alice@a.example.", " alice@a.example", "alice@a.example\n"])
def test_the_wire_knows_the_canonical_form_alone(text):
    with pytest.raises(UsageError):
        Address.from_wire(text)


def test_a_domain_has_at_most_128_characters():
    longest = ".".join(["a" * 62] * 2) + ".b"
    assert len(longest) == 127
    check_domain("a" + longest)
    with pytest.raises(UsageError):
        check_domain("aa" + longest)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_refused(text):
    try:
        address = Address.parse(text)
    except ConnexaError:
        return
    assert Address.from_wire(str(address)) == address


@pytest.mark.parametrize(
    ("text", "host", "port", "back"),
    [
        ("mx.b.example", "mx.b.example", 8444, "mx.b.example:8444"),
        ("mx.b.example:9", "mx.b.example", 9, "mx.b.example:9"),
        ("[2001:db8::1]:443", "2001:db8::1", 443, "[2001:db8::1]:443"),
        ("[::1]", "::1", 8444, "[::1]:8444"),
        ("127.0.0.1:65535", "127.0.0.1", 65535, "127.0.0.1:65535"),
    ],
)
def test_endpoints_read_and_write(text, host, port, back):
    endpoint = Endpoint.parse(text, 8444)
    assert (endpoint.host, endpoint.port, str(endpoint)) == (host, port, back)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "b.example:0",
        "b.example:65536",
        "b.example:x",
        "b.example:٣",
        "::1",
        "[::1",
        "[::1]9",
        "b.example/x",
        "u@b.example",
        "b.example:123456",
        "[fe80::1%eth0]:8444",
        '[2001:db8::1%"\n]:8444',
    ],
)
def test_what_is_no_endpoint_is_refused(text):
    with pytest.raises(UsageError):
        Endpoint.parse(text, 8444)


def test_endpoints_that_are_not_written_down_stand_at_the_domain():
    found = Endpoints.parse("b.example", link="l.b.example")
    assert [str(e) for e in (found.federation, found.link, found.https)] == ["b.example:8444", "l.b.example:8443", "b.example:8080"]
