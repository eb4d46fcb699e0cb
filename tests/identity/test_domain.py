"""Server info, TXT, well-known, rotation statements and the discovery file: what a domain says about itself."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import InvalidKey, InvalidSignature
from connexa.errors import ConnexaError, IntegrityError, UsageError
from connexa.identity import (
    MAX_OVERLAP,
    DomainKey,
    Endpoint,
    Endpoints,
    StaticEntry,
    format_discovery_file,
    format_txt,
    format_well_known,
    issue_domain_rotation,
    issue_server_info,
    parse_discovery_file,
    parse_txt,
    parse_well_known,
    read_server_info,
    rotation_path,
    verify_domain_rotation,
    verify_server_info,
)
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import PassKey, Signed, SignedRotation

from .people import DAY, NOW, WEAK_KEYS, A, B, secret, server_info

KEY, NEXT, THIRD, OTHER = (secret(name) for name in ("b", "b next", "b third", "mallory"))
K = base64.urlsafe_b64encode(KEY.public.raw).rstrip(b"=").decode()
N = base64.urlsafe_b64encode(NEXT.public.raw).rstrip(b"=").decode()


def refused(code: str):
    return pytest.raises(ConnexaError, check=lambda error: error.code == code)


# ---- TXT ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "strings",
    [
        [f"v=connexa1;k={K};e=mx.b.example:1;id=k1"],
        [f"id=k1;e=mx.b.example:1;k={K};v=connexa1"],
        [f" v = connexa1 ; k = {K} ;; e= mx.b.example:1 ;id=k1; "],
        ["v=conn", f"exa1;k={K[:20]}", K[20:] + ";e=mx.b.exam", "ple:1;id=k1"],
        [f"v=connexa1;k={K};colour=blue;x=;flag;e=mx.b.example:1;id=k1;next=0"],
    ],
)
def test_i01_order_spaces_split_strings_and_unknown_tags(strings):
    answer = parse_txt([[s.encode() for s in strings]])
    assert answer is not None
    assert answer.keys.current == DomainKey(KEY.public, "k1")
    assert answer.federation == Endpoint("mx.b.example", 1)


@pytest.mark.parametrize(
    "record",
    [
        "v=connexa1",
        "v=connexa1;k=",
        f"v=connexa1;k={K[:-1]}",
        f"v=connexa1;k={K}A",
        f"v=connexa1;k={K}=",
        f"v=connexa1;k={K[:5]}+{K[6:]}",
        f"v=connexa1;k={K[:-1]}" + chr(ord(K[-1]) + 1),  # spare bits set: a second spelling of the same key
        f"v=connexa1;k={K};k={K}",
        f"v=connexa1;v=connexa1;k={K}",
        f"v=connexa1;k={K};id=UPPER",
        f"v=connexa1;k={K};id=" + "a" * 17,
        f"v=connexa1;k={K};t=-1",
        f"v=connexa1;k={K};t=١",
        f"v=connexa1;k={K};e=mx b.example",
        f"v=connexa1;k={K};next=1",  # nothing current
        f"v=connexa1;k={K};pad=" + "x" * 2048,
        *(f"v=connexa1;k={base64.urlsafe_b64encode(weak).rstrip(b'=').decode()}" for weak in WEAK_KEYS),
    ],
)
def test_i01_i02_a_record_of_ours_that_is_wrong_is_invalid(record):
    with refused("domain.invalid"):
        parse_txt([[record.encode()]])


@pytest.mark.parametrize("record", [b"", b"v=spf1 -all", f"v=connexa2;k={K}".encode(), f"k={K}".encode(), b"\xff\x00"])
def test_i01_records_of_others_are_passed_over(record):
    assert parse_txt([[record]]) is None
    ours = f"v=connexa1;k={K}".encode()
    answer = parse_txt([[record], [ours]])
    assert answer is not None
    assert answer.federation is None


def test_i01_one_current_and_one_next_record_at_most():
    current, following = f"v=connexa1;k={K}".encode(), f"v=connexa1;k={N};id=2;t=1800000000;next=1".encode()
    answer = parse_txt([[following], [current]])
    assert answer is not None
    assert answer.keys.following == DomainKey(NEXT.public, "2", NOW, next=True)
    for wrong in ([current, current], [current, following, following], [following]):
        with refused("domain.invalid"):
            parse_txt([[record] for record in wrong])


def test_what_is_written_is_read():
    written = [
        format_txt(DomainKey(KEY.public, "a1"), Endpoint("mx.b.example", 8444)),
        format_txt(DomainKey(NEXT.public, "a2", 7, next=True), Endpoint("mx.b.example", 8444)),
    ]
    answer = parse_txt([[text.encode()] for text in written])
    assert answer is not None
    assert answer.keys.current.key == KEY.public
    assert answer.keys.following == DomainKey(NEXT.public, "a2", 7, next=True)
    assert written[0] == f"v=connexa1;k={K};e=mx.b.example:8444;id=a1"


@given(st.lists(st.lists(st.binary(max_size=300), max_size=4), max_size=4))
def test_any_txt_is_read_or_refused(records):
    try:
        parse_txt(records)
    except ConnexaError as error:
        assert error.code == "domain.invalid"


# ---- server info and well-known ---------------------------------------------------------------------------------------


def test_a_server_info_says_what_was_issued():
    signed = server_info(B, KEY, NEXT, pass_keys=(PassKey(id=2976, key=bytes(32)),))
    for info in (verify_server_info(signed, [KEY.public], domain=B, now=NOW), read_server_info(signed, domain=B, now=NOW)):
        assert info.keys.current.key == KEY.public
        assert info.keys.following is not None
        assert NEXT.public.raw in info.keys
        assert str(info.endpoints.federation) == "mx.b.example:9444"
        assert info.pass_keys[0].id == 2976


def test_i08_badly_signed_foreign_expired_or_future_infos_are_refused():
    good = server_info(B, KEY)
    with pytest.raises(InvalidSignature):
        verify_server_info(good, [OTHER.public], domain=B, now=NOW)
    with pytest.raises(InvalidSignature):
        read_server_info(Signed(body=good.body, signature=server_info(B, OTHER).signature), domain=B, now=NOW)
    cases = [
        ("domain.invalid", good, A, NOW),
        ("info.expired", good, B, NOW + 7 * DAY + 1),
        ("domain.invalid", good, B, NOW - 2 * DAY),
        ("domain.invalid", server_info(B, KEY, expires=NOW + 90 * DAY), B, NOW),
        ("domain.invalid", server_info(B, KEY, max_version=0), B, NOW),
        ("domain.invalid", server_info(B, KEY, pass_keys=(PassKey(id=1, key=b"short"),)), B, NOW),
        ("domain.invalid", server_info(B, KEY, pass_keys=(PassKey(id=1, key=bytes(32)),) * 5), B, NOW),
    ]
    for code, signed, domain, now in cases:
        with refused(code):
            verify_server_info(signed, [KEY.public], domain=domain, now=now)
        with refused(code):
            read_server_info(signed, domain=domain, now=now)


def test_a_server_info_is_signed_by_its_current_key_alone():
    info = read_server_info(server_info(B, KEY, NEXT), domain=B, now=NOW)
    with refused("domain.invalid"):
        issue_server_info(info, NEXT)


@pytest.mark.parametrize("weak", WEAK_KEYS)
def test_i02_weak_keys_in_a_server_info_are_refused(weak):
    body = keys_pb2.ServerInfo.FromString(server_info(B, KEY).body)
    body.keys.add(key=weak, id="2", next=True)
    raw = body.SerializeToString()
    with pytest.raises(InvalidKey):
        read_server_info(Signed(body=raw, signature=KEY.sign("server-info", raw)), domain=B, now=NOW)


def test_a_well_known_document_says_what_was_issued():
    rotation = issue_domain_rotation(B, OTHER, KEY, not_before=NOW - DAY)
    raw = format_well_known(server_info(B, KEY), "1", [rotation])
    read = parse_well_known(raw, domain=B, now=NOW)
    assert read.info.keys.current.key == KEY.public
    assert read.rotations[0].old_key == OTHER.public
    assert read.signed == server_info(B, KEY)


def _document(**changes: object) -> bytes:
    document = json.loads(format_well_known(server_info(B, KEY), "1"))
    return json.dumps({name: value for name, value in {**document, **changes}.items() if value != "drop"}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b" " * 65_537,
        _document(v=2),
        _document(info="drop"),
        _document(info=7),
        _document(info="!"),
        _document(sig="drop"),
        _document(sig="AAAA"),
        _document(key_id="2"),
        _document(key_id=None),
        _document(rotations="x"),
        _document(rotations=["AAAA"]),
        _document(rotations=[7]),
        _document(rotations=[""] * 9),
        format_well_known(server_info(A, KEY), "1"),
        format_well_known(server_info(B, KEY, expires=NOW - 1), "1"),
        format_well_known(server_info(B, KEY), "1", [issue_domain_rotation(A, OTHER, KEY, not_before=NOW)]),
    ],
)
def test_i05_i08_a_well_known_document_that_is_wrong_is_invalid(raw):
    with refused("domain.invalid"):
        parse_well_known(raw, domain=B, now=NOW)


@given(st.binary(max_size=200))
def test_any_document_is_read_or_refused(raw):
    with refused("domain.invalid"):
        parse_well_known(raw, domain=B, now=NOW)


# ---- rotation ---------------------------------------------------------------------------------------------------------


def test_a_rotation_carries_both_signatures():
    signed = issue_domain_rotation(B, KEY, NEXT, not_before=NOW)
    rotation = verify_domain_rotation(signed, domain=B)
    assert (rotation.old_key, rotation.new_key, rotation.overlap_until) == (KEY.public, NEXT.public, NOW + MAX_OVERLAP)
    for old, new in (
        (signed.new_signature, signed.new_signature),
        (signed.old_signature, signed.old_signature),
        (b"", signed.new_signature),
        (signed.old_signature, b""),
    ):
        with pytest.raises(InvalidSignature):
            verify_domain_rotation(SignedRotation(body=signed.body, old_signature=old, new_signature=new), domain=B)


def test_i15_a_foreign_rotation_is_refused():
    with refused("rotation.invalid"):
        verify_domain_rotation(issue_domain_rotation(A, KEY, NEXT, not_before=NOW), domain=B)


@pytest.mark.parametrize(("old", "new", "overlap"), [(KEY, KEY, DAY), (KEY, NEXT, 0), (KEY, NEXT, -1), (KEY, NEXT, MAX_OVERLAP + 1)])
def test_malformed_rotations_are_not_issued(old, new, overlap):
    with refused("rotation.invalid"):
        issue_domain_rotation(B, old, new, not_before=NOW, overlap=overlap)


def _rotation(old, new, not_before):
    return verify_domain_rotation(issue_domain_rotation(B, old, new, not_before=not_before), domain=B)


def test_i15_early_late_and_replayed_statements_lead_nowhere():
    step = _rotation(KEY, NEXT, NOW)
    assert rotation_path([step], KEY.public, NEXT.public, NOW) == (step,)
    assert rotation_path([step], KEY.public, NEXT.public, NOW + MAX_OVERLAP) == (step,)
    cases = [
        ("rotation.early", [step], KEY, NEXT, NOW - 1),
        ("rotation.late", [step], KEY, NEXT, NOW + MAX_OVERLAP + 1),
        ("rotation.missing", [step], NEXT, KEY, NOW),  # replayed after the change: the old key is not the way back
        ("rotation.missing", [step], KEY, THIRD, NOW),
        ("rotation.missing", [], KEY, NEXT, NOW),
    ]
    for code, statements, start, goal, now in cases:
        with refused(code):
            rotation_path(statements, start.public, goal.public, now)


def test_i15_missed_statements_are_caught_up_in_order():
    first, second = _rotation(KEY, NEXT, NOW - 60 * DAY), _rotation(NEXT, THIRD, NOW)
    assert rotation_path([second, first], KEY.public, THIRD.public, NOW) == (first, second)
    with refused("rotation.invalid"):
        rotation_path([_rotation(KEY, NEXT, NOW + DAY), second], KEY.public, THIRD.public, NOW)


def test_a_circle_of_statements_ends():
    circle = [_rotation(KEY, NEXT, NOW), _rotation(NEXT, KEY, NOW)]
    with refused("rotation.missing"):
        rotation_path(circle, KEY.public, THIRD.public, NOW)


# ---- discovery file -----------------------------------------------------------------------------------------------------


def test_a_discovery_file_names_key_and_endpoints():
    entries = parse_discovery_file(f'[domain."b.example"]\nkey = "{K}"\nfederation = "127.0.0.1:9444"\n')
    assert entries[B] == StaticEntry(B, KEY.public, Endpoints.parse(B, federation="127.0.0.1:9444"))
    assert parse_discovery_file(format_discovery_file(entries)) == entries
    assert parse_discovery_file("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "x = [",
        "domain = 1",
        "other = 1",
        '[domain."b.example"]\n',
        '[domain."b.example"]\nkey = "short"\n',
        f'[domain."b.example"]\nkey = "{K}"\ncolour = "blue"\n',
        f'[domain."b.example"]\nkey = "{K}"\nlink = 8443\n',
        f'[domain."b.example"]\nkey = "{K}"\nlink = "b.example:x"\n',
        f'[domain."B.example"]\nkey = "{K}"\n',
        f'[domain."b"]\nkey = "{K}"\n',
        *(f'[domain."b.example"]\nkey = "{base64.urlsafe_b64encode(weak).rstrip(b"=").decode()}"\n' for weak in WEAK_KEYS),
    ],
)
def test_i02_a_wrong_discovery_file_is_refused_as_a_whole(text):
    with pytest.raises(UsageError, check=lambda error: error.code == "discovery.malformed"):
        parse_discovery_file(text)


def test_integrity_errors_are_of_that_kind():
    with pytest.raises(IntegrityError):
        parse_txt([[b"v=connexa1"]])
