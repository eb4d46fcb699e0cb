"""All that a member keeps of a group between two messages, in memory and as the parts of a `Store`."""

from __future__ import annotations

from collections.abc import Mapping

from connexa.errors import IntegrityError
from connexa.mls.codec import V, decode, items, rv, u8, u32, vec
from connexa.mls.epoch import Epoch
from connexa.mls.errors import MLSError
from connexa.mls.framing import Sender
from connexa.mls.key_schedule import EpochSecrets, GroupContext
from connexa.mls.past import PastEpochs
from connexa.mls.policy import AuthenticationService, Rules
from connexa.mls.proposal_list import Listed, ProposalStore
from connexa.mls.proposals import ReInit, encode_proposal, read_proposal
from connexa.mls.public_state import PublicState
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.receiving import OwnUpdate
from connexa.mls.roster import Roster
from connexa.mls.secret_tree import SecretTree, Windows
from connexa.mls.staged import StagedCommit
from connexa.mls.suite import Suite, get_suite
from connexa.mls.tree_kem import PrivatePath

__all__ = [
    "GroupState",
    "dump_listed",
    "dump_public",
    "dump_staged",
    "join_parts",
    "key_part",
    "load_public",
    "load_staged",
    "proposal_part",
    "read_listed",
    "split_parts",
]

_VERSION = 1
_RESERVED = "reserved"


class GroupState:
    """The current epoch with its proposals, and what is left of earlier ones."""

    __slots__ = ("_kept", "epoch", "past", "proposals", "reinit", "reserved", "updates")

    def __init__(self, epoch: Epoch, past: PastEpochs | None = None) -> None:
        self.epoch = epoch
        self.past = past or PastEpochs()
        self.proposals = ProposalStore()
        self.updates: dict[bytes, OwnUpdate] = {}
        self.reinit: ReInit | None = None  # by which the group has ended
        self.reserved = 0  # generations of our handshake ratchet that staged commits use
        self._kept = 0  # so many of them in the store as well

    def after(self, staged: StagedCommit, rules: Rules, now: int) -> GroupState:
        """The state in the epoch that a commit begins; this one is void."""
        self.past.retire(self.epoch, rules, now)
        after = GroupState(staged.next, self.past)
        after.reinit = staged.reinit
        return after

    def reserve(self, generations: int) -> None:
        """A staged commit uses the last of so many generations; to make one changes nothing in the store."""
        self.reserved = max(self.reserved, generations)

    def keep_reserved(self) -> dict[str, bytes | None]:
        """What the store has to know before a staged commit outlives this object."""
        self._kept = self.reserved
        return {_RESERVED: self._kept.to_bytes(4, "big")}

    def drop_proposals(self) -> dict[str, bytes | None]:
        """Forget the pending proposals and the keys of our own Updates."""
        gone = dict.fromkeys(proposal_part(number) for number in range(len(self.proposals)))
        self.proposals, self.updates = ProposalStore(), {}
        return gone

    def parts(self) -> dict[str, bytes]:
        """Everything, for storage: secret."""
        return {"epoch": dump_epoch(self.epoch)} | self.passing_parts() | self.past.parts()

    def passing_parts(self) -> dict[str, bytes]:
        """What ends with the current epoch: its message keys and proposals."""
        found = {key_part(name): part for name, part in self.epoch.ratchets.parts().items()}
        found |= {proposal_part(number): self.dump_proposal(listed) for number, listed in enumerate(self.proposals)}
        if self.reinit is not None:
            found["reinit"] = self.reinit.encode()
        if self._kept:
            found[_RESERVED] = self._kept.to_bytes(4, "big")
        return found

    def dump_proposal(self, listed: Listed) -> bytes:
        """One pending proposal, with the keys of our own Update."""
        update = self.updates.get(listed.ref or b"")
        keys = b"" if update is None else V(update.encryption.raw) + V(update.signer.raw)
        return dump_listed(listed) + keys

    @classmethod
    def load(cls, parts: Mapping[str, bytes], auth: AuthenticationService, windows: Windows) -> GroupState:
        """What was stored, or `IntegrityError`."""
        try:
            return cls._load(parts, auth, windows)
        except (MLSError, LookupError, ValueError):
            raise IntegrityError("mls.state_broken", "The stored state of a group cannot be read.") from None

    @classmethod
    def _load(cls, parts: Mapping[str, bytes], auth: AuthenticationService, windows: Windows) -> GroupState:
        keys = {name.removeprefix("key "): part for name, part in parts.items() if name.startswith("key ")}
        epoch = load_epoch(parts["epoch"], keys, auth, windows)
        suite = epoch.public.suite
        state = cls(epoch, PastEpochs.load(suite, parts, windows))
        for name in sorted(name for name in parts if name.startswith("proposal ")):
            state._load_proposal(suite, parts[name])
        if "reinit" in parts:
            state.reinit = decode(ReInit.read, parts["reinit"])
        state.reserved = state._kept = int.from_bytes(parts.get(_RESERVED, b""), "big")
        return state

    def _load_proposal(self, suite: Suite, part: bytes) -> None:
        listed, pos = read_listed(part, 0)
        self.proposals.add(listed)
        if listed.ref is not None and pos < len(part):
            encryption, pos = rv(part, pos)
            signer, pos = rv(part, pos)
            self.updates[listed.ref] = OwnUpdate(suite.load_key_pair(encryption), suite.load_signature_key(signer))


def key_part(name: str) -> str:
    """The name of a part of the current secret tree."""
    return f"key {name}"


