"""Which pending proposals a committer takes up (RFC 9420 §12.4): all that hold together with what it proposes itself.

What conflicts is decided by `combine`, which every receiver asks as well; here is only the order of preference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from connexa.mls.epoch import PskLookup
from connexa.mls.errors import MissingPSK, MLSError
from connexa.mls.framing import Sender
from connexa.mls.policy import Policy
from connexa.mls.proposal_list import Listed, combine
from connexa.mls.proposals import PreSharedKey, ReInit, Remove, Update
from connexa.mls.public_state import PublicState

__all__ = ["choose", "has_key"]

_TRIES = 512  # lists that are looked at; without conflicts it is one


def choose(state: PublicState, by_value: Sequence[Listed], pending: Sequence[Listed], own: int, policy: Policy) -> tuple[Listed, ...]:
    """Our own proposals, and before them the pending ones that we commit with them.

    There is an end to the search: whoever floods an epoch with proposals that conflict loses some of their own, and nobody's time.
    """
    tries, turns = _TRIES, Counter[Sender]()

    def holds(items: Sequence[Listed]) -> bool:
        nonlocal tries
        if not tries:
            return False
        tries -= 1
        try:
            combine(state, items, own, policy)
        except MLSError:
            return False
        return True

    def keep(base: Sequence[Listed], items: Sequence[Listed]) -> list[Listed]:
        """As many of the items as hold with the base: halved until the bad ones stand alone."""
        if not items or holds((*base, *items)):
            return list(items)
        if len(items) == 1:
            return []
        half = len(items) // 2
        first = keep(base, items[:half])
        return first + keep((*base, *first), items[half:])

    def order(listed: Listed) -> tuple[int, int]:
        turns[listed.sender] += 1
        return _preference(listed), turns[listed.sender]

    newest_first = reversed(pending)  # of two Updates of one member, the later one
    return (*keep(by_value, sorted(newest_first, key=order)), *by_value)


def has_key(listed: Listed, lookup: PskLookup) -> bool:
    """Whether we could commit it: a proposal of a pre-shared key that we do not have would let nobody commit."""
    if isinstance(listed.proposal, PreSharedKey):
        try:
            lookup(listed.proposal.psk)
        except MissingPSK:
            return False
    return True


def _preference(listed: Listed) -> int:
    """Removes before all else; a ReInit only if there is nothing else (§12.2)."""
    match listed.proposal:
        case Remove():
            return 0
        case Update():
            return 1
        case ReInit():
            return 3
        case _:
            return 2
