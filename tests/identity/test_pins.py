"""The table of identity §3 with I81 and I82: what evidence makes, keeps, moves and stops a pin."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import Ed25519Secret
from connexa.errors import IntegrityError
from connexa.identity import (
    MAX_OVERLAP,
    Channel,
    DomainKey,
    DomainRotation,
    Endpoint,
    Endpoints,
    Evidence,
    Failure,
    Found,
    Missing,
    Outcome,
    Pin,
    PinEvent,
    PinnedKey,
    PinState,
    PublishedKeys,
    SignedInfo,
    decide,
    dump_pin,
    issue_domain_rotation,
    load_pin,
    read_server_info,
    verify_domain_rotation,
)

from .people import DAY, NOW, A, B, secret, server_info

KEY, NEXT, THIRD, OTHER = (secret(name) for name in ("b", "b next", "b third", "mallory"))
ABSENT, TEMPORARY, INVALID, BLOCKED = Failure.ABSENT, Failure.TEMPORARY, Failure.INVALID, Failure.BLOCKED


def txt(answer: Ed25519Secret | Failure, following: Ed25519Secret | None = None, *, secure: bool = False, e: str = "") -> Evidence:
    if isinstance(answer, Failure):
        return Missing(Channel.TXT, answer)
    return Found(Channel.TXT, _keys(answer, following), secure=secure, federation=Endpoint.parse(e, 8444) if e else None)


def web(
    answer: Ed25519Secret | Failure, following: Ed25519Secret | None = None, rotations: tuple[DomainRotation, ...] = (), **info: object
) -> Evidence:
    return _with_info(Channel.WELL_KNOWN, answer, following, rotations, info)


def home(answer: Ed25519Secret | Failure, following: Ed25519Secret | None = None) -> Evidence:
    return _with_info(Channel.HOMESERVER, answer, following, (), {})


def _with_info(channel, answer, following, rotations, info) -> Evidence:
    if isinstance(answer, Failure):
        return Missing(channel, answer)
    signed = server_info(B, answer, following, **info)
    read = read_server_info(signed, domain=B, now=NOW)
    return Found(channel, read.keys, info=SignedInfo(signed, read), rotations=rotations)


def _keys(current: Ed25519Secret, following: Ed25519Secret | None) -> PublishedKeys:
    return PublishedKeys(DomainKey(current.public), DomainKey(following.public, "2", next=True) if following else None)


def rotation(old: Ed25519Secret, new: Ed25519Secret, not_before: int = NOW) -> DomainRotation:
    return verify_domain_rotation(issue_domain_rotation(B, old, new, not_before=not_before), domain=B)


def pinned(key: Ed25519Secret = KEY, **changes: object) -> Pin:
    pin = decide(B, None, [txt(key), web(key)], NOW - DAY).pin
    assert pin is not None
    return replace(pin, **changes)  # type: ignore[arg-type]


# ---- first contact --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        ([txt(KEY), web(KEY)], Outcome.PINNED),
        ([txt(KEY), web(OTHER)], Outcome.CONFLICT),
        ([txt(KEY, NEXT), web(NEXT)], Outcome.CONFLICT),
        ([txt(KEY), web(ABSENT)], Outcome.PROVISIONAL),
        ([txt(ABSENT), web(KEY)], Outcome.PROVISIONAL),
        ([txt(KEY), web(TEMPORARY)], Outcome.TEMPORARY),
        ([txt(TEMPORARY), web(KEY)], Outcome.TEMPORARY),
        ([txt(KEY), web(INVALID)], Outcome.INVALID),
        ([txt(INVALID), web(KEY)], Outcome.INVALID),
        ([txt(KEY), web(BLOCKED)], Outcome.BLOCKED),
        ([txt(ABSENT), web(ABSENT)], Outcome.UNKNOWN),
        ([txt(ABSENT), web(TEMPORARY)], Outcome.TEMPORARY),
        ([txt(ABSENT), web(BLOCKED)], Outcome.BLOCKED),
        ([txt(KEY, secure=True), web(ABSENT)], Outcome.PINNED),
        ([txt(KEY, secure=True), web(TEMPORARY)], Outcome.PINNED),
        ([txt(KEY, secure=True), web(OTHER)], Outcome.CONFLICT),
        ([txt(KEY, secure=True), web(INVALID)], Outcome.INVALID),
        ([home(KEY), txt(KEY), web(ABSENT)], Outcome.PINNED),
        ([home(KEY), txt(TEMPORARY), web(KEY)], Outcome.PINNED),
        ([home(KEY), txt(ABSENT), web(ABSENT)], Outcome.PROVISIONAL),
        ([home(KEY), txt(TEMPORARY), web(ABSENT)], Outcome.TEMPORARY),
        ([home(OTHER), txt(KEY), web(KEY)], Outcome.CONFLICT),
        ([home(ABSENT), txt(KEY), web(KEY)], Outcome.PINNED),
        ([], Outcome.UNKNOWN),
    ],
)
def test_i03_i81_first_contact(evidence, outcome):
    decision = decide(B, None, evidence, NOW)
    assert decision.outcome is outcome
    kept = {Outcome.PINNED: PinState.PINNED, Outcome.PROVISIONAL: PinState.PROVISIONAL}.get(outcome)
    assert (decision.pin.state if decision.pin else None) is kept
    if decision.pin:
        assert decision.pin.trusted(NOW) == (KEY.public,)


@pytest.mark.parametrize("channel", [Channel.FILE, Channel.INVITE])
def test_i19_a_file_or_an_invite_pins_alone_and_names_the_endpoints(channel):
    endpoints = Endpoints.parse(B, federation="10.0.0.1:1")
    decision = decide(B, None, [Found(channel, _keys(KEY, None), endpoints=endpoints), web(OTHER), txt(INVALID)], NOW)
    assert decision.outcome is Outcome.PINNED
    assert decision.pin is not None
    assert decision.pin.newest == KEY.public
    assert decision.pin.endpoints == endpoints
    assert decision.pin.info is None


def test_i19_a_file_wins_over_a_pin_and_an_invite_does_not():
    for state in PinState:
        by_file = decide(B, pinned(OTHER, state=state), [Found(Channel.FILE, _keys(KEY, None), endpoints=Endpoints.parse(B))], NOW)
        assert by_file.pin is not None
        assert (by_file.pin.newest, by_file.pin.state, by_file.events) == (KEY.public, PinState.PINNED, (PinEvent.REPLACED,))
    by_invite = decide(B, pinned(OTHER), [Found(Channel.INVITE, _keys(KEY, None), endpoints=Endpoints.parse(B))], NOW)
    assert by_invite.pin is not None
    assert by_invite.pin.newest == OTHER.public


def test_a_file_pin_takes_the_server_info_of_its_own_key_alone():
    found = Found(Channel.FILE, _keys(KEY, None), endpoints=Endpoints.parse(B))
    ours, theirs = decide(B, None, [found, home(KEY)], NOW).pin, decide(B, None, [found, home(OTHER)], NOW).pin
    assert ours is not None
    assert ours.info == server_info(B, KEY)
    assert theirs is not None
    assert theirs.info is None
    foreign = home(OTHER)
    assert isinstance(foreign, Found)
    mixed = decide(B, None, [replace(found, info=foreign.info)], NOW).pin
    assert mixed is not None
    assert mixed.info is None


# ---- a known domain ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "evidence",
    [
        [txt(TEMPORARY), web(TEMPORARY)],
        [txt(ABSENT), web(ABSENT)],
        [txt(INVALID), web(INVALID)],
        [txt(BLOCKED), web(BLOCKED)],
        [],
        [txt(KEY), web(TEMPORARY)],
        [txt(KEY), web(OTHER)],
        [txt(OTHER), web(TEMPORARY)],
        [txt(KEY), web(KEY)],
    ],
)
def test_i04_i12_failures_absence_and_one_poisoned_channel_keep_the_pin(evidence):
    pin = pinned()
    decision = decide(B, pin, evidence, NOW)
    assert decision.outcome is Outcome.PINNED
    assert decision.pin is not None
    assert decision.pin.keys == pin.keys


def test_a_poisoned_channel_is_told():
    assert decide(B, pinned(), [txt(OTHER), web(KEY)], NOW).events == (PinEvent.CONFLICT,)
    assert decide(B, pinned(), [txt(INVALID), web(KEY)], NOW).events == (PinEvent.INVALID,)


@pytest.mark.parametrize(
    "evidence", [[txt(OTHER), web(OTHER)], [txt(OTHER), web(ABSENT)], [txt(ABSENT), web(OTHER)], [txt(OTHER), web(THIRD)]]
)
def test_i14_a_change_without_a_statement_is_quarantine(evidence):
    decision = decide(B, pinned(), evidence, NOW)
    assert decision.outcome is Outcome.QUARANTINED
    assert decision.events == (PinEvent.QUARANTINED,)
    assert decision.pin is not None
    assert decision.pin.newest == KEY.public


def test_i14_a_quarantine_ends_when_the_pinned_key_is_back_in_two_places():
    stopped = pinned(state=PinState.QUARANTINED)
    for evidence in (
        [txt(KEY), web(TEMPORARY)],
        [txt(KEY), web(ABSENT)],
        [txt(KEY), web(OTHER)],
        [txt(OTHER), web(OTHER)],
        [txt(KEY), web(INVALID)],
    ):
        assert decide(B, stopped, evidence, NOW).outcome is Outcome.QUARANTINED
    decision = decide(B, stopped, [txt(KEY), web(KEY)], NOW)
    assert (decision.outcome, decision.events) == (Outcome.PINNED, (PinEvent.RELEASED,))


def test_i81_a_provisional_pin_becomes_a_pin_when_the_other_channel_agrees():
    provisional = decide(B, None, [txt(KEY), web(ABSENT)], NOW).pin
    assert provisional is not None
    for evidence in ([txt(KEY), web(ABSENT)], [txt(KEY), web(TEMPORARY)], [txt(ABSENT), web(KEY)]):
        assert decide(B, provisional, evidence, NOW).outcome is Outcome.PROVISIONAL
    assert decide(B, provisional, [txt(KEY), web(OTHER)], NOW).outcome is Outcome.QUARANTINED
    decision = decide(B, provisional, [txt(KEY), web(KEY)], NOW)
    assert (decision.outcome, decision.events) == (Outcome.PINNED, (PinEvent.PINNED,))


def test_i11_losing_dnssec_warns_and_pins_nothing_anew():
    secure = decide(B, None, [txt(KEY, secure=True), web(ABSENT)], NOW).pin
    assert secure is not None
    kept = decide(B, secure, [txt(KEY), web(KEY)], NOW)
    assert PinEvent.DOWNGRADED in kept.events
    assert kept.pin is not None
    assert kept.pin.secure
    handed = [txt(NEXT), web(NEXT, rotations=(rotation(KEY, NEXT),))]
    moved = decide(B, secure, handed, NOW)
    assert moved.pin is not None
    assert moved.pin.newest == KEY.public
    assert decide(B, secure, [txt(NEXT, secure=True), handed[1]], NOW).events == (PinEvent.ROTATED,)


# ---- rotation -----------------------------------------------------------------------------------------------------------


def test_i13_i16_both_keys_are_good_while_a_rotation_overlaps():
    moved = decide(B, pinned(), [txt(KEY, NEXT), web(KEY, NEXT, (rotation(KEY, NEXT),))], NOW)
    assert moved.events == (PinEvent.ROTATED,)
    pin = moved.pin
    assert pin is not None
    assert pin.trusted(NOW) == (NEXT.public, KEY.public)
    assert pin.trusted(NOW + MAX_OVERLAP) == (NEXT.public, KEY.public)
    assert pin.trusted(NOW + MAX_OVERLAP + 1) == (NEXT.public,)
    for evidence in ([txt(KEY, NEXT), web(KEY, NEXT, (rotation(KEY, NEXT),))], [txt(NEXT), web(NEXT)], [txt(KEY, NEXT), web(NEXT)]):
        again = decide(B, pin, evidence, NOW + DAY)
        assert (again.outcome, again.events) == (Outcome.PINNED, ())
        assert again.pin is not None
        assert again.pin.keys == pin.keys


def test_i16_an_old_key_that_is_still_shown_after_the_overlap_is_quarantine():
    pin = decide(B, pinned(), [txt(NEXT), web(NEXT, rotations=(rotation(KEY, NEXT),))], NOW).pin
    late = NOW + MAX_OVERLAP + 1
    assert decide(B, pin, [txt(KEY), web(KEY)], late).outcome is Outcome.QUARANTINED


@pytest.mark.parametrize(
    "evidence",
    [
        [txt(ABSENT), web(NEXT, rotations=(rotation(KEY, NEXT),))],
        [txt(KEY), web(NEXT, rotations=(rotation(KEY, NEXT),))],
        [txt(TEMPORARY), web(NEXT, rotations=(rotation(KEY, NEXT),))],
        [txt(INVALID), web(NEXT, rotations=(rotation(KEY, NEXT),))],
    ],
)
def test_i82_a_statement_without_the_new_key_in_both_places_moves_nothing(evidence):
    decision = decide(B, pinned(), evidence, NOW)
    assert decision.pin is not None
    assert decision.pin.newest == KEY.public
    assert PinEvent.ROTATED not in decision.events


def test_i82_a_thief_of_the_old_key_alone_is_refused():
    """He signs a statement to a key of his and shows it wherever he can: he has neither the TXT record nor the web server."""
    stolen = rotation(KEY, OTHER)
    decision = decide(B, pinned(), [txt(KEY), web(KEY, rotations=(stolen,))], NOW)
    assert decision.pin is not None
    assert decision.pin.trusted(NOW) == (KEY.public,)


@pytest.mark.parametrize(
    ("statements", "now"),
    [
        ((), NOW),
        ((rotation(KEY, NEXT),), NOW - 1),
        ((rotation(KEY, NEXT),), NOW + MAX_OVERLAP + 1),
        ((rotation(OTHER, NEXT),), NOW),
        ((rotation(NEXT, KEY),), NOW),
    ],
)
def test_i15_no_statement_an_early_a_late_or_a_foreign_one_is_no_rotation(statements, now):
    evidence = [txt(NEXT), web(NEXT, rotations=statements, expires=NOW + 29 * DAY)]
    decision = decide(B, pinned(), evidence, now)
    assert decision.outcome is Outcome.QUARANTINED
    announced = [txt(KEY, NEXT), web(KEY, NEXT, statements, expires=NOW + 29 * DAY)]
    kept = decide(B, pinned(), announced, now)
    assert (kept.outcome, kept.events) == (Outcome.PINNED, ())
    assert kept.pin is not None
    assert kept.pin.newest == KEY.public


def test_i15_an_early_statement_counts_from_its_hour_even_after_a_quarantine():
    evidence = [txt(NEXT), web(NEXT, rotations=(rotation(KEY, NEXT),))]
    stopped = decide(B, pinned(), evidence, NOW - 1).pin
    assert decide(B, stopped, evidence, NOW).events == (PinEvent.ROTATED,)


def test_i15_missed_statements_are_caught_up():
    steps = (rotation(KEY, NEXT, NOW - 20 * DAY), rotation(NEXT, THIRD))
    pin = decide(B, pinned(), [txt(THIRD), web(THIRD, rotations=steps)], NOW).pin
    assert pin is not None
    assert pin.trusted(NOW) == (THIRD.public, NEXT.public, KEY.public)
    assert pin.trusted(NOW + 10 * DAY + 1) == (THIRD.public, NEXT.public)


# ---- what a pin holds -----------------------------------------------------------------------------------------------------


def test_endpoints_come_in_the_order_of_the_reference():
    located = Endpoint("srv.b.example", 7)
    assert str(_pin([txt(KEY, e="e.b.example:1"), web(KEY)], located).endpoints.federation) == "e.b.example:1"
    assert str(_pin([txt(KEY), web(KEY)], located).endpoints.federation) == "mx.b.example:9444"
    assert str(_pin([txt(KEY, secure=True)], located).endpoints.federation) == "srv.b.example:7"
    assert str(_pin([txt(KEY, secure=True)], None).endpoints.federation) == "b.example:8444"
    kept = decide(B, pinned(), [txt(KEY), web(ABSENT)], NOW).pin
    assert kept is not None
    assert str(kept.endpoints.federation) == "mx.b.example:9444"


def _pin(evidence, located) -> Pin:
    pin = decide(B, None, evidence, NOW, located).pin
    assert pin is not None
    return pin


def test_an_older_server_info_does_not_replace_a_newer_one():
    new = pinned(info=server_info(B, KEY, issued=NOW), info_issued=NOW)
    kept = decide(B, new, [txt(KEY), web(KEY, issued=NOW - DAY)], NOW).pin
    assert kept is not None
    assert kept.info == new.info


@given(
    st.sampled_from(list(PinState)),
    st.lists(st.tuples(st.sampled_from([KEY, NEXT, OTHER]), st.none() | st.integers(NOW, NOW + MAX_OVERLAP)), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_a_pin_survives_storage(state, keys, secure, with_info):
    made = Pin(
        B,
        state,
        tuple(PinnedKey(key.public, end) for key, end in keys),
        Endpoints.parse(B, link="[::1]:5"),
        NOW - 1,
        NOW,
        secure,
        server_info(B, KEY) if with_info else None,
        NOW if with_info else 0,
    )
    assert load_pin(dump_pin(made)) == made


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{}",
        b"[]",
        b'{"v":2}',
        b'{"v":1}',
        dump_pin(pinned())[:-3],
        dump_pin(pinned()).replace(b"b.example", b"B.example"),
        re.sub(rb'"info": (null|"[^"]*")', b'"info": "AAAA"', dump_pin(pinned())),
    ],
)
def test_a_damaged_record_is_told(record):
    with pytest.raises(IntegrityError, check=lambda error: error.code == "pin.damaged"):
        load_pin(record)


def test_a_decision_is_about_its_domain():
    pin = decide(A, None, [Found(Channel.INVITE, _keys(KEY, None), endpoints=Endpoints.parse(A))], NOW).pin
    assert pin is not None
    assert pin.domain == A
