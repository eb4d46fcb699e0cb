"""What goes wrong in a group. Each error is of a kind of `connexa.errors`, and names the rule (V01 to V46, docs/protocol.md) that it holds.

    MLSError
    ├── DecodeError       not MLS syntax                                           V01, V02
    ├── CryptoError       a key, seal or signature does not hold                   V45, or the rule that asked for it
    ├── ValidationError   well-formed, and against a rule                          its `rule`; code `mls.v15` for V15
    ├── EpochError        for another epoch or group than the current one          V25
    │   └── StaleCommit   a commit made for an epoch that another commit has ended
    ├── UnknownProposal   a commit refers to a proposal that is not here           V39
    ├── MissingPSK        a pre-shared key that is not here                        V29
    ├── RemovedFromGroup  we are no member any more                                V43
    ├── ReplayError       a message's key was used and deleted                     V24
    ├── GenerationGap     a message skips more keys than we would ever derive      V24
    └── UnsupportedSuite  a cipher suite that is not built, or not switched on

A refusal has changed nothing.
"""

from __future__ import annotations

from connexa.errors import ConflictError, ConnexaError, IntegrityError, NotFoundError, RefusedError

__all__ = [
    "CryptoError",
    "DecodeError",
    "EpochError",
    "GenerationGap",
    "MLSError",
    "MissingPSK",
    "RemovedFromGroup",
    "ReplayError",
    "StaleCommit",
    "UnknownProposal",
    "UnsupportedSuite",
    "ValidationError",
]


class MLSError(ConnexaError):
    """Something in a group was refused; `rule` is the id of the rule, or empty."""

    rule: str = ""


class DecodeError(MLSError, IntegrityError):
    """These bytes are no MLS structure."""

    def __init__(self, message: str = "This is not a well-formed MLS structure.", rule: str = "V01") -> None:
        super().__init__("mls.malformed", message)
        self.rule = rule


class CryptoError(MLSError, IntegrityError):
    """A key is not admissible, or a seal, a tag or a signature does not hold."""

    def __init__(self, message: str = "A key, seal or signature in a group does not hold.", rule: str = "V45") -> None:
        super().__init__("mls.crypto", message)
        self.rule = rule


class ValidationError(MLSError, RefusedError):
    """Well-formed, and against a rule of RFC 9420 or of this group."""

    def __init__(self, rule: str, message: str, hint: str = "") -> None:
        super().__init__("mls." + rule.lower(), message, hint)
        self.rule = rule


class EpochError(MLSError, ConflictError):
    """A message belongs to another epoch; `expected` is ours, `got` is the message's."""

    rule = "V25"

    def __init__(self, expected: int, got: int, code: str = "mls.epoch", message: str = "") -> None:
        super().__init__(code, message or f"This message is for epoch {got}; the group is in epoch {expected}.")
        self.expected = expected
        self.got = got


class StaleCommit(EpochError):
    """A commit was made for an epoch that has ended: process the winner's, then build it anew."""

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(expected, got, "mls.stale", f"This commit ends epoch {got}; the group is in epoch {expected}.")
        self.retryable = True


class UnknownProposal(MLSError, NotFoundError):
    """A commit refers to a proposal that never arrived here, or was made in an older epoch."""

    rule = "V39"

    def __init__(self, reference: bytes) -> None:
        super().__init__(
            "mls.proposal_unknown", "A commit refers to a proposal that is not here.", "Fetch the group's log and process it again."
        )
        self.reference = reference
        self.retryable = True


class MissingPSK(MLSError, NotFoundError):
    """A pre-shared key that a commit or a Welcome asks for is not here."""

    rule = "V29"

    def __init__(self, psk_id: bytes) -> None:
        super().__init__("mls.psk_missing", "A pre-shared key that this group's next epoch needs is not here.")
        self.psk_id = psk_id


class RemovedFromGroup(MLSError, RefusedError):
    """We were removed from this group: nothing more can be read or sent in it."""

    rule = "V43"

    def __init__(self) -> None:
        super().__init__("mls.removed", "This device is no member of the group any more.")


class ReplayError(MLSError, ConflictError):
    """A message came twice, or its key is older than the keys that are kept."""

    rule = "V24"

    def __init__(self) -> None:
        super().__init__("mls.replayed", "This message was read before, or its key has been deleted.")


class GenerationGap(MLSError, RefusedError):
    """A message is further ahead of its sender's last one than is ever derived."""

    rule = "V24"

    def __init__(self, gap: int) -> None:
        super().__init__("mls.generation_gap", f"This message skips {gap} others of its sender, which is more than we allow.")
        self.gap = gap


class UnsupportedSuite(MLSError, RefusedError):
    """A cipher suite that is not built (4 and 6: X448, Ed448), not known, or experimental and not switched on."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__("mls.suite_unsupported", message or f"Cipher suite {number} is not supported.")
        self.number = number
