"""What the interop stories ask of a member of a group, whichever implementation it runs on, and the room in which they meet.

Everything between members is an MLSMessage as bytes; nothing else passes from one implementation to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

GROUP_ID = bytes(range(32))


@dataclass(frozen=True)
class Committed:
    """A commit that its author has applied, with the Welcome for whoever it adds and the proposals that it names by reference."""

    commit: bytes
    welcome: bytes | None = None
    proposals: tuple[bytes, ...] = ()
    ratchet_tree: bytes | None = None


@dataclass(frozen=True)
class Psk:
    """An external PSK that the members agreed on elsewhere."""

    id: bytes
    secret: bytes


class Member(Protocol):
    """One client of one implementation, in one group."""

    name: str
    leaf: int  # the room says it

    def key_package(self) -> bytes: ...
    def create(self, group_id: bytes) -> None: ...
    def join(self, welcome: bytes, ratchet_tree: bytes | None) -> None: ...
    def commit(self, *, add: Sequence[bytes] = (), remove: Sequence[Member] = (), psks: Sequence[Psk] = ()) -> Committed: ...
    def process(self, message: bytes, sender: Member) -> bytes | None: ...
    def encrypt(self, body: bytes) -> bytes: ...
    def exported(self, label: str, context: bytes, length: int) -> bytes: ...
    def authenticator(self) -> bytes | None: ...  # None where the implementation does not show it


@dataclass
class Room:
    """Members of one group, each told everything that another one sends."""

    members: list[Member] = field(default_factory=list)

    def seat(self, member: Member) -> None:
        """A new member is on the leftmost free leaf (RFC 9420 §7.7)."""
        taken = {other.leaf for other in self.members}
        member.leaf = next(leaf for leaf in range(len(taken) + 1) if leaf not in taken)
        self.members.append(member)

    def commit(self, author: Member, joiners: Iterable[Member] = (), **changes: object) -> None:
        """`author` commits the changes and the addition of `joiners`; all apply it, the joiners join, and everybody agrees."""
        joiners = list(joiners)
        made = author.commit(add=[joiner.key_package() for joiner in joiners], **changes)  # type: ignore[arg-type]
        for proposal in made.proposals:
            self.spread(proposal, author)
        self.spread(made.commit, author, without=changes.get("remove", ()))  # type: ignore[arg-type]
        for joiner in joiners:
            assert made.welcome is not None
            joiner.join(made.welcome, made.ratchet_tree)
            self.seat(joiner)
        self.agree()

    def spread(self, message: bytes, sender: Member, without: Sequence[Member] = ()) -> None:
        """Everybody but the sender processes the message; those in `without` leave first."""
        self.members = [member for member in self.members if member not in without]
        for member in self.members:
            if member is not sender:
                member.process(message, sender)

    def agree(self) -> None:
        """All hold the same epoch: equal authenticators and equal exports."""
        assert len({member.authenticator() for member in self.members} - {None}) <= 1
        assert len({member.exported("interop", b"context", 48) for member in self.members}) == 1

    def talk(self) -> None:
        """Each says something, and all others read it."""
        for speaker in self.members:
            said = f"from {speaker.name}".encode()
            message = speaker.encrypt(said)
            heard = [member.process(message, speaker) for member in self.members if member is not speaker]
            assert heard == [said] * (len(self.members) - 1)
