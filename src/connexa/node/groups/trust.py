"""What stands behind a member's address here. It decides nothing in the group: what is pinned differs from node to node."""

from __future__ import annotations

from connexa.content import GroupPerson
from connexa.errors import ConnexaError
from connexa.node.account import Account
from connexa.node.groups.cards import TrustedKeys, check_person
from connexa.node.home import Home, Query
from connexa.node.people import person_by_user
from connexa.node.views import TrustTier

__all__ = ["UNCONFIRMED", "named_as", "trust_in"]

UNCONFIRMED = "unconfirmed:"  # before an address of which the domain does not say that it is this person's


def trust_in(home: Home, query: Query, account: Account, person: GroupPerson) -> TrustTier:
    """What is known of a member as a contact at that address; else what their domain says, where it is pinned here."""
    if person.user == account.user_id:
        return TrustTier.VERIFIED
    known = person_by_user(query, account.id, person.user)
    if known is not None and known.address == person.address:
        return known.trust
    try:
        return TrustTier.ATTESTED if check_person(person, _trusted_keys(home)) else TrustTier.UNKNOWN
    except ConnexaError:
        return TrustTier.CHANGED


def named_as(home: Home, query: Query, account: Account, person: GroupPerson) -> str:
    """The address of a member as their messages show it."""
    contradicted = trust_in(home, query, account, person) is TrustTier.CHANGED
    return f"{UNCONFIRMED}{person.address}" if contradicted else str(person.address)


def _trusted_keys(home: Home) -> TrustedKeys:
    """What this node has pinned of domains; a provisional one's word counts for nothing, so nobody can tell yet."""

    def keys(domain: str) -> tuple | None:  # type: ignore[type-arg]
        trusted = home.domains.trusted(domain)
        return trusted.keys if trusted is not None and not trusted.provisional else None

    return keys
