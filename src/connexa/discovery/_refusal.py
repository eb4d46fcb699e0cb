"""What is said of a domain that cannot be used: one code for each outcome of a decision."""

from __future__ import annotations

from connexa.errors import ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError
from connexa.identity import Evidence, Missing, Outcome


def refusal(outcome: Outcome, evidence: tuple[Evidence, ...]) -> ConnexaError:
    """The error for an outcome; the hint says what each channel showed, where that helps."""
    why = " ".join(e.why for e in evidence if isinstance(e, Missing) and e.why)
    match outcome:
        case Outcome.CONFLICT:
            return IntegrityError("domain.conflict", "The places that show the key of that domain disagree.", "Ask its administrator.")
        case Outcome.QUARANTINED:
            return IntegrityError(
                "domain.quarantined",
                "The key of that domain changed without a statement of the old key.",
                "Compare the new key with the domain's administrator, then confirm it.",
            )
        case Outcome.INVALID:
            return IntegrityError("domain.invalid", "What that domain publishes about itself is not valid.", why)
        case Outcome.BLOCKED:
            return RefusedError("domain.blocked", "That domain points to an address that look-ups may not reach.", why)
        case Outcome.UNKNOWN:
            return NotFoundError("domain.unknown", "That domain does not show a Connexa key.", why)
    return NetworkError("directory.unavailable", "That domain could not be looked up now.", why)
