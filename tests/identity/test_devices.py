from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import Ed25519Secret, InvalidKey, InvalidSignature, Kind, sha256
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import (
    MAX_DEVICES,
    DeviceId,
    body_hash,
    check_successor,
    follow_device_lists,
    issue_device_certificate,
    issue_device_list,
    match_certificates,
    next_device_list,
    read_device_list,
    verify_device_certificate,
    verify_device_list,
)
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import Signed

from .people import DAY, NOW, WEAK_KEYS, certificate, person

ALICE = person("alice")
PHONE, LAPTOP, TABLET = (certificate(ALICE, name) for name in ("phone", "laptop", "tablet"))


def chain(length: int) -> list[Signed]:
    lists = [next_device_list(None, ALICE, [PHONE], NOW)]
    while len(lists) < length:
        lists.append(next_device_list(lists[-1], ALICE, [PHONE, LAPTOP][: 1 + len(lists) % 2], NOW))
    return lists


def refused(code: str):
    return pytest.raises(IntegrityError, check=lambda error: error.code == code)


def test_a_certificate_says_what_was_issued():
    read = verify_device_certificate(PHONE, ALICE.public, NOW)
    assert read.user == ALICE.id
    assert read.device == sha256(b"device", b"phone")
    assert read.suites == (1,)
    assert issue_device_certificate(read, ALICE).body == PHONE.body


def test_i37_a_certificate_of_another_person_is_refused():
    mallory = person("mallory")
    with pytest.raises(InvalidSignature):
        verify_device_certificate(certificate(mallory, "phone"), ALICE.public, NOW)
    with refused("certificate.invalid"):
        issue_device_certificate(verify_device_certificate(PHONE, ALICE.public, NOW), mallory)
    # signed by Alice's key, and naming the other person: only a broken issuer makes it
    body = keys_pb2.DeviceCertificate.FromString(PHONE.body)
    body.user = mallory.id
    with refused("certificate.invalid"):
        verify_device_certificate(_signed("device", body), ALICE.public, NOW)


@pytest.mark.parametrize("field", [{"device": b"short"}, {"device": bytes(33)}, {"suites": []}, {"suites": [2]}, {"suites": [1] * 17}])
def test_i37_malformed_certificates_are_refused(field):
    body = keys_pb2.DeviceCertificate.FromString(PHONE.body)
    for name in field:
        body.ClearField(name)
    body.MergeFrom(keys_pb2.DeviceCertificate(**field))
    with refused("certificate.invalid"):
        verify_device_certificate(_signed("device", body), ALICE.public, NOW)


def test_an_expired_certificate_is_refused():
    verify_device_certificate(PHONE, ALICE.public, NOW + 365 * DAY)
    with refused("certificate.expired"):
        verify_device_certificate(PHONE, ALICE.public, NOW + 365 * DAY + 1)


@pytest.mark.parametrize("weak", WEAK_KEYS)
def test_i02_a_weak_device_key_is_refused(weak):
    body = keys_pb2.DeviceCertificate.FromString(PHONE.body)
    body.dsk = weak
    with pytest.raises(InvalidKey):
        verify_device_certificate(_signed("device", body), ALICE.public, NOW)


def test_a_statement_of_another_kind_is_refused():
    body = keys_pb2.DeviceList.FromString(chain(1)[0].body)
    with pytest.raises(InvalidSignature):
        verify_device_list(_signed("device", body), ALICE.public, NOW)


def test_a_signed_body_with_unknown_fields_is_refused():
    body = chain(1)[0].body + b"\xf8\x01\x01"
    with pytest.raises(ConnexaError):
        read_device_list(Signed(body=body, signature=ALICE.key.sign(Kind.DEVICE_LIST, body)), ALICE.public)


def test_lists_follow_each_other():
    lists = chain(4)
    assert [verify_device_list(signed, ALICE.public, NOW).version for signed in lists] == [1, 2, 3, 4]
    for before, after in itertools.pairwise(lists):
        check_successor(before.body, read_device_list(after, ALICE.public))


def test_i36_rollback_gap_and_fork_are_refused():
    lists = chain(4)
    third = read_device_list(lists[2], ALICE.public)
    with refused("devices.rollback"):
        check_successor(lists[2].body, third)
    with refused("devices.rollback"):
        check_successor(lists[3].body, third)
    with refused("devices.gap"):
        check_successor(lists[0].body, third)
    other = next_device_list(next_device_list(lists[0], ALICE, [TABLET], NOW), ALICE, [TABLET], NOW)
    with refused("devices.fork"):
        check_successor(lists[1].body, read_device_list(other, ALICE.public))


def test_i36_another_persons_list_is_refused():
    bob = person("bob")
    with pytest.raises(InvalidSignature):
        verify_device_list(next_device_list(None, bob, [certificate(bob, "phone")], NOW), ALICE.public, NOW)


