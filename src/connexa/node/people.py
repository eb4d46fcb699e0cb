"""The people whom an account knows: the rows behind contacts and requests.

A person has no user id until a look-up has found one; from then on the id of the row never changes. Another key for the same address is
another row: which of them is the person is decided in `trust`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.content import VerifiedHow
from connexa.errors import NotFoundError
from connexa.identity import Address, DeviceList, UserPublic
from connexa.node.home import Query, first, returned
from connexa.node.stored import stored_list, stored_user
from connexa.node.views import ContactState, TrustTier
from connexa.store import Execute, Row

__all__ = ["Person", "add_person", "all_people", "ask_again", "person_at", "person_by_user", "person_of", "rival_holder", "set_state"]

_COLUMNS = (
    "id, account, user, address, user_key, attestation, device_list, profile_key, state, name, provisional, warning,"
    " invite, invite_secret, invite_until, stranger_from, looked_week, waits, verified_at, verified_how, rival, rival_at, replaces, anew"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as one account knows them."""

    id: int
    account: int
    user: bytes
    address: Address
    user_key: bytes
    attestation: bytes
    device_list: bytes
    profile_key: bytes = field(repr=False)
    state: ContactState
    name: str
    provisional: bool
    warning: str
    invite: bytes
    invite_secret: bytes = field(repr=False)
    invite_until: float
    stranger_from: float
    looked_week: int
    waits: str
    verified_at: int
    verified_how: VerifiedHow | None
    rival: bytes
    rival_at: float
    replaces: bytes
    anew: bool

    @property
    def public(self) -> UserPublic:
        """Their user key; only for somebody who was found."""
        return stored_user(self.user_key)

    @property
    def devices(self) -> DeviceList | None:
        """The newest list of their devices, checked when it was stored."""
        return stored_list(self.device_list, self.user_key) if self.device_list else None

    @property
    def title(self) -> str:
        """What to call them."""
        return self.name or str(self.address)

    @property
    def trust(self) -> TrustTier:
        """What stands behind their key; it follows from what is stored, and is stored nowhere itself (identity §5)."""
        if self.rival:
            return TrustTier.CHANGED
        if not self.user_key:
            return TrustTier.UNKNOWN
        if self.verified_at:
            return TrustTier.VERIFIED
        return TrustTier.PROVISIONAL if self.provisional else TrustTier.ATTESTED

    @property
    def answers(self) -> bool:
        """Whether the two have accepted each other, so that receipts and tokens pass between them."""
        return self.state is ContactState.ACCEPTED


def _person(row: Row) -> Person:
    values = list(row)
    values[3] = Address.parse(row[3])
    values[8] = ContactState(row[8])
    for flag in (10, 23):
        values[flag] = bool(row[flag])
    values[19] = VerifiedHow(row[19]) if row[19] else None
    return Person(*values)


def person_of(query: Query, person: int) -> Person:
    """The person with this number."""
    row = first(query, f"SELECT {_COLUMNS} FROM person WHERE id = ?", (person,))  # noqa: S608 - no outside text
    if row is None:
        raise NotFoundError("contact.not_found", "There is no such contact.")
    return _person(row)


def person_by_user(query: Query, account: int, user: bytes) -> Person | None:
    """The person with this user id."""
    row = first(query, f"SELECT {_COLUMNS} FROM person WHERE account = ? AND user = ? AND user != x''", (account, user))  # noqa: S608
    return _person(row) if row else None


def person_at(query: Query, account: int, address: Address) -> Person | None:
    """The person at this address; where there are several keys, the one that is in use, about which a decision may be open."""
    sql = (
        f"SELECT {_COLUMNS} FROM person WHERE account = ? AND address = ? AND state != 'replaced'"  # noqa: S608
        " ORDER BY state = 'accepted' DESC, rival != x'' DESC, state = 'rejected', id DESC"
    )
    row = first(query, sql, (account, str(address)))
    return _person(row) if row else None


def rival_holder(query: Query, person: Person) -> Person | None:
    """The contact for whose address this key answers too, while the owner has not decided between the two."""
    sql = f"SELECT {_COLUMNS} FROM person WHERE account = ? AND rival = ? AND rival != x''"  # noqa: S608
    row = first(query, sql, (person.account, person.user))
    return _person(row) if row else None


def all_people(query: Query, account: int) -> list[Person]:
    """Everybody whom the account knows, by address."""
    return [_person(row) for row in query(f"SELECT {_COLUMNS} FROM person WHERE account = ? ORDER BY address, id", (account,))]  # noqa: S608


def add_person(execute: Execute, account: int, address: Address, state: ContactState, now: float, *, name: str = "") -> int:
    """Add somebody who is known by address alone, and return their number."""
    number = returned(
        execute,
        "INSERT INTO person (account, address, state, name, created) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (account, str(address), state.value, name, now),
    )
    return int(number)


def ask_again(execute: Execute, person: Person) -> None:
    """Begin anew with somebody who was forgotten or turned down: with whatever key their address has now."""
    execute("UPDATE person SET state = 'requested', anew = 1, looked_week = 0, stranger_from = 0 WHERE id = ?", (person.id,))


def set_state(execute: Execute, person: Person, state: ContactState) -> None:
    """Record what stands between the two."""
    execute("UPDATE person SET state = ? WHERE id = ?", (state.value, person.id))
