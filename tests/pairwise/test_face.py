"""The public face of the room."""

from __future__ import annotations

import connexa.pairwise as room


def test_the_rooms_face_is_what_it_says() -> None:
    assert sorted(room.__all__) == sorted(set(room.__all__))
    assert all(hasattr(room, name) for name in room.__all__)
