"""Cases in the format of the official passive-client files, made with our own library: what the shared files hold no epochs of.

One device joins and then only listens, while the others propose and commit at random: additions, removals, updates and PSKs, by reference
and by value, sealed and in the clear.
"""

from __future__ import annotations

from random import Random
from typing import Any

from connexa.mls.framing import MLSMessage
from tests.mls.interop.member import GROUP_ID, Psk
from tests.mls.interop.ours import NOW, Ours, Wire

__all__ = ["scenario"]

WIRES: list[Wire] = ["private", "public"]
PSKS = [Psk(f"psk {number}".encode(), bytes([number]) * 32) for number in range(3)]


class Company:
    """The members that speak, and what the listener is told."""

    def __init__(self, suite: int, seed: int) -> None:
        self.random = Random(seed)
        self.suite = suite
        self.named = 0
        self.speakers: list[Ours] = []
        self.told: list[str] = []

    def person(self) -> Ours:
        self.named += 1
        one = Ours(f"person {self.named}", self.suite)
        for psk in PSKS:
            one.learn(psk)
        return one

    def spread(self, message: bytes, author: Ours) -> None:
        """All others process it; whoever it removes goes."""
        self.told.append(message.hex())
        for one in [one for one in self.speakers if one is not author]:
            one.process(message, author)
            if not one.group.active:
                self.speakers.remove(one)

    def commit(self, author: Ours, newcomers: list[Ours], removed: list[int], psks: list[Psk]) -> bytes | None:
        """The author commits this and what was proposed; the Welcome, if there is one. All who are still there agree."""
        ids = [psk.id for psk in psks]
        packages = [one.key_package() for one in newcomers]
        wire = self.random.choice(WIRES)
        staged = author.group.commit(add=packages, remove=removed, psk=ids, force_path=self.random.random() < 0.3, wire=wire, now=NOW)
        author.group.merge(staged, now=NOW)
        self.spread(staged.commit, author)
        assert len({one.group.epoch_authenticator for one in self.speakers}) == 1
        return staged.welcome

    def propose(self, listener: int, spared: Ours) -> Ours | None:
        """Somebody other than `spared` proposes something; the person whom it adds, if it adds one."""
        author = self.random.choice([one for one in self.speakers if one is not spared])
        author.wire = self.random.choice(WIRES)
        kind = self.random.choice(["add", "remove", "update", "psk"])
        newcomer = self.person() if kind == "add" else None
        if newcomer is not None:
            message = author.propose_add(newcomer.key_package())
        elif kind == "remove":
            leaves = {one.leaf for one in author.group.members()} - {listener, spared.group.own_leaf, author.group.own_leaf}
            if not leaves:
                return None
            message = author.group.propose_remove(self.random.choice(sorted(leaves)), wire=author.wire, now=NOW)
        elif kind == "update":
            message = author.propose_update()
        else:
            message = author.group.propose_psk(self.random.choice(PSKS).id, wire=author.wire, now=NOW)
        self.spread(message, author)
        return newcomer


def scenario(suite: int, seed: int, epochs: int) -> dict[str, Any]:
    """One case with so many epochs after the listener's first."""
    company = Company(suite, seed)
    founder, listener = company.person(), company.person()
    founder.create(GROUP_ID)
    company.speakers = [founder]
    first = [company.person() for _ in range(company.random.randrange(2, 7))]
    _join(company, company.commit(founder, first, [], []), first)
    company.told.clear()
    welcome = company.commit(founder, [listener], [], company.random.sample(PSKS, 1))
    assert welcome is not None
    own = next(one.leaf for one in founder.group.members() if one.credential.identity == listener.name.encode())
    bundle = listener.bundle
    case = {
        "cipher_suite": suite,
        "external_psks": [{"psk_id": psk.id.hex(), "psk": psk.secret.hex()} for psk in PSKS],
        "key_package": MLSMessage(bundle.key_package).encode().hex(),
        "signature_priv": bundle.sig_sk.raw.hex(),
        "encryption_priv": bundle.enc_sk.raw.hex(),
        "init_priv": bundle.init_sk.raw.hex(),
        "welcome": welcome.hex(),
        "ratchet_tree": None,
        "initial_epoch_authenticator": founder.group.epoch_authenticator.hex(),
    }
    return case | {"epochs": [_epoch(company, own) for _ in range(epochs)]}


def _epoch(company: Company, own: int) -> dict[str, Any]:
    company.told.clear()
    committer = company.random.choice(company.speakers)
    proposed = [company.propose(own, committer) for _ in range(company.random.randrange(4)) if len(company.speakers) > 1]
    newcomers = [company.person() for _ in range(company.random.randrange(2))]
    psks = company.random.sample(PSKS, company.random.randrange(2))
    _join(company, company.commit(committer, newcomers, [], psks), [*newcomers, *filter(None, proposed)])
    return {"proposals": company.told[:-1], "commit": company.told[-1], "epoch_authenticator": committer.group.epoch_authenticator.hex()}


def _join(company: Company, welcome: bytes | None, newcomers: list[Ours]) -> None:
    for one in newcomers:
        assert welcome is not None
        one.join(welcome, None)
        company.speakers.append(one)