def test_i36_an_expired_list_is_refused_and_can_still_be_read():
    signed = chain(1)[0]
    verify_device_list(signed, ALICE.public, NOW + 30 * DAY)
    with refused("devices.expired"):
        verify_device_list(signed, ALICE.public, NOW + 30 * DAY + 1)
    assert read_device_list(signed, ALICE.public).expired(NOW + 31 * DAY)


def test_i36_a_list_lives_for_at_most_thirty_days():
    devices = read_device_list(chain(1)[0], ALICE.public)
    long_lived = issue_device_list(replace(devices, not_after=NOW + 31 * DAY), ALICE)
    with refused("devices.invalid"):
        verify_device_list(long_lived, ALICE.public, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"devices": ()},
        {"version": 0},
        {"version": 2},  # without a predecessor
        {"previous": bytes(32)},  # of a first list
        {"user": person("bob").id},
    ],
)
def test_malformed_lists_are_neither_issued_nor_read(change):
    devices = replace(read_device_list(chain(1)[0], ALICE.public), **change)
    with refused("devices.invalid"):
        issue_device_list(devices, ALICE)
    body = keys_pb2.DeviceList(user=devices.user, version=devices.version, previous=devices.previous, not_after=devices.not_after)
    body.devices.extend(keys_pb2.ListedDevice(device=d.device, certificate=d.certificate) for d in devices.devices)
    with refused("devices.invalid"):
        read_device_list(_signed("device-list", body), ALICE.public)


def test_eight_devices_and_no_more_and_none_twice():
    certificates = [certificate(ALICE, f"device {i}") for i in range(MAX_DEVICES + 1)]
    next_device_list(None, ALICE, certificates[:MAX_DEVICES], NOW)
    for wrong in (certificates, [PHONE, PHONE]):
        with refused("devices.invalid"):
            next_device_list(None, ALICE, wrong, NOW)


def test_following_from_nothing_takes_the_newest_alone_or_a_chain():
    lists = chain(4)
    assert follow_device_lists(None, lists[3:], ALICE.public, NOW) == lists[3]
    assert follow_device_lists(None, lists[1:], ALICE.public, NOW) == lists[3]


def test_following_from_a_known_list_may_repeat_it():
    lists = chain(4)
    for start in (0, 1, 2):
        assert follow_device_lists(lists[1], lists[start:], ALICE.public, NOW) == lists[3]
    assert follow_device_lists(lists[3], lists[3:], ALICE.public, NOW) == lists[3]


def test_i36_following_refuses_gap_rollback_fork_and_nothing():
    lists = chain(4)
    forked = next_device_list(lists[0], ALICE, [TABLET], NOW)
    cases = [
        ("devices.gap", lists[0], [lists[2]]),
        ("devices.gap", lists[0], [lists[1], lists[3]]),
        ("devices.rollback", lists[3], [lists[2]]),
        ("devices.rollback", lists[1], [lists[2], lists[1], lists[0]]),
        ("devices.fork", lists[1], [forked]),
        ("devices.fork", lists[0], [forked, lists[2]]),
        ("devices.invalid", lists[0], []),
    ]
    for code, known, shown in cases:
        with refused(code):
            follow_device_lists(known, shown, ALICE.public, NOW)


def test_old_links_of_a_chain_may_have_expired():
    old = next_device_list(None, ALICE, [PHONE], NOW - 40 * DAY)
    new = next_device_list(old, ALICE, [PHONE, LAPTOP], NOW)
    assert follow_device_lists(old, [old, new], ALICE.public, NOW) == new
    with refused("devices.expired"):
        follow_device_lists(old, [old], ALICE.public, NOW)


def test_i36_an_added_device_needs_its_certificate_in_the_list():
    devices = verify_device_list(next_device_list(None, ALICE, [PHONE, LAPTOP], NOW), ALICE.public, NOW)
    found = match_certificates(devices, [LAPTOP, PHONE], ALICE.public, NOW)
    assert list(found) == [DeviceId(sha256(b"device", b"phone")), DeviceId(sha256(b"device", b"laptop"))]
    for wrong in ([PHONE], [PHONE, TABLET], [PHONE, PHONE], [PHONE, LAPTOP, TABLET], [PHONE, certificate(ALICE, "laptop", NOW + 5)]):
        with refused("devices.invalid"):
            match_certificates(devices, wrong, ALICE.public, NOW)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_any_changed_bit_is_refused(place, bit):
    signed = Signed()
    signed.CopyFrom(chain(1)[0])
    raw = bytearray(signed.body + signed.signature)
    raw[place % len(raw)] ^= 1 << bit
    changed = Signed(body=bytes(raw[: len(signed.body)]), signature=bytes(raw[len(signed.body) :]))
    with pytest.raises(InvalidSignature):
        verify_device_list(changed, ALICE.public, NOW)


def test_the_hash_is_of_the_bytes_as_carried():
    assert body_hash(PHONE) == sha256(PHONE.body)


def _signed(kind: str, message: keys_pb2.DeviceCertificate | keys_pb2.DeviceList, key: Ed25519Secret = ALICE.key) -> Signed:
    body = message.SerializeToString()
    return Signed(body=body, signature=key.sign(kind, body))
