"""Groups that follow others (RFC 9420 §11.2, §11.3): what a newcomer holds a Welcome to that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connexa.mls.errors import ValidationError
from connexa.mls.key_schedule import GroupContext
from connexa.mls.proposals import ReInit
from connexa.mls.psk import PreSharedKeyID, ResumptionPSK
from connexa.mls.public_state import PublicState
from connexa.mls.registry import ResumptionUsage

__all__ = ["Predecessor", "check_succession"]


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The old group, as we last knew it."""

    context: GroupContext
    reinit: ReInit | None
    clients: frozenset[bytes]


def check_succession(public: PublicState, psks: Sequence[PreSharedKeyID], old: Predecessor | None) -> None:
    """A Welcome with the resumption key of a ReInit or a Branch leads where it should; one without names no old group (V31)."""
    links = [psk.psk for psk in psks if isinstance(psk.psk, ResumptionPSK) and psk.psk.usage != ResumptionUsage.APPLICATION]
    if not links and old is None:
        return
    if len(links) != 1 or old is None or links[0].group_id != old.context.group_id or public.context.epoch != 1:
        raise ValidationError("V31", "A Welcome does not continue the group that it should.")
    if links[0].usage == ResumptionUsage.REINIT:
        _check_reinit(public, links[0], old)
    else:
        _check_branch(public, old)


def _check_reinit(public: PublicState, link: ResumptionPSK, old: Predecessor) -> None:
    promised, context = old.reinit, public.context
    if promised is None or link.epoch != old.context.epoch:
        raise ValidationError("V31", "A Welcome continues a group that has not ended.")
    kept = (context.group_id, context.version, context.cipher_suite, context.extensions)
    if kept != (promised.group_id, promised.version, promised.cipher_suite, promised.extensions):
        raise ValidationError("V31", "A group is not the one that its predecessor named.")
    # All old members and nobody else: what repairs or renews a group lets nobody in (I90).
    if old.clients != public.roster.clients:
        raise ValidationError("V31", "A group has other members than its predecessor.")


def _check_branch(public: PublicState, old: Predecessor) -> None:
    context = public.context
    if old.reinit is not None:
        raise ValidationError("V31", "A branch leaves a group that has ended.")
    if (context.version, context.cipher_suite) != (old.context.version, old.context.cipher_suite):
        raise ValidationError("V31", "A branch is of another version or cipher suite than its group.")
    if not public.roster.clients <= old.clients:
        raise ValidationError("V31", "A branch has members whom its group has not.")
