"""tree-operations, tree-validation, treekem: the ratchet tree without a group around it."""

from __future__ import annotations

from functools import partial

from connexa.crypto import system_random
from connexa.mls.codec import decode
from connexa.mls.conformance.case import Case, Mismatch, expect
from connexa.mls.extensions import NO_EXTENSIONS
from connexa.mls.key_schedule import GroupContext
from connexa.mls.nodes import UpdatePath
from connexa.mls.proposals import Add, Remove, Update, read_proposal
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.tree_kem import LeafTemplate, PrivatePath, decap, encap
from connexa.mls.tree_validation import check_tree

__all__ = ["tree_operations", "tree_validation", "treekem"]


def tree_operations(case: Case) -> None:
    """One proposal, applied."""
    tree = RatchetTree.decode(case.suite, case.raw("tree_before"))
    expect("tree_hash_before", tree.hash(), case.raw("tree_hash_before"))
    proposal = decode(read_proposal, case.raw("proposal"))
    if isinstance(proposal, Add):
        tree.add(proposal.key_package.leaf_node)
    elif isinstance(proposal, Update):
        tree.update(case["proposal_sender"], proposal.leaf_node)
    elif isinstance(proposal, Remove):
        tree.remove(proposal.removed)
    else:
        raise Mismatch("the proposal is none that changes a tree")
    expect("tree_after", tree.encode(), case.raw("tree_after"))
    expect("tree_hash_after", tree.hash(), case.raw("tree_hash_after"))


def tree_validation(case: Case) -> None:
    """A tree as a joiner meets it: what stands for whom, all hashes, all signatures."""
    tree = RatchetTree.decode(case.suite, case.raw("tree"))
    expect("number of nodes", len(tree.nodes), len(case["resolutions"]))
    for node, (resolution, tree_hash) in enumerate(zip(case["resolutions"], case["tree_hashes"], strict=True)):
        expect(f"resolution of node {node}", list(tree.resolution(node)), resolution)
        expect(f"tree hash of node {node}", tree.hash(node).hex(), tree_hash)
    check_tree(tree, case.raw("group_id"))
    expect("tree", tree.encode(), case.raw("tree"))


def treekem(case: Case) -> None:
    """Paths of each member, theirs and ours, which all others process and come to one commit secret."""
    tree = RatchetTree.decode(case.suite, case.raw("ratchet_tree"))
    members = {private["index"]: _private_path(tree, private) for private in case.parts("leaves_private")}
    signers = {private["index"]: private.raw("signature_priv") for private in case.parts("leaves_private")}
    for given in case.parts("update_paths"):
        sender = given["sender"]
        _follow(case, tree, given, {leaf: private for leaf, private in members.items() if leaf != sender})
        _lead(case, tree, sender, signers[sender], members)


def _private_path(tree: RatchetTree, given: Case) -> PrivatePath:
    """What a member holds: its leaf's key, and those of the nodes whose path secrets it was told."""
    suite, index = tree.suite, given["index"]
    keys = {
        told["node"]: suite.derive_key_pair(suite.derive_secret(told.raw("path_secret"), "node")) for told in given.parts("path_secrets")
    }
    private = PrivatePath(index, suite.load_key_pair(given.raw("encryption_priv")), keys)
    for node in (2 * index, *keys):
        key, public = private.key(node), tree.nodes[node]
        if key is None or public is None or key.public != public.encryption_key:
            raise Mismatch(f"the key of node {node} is not that of the tree")
    return private


def _context(case: Case, tree_hash: bytes) -> bytes:
    """The provisional GroupContext: with the hash of the tree that has the path, whatever the official text says."""
    confirmed = case.raw("confirmed_transcript_hash")
    return GroupContext(case.suite.number, case.raw("group_id"), case["epoch"], tree_hash, confirmed, NO_EXTENSIONS).encode()


def _follow(case: Case, before: RatchetTree, given: Case, others: dict[int, PrivatePath]) -> None:
    """Their path: it fits the tree, and gives each of the others its path secret and all the commit secret."""
    path, sender, tree = decode(UpdatePath.read, given.raw("update_path")), given["sender"], before.copy()
    path.leaf_node.verify(tree.suite, case.raw("group_id"), sender)
    tree.merge(sender, path)
    expect("tree_hash_after", tree.hash(), given.raw("tree_hash_after"))
    for leaf, private in others.items():
        after, commit_secret = decap(private, tree, sender, path, _context(case, tree.hash()))
        expect(f"commit secret of leaf {leaf}", commit_secret, given.raw("commit_secret"))
        told = PrivatePath.join(tree, leaf, private.leaf_key, sender, bytes.fromhex(given["path_secrets"][leaf]))
        for node, key in told.node_keys.items():
            ours = after.key(node)
            expect(f"key of node {node} at leaf {leaf}", ours and ours.raw, key.raw)


def _lead(case: Case, before: RatchetTree, sender: int, signer: bytes, members: dict[int, PrivatePath]) -> None:
    """A fresh path of ours, from its bytes."""
    leaf = before.leaf(sender)
    if leaf is None:
        raise Mismatch("a sender is blank")
    group_id, key, context = case.raw("group_id"), case.suite.load_signature_key(signer), partial(_context, case)
    made = encap(before, sender, LeafTemplate.of(leaf), key, group_id=group_id, context=context, rng=system_random)
    path, tree = decode(UpdatePath.read, made.update_path.encode()), before.copy()
    tree.merge(sender, path)
    path.leaf_node.verify(case.suite, group_id, sender)
    for other, private in members.items():
        if other != sender:
            _, commit_secret = decap(private, tree, sender, path, context(tree.hash()))
            expect(f"our commit secret at leaf {other}", commit_secret, made.commit_secret)
