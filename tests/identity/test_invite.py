from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.errors import UsageError
from connexa.identity import ContactInvite, Endpoints, format_contact_invite, parse_contact_invite

from .people import ALICE_ADDRESS, NOW, A, person, secret

INVITE = ContactInvite(
    ALICE_ADDRESS, person("alice").id, bytes(range(16)), bytes(range(32)), NOW, secret("a").public, Endpoints.parse(A, link="l.a.example:1")
)
TEXT = format_contact_invite(INVITE)


def test_an_invite_is_one_word_that_reads_back():
    assert TEXT.isalnum()
    assert TEXT.islower()
    assert parse_contact_invite(TEXT) == INVITE


@given(st.lists(st.tuples(st.integers(0, len(TEXT)), st.sampled_from(["\n", " ", "-", "\r\n", "\t"])), max_size=20), st.booleans())
def test_line_breaks_hyphens_and_upper_case_do_no_harm(cuts, upper):
    text = TEXT.upper() if upper else TEXT
    for place, space in cuts:
        text = text[:place] + space + text[place:]
    assert parse_contact_invite(text) == INVITE


@given(st.integers(0, len(TEXT) - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_every_mistyped_character_is_noticed(place, character):
    mistyped = TEXT[:place] + character + TEXT[place + 1 :]
    if mistyped == TEXT or place == len(TEXT) - 1:  # the last one may hold spare bits
        return
    with pytest.raises(UsageError, check=lambda error: error.code == "invite.malformed"):
        parse_contact_invite(mistyped)


@given(st.integers(0, len(TEXT) - 1))
def test_a_part_of_an_invite_is_refused(size):
    with pytest.raises(UsageError):
        parse_contact_invite(TEXT[:size])


@pytest.mark.parametrize("text", ["", "hello", "cxinvite1", "cxinvite1!", "x" * 5000, "cxinvite1" + "a" * 64])
def test_other_texts_are_refused(text):
    with pytest.raises(UsageError):
        parse_contact_invite(text)


@pytest.mark.parametrize("change", [{"id": b"x"}, {"secret": bytes(31)}, {"user": bytes(31)}])
def test_an_invite_with_wrong_contents_is_refused_without_showing_it(change):
    with pytest.raises(UsageError) as refusal:
        parse_contact_invite(format_contact_invite(replace(INVITE, **change)))
    assert bytes(range(8)).hex() not in str(refusal.value)


def test_the_secret_is_not_shown():
    assert repr(INVITE.secret) not in repr(INVITE)
