"""TreeKEM in groups that change, and what a path is refused for (V20, V34, V35, V36, V37, V44)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connexa.crypto import system_random
from connexa.mls import tree_math
from connexa.mls.codec import V, decode
from connexa.mls.errors import CryptoError, MLSError, ValidationError
from connexa.mls.nodes import HPKECiphertext, LeafNode, UpdatePath
from connexa.mls.suite import EXPERIMENTAL_SUITES, SUITES, Suite
from connexa.mls.tree_kem import LeafTemplate, PrivatePath, decap, encap
from tests.mls.trees import ONE, Grower, grown, leaf


def _context(case: dict[str, Any], tree_hash: bytes) -> bytes:
    head: bytes = b"\0\1" + case["cipher_suite"].to_bytes(2, "big") + V(bytes.fromhex(case["group_id"])) + case["epoch"].to_bytes(8, "big")
    return head + V(tree_hash) + V(bytes.fromhex(case["confirmed_transcript_hash"])) + b"\0"


def _everybody_follows(grower: Grower, sender: int, added: frozenset[int] = frozenset()) -> None:
    """One member's path, taken in by all others: equal secrets, and each holds the keys of its direct path, no others."""
    grower.commit(sender, added)
    merged = grower.tree
    for index, one in grower.private.items():
        above = tree_math.direct_path(index, merged.width)
        held = {node for node in above if (public := merged.nodes[node]) is not None and index not in public.unmerged_leaves}  # type: ignore[union-attr]
        assert set(one.node_keys) == held
        assert all(key.public == merged.encryption_key(node) for node, key in one.node_keys.items())


@pytest.mark.parametrize("suite", [*SUITES.values(), *EXPERIMENTAL_SUITES.values()], ids=lambda s: str(int(s.number)))
def test_everybody_follows_everybody(suite: Suite) -> None:
    grower = Grower(suite)
    for _ in range(3):
        grower.join()
    _everybody_follows(grower, 1)
    _everybody_follows(grower, 2)
    new = grower.join()
    _everybody_follows(grower, 0, frozenset({new}))
    grower.join()
    _everybody_follows(grower, 4)


def test_a_removed_leaf_takes_its_parents_keys_with_it() -> None:
    grower = grown(8)
    for index in range(8):
        _everybody_follows(grower, index)
    grower.remove(7)
    assert not any(set(one.node_keys) & {7, 11, 13} for one in grower.private.values())
    _everybody_follows(grower, 0)
    for index in (6, 5, 4):
        grower.remove(index)
    assert grower.tree.width == 4
    assert all(set(one.node_keys) <= {1, 3, 5} for one in grower.private.values())
    _everybody_follows(grower, 3)


def test_an_own_update_replaces_the_leafs_key() -> None:
    grower = grown(4)
    key = ONE.generate_key_pair(system_random)
    grower.tree.update(2, leaf(key=key))
    updated = grower.private[2].updated(key, grower.tree)
    assert updated.key(4) is key
    assert not updated.node_keys
    assert PrivatePath(1, key).key(4) is None


def test_a_key_that_its_node_has_no_more_is_forgotten() -> None:
    grower = grown(4)
    assert set(grower.private[3].node_keys) == {3, 5}
    other = grower.tree.copy()
    other.put_path(0, [ONE.generate_key_pair(system_random).public for _ in range(2)])
    assert set(grower.private[3].pruned(other).node_keys) == {5}


def test_private_keys_come_back_from_storage_and_show_nothing() -> None:
    new = grown(5).path(2)
    stored = new.private.encode()
    again, end = PrivatePath.read(ONE, stored, 0)
    assert end == len(stored)
    assert again.leaf_index == 2
    assert again.leaf_key.raw == new.private.leaf_key.raw
    assert {node: key.raw for node, key in again.node_keys.items()} == {node: key.raw for node, key in new.private.node_keys.items()}
    for secret in (new, new.private):
        assert "redacted" in repr(secret)


def _merge_refused(grower: Grower, path: UpdatePath, rule: str, sender: int = 1, added: frozenset[int] = frozenset()) -> None:
    with pytest.raises(MLSError) as refused:
        grower.tree.copy().merge(sender, path, added)
    assert refused.value.rule == rule


