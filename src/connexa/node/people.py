"""The people whom an account knows: the rows behind contacts and requests.

A person has no user id until a look-up has found one; from then on the id never changes (another key for the same address is a
warning, not an update).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.errors import NotFoundError
from connexa.identity import Address, DeviceList, UserPublic
from connexa.node.home import Query, first, returned
from connexa.node.stored import stored_list, stored_user
from connexa.node.views import ContactState
from connexa.store import Execute, Row

__all__ = ["Person", "add_person", "all_people", "person_at", "person_by_user", "person_of", "set_state"]

_COLUMNS = (
    "id, account, user, address, user_key, attestation, device_list, profile_key, state, name, verified, provisional, warning,"
    " invite, invite_secret, invite_until, stranger_from, looked_week, waits"
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
    verified: bool
    provisional: bool
    warning: str
    invite: bytes
    invite_secret: bytes = field(repr=False)
    invite_until: float
    stranger_from: float
    looked_week: int
    waits: str

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
    def answers(self) -> bool:
        """Whether the two have accepted each other, so that receipts and tokens pass between them."""
        return self.state is ContactState.ACCEPTED


def _person(row: Row) -> Person:
    values = list(row)
    values[3] = Address.parse(row[3])
    values[8] = ContactState(row[8])
    for flag in (10, 11):
        values[flag] = bool(row[flag])
    return Person(*values)


def person_of(query: Query, person: int) -> Person:
    """The person with this number."""
    row = first(query, f"SELECT {_COLUMNS} FROM person WHERE id = ?", (person,))  # noqa: S608 - no outside text
    if row is None:
        raise NotFoundError("contact.not_found", "There is no such contact.")
    return _person(row)


def person_by_user(query: Query, account: int, user: bytes) -> Person | None:
    """The person with this user id."""
    row = first(query, f"SELECT {_COLUMNS} FROM person WHERE account = ? AND user = ?", (account, user))  # noqa: S608
    return _person(row) if row else None


def person_at(query: Query, account: int, address: Address) -> Person | None:
    """The person at this address; where there are several keys, the one that is in use."""
    sql = f"SELECT {_COLUMNS} FROM person WHERE account = ? AND address = ? ORDER BY state = 'accepted' DESC, id DESC"  # noqa: S608
    row = first(query, sql, (account, str(address)))
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


def set_state(execute: Execute, person: Person, state: ContactState) -> None:
    """Record what stands between the two."""
    execute("UPDATE person SET state = ? WHERE id = ?", (state.value, person.id))
