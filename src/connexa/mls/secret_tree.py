"""The secret tree (RFC 9420 §9): one key and nonce for each message of each sender, deleted when used.

Secrets are derived as late as possible and deleted as early as possible: a node's secret when its children's are made, a ratchet's when
it steps, a message's key when the message is accepted. `reach` changes nothing: it says which key a message needs and what the tree will
be without it; `settle` makes it so. Between the two the caller opens the message and checks its signature, so that a forgery, even an
insider's that opens, burns no key of the member it names (V24).

Memory is bounded (§9.2): `Windows` says how far ahead of a sender's last message a key is derived and how many skipped keys are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connexa.crypto import Secret
from connexa.mls.codec import V, decode, items, rv, u32, u64, vec
from connexa.mls.errors import GenerationGap, ReplayError, ValidationError
from connexa.mls.registry import ContentType
from connexa.mls.suite import Suite

__all__ = ["MessageKey", "SecretTree", "SenderRatchet", "Step", "Windows", "sender_data_key"]


@dataclass(frozen=True, slots=True)
class Windows:
    """Per sender and ratchet: keys kept for messages that were skipped, and messages that one may skip."""

    skipped: int = 256
    application_gap: int = 1000
    handshake_gap: int = 8


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MessageKey(Secret):
    """What seals one message; the nonce is still without its reuse guard."""

    generation: int
    key: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SenderRatchet(Secret):
    """One sender's chain for one kind of message (§9.1): the secret of the next generation, and the keys that were skipped."""

    secret: bytes
    generation: int
    skipped: dict[int, MessageKey]

    def reach(self, suite: Suite, generation: int, *, gap: int, keep: int) -> tuple[MessageKey, SenderRatchet]:
        """The key of a generation, and the ratchet without it; raises `ReplayError` or `GenerationGap`."""
        if generation < self.generation:
            return self._recall(generation)
        if generation - self.generation > gap:
            raise GenerationGap(generation - self.generation)
        secret, skipped = self.secret, self.skipped
        if generation > self.generation:
            skipped = dict(skipped)
        for passed in range(self.generation, generation):
            if generation - passed <= keep:
                skipped[passed] = _message_key(suite, secret, passed)
            secret = suite.derive_tree_secret(secret, "secret", passed, suite.nh)
        while len(skipped) > keep:
            del skipped[next(iter(skipped))]
        after = suite.derive_tree_secret(secret, "secret", generation, suite.nh)
        return _message_key(suite, secret, generation), SenderRatchet(after, generation + 1, skipped)

    def _recall(self, generation: int) -> tuple[MessageKey, SenderRatchet]:
        if generation not in self.skipped:
            raise ReplayError
        skipped = dict(self.skipped)
        key = skipped.pop(generation)
        return key, SenderRatchet(self.secret, self.generation, skipped)


_At = tuple[int, bool]  # a leaf, and whether its ratchet for handshakes
_Descent = tuple[tuple[int, ...], dict[int, bytes], dict[_At, SenderRatchet]]
_NOTHING: _Descent = ((), {}, {})


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Step(Secret):
    """A key that was reached, and what `SecretTree.settle` does to delete it."""

    key: MessageKey
    spent: tuple[int, ...]
    nodes: dict[int, bytes]
    ratchets: dict[_At, SenderRatchet]
    turn: int


