"""What evidence does to a pin: one pure function over the table of identity §3, with I81, I82 and first-message §8.

Two channels that agree pin a key, as does TXT alone under DNSSEC, a line of the discovery file, or an invite. One alone, the other
being truly absent, makes a *provisional* pin. A pin moves by a rotation statement whose new key every channel shows, or by the
administrator, and by nothing else: absence and failures take nothing away, and a key that changed without a statement stops the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connexa.errors import IntegrityError
from connexa.identity.address import Domain
from connexa.identity.endpoint import Endpoint, Endpoints
from connexa.identity.pins import (
    Channel,
    Decision,
    Evidence,
    Failure,
    Found,
    Missing,
    Outcome,
    Pin,
    PinEvent,
    PinnedKey,
    PinState,
    SignedInfo,
)
from connexa.identity.rotation import rotation_path


@dataclass(frozen=True, slots=True)
class _Case:
    """All that a decision looks at."""

    domain: Domain
    found: tuple[Found, ...]
    failures: frozenset[Failure]
    located: Endpoint | None
    now: float

    @property
    def proven(self) -> bool:
        """Two channels that fail separately or one that DNSSEC proves, and none that shows something wrong."""
        return (len(self.found) >= 2 or any(f.secure for f in self.found)) and Failure.INVALID not in self.failures


def decide(domain: Domain, pin: Pin | None, evidence: Sequence[Evidence], now: float, located: Endpoint | None = None) -> Decision:
    """Weigh one round of look-ups against the pin; `located` is the federation endpoint that SVCB or SRV name, if asked."""
    found = tuple(e for e in evidence if isinstance(e, Found))
    failures = frozenset(e.failure for e in evidence if isinstance(e, Missing))
    case = _Case(domain, found, failures, located, now)
    for alone in found:
        if alone.channel is Channel.FILE or (alone.channel is Channel.INVITE and pin is None):
            return _pin_alone(case, pin, alone)
    return _first_contact(case) if pin is None else _known_domain(case, pin)


def _pin_alone(case: _Case, pin: Pin | None, alone: Found) -> Decision:
    """A line of the discovery file is the administrator's word; an invite is as good where there is no pin yet (I19)."""
    key = alone.keys.current.key
    same = pin if pin and pin.newest == key else None
    agreeing = [f for f in case.found if f is not alone and f.keys.current.key == key]
    made = _renewed(replace(case, found=(alone, *agreeing)), same, PinState.PINNED)
    if same and same.state is PinState.PINNED:
        return Decision(Outcome.PINNED, made)
    return Decision(Outcome.PINNED, made, (PinEvent.REPLACED if pin and not same else PinEvent.PINNED,))


def _first_contact(case: _Case) -> Decision:
    if Failure.INVALID in case.failures:
        return Decision(Outcome.INVALID, None, (PinEvent.INVALID,))
    if len({f.keys.current.key for f in case.found}) > 1:
        return Decision(Outcome.CONFLICT, None, (PinEvent.CONFLICT,))  # I03
    if case.proven:
        return Decision(Outcome.PINNED, _renewed(case, None, PinState.PINNED), (PinEvent.PINNED,))
    if Failure.BLOCKED in case.failures:
        return Decision(Outcome.BLOCKED, None)
    if Failure.TEMPORARY in case.failures:
        return Decision(Outcome.TEMPORARY, None)  # I81: whoever poisons one channel makes the other fail
    if not case.found:
        return Decision(Outcome.UNKNOWN, None)
    return Decision(Outcome.PROVISIONAL, _renewed(case, None, PinState.PROVISIONAL), (PinEvent.PROVISIONAL,))


def _known_domain(case: _Case, pin: Pin) -> Decision:
    events: list[PinEvent] = []
    if Failure.INVALID in case.failures:
        events.append(PinEvent.INVALID)
    if _downgraded(case, pin):
        events.append(PinEvent.DOWNGRADED)  # I11: said, and nothing is pinned anew
    if case.found:
        pin, event = _weigh(case, pin)
        events.extend([event] if event else [])
    return Decision(Outcome(pin.state.value), pin, tuple(events))


