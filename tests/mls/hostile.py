"""A member who keeps to no rule: messages, commits, Welcomes and trees in which exactly one thing is wrong.

They are built with the room's lower layers (framing, key schedule, HPKE) and a naive tree, signed, tagged and sealed as if all were well:
a commit of his leads to an epoch that everybody can compute, so that nothing but the rule under test stands in its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from connexa.crypto.mls import KemSecret, SignatureSecret
from connexa.mls.codec import V
from connexa.mls.content import VerifiedContent, encode_body
from connexa.mls.extensions import Extensions
from connexa.mls.framing import (
    Body,
    FramedContent,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
    SenderData,
    sign_content,
)
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.key_schedule import (
    GroupContext,
    NewEpoch,
    confirmation_tag,
    confirmed_transcript_hash,
    derive_epoch,
    derive_joiner_secret,
)
from connexa.mls.nodes import Credential, HPKECiphertext, LeafNode, ParentNode, UpdatePath, UpdatePathNode
from connexa.mls.proposals import Add, Commit, Proposal, Remove, Update
from connexa.mls.psk import PreSharedKeyID, psk_secret
from connexa.mls.registry import MLS10, ContentType, ExtensionType, SenderType, WireFormat
from connexa.mls.secret_tree import sender_data_key
from connexa.mls.welcome import GroupInfo, NewMember, seal_welcome
from tests.mls.kit import CAPABILITIES, LIFETIME, NO_EXTENSIONS, NOW, Person, Room, refused
from tests.mls.naive_tree import NaiveTree

__all__ = ["Hostile", "Path", "Ref", "add_refused", "forge_leaf", "forge_package", "join_refused"]


RATCHET_TREE = ExtensionType.RATCHET_TREE


@dataclass(frozen=True)
class Ref:
    """A proposal that somebody sent before: its reference, itself, and who sent it."""

    ref: bytes
    proposal: Proposal
    sender: int


@dataclass
class Path:
    """How an UpdatePath is made; what is left alone is honest."""

    leaf: Callable[[dict], dict] = lambda fields: fields  # of the new leaf, before it is signed
    nodes: Callable[[list[UpdatePathNode]], list[UpdatePathNode]] = lambda nodes: nodes  # after the leaf was signed
    publish: Callable[[int, bytes], bytes] = lambda position, key: key  # the key that is shown for a node, before hashes are made of it
    sealed_to: Callable[[list[int]], list[int]] = lambda resolution: resolution
    context: Callable[[GroupContext], GroupContext] = lambda context: context  # that seals the path secrets
    raw_leaf: Callable[[LeafNode], LeafNode] = lambda leaf: leaf


def forge_leaf(person: Person, *, signer: SignatureSecret | None = None, encryption_key: bytes | None = None, **fields) -> LeafNode:
    """A leaf of any source, at any place, signed; without lifetime and parent hash it is one of an Update."""
    signer = signer or person.signer
    key = encryption_key if encryption_key is not None else person.suite.generate_key_pair(person.rng).public
    fields = {"credential": Credential.basic(person.identity), "capabilities": CAPABILITIES, "extensions": Extensions(), **fields}
    credential, capabilities = fields.pop("credential"), fields.pop("capabilities")
    return LeafNode.sign(person.suite, signer, key, credential, capabilities, **fields)


def forge_package(
    person: Person,
    *,
    leaf: LeafNode | None = None,
    init: KemSecret | None = None,
    init_key: bytes | None = None,
    encryption: KemSecret | None = None,
    version: int = MLS10,
    cipher_suite: int | None = None,
    extensions: Extensions = NO_EXTENSIONS,
    signer: SignatureSecret | None = None,
    **fields,
) -> KeyPackageBundle:
    """A key package that is signed, whatever else it is."""
    suite = person.suite
    init = init or suite.generate_key_pair(person.rng)
    encryption = encryption or suite.generate_key_pair(person.rng)
    leaf = leaf or forge_leaf(person, signer=signer, **{"lifetime": LIFETIME, "encryption_key": encryption.public, **fields})
    number = suite.number if cipher_suite is None else cipher_suite
    shown = init.public if init_key is None else init_key
    tbs = version.to_bytes(2, "big") + number.to_bytes(2, "big") + V(shown) + leaf.raw + extensions.encode()
    signature = suite.sign_with_label(signer or person.signer, "KeyPackageTBS", tbs)
    package, _ = KeyPackage.read(tbs + V(signature), 0)
    return KeyPackageBundle(package, init, encryption, signer or person.signer)


class Hostile:
    """Has the whole state of a member, in a copy."""

    def __init__(self, room: Room, name: str) -> None:
        self.room, self.name = room, name
        self.person = room.people[name]
        self.group = self.person.restarted(room[name], rules=room.rules)
        self.epoch = self.group._state.epoch
        self.suite = self.group.suite
        self.leaf = self.group.own_leaf
        self.context: GroupContext = self.group.context
        self.rng = self.person.rng
        self.capabilities = self.group.members()[0].leaf_node.capabilities

    @property
    def tree(self) -> NaiveTree:
        return NaiveTree.decode(self.suite, self.group.ratchet_tree())

    # Leaves and proposals

    @staticmethod
    def leaf_of(person: Person, extensions: Extensions) -> LeafNode:
        """The leaf of a key package of somebody's, with these extensions and the usual capabilities."""
        return forge_leaf(person, lifetime=LIFETIME, extensions=extensions)

    def leaf_node(self, **fields) -> LeafNode:
        """A leaf of an Update of ours, for our place, unless said otherwise."""
        place = {"group_id": self.context.group_id, "leaf_index": self.leaf, "capabilities": self.capabilities}
        return forge_leaf(self.person, **{**place, **fields})

    def propose(self, proposal: Proposal, **how) -> bytes:
        """An MLSMessage with a proposal."""
        return self.say(proposal, **how)

    def referred(self, proposal: Proposal, **how) -> tuple[bytes, Ref]:
        """The same, and what a commit that refers to it says."""
        signed = self.sign(proposal, **how)
        return self.protect(signed, **how), Ref(signed.ref(self.suite), proposal, signed.content.sender.index)

    # Framing

    def sign(
        self,
        body: Body,
        *,
        sender: Sender | None = None,
        signer: SignatureSecret | None = None,
        group_id: bytes | None = None,
        epoch: int | None = None,
        aad: bytes = b"",
        private: bool = False,
        signed_as: WireFormat | None = None,
        context: GroupContext | None = None,
        **_: object,
    ) -> VerifiedContent:
        group_id = self.context.group_id if group_id is None else group_id
        epoch = self.context.epoch if epoch is None else epoch
        content = FramedContent.make(group_id, epoch, sender or Sender(SenderType.MEMBER, self.leaf), body, aad)
        wire = WireFormat.PRIVATE_MESSAGE if private else WireFormat.PUBLIC_MESSAGE
        signed = sign_content(self.suite, signed_as or wire, content, signer or self.epoch.signer, (context or self.context).encode())
        return replace(signed, wire_format=wire)

    def protect(
        self,
        signed: VerifiedContent,
        *,
        private: bool = False,
        membership_tag: bytes | None = None,
        context: GroupContext | None = None,
        **private_how,
    ) -> bytes:
        if private:
            return self.seal(signed, **{k: v for k, v in private_how.items() if k in _SEALING})
        tag = None
        if signed.content.sender.type == SenderType.MEMBER:
            authentic = signed.signed((context or self.context).encode()) + signed.auth_data()
            tag = self.suite.mac(self.epoch.secrets.membership_key, authentic) if membership_tag is None else membership_tag
        return MLSMessage(PublicMessage(signed, tag)).encode()

    def say(self, body: Body, **how) -> bytes:
        """Anything, framed as a PublicMessage or sealed."""
        return self.protect(self.sign(body, **how), **how)

    def seal(
        self,
        signed: VerifiedContent,
        *,
        padding: bytes = b"",
        ratchet: ContentType | None = None,
        shown_type: ContentType | None = None,
        sender_leaf: int | None = None,
        generation: int | None = None,
        guard: bytes = b"\1\2\3\4",
        plaintext: bytes | None = None,
    ) -> bytes:
        """A PrivateMessage with the key of any ratchet and generation of ours, and any padding."""
        content = signed.content
        kind = shown_type or content.content_type
        step = self.epoch.ratchets.next(self.leaf, ratchet or kind)
        if generation is not None:
            step = self.epoch.ratchets.reach(self.leaf, ratchet or kind, generation)
        shown = SenderData(self.leaf if sender_leaf is None else sender_leaf, step.key.generation, guard)
        plain = encode_body(content.body) + signed.auth_data() + padding if plaintext is None else plaintext
        head = PrivateMessage(content.group_id, content.epoch, kind, content.authenticated_data, b"", b"")
        sealed = self.suite.aead_seal(step.key.key, shown.nonce(step.key), head.aad(), plain)
        key, nonce = sender_data_key(self.suite, self.epoch.secrets.sender_data_secret, sealed)
        data = self.suite.aead_seal(key, nonce, head.sender_data_aad(), shown.encode())
        return MLSMessage(replace(head, encrypted_sender_data=data, ciphertext=sealed)).encode()

    # Commits

    def commit(
        self,
        *listed: Proposal | Ref,
        path: Path | bool | None = True,
        tag: bytes | None = None,
        init_secret: bytes | None = None,
        extensions: Extensions | None = None,
        psks: Sequence[tuple[PreSharedKeyID, bytes]] = (),
        **how,
    ) -> bytes:
        """A commit of anything: applied, sealed, signed and tagged as if it were allowed."""
        sender = how.get("sender") or Sender(SenderType.MEMBER, self.leaf)
        how = {**how, "sender": sender}
        tree = self.tree
        new = [self.apply(tree, one) for one in listed]
        committer = sender.index
        commit_secret, made = bytes(self.suite.nh), None
        context = replace(
            self.context, epoch=self.context.epoch + 1, extensions=self.context.extensions if extensions is None else extensions
        )
        if path:
            path = path if isinstance(path, Path) else Path()
            if sender.type != SenderType.MEMBER:
                committer = tree.add(forge_leaf(self.person))
            made, commit_secret = self.path(tree, committer, path, context, {leaf for leaf in new if leaf is not None})
        context = replace(context, tree_hash=tree.hash())
        items = tuple(one.ref if isinstance(one, Ref) else one for one in listed)
        signed = self.sign(Commit(items, made), **how)  # type: ignore[arg-type]
        confirmed = confirmed_transcript_hash(self.suite, self.epoch.public.interim_transcript_hash, signed.confirmed_input)
        context = replace(context, confirmed_transcript_hash=confirmed)
        epoch = self.schedule(context, commit_secret, psks, init_secret)
        self.next_epoch, self.next_context, self.next_tree = epoch, context, tree
        tag = confirmation_tag(self.suite, epoch.secrets.confirmation_key, confirmed) if tag is None else tag
        return self.protect(signed.confirm(tag), **how)

    def apply(self, tree: NaiveTree, one: Proposal | Ref) -> int | None:
        """Do to a tree what a proposal says; the leaf of an Add."""
        proposal, sender = (one.proposal, one.sender) if isinstance(one, Ref) else (one, self.leaf)
        if isinstance(proposal, Add):
            return tree.add(proposal.key_package.leaf_node)
        if isinstance(proposal, Update):
            tree.update(sender, proposal.leaf_node)
        if isinstance(proposal, Remove) and proposal.removed < tree.n_leaves:
            tree.remove(proposal.removed)
        return None

    def path(self, tree: NaiveTree, committer: int, path: Path, context: GroupContext, new: set[int]) -> tuple[UpdatePath, bytes]:
        """An UpdatePath (§7.5) set into the tree, and its commit secret."""
        suite = self.suite
        places = tree.filtered(committer)
        to = [[node for node in tree.resolution(child) if node // 2 not in new or node & 1] for _, child in places]
        secrets = [self.rng(suite.nh)]
        for _ in places:
            secrets.append(suite.derive_secret(secrets[-1], "path"))
        keys = [suite.derive_key_pair(suite.derive_secret(secret, "node")).public for secret in secrets[: len(places)]]
        shown = [path.publish(position, key) for position, key in enumerate(keys)]
        recipients = [[(node, tree.nodes[node].encryption_key) for node in path.sealed_to(resolution)] for resolution in to]
        self._hang(tree, committer, places, shown)
        fields = {"capabilities": self.capabilities, "parent_hash": b"", "group_id": self.context.group_id, "leaf_index": committer}
        if places:
            fields["parent_hash"] = tree.parent_hash(places[0][0], self._child(places[0]))
        leaf = path.raw_leaf(forge_leaf(self.person, **path.leaf(fields)))
        tree.nodes[2 * committer] = leaf
        sealing = path.context(replace(context, tree_hash=tree.hash()))
        sealer = suite.sealer("UpdatePathNode", sealing.encode())
        nodes = [
            UpdatePathNode(key, [HPKECiphertext(*sealer.seal(public, secret, self.rng)) for _, public in keys_of])
            for key, secret, keys_of in zip(shown, secrets, recipients, strict=False)
        ]
        return UpdatePath(leaf, tuple(path.nodes(nodes))), secrets[len(places)]

    @staticmethod
    def _child(place: tuple[int, int]) -> int:
        _, copath = place
        return copath ^ ((~copath & (copath + 1)) << 1)

    def _hang(self, tree: NaiveTree, committer: int, places: list[tuple[int, int]], keys: list[bytes]) -> None:
        """New parents with their hashes, from the root down (§7.9)."""
        old = tree.nodes[2 * committer]
        tree.update(committer, old if isinstance(old, LeafNode) else None)
        above = b""
        for place, key in reversed(list(zip(places, keys, strict=True))):
            tree.nodes[place[0]] = ParentNode(key, above)
            above = tree.parent_hash(place[0], self._child(place))

    def schedule(
        self,
        context: GroupContext,
        commit_secret: bytes,
        psks: Sequence[tuple[PreSharedKeyID, bytes]] = (),
        init_secret: bytes | None = None,
    ) -> NewEpoch:
        encoded = context.encode()
        init = self.epoch.secrets.init_secret if init_secret is None else init_secret
        self.joiner_secret = derive_joiner_secret(self.suite, init, commit_secret, encoded)
        return derive_epoch(self.suite, self.joiner_secret, psk_secret(self.suite, psks), encoded)

    # Welcomes

    def welcome(
        self,
        bundle: KeyPackageBundle,
        *,
        tree: NaiveTree | None = None,
        encoded_tree: bytes | None = None,
        context: Callable[[GroupContext], GroupContext] = lambda context: context,
        extensions: Callable[[Extensions], Extensions] = lambda extensions: extensions,
        info: Callable[[GroupInfo], GroupInfo] = lambda info: info,
        signer: int | None = None,
        signed_by: SignatureSecret | None = None,
        tag: bytes | None = None,
        path_secret: bytes | None = None,
        psks: Sequence[tuple[PreSharedKeyID, bytes]] = (),
        named: Sequence[PreSharedKeyID] | None = None,
        refs: Callable[[bytes], list[bytes]] = lambda ref: [ref],
        number: int | None = None,
    ) -> bytes:
        """A Welcome into a group of our own making: any tree, any context, with a tag and a signature that fit it."""
        suite = self.suite
        if tree is None:
            tree = self.tree
            tree.add(bundle.key_package.leaf_node)
        described = replace(self.context, epoch=self.context.epoch + 1, tree_hash=tree.hash(), confirmed_transcript_hash=self.rng(suite.nh))
        described = context(described)
        joiner_secret = self.rng(suite.nh)
        mixed = psk_secret(suite, psks)
        epoch = derive_epoch(suite, joiner_secret, mixed, described.encode())
        if tag is None:
            tag = confirmation_tag(suite, epoch.secrets.confirmation_key, described.confirmed_transcript_hash)
        shown = extensions(Extensions().with_ratchet_tree(tree.encode() if encoded_tree is None else encoded_tree))
        by = self.leaf if signer is None else signer
        described_info = info(GroupInfo.sign(suite, described, shown, tag, by, signed_by or self.epoch.signer))
        members = [NewMember(ref, bundle.key_package.init_key, path_secret) for ref in refs(bundle.key_package.ref(suite))]
        names = [name for name, _ in psks] if named is None else named
        welcome = seal_welcome(suite, described_info, joiner_secret, mixed, names, members, self.rng)
        return MLSMessage(welcome if number is None else replace(welcome, cipher_suite=number)).encode()

    def group_info(
        self,
        *,
        tree: NaiveTree | None = None,
        encoded_tree: bytes | None = None,
        context: Callable[[GroupContext], GroupContext] = lambda context: context,
        info: Callable[[GroupInfo], GroupInfo] = lambda info: info,
        extensions: Callable[[Extensions], Extensions] = lambda extensions: extensions,
        signer: int | None = None,
        signed_by: SignatureSecret | None = None,
    ) -> bytes:
        """A GroupInfo for those who join by an external commit, of any tree and context."""
        tree = tree or self.tree
        described = context(replace(self.context, tree_hash=tree.hash()))
        external = self.suite.derive_key_pair(self.epoch.secrets.external_secret).public
        shown = Extensions().with_external_pub(external).with_ratchet_tree(tree.encode() if encoded_tree is None else encoded_tree)
        by = self.leaf if signer is None else signer
        tag = self.epoch.public.confirmation_tag
        made = GroupInfo.sign(self.suite, described, extensions(shown), tag, by, signed_by or self.epoch.signer)
        return MLSMessage(info(made)).encode()


_SEALING = frozenset({"padding", "ratchet", "shown_type", "sender_leaf", "generation", "guard", "plaintext"})


def join_refused(author: Hostile, rule: str, *, tree: NaiveTree | None = None, **how) -> None:
    """A newcomer refuses this group by a Welcome, with the tree inside and beside it, and by an external commit; and has kept nothing."""
    newcomer = Person.make("newcomer", 42, author.suite)
    newcomer.auth = author.person.auth
    bundle = newcomer.bundle()
    outside = None if tree is None else tree.encode()
    if tree is not None:
        with refused(rule=rule):
            newcomer.external_join(author.group_info(tree=tree, **how), bundle=bundle)
        tree = NaiveTree(tree.suite, list(tree.nodes))
        tree.add(bundle.key_package.leaf_node)
        outside = tree.encode()
    with refused(rule=rule):
        newcomer.join(author.welcome(bundle, tree=tree, **how), bundle)
    if outside is not None:
        welcome = author.welcome(bundle, tree=tree, **{**how, "extensions": lambda extensions: extensions.without(RATCHET_TREE)})
        with refused(rule=rule):
            newcomer.join(welcome, bundle, ratchet_tree=outside)
    assert not newcomer.store.groups


def add_refused(room: Room, author: Hostile, package: KeyPackage, rule: str, *, alone: bool = True) -> None:
    """Nobody lets this key package in: not by a proposal (if it is wrong by itself), by an own commit, or by the author's."""
    reader = next(group for name, group in room.groups.items() if name != author.name)
    adding: list[Callable[[], object]] = [partial(reader.commit, add=[package], now=NOW)]
    received = [author.commit(Add(package)), author.commit(Add(package), path=False), author.commit(Add(package), private=True)]
    if alone:
        adding.append(partial(reader.propose_add, package, now=NOW))
        received.append(author.propose(Add(package)))
    adding += [partial(reader.process, message, now=NOW) for message in received]
    for act in adding:
        with refused(reader, rule=rule):
            act()