class SecretTree(Secret):
    """The message keys of one epoch. `leaves` is the full width of the ratchet tree, a power of two."""

    __slots__ = ("_nodes", "_ratchets", "_suite", "_turn", "_windows", "leaves")

    def __init__(self, suite: Suite, leaves: int, encryption_secret: bytes, windows: Windows | None = None) -> None:
        self._suite = suite
        self._windows = windows or Windows()
        self._turn = 0
        self._nodes = {leaves - 1: encryption_secret}
        self._ratchets: dict[_At, SenderRatchet] = {}
        self.leaves = leaves

    def next(self, leaf: int, content_type: int, at_least: int = 0) -> Step:
        """The key of our own next message: settle it in the transaction that stores the message, or it is used twice.

        Who seals a message before it is known whether it will be sent leaves its step unsettled, and begins the others behind it by
        `at_least`, a generation, but never further ahead than others follow: of many that are given up, the last ones share a key, under
        reuse guards of their own. Keys that are passed over are not kept.
        """
        at, descent, ratchet = self._find(leaf, content_type)
        generation = max(ratchet.generation, min(at_least, ratchet.generation + self._windows.handshake_gap))
        return self._step(at, descent, ratchet.reach(self._suite, generation, gap=generation, keep=0))

    def reach(self, leaf: int, content_type: int, generation: int) -> Step:
        """The key of a message that arrived; raises `ReplayError`, `GenerationGap`, or `ValidationError` for no such leaf."""
        at, descent, ratchet = self._find(leaf, content_type)
        gap = self._windows.application_gap if content_type == ContentType.APPLICATION else self._windows.handshake_gap
        return self._step(at, descent, ratchet.reach(self._suite, generation, gap=gap, keep=self._windows.skipped))

    def settle(self, step: Step) -> None:
        """Delete the key that was reached, at once after its message was accepted; `ValueError` if another one was settled since."""
        if step.turn != self._turn:
            raise ValueError("this step was taken before another one was settled")
        self._turn += 1
        for node in step.spent:
            del self._nodes[node]
        self._nodes.update(step.nodes)
        self._ratchets.update(step.ratchets)

    def drop_handshakes(self) -> None:
        """Delete the ratchets for handshakes, of which an epoch that has ended takes none (V25)."""
        self._turn += 1
        self._ratchets = {at: ratchet for at, ratchet in self._ratchets.items() if not at[1]}

    def _find(self, leaf: int, content_type: int) -> tuple[_At, _Descent, SenderRatchet]:
        """A sender's ratchet for this kind of message, and how it was made if this is its first."""
        if not 0 <= leaf < self.leaves:
            raise ValidationError("V23", "A message names a sender outside the tree.")
        at = (leaf, content_type != ContentType.APPLICATION)
        known = self._ratchets.get(at)
        if known is not None:
            return at, _NOTHING, known
        descent = self._descend(leaf)
        return at, descent, descent[2][at]

    def _step(self, at: _At, descent: _Descent, reached: tuple[MessageKey, SenderRatchet]) -> Step:
        spent, nodes, begun = descent
        key, after = reached
        return Step(key, spent, nodes, {**begun, at: after}, self._turn)

    def _descend(self, leaf: int) -> _Descent:
        """From the deepest secret above a leaf to its two ratchets: the nodes spent, the secrets of their other children, the ratchets."""
        suite = self._suite
        node, half, target = self.leaves - 1, self.leaves // 2, 2 * leaf
        secret = self._nodes.get(node)
        spent = [node] if secret else []
        nodes: dict[int, bytes] = {}
        while node != target:
            left, right = node - half, node + half
            node, other = (left, right) if target < node else (right, left)
            if secret is None:
                secret = self._nodes.get(node)
                if secret:
                    spent.append(node)
            else:
                nodes[other] = _child(suite, secret, left=other == left)
                secret = _child(suite, secret, left=node == left)
            half //= 2
        if secret is None:
            raise ValidationError("V46", "The secrets of this sender have been deleted.")
        first = {
            (leaf, True): SenderRatchet(suite.expand_with_label(secret, "handshake", b"", suite.nh), 0, {}),
            (leaf, False): SenderRatchet(suite.expand_with_label(secret, "application", b"", suite.nh), 0, {}),
        }
        return tuple(spent), nodes, first

    def parts(self) -> dict[str, bytes]:
        """All that the tree holds, for storage, in small parts: secret."""
        nodes = {f"node {node}": secret for node, secret in self._nodes.items()}
        return nodes | {_name(at): _dump(ratchet) for at, ratchet in self._ratchets.items()}

    @staticmethod
    def changed(step: Step) -> dict[str, bytes | None]:
        """The parts that a step changes; `None` deletes one."""
        gone: dict[str, bytes | None] = {f"node {node}": None for node in step.spent}
        kept = {f"node {node}": secret for node, secret in step.nodes.items()}
        return gone | kept | {_name(at): _dump(ratchet) for at, ratchet in step.ratchets.items()}

    @classmethod
    def load(cls, suite: Suite, leaves: int, parts: Mapping[str, bytes], windows: Windows | None = None) -> SecretTree:
        """The tree that was stored."""
        tree = cls(suite, leaves, b"", windows)
        tree._nodes.clear()
        for name, part in parts.items():
            kind, _, at = name.partition(" ")
            if kind == "node":
                tree._nodes[int(at)] = part
            else:
                leaf, _, handshake = at.partition(" ")
                tree._ratchets[int(leaf), handshake == "handshake"] = decode(_read_ratchet, part)
        return tree


def _name(at: _At) -> str:
    leaf, handshake = at
    return f"ratchet {leaf} {'handshake' if handshake else 'application'}"


def sender_data_key(suite: Suite, sender_data_secret: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
    """Key and nonce for the sender data of one ciphertext (§6.3.2)."""
    sample = ciphertext[: suite.nh]
    key = suite.expand_with_label(sender_data_secret, "key", sample, suite.nk)
    return key, suite.expand_with_label(sender_data_secret, "nonce", sample, suite.nn)


def _message_key(suite: Suite, secret: bytes, generation: int) -> MessageKey:
    key = suite.derive_tree_secret(secret, "key", generation, suite.nk)
    return MessageKey(generation, key, suite.derive_tree_secret(secret, "nonce", generation, suite.nn))


def _child(suite: Suite, secret: bytes, *, left: bool) -> bytes:
    return suite.expand_with_label(secret, "tree", b"left" if left else b"right", suite.nh)


def _dump(ratchet: SenderRatchet) -> bytes:
    skipped = vec(key.generation.to_bytes(4, "big") + V(key.key) + V(key.nonce) for key in ratchet.skipped.values())
    return ratchet.generation.to_bytes(8, "big") + V(ratchet.secret) + skipped


def _read_ratchet(buf: bytes, pos: int) -> tuple[SenderRatchet, int]:
    generation, pos = u64(buf, pos)
    secret, pos = rv(buf, pos)
    skipped, pos = items(_read_key, buf, pos)
    return SenderRatchet(secret, generation, {key.generation: key for key in skipped}), pos


def _read_key(buf: bytes, pos: int) -> tuple[MessageKey, int]:
    generation, pos = u32(buf, pos)
    key, pos = rv(buf, pos)
    nonce, pos = rv(buf, pos)
    return MessageKey(generation, key, nonce), pos