def proposal_part(number: int) -> str:
    """The name of a pending proposal's part."""
    return f"proposal {number:05}"


def dump_public(public: PublicState) -> bytes:
    """What everybody sees of an epoch."""
    found = bytes((_VERSION,)) + V(public.context.encode()) + V(public.tree.encode())
    return found + V(public.interim_transcript_hash) + V(public.confirmation_tag)


def load_public(auth: AuthenticationService, buf: bytes, pos: int) -> tuple[PublicState, int]:
    """What was stored; the tree is one that we checked and is not checked again."""
    version, pos = u8(buf, pos)
    if version != _VERSION:
        raise ValueError(version)
    encoded, pos = rv(buf, pos)
    context = decode(GroupContext.read, encoded)
    suite = get_suite(context.cipher_suite, experimental=True)
    nodes, pos = rv(buf, pos)
    tree = RatchetTree.decode(suite, nodes)
    interim, pos = rv(buf, pos)
    tag, pos = rv(buf, pos)
    roster = Roster(auth, (leaf for _, leaf in tree.members()))
    return PublicState(suite, context, tree, roster, interim, tag), pos


def dump_epoch(epoch: Epoch) -> bytes:
    """An epoch without its secret tree: secret."""
    own = epoch.own.to_bytes(4, "big") + V(epoch.signer.raw) + V(epoch.path.encode())
    return dump_public(epoch.public) + own + b"".join(V(getattr(epoch.secrets, name)) for name in EpochSecrets.__slots__)


def load_epoch(part: bytes, keys: Mapping[str, bytes], auth: AuthenticationService, windows: Windows) -> Epoch:
    """The epoch that was stored."""
    public, pos = load_public(auth, part, 0)
    suite = public.suite
    own, pos = u32(part, pos)
    signer, pos = rv(part, pos)
    encoded, pos = rv(part, pos)
    path, _ = PrivatePath.read(suite, encoded, 0)
    secrets = []
    for _ in EpochSecrets.__slots__:
        secret, pos = rv(part, pos)
        secrets.append(secret)
    ratchets = SecretTree.load(suite, public.tree.width, keys, windows)
    return Epoch(public, own, suite.load_signature_key(signer), path, EpochSecrets(*secrets), ratchets)


def dump_staged(staged: StagedCommit) -> bytes:
    """A staged commit with the epoch that it begins: secret."""
    listed = vec(map(dump_listed, staged.proposals))
    added = vec(leaf.to_bytes(4, "big") for leaf in staged.added)
    numbers = staged.sender.to_bytes(4, "big") + staged.next_generation.to_bytes(4, "big")
    keys = join_parts(staged.next.ratchets.parts())
    welcome = staged.welcome or b""
    head = bytes((_VERSION,)) + V(staged.commit) + V(welcome) + numbers + listed + added + V(staged.base)
    return head + V(dump_epoch(staged.next)) + V(keys)


def load_staged(dump: bytes, auth: AuthenticationService, windows: Windows) -> StagedCommit:
    """The staged commit of a dump, or `IntegrityError`."""
    try:
        return _load_staged(dump, auth, windows)
    except (MLSError, ValueError):
        raise IntegrityError("mls.state_broken", "A stored commit cannot be read.") from None


def _load_staged(dump: bytes, auth: AuthenticationService, windows: Windows) -> StagedCommit:
    version, pos = u8(dump, 0)
    if version != _VERSION:
        raise ValueError(version)
    commit, pos = rv(dump, pos)
    welcome, pos = rv(dump, pos)
    sender, pos = u32(dump, pos)
    next_generation, pos = u32(dump, pos)
    listed, pos = items(read_listed, dump, pos)
    added, pos = items(u32, dump, pos)
    base, pos = rv(dump, pos)
    epoch, pos = rv(dump, pos)
    keys, pos = rv(dump, pos)
    begun = load_epoch(epoch, split_parts(keys), auth, windows)
    return StagedCommit(commit, welcome or None, sender, tuple(listed), tuple(added), base, next_generation, begun)


def dump_listed(listed: Listed) -> bytes:
    return V(listed.ref or b"") + listed.sender.encode() + encode_proposal(listed.proposal)


def read_listed(buf: bytes, pos: int) -> tuple[Listed, int]:
    ref, pos = rv(buf, pos)
    sender, pos = Sender.read(buf, pos)
    proposal, pos = read_proposal(buf, pos)
    return Listed(proposal, sender, ref or None), pos


def join_parts(parts: Mapping[str, bytes]) -> bytes:
    """All parts as one, the same for the same state."""
    return bytes((_VERSION,)) + vec(V(name.encode()) + V(parts[name]) for name in sorted(parts))


def split_parts(dump: bytes) -> dict[str, bytes]:
    """The parts of a dump, or `IntegrityError`."""
    try:
        if dump[:1] != bytes((_VERSION,)):
            raise ValueError(dump[:1])
        return {name.decode(): part for name, part in decode(_read_parts, dump[1:])}
    except (MLSError, ValueError):
        raise IntegrityError("mls.state_broken", "The stored state of a group cannot be read.") from None


def _read_parts(buf: bytes, pos: int) -> tuple[list[tuple[bytes, bytes]], int]:
    return items(_read_part, buf, pos)


def _read_part(buf: bytes, pos: int) -> tuple[tuple[bytes, bytes], int]:
    name, pos = rv(buf, pos)
    part, pos = rv(buf, pos)
    return (name, part), pos