def test_what_a_path_is_refused_for() -> None:
    grower = grown(5)
    path = grower.path(1).update_path
    low, *rest = path.nodes
    more = replace(low, encrypted_path_secret=(*low.encrypted_path_secret, HPKECiphertext(b"", b"")))
    _merge_refused(grower, replace(path, nodes=tuple(rest)), "V34")
    _merge_refused(grower, replace(path, nodes=(low, *rest, low)), "V35")
    _merge_refused(grower, replace(path, nodes=(low, *rest, replace(low, encryption_key=leaf().encryption_key))), "V34")
    _merge_refused(grower, replace(path, nodes=(more, *rest)), "V34")
    _merge_refused(grower, replace(path, nodes=(replace(low, encryption_key=grower.tree.encryption_key(8)), *rest)), "V35")
    _merge_refused(grower, replace(path, nodes=(replace(low, encryption_key=bytes(32)), *rest)), "V45")
    _merge_refused(grower, replace(path, nodes=(replace(low, encryption_key=leaf().encryption_key), *rest)), "V36")
    _merge_refused(grower, replace(path, leaf_node=leaf()), "V36")
    old = grower.tree.leaf(1)
    assert old is not None
    _merge_refused(grower, replace(path, leaf_node=decode(LeafNode.read, old.raw)), "V35")
    new = grower.join()
    _merge_refused(grower, grower.path(1, frozenset({new})).update_path, "V34")
    _merge_refused(grower, grower.path(1).update_path, "V34", added=frozenset({new}))


def test_what_a_receiver_finds_out() -> None:
    grower = grown(4)
    new = grower.path(0)
    context = grower.context(new.tree.hash())
    assert decap(grower.private[3], new.tree, 0, new.update_path, context)[1] == new.commit_secret
    with pytest.raises(CryptoError):  # V37: sealed under another context
        decap(grower.private[3], new.tree, 0, new.update_path, context + b"x")
    with pytest.raises(CryptoError):  # not among the members
        decap(PrivatePath(3, ONE.generate_key_pair(system_random)), new.tree, 0, new.update_path, context)
    low, top = new.update_path.nodes
    other = replace(new.update_path, nodes=(low, replace(top, encryption_key=leaf().encryption_key)))
    with pytest.raises(ValidationError) as refused:
        decap(grower.private[1], new.tree, 0, other, context)
    assert refused.value.rule == "V36"


def test_a_welcomes_path_secret_gives_the_trees_keys() -> None:
    grower = grown(5)
    index = grower.join()
    new = grower.path(2, frozenset({index}))
    key = grower.private[index].leaf_key
    joined = PrivatePath.join(new.tree, index, key, 2, new.secret_for(index))
    assert set(joined.node_keys) == {7}
    assert not PrivatePath.join(new.tree, index, key, 2, None).node_keys
    for secret, committer in ((bytes(32), 2), (new.secret_for(index), 4)):
        with pytest.raises(ValidationError) as refused:
            PrivatePath.join(new.tree, index, key, committer, secret)
        assert refused.value.rule == "V20"


def test_a_newcomer_by_external_commit_takes_the_leftmost_blank() -> None:
    grower = grown(4)
    grower.remove(1)
    room = grower.tree.copy()
    index = room.make_room()
    signer = ONE.generate_signature_key(system_random)
    old = grower.tree.leaf(0)
    assert old is not None
    new = encap(room, index, LeafTemplate.of(old), signer, group_id=b"group", context=grower.context, rng=system_random)
    assert index == 1
    merged = grower.tree.copy()
    merged.add(new.update_path.leaf_node)
    merged.merge(1, new.update_path)
    assert merged.hash() == new.tree.hash()
    for one in grower.private.values():
        assert decap(one, merged, 1, new.update_path, grower.context(merged.hash()))[1] == new.commit_secret


def test_a_member_alone_has_a_path_without_nodes() -> None:
    grower = grown(1)
    one, other = grower.path(0), grower.path(0)
    assert one.update_path.nodes == ()
    assert one.commit_secret != other.commit_secret
    merged = grower.tree.copy()
    merged.merge(0, one.update_path)
    assert merged.hash() == one.tree.hash() != grower.tree.hash()