def _weigh(case: _Case, pin: Pin) -> tuple[Pin, PinEvent | None]:
    if rotated := _handed_over(case, pin):
        return rotated, PinEvent.ROTATED
    trusted = pin.trusted(case.now)
    agreeing = [f for f in case.found if f.keys.current.key in trusted]
    if len(agreeing) < len(case.found):
        return _mistrust(case, pin, beside_good_one=bool(agreeing))
    if case.proven and pin.state is not PinState.PINNED:
        event = PinEvent.PINNED if pin.state is PinState.PROVISIONAL else PinEvent.RELEASED
        return _renewed(case, pin, PinState.PINNED), event
    return _renewed(case, pin, pin.state), None


def _mistrust(case: _Case, pin: Pin, *, beside_good_one: bool) -> tuple[Pin, PinEvent | None]:
    """A key changed without a statement (I14); one poisoned channel alone does not stop a pinned domain."""
    if pin.state is PinState.QUARANTINED:
        return pin, None
    if pin.state is PinState.PINNED and (beside_good_one or Failure.TEMPORARY in case.failures):
        return pin, PinEvent.CONFLICT
    return replace(pin, state=PinState.QUARANTINED, checked=int(case.now)), PinEvent.QUARANTINED


def _handed_over(case: _Case, pin: Pin) -> Pin | None:
    """Follow rotation statements to a key that every channel shows, at least two of them (I82)."""
    if len(case.found) < 2 or Failure.INVALID in case.failures or _downgraded(case, pin):
        return None
    rotations = [rotation for f in case.found for rotation in f.rotations]
    published = [key.key for f in case.found for key in (f.keys.following, f.keys.current) if key]
    for goal in dict.fromkeys(published):
        if goal == pin.newest or not all(goal.raw in f.keys for f in case.found):
            continue
        try:
            path = rotation_path(rotations, pin.newest, goal, case.now)
        except IntegrityError:
            continue  # announced and not handed over yet, or handed over by nobody: the pin stays, and `_weigh` goes on
        keys = list(pin.keys)
        for step in path:
            keys[-1:] = [PinnedKey(step.old_key, step.overlap_until), PinnedKey(step.new_key)]
        good = tuple(k for k in keys if k.not_after is None or k.not_after >= case.now)
        return _renewed(case, replace(pin, keys=good), PinState.PINNED)
    return None


def _downgraded(case: _Case, pin: Pin) -> bool:
    return pin.secure and any(f.channel is Channel.TXT and not f.secure for f in case.found)


def _renewed(case: _Case, pin: Pin | None, state: PinState) -> Pin:
    """Make a pin, or bring the kept one up to date, from evidence that agrees with it."""
    now = int(case.now)
    keys = pin.keys if pin else (PinnedKey(case.found[0].keys.current.key),)
    known_issue = pin.info_issued if pin else 0
    info = _newest_info(case, keys, known_issue)
    return Pin(
        domain=case.domain,
        state=state,
        keys=keys,
        endpoints=_endpoints(case, info, pin),
        since=pin.since if pin else now,
        checked=now,
        secure=(pin is not None and pin.secure) or any(f.secure for f in case.found),
        info=info.signed if info else pin.info if pin else None,
        info_issued=info.info.issued if info else known_issue,
    )


def _newest_info(case: _Case, keys: tuple[PinnedKey, ...], known_issue: int) -> SignedInfo | None:
    """The newest server info that a pinned key signed, unless the known one is newer."""
    pinned = {k.key for k in keys}
    infos = [f.info for f in case.found if f.info and f.info.info.keys.current.key in pinned and f.info.info.issued >= known_issue]
    return max(infos, key=lambda info: info.info.issued, default=None)


def _endpoints(case: _Case, info: SignedInfo | None, pin: Pin | None) -> Endpoints:
    """The order of identity §3: written down, TXT's `e`, signed info, SVCB or SRV, what was known, the default."""
    for found in case.found:
        if found.endpoints:
            return found.endpoints
    known = info.info.endpoints if info else pin.endpoints if pin else Endpoints.parse(case.domain)
    named = next((f.federation for f in case.found if f.federation), None)
    federation = named or (case.located if not info else None)
    return replace(known, federation=federation) if federation else known
