"""What happens in groups, as `connexa watch` says it."""

from __future__ import annotations

import pytest

from connexa.cli.group_news import group_words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"what": "joined", "address": "b@b.example", "by": "a1b2", "by_address": "a@a.example"},
            "b@b.example is in the group, let in by a@a.example",
        ),
        ({"what": "gone", "address": "", "by_address": "a@a.example"}, "somebody is not in the group any more, by a@a.example"),
        ({"what": "hub", "hub": "b.example", "before": "a.example"}, "its homeserver is b.example now, in the place of a.example"),
        ({"what": "silent", "hub": "a.example"}, "its homeserver a.example does not answer"),
        ({"what": "moving", "by_address": "a@a.example"}, "it is to have another homeserver, or to keep this one, by a@a.example"),
        ({"state": "removed"}, "you were taken out of it"),
        ({"refused": "group.full"}, "a change was refused: group.full"),
        ({"trouble": "group.bad_commit"}, "it cannot go on: group.bad_commit (connexa group show GROUP)"),
        ({"waits": ""}, "it goes on"),
        ({"what": "something new"}, ""),
    ],
)
def test_events_in_words(fields: dict[str, str], words: str) -> None:
    assert group_words("group.changed", fields) == words


def test_other_events_are_none_of_it() -> None:
    assert group_words("message.new", {"what": "joined"}) == ""
