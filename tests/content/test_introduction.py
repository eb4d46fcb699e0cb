"""Introductions and requests: nobody is introduced who is not the sealed sender, and a request holds little (first-message §6, §9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.content import (
    MAX_REQUEST_TEXT,
    REQUEST_BUCKET,
    Content,
    Introduced,
    Introduction,
    Receipt,
    ReceiptState,
    Text,
    check_introduction,
    check_request,
    encode,
)
from connexa.errors import IntegrityError, RefusedError
from connexa.identity import (
    Address,
    Attestation,
    DeviceId,
    Domain,
    ListedDevice,
    UserSecret,
    issue_attestation,
    next_device_list,
)
from connexa.pairwise import seal_body
from connexa.wire import REQUEST_BODY
from connexa.wire.v1.keys_pb2 import Signed
from tests.pairwise.world import NOW, Device, seeded

ALICE, MALLORY = Device.make("a", 1), Device.make("m", 2)
ADDRESS = Address.parse("alice@a.example")
SECOND = Device.make("a", 3, user=ALICE.user)
LISTS = [next_device_list(None, ALICE.user, [ALICE.signed_certificate], NOW)]
LISTS.append(next_device_list(LISTS[0], ALICE.user, [ALICE.signed_certificate, SECOND.signed_certificate], NOW))


def _intro(device: Device = ALICE, lists: tuple[Signed, ...] = (LISTS[0],)) -> Introduction:
    attestation = issue_attestation(Attestation(ADDRESS, device.user.id), ALICE.domain_key)
    return Introduction(ADDRESS, device.user.public.packet, attestation, lists, bytes(32))


def _check(intro: Introduction, of: Device = ALICE, *, known: Signed | None = None, changes: dict[str, object] | None = None) -> Introduced:
    arguments: dict[str, object] = {
        "sender": of.user.id,
        "device": of.listed,
        "domain": ADDRESS.domain,
        "domain_keys": [ALICE.domain_key.public],
        "known": known,
        "now": NOW,
    }
    return check_introduction(intro, **(arguments | (changes or {})))  # type: ignore[arg-type]


def test_a_true_introduction() -> None:
    introduced = _check(_intro())
    assert (introduced.address, introduced.user.id, introduced.device_list) == (ADDRESS, ALICE.user.id, LISTS[0])


def test_a_new_device_comes_by_the_chain_of_lists_alone() -> None:
    assert _check(_intro(lists=(LISTS[1],)), SECOND, known=LISTS[0]).device_list == LISTS[1]
    assert _check(_intro(lists=tuple(LISTS)), SECOND, known=LISTS[0]).device_list == LISTS[1]
    with pytest.raises(IntegrityError):
        _check(_intro(lists=(LISTS[0],)), SECOND, known=LISTS[0])
    with pytest.raises(IntegrityError):  # a rollback
        _check(_intro(lists=(LISTS[0],)), ALICE, known=LISTS[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": MALLORY.user.id},
        {"device": MALLORY.listed},
        {"device": ListedDevice(ALICE.id, bytes(32))},
        {"device": ListedDevice(DeviceId(bytes(32)), ALICE.listed.certificate)},
        {"domain": Domain("m.example")},
        {"domain_keys": [MALLORY.domain_key.public]},
        {"domain_keys": []},
        {"now": NOW + 31 * 86_400},
    ],
)
def test_whoever_is_not_the_sender_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        _check(_intro(), changes=changes)


def test_another_persons_key_or_address_is_refused() -> None:
    with pytest.raises(IntegrityError):
        _check(replace(_intro(), user_key=MALLORY.user.public.packet))
    with pytest.raises(IntegrityError):
        _check(replace(_intro(), address=Address.parse("bob@a.example")))
    with pytest.raises(IntegrityError):
        _check(_intro(MALLORY))
    with pytest.raises(IntegrityError):
        _check(replace(_intro(), user_key=UserSecret.generate(ALICE.rng, NOW).public.packet))


def test_i71_a_request_is_one_short_text_with_an_introduction() -> None:
    request = Content(1, Text("hello"), _intro())
    assert len(check_request(request)) < 4_096
    check_request(replace(request, body=Text("x" * MAX_REQUEST_TEXT)))
    check_request(replace(request, body=Text("é" * (MAX_REQUEST_TEXT // 2))))
    for body in (Text("x" * (MAX_REQUEST_TEXT + 1)), Text("é" * (MAX_REQUEST_TEXT // 2) + "x"), Text("x" * MAX_REQUEST_TEXT, "subject")):
        with pytest.raises(RefusedError, match="2 KiB"):
            check_request(replace(request, body=body))
    with pytest.raises(RefusedError):
        check_request(replace(request, intro=None))
    with pytest.raises(RefusedError):
        check_request(replace(request, body=Receipt(ReceiptState.READ, (bytes(16),))))


def test_a_request_that_is_taken_has_a_requests_size_when_sealed() -> None:
    intro = _intro(lists=tuple(LISTS[:1] * 10))
    most = REQUEST_BODY - 16 - 32 - 1 - len(encode(Content(1, Text("x" * 1_000), intro))) + 1_000
    raw = check_request(Content(1, Text("x" * most), intro))
    assert len(seal_body(raw, seeded(1), REQUEST_BUCKET).ciphertext) == REQUEST_BODY
    with pytest.raises(RefusedError, match="fit"):
        check_request(Content(1, Text("x" * (most + 1)), intro))


def test_a_request_with_a_long_chain_of_lists_does_not_fit() -> None:
    with pytest.raises(RefusedError, match="fit"):
        check_request(Content(1, Text("x" * 2_000), _intro(lists=tuple(LISTS[:1] * 16))))
