"""The post-quantum chains of a session (pairwise §4): in each epoch one chain each way, and epochs that follow one another.

Every message key is salted by a key of these chains, so that a break of X25519 alone opens nothing, and each epoch mixes a fresh
ML-KEM secret in, so that a stolen state is worth nothing an epoch later (P16). Late messages of the last four epochs still open (P43).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from msgspec.structs import replace

from connexa.crypto import ZERO_SALT, Rng, hkdf
from connexa.pairwise._chunked import ChunkedMlKem768
from connexa.pairwise._reject import Duplicate, Reason, Reject
from connexa.pairwise._skipped import MAX_AGE, MAX_SKIPPED, MAX_STEPS, take, without_lowest
from connexa.pairwise._state import State

__all__ = ["KEPT_EPOCHS", "PqChains", "PqReceiving", "PqSending", "step"]

KEPT_EPOCHS = 4
RENEW_AFTER = 20  # messages of an epoch, both ways together
RENEW_AGE = 86_400


class PqSending(State, frozen=True):
    """Our sending chain of the epoch that we send in."""

    chain: bytes
    n: int


class PqReceiving(State, frozen=True):
    """The receiving chain of an epoch, and the keys of messages that have not come yet."""

    epoch: int
    chain: bytes
    n: int
    skipped: Mapping[int, bytes]
    used: int  # unix seconds of the newest message that moved it


class PqChains(State, frozen=True):
    """The chains, and what the next epoch will be made from."""

    root: bytes
    agreement: ChunkedMlKem768
    sending: PqSending
    waiting: bytes  # our sending chain of the newest epoch, until the other side shows that it has that epoch
    receiving: tuple[PqReceiving, ...]  # newest epoch first
    since: int  # unix seconds when the epoch that we send in began
    due: bool = False  # that was a day ago

    @classmethod
    def start(cls, seed: bytes, now: int, *, initiator: bool) -> PqChains:
        """The chains of epoch 0."""
        out = hkdf(seed, salt=ZERO_SALT, info=b"Connexa/1 PQ start", length=160)
        root, forth, back, auth, mac = (out[i : i + 32] for i in range(0, 160, 32))
        send, receive = (forth, back) if initiator else (back, forth)
        agreement = ChunkedMlKem768(initiator, 0, 0, auth, mac)
        return cls(root, agreement, PqSending(send, 0), b"", (PqReceiving(0, receive, 0, {}, now),), now)

    def send(self, rng: Rng) -> tuple[PqChains, int, int, bytes, bytes]:
        """The next sending key: epoch, number, chunk, key."""
        n = self.sending.n
        renew = self.due or n + self.receiving[0].n >= RENEW_AFTER
        agreement, epoch, chunk, secret = self.agreement.send(rng, renew=renew)
        chain, key = step(self.sending.chain, n)
        moved = PqChains(self.root, agreement, PqSending(chain, n + 1), self.waiting, self.receiving, self.since, self.due)
        if secret:
            root, send, receiving = moved._epoch(epoch + 1, secret)
            moved = replace(moved, root=root, waiting=send, receiving=receiving)
        return moved, epoch, n, chunk, key

    def receive(self, epoch: int, n: int, now: int) -> tuple[PqChains, bytes]:
        """The key of the other side's message `n` of an epoch."""
        index, current = self._find(epoch)
        if n < current.n:
            key, rest = take(current.skipped, n)
            moved = PqReceiving(epoch, current.chain, current.n, rest, current.used)
        else:
            if n - current.n > MAX_STEPS:
                raise Reject(Reason.JUMP)
            moved, key = _advance(current, n, now)
        receiving = (*self.receiving[:index], moved, *self.receiving[index + 1 :])
        if n > current.n:
            receiving = _within_limits(receiving)
        return PqChains(self.root, self.agreement, self.sending, self.waiting, receiving, self.since, self.due), key

    def after(self, epoch: int, chunk: bytes, now: int) -> PqChains:
        """What an authentic message of an epoch, with its chunk, brings about."""
        agreement, agreed = self.agreement.receive(epoch, chunk)
        due = now - self.since >= RENEW_AGE
        if agreement is self.agreement:
            return self if due == self.due else replace(self, due=due)
        moved = replace(self, agreement=agreement, due=due)
        if agreed:
            root, send, receiving = self._epoch(*agreed)
            return replace(moved, root=root, sending=PqSending(send, 0), receiving=receiving, since=now, due=False)
        if agreement.sending > self.agreement.sending:
            return replace(moved, sending=PqSending(self.waiting, 0), waiting=b"", since=now, due=False)
        return moved

    def without_old(self, now: int) -> PqChains:
        """Give up what nothing has used for 30 days; the other side may still send in the newest epoch and in the one before."""
        limit = now - MAX_AGE
        if all(chain.used >= limit for chain in self.receiving):
            return self
        live = tuple(c if c.used >= limit or not c.skipped else replace(c, skipped={}) for c in self.receiving[:2])
        late = tuple(takewhile(lambda chain: chain.used >= limit, self.receiving[2:]))
        return replace(self, receiving=live + late)

    def _find(self, epoch: int) -> tuple[int, PqReceiving]:
        for index, chain in enumerate(self.receiving):
            if chain.epoch == epoch:
                return index, chain
        if epoch > self.receiving[0].epoch:
            raise Reject(Reason.STEP)
        raise Duplicate

    def _epoch(self, epoch: int, secret: bytes) -> tuple[bytes, bytes, tuple[PqReceiving, ...]]:
        """Root, our sending chain and the receiving chains of a new epoch."""
        out = hkdf(secret, salt=self.root, info=b"Connexa/1 PQ epoch" + epoch.to_bytes(8, "big"), length=96)
        forth, back = out[32:64], out[64:]
        send, receive = (forth, back) if self.agreement.initiator else (back, forth)
        newest = PqReceiving(epoch, receive, 0, {}, self.receiving[0].used)
        return out[:32], send, (newest, *self.receiving[: KEPT_EPOCHS - 1])


def _advance(current: PqReceiving, n: int, now: int) -> tuple[PqReceiving, bytes]:
    chain, passed = current.chain, {}
    for number in range(current.n, n):
        chain, passed[number] = step(chain, number)
    chain, key = step(chain, n)
    skipped = {**current.skipped, **passed} if passed else current.skipped
    return PqReceiving(current.epoch, chain, n + 1, skipped, now), key


def _within_limits(receiving: tuple[PqReceiving, ...]) -> tuple[PqReceiving, ...]:
    """Give up the oldest stored keys beyond the limit."""
    surplus = sum(len(chain.skipped) for chain in receiving) - MAX_SKIPPED
    if surplus <= 0:
        return receiving
    kept = []
    for chain in reversed(receiving):
        rest = without_lowest(chain.skipped, surplus)
        surplus -= len(chain.skipped) - len(rest)
        kept.append(replace(chain, skipped=rest))
    return tuple(reversed(kept))


def step(chain: bytes, n: int) -> tuple[bytes, bytes]:
    """One step of a chain: the next chain key and the key of message `n`."""
    out = hkdf(chain, salt=ZERO_SALT, info=n.to_bytes(4, "big") + b"Connexa/1 PQ next", length=64)
    return out[:32], out[32:]
