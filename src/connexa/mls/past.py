"""What is kept of epochs that have ended: enough to read late application messages, and the resumption PSKs (RFC 9420 §8.6, §14).

Handshakes of an old epoch are never applied (V25), so their keys are not kept; nor is the tree, only the keys that signed in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connexa.crypto import Secret
from connexa.mls.codec import V, items, rv, u32, u64, vec
from connexa.mls.epoch import Epoch
from connexa.mls.errors import EpochError, ValidationError
from connexa.mls.framing import PrivateMessage, VerifiedContent, unprotect_private
from connexa.mls.policy import Rules
from connexa.mls.secret_tree import SecretTree, Step, Windows
from connexa.mls.suite import Suite

__all__ = ["PastEpoch", "PastEpochs"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PastEpoch(Secret):
    """An epoch that messages may still come from."""

    number: int
    ended: int  # Unix seconds by our clock
    own: int
    context: bytes  # encoded
    signature_keys: tuple[bytes, ...]  # by leaf; empty for a blank one
    sender_data_secret: bytes
    ratchets: SecretTree
    head: bytes  # all of it but the ratchets, as it is stored: what a thousand keys take is encoded once

    @classmethod
    def of(cls, epoch: Epoch, now: int) -> PastEpoch:
        """What stays of an epoch that ends now."""
        public = epoch.public
        keys = tuple([b"" if leaf is None else leaf.signature_key for leaf in public.tree.leaves()])
        epoch.ratchets.drop_handshakes()
        number, context, sender_data_secret = public.context.epoch, public.context.encode(), epoch.secrets.sender_data_secret
        fixed = number.to_bytes(8, "big") + now.to_bytes(8, "big") + epoch.own.to_bytes(4, "big")
        head = fixed + V(context) + vec([b"\0" if not key else V(key) for key in keys]) + V(sender_data_secret)
        return cls(number, now, epoch.own, context, keys, sender_data_secret, epoch.ratchets, head)

    def open(self, suite: Suite, message: PrivateMessage) -> tuple[VerifiedContent, Step]:
        """A late message, if it holds."""
        return unprotect_private(
            suite, message, self.ratchets, self.sender_data_secret, self.context, own_leaf=self.own, key_of=self.signature_key
        )

    def signature_key(self, leaf: int) -> bytes:
        """Whose messages came from a leaf in that epoch, or `ValidationError` for nobody's (V23)."""
        if leaf >= len(self.signature_keys) or not self.signature_keys[leaf]:
            raise ValidationError("V23", "A message names a sender who was no member.")
        return self.signature_keys[leaf]

    def parts(self) -> dict[str, bytes]:
        """For storage: secret."""
        return {f"past {self.number} ": self.head} | {self.part(name): part for name, part in self.ratchets.parts().items()}

    def part(self, name: str) -> str:
        """The name of a part of the ratchets."""
        return f"past {self.number} {name}"

    @classmethod
    def load(cls, suite: Suite, head: bytes, ratchets: Mapping[str, bytes], windows: Windows) -> PastEpoch:
        """What was stored."""
        number, pos = u64(head, 0)
        ended, pos = u64(head, pos)
        own, pos = u32(head, pos)
        context, pos = rv(head, pos)
        keys, pos = items(rv, head, pos)
        sender_data_secret, pos = rv(head, pos)
        tree = SecretTree.load(suite, len(keys), ratchets, windows)
        return cls(number, ended, own, context, tuple(keys), sender_data_secret, tree, head)


class PastEpochs:
    """The epochs whose late messages are read, and the resumption PSKs of some more."""

    __slots__ = ("epochs", "resumption")

    def __init__(self) -> None:
        self.epochs: dict[int, PastEpoch] = {}
        self.resumption: dict[int, bytes] = {}

    def retire(self, epoch: Epoch, rules: Rules, now: int) -> None:
        """Keep of an epoch that ends now what the rules let us keep."""
        number = epoch.public.context.epoch
        self.epochs[number] = PastEpoch.of(epoch, now)
        self.resumption[number] = epoch.secrets.resumption_psk
        while len(self.epochs) > rules.past_epochs:
            del self.epochs[min(self.epochs)]
        while len(self.resumption) > rules.resumption_epochs:
            del self.resumption[min(self.resumption)]
        self.expire(rules, now)

    def expire(self, rules: Rules, now: int) -> list[str]:
        """Delete what has become too old; the names of the parts that go."""
        old = [number for number, past in self.epochs.items() if past.ended + rules.past_epoch_seconds < now]
        return [name for number in old for name in self.epochs.pop(number).parts()]

    def get(self, number: int, current: int) -> PastEpoch:
        """The epoch of a late message, or `EpochError`."""
        found = self.epochs.get(number)
        if found is None:
            raise EpochError(current, number)
        return found

    def parts(self) -> dict[str, bytes]:
        """Everything, for storage: secret."""
        found = {f"resumption {number}": psk for number, psk in self.resumption.items()}
        for past in self.epochs.values():
            found |= past.parts()
        return found

    @classmethod
    def load(cls, suite: Suite, parts: Mapping[str, bytes], windows: Windows) -> PastEpochs:
        """What was stored, among other parts."""
        past = cls()
        ratchets: dict[int, dict[str, bytes]] = {}
        for name, part in parts.items():
            kind, _, rest = name.partition(" ")
            if kind == "resumption":
                past.resumption[int(rest)] = part
            elif kind == "past":
                number, _, key = rest.partition(" ")
                ratchets.setdefault(int(number), {})[key] = part
        for epoch, keys in ratchets.items():
            past.epochs[epoch] = PastEpoch.load(suite, keys.pop(""), keys, windows)
        return past
