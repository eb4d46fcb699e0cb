"""The secret tree: each key given out once, and nothing kept that could give it again (V24, §9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.mls import GenerationGap, MLSError, ReplayError, ValidationError
from connexa.mls.registry import ContentType
from connexa.mls.secret_tree import SecretTree
from connexa.mls.suite import SUITES, Suite

SUITE = SUITES[1]
ROOT = bytes(range(32))
APPLICATION, COMMIT, PROPOSAL = ContentType.APPLICATION, ContentType.COMMIT, ContentType.PROPOSAL


def take(tree: SecretTree, leaf: int, kind: ContentType, generation: int) -> tuple[bytes, bytes]:
    step = tree.reach(leaf, kind, generation)
    tree.settle(step)
    return step.key.key, step.key.nonce


def naive_leaf_secret(suite: Suite, width: int, leaf: int, secret: bytes) -> bytes:
    """By the RFC's text: halve the tree until one leaf is left."""
    while width > 1:
        width //= 2
        secret = suite.expand_with_label(secret, "tree", b"left" if leaf < width else b"right", suite.nh)
        leaf %= width
    return secret


def naive_key(suite: Suite, width: int, leaf: int, kind: ContentType, generation: int, root: bytes) -> bytes:
    label = "application" if kind == APPLICATION else "handshake"
    secret = suite.expand_with_label(naive_leaf_secret(suite, width, leaf, root), label, b"", suite.nh)
    for passed in range(generation):
        secret = suite.derive_tree_secret(secret, "secret", passed, suite.nh)
    return suite.derive_tree_secret(secret, "key", generation, suite.nk)


@given(st.integers(0, 5), st.lists(st.tuples(st.sampled_from((0, 1, 6, 31)), st.sampled_from(ContentType), st.integers(0, 6)), max_size=30))
def test_any_order_gives_the_keys_of_the_rfc_or_a_refusal_that_changes_nothing(
    depth: int, wanted: list[tuple[int, ContentType, int]]
) -> None:
    width = 1 << depth
    tree = SecretTree(SUITE, width, ROOT)
    given_out = set()
    for leaf, kind, generation in wanted:
        before = tree.parts()
        name = (leaf, kind == APPLICATION, generation)
        try:
            step = tree.reach(leaf, kind, generation)
        except MLSError as refused:
            assert isinstance(refused, ReplayError if name in given_out else ValidationError)
            assert name in given_out or leaf >= width
            assert tree.parts() == before
            continue
        assert name not in given_out
        assert tree.parts() == before  # reaching alone changes nothing
        assert step.key.key == naive_key(SUITE, width, leaf, kind, generation, ROOT)
        given_out.add(name)
        tree.settle(step)
        tree = SecretTree.load(SUITE, width, tree.parts())


def test_V24_a_step_that_is_not_settled_leaves_its_key() -> None:
    tree = SecretTree(SUITE, 8, ROOT)
    for generation in (5, 2):  # the next one, and one that was skipped
        first = tree.reach(3, APPLICATION, generation)
        assert take(tree, 3, APPLICATION, generation) == (first.key.key, first.key.nonce)


def test_proposals_and_commits_share_one_ratchet_and_application_data_has_its_own() -> None:
    tree = SecretTree(SUITE, 2, ROOT)
    step = tree.next(0, PROPOSAL)
    tree.settle(step)
    assert tree.next(0, COMMIT).key.generation == 1
    assert tree.next(0, APPLICATION).key.generation == 0


def test_V24_one_may_skip_so_many_messages_and_no_more() -> None:
    tree = SecretTree(SUITE, 2, ROOT)
    for kind, gap in ((APPLICATION, 1000), (COMMIT, 8)):
        with pytest.raises(GenerationGap) as refused:
            tree.reach(1, kind, gap + 1)
        assert refused.value.gap == gap + 1
        take(tree, 1, kind, gap)
        with pytest.raises(GenerationGap):
            tree.reach(1, kind, 0xFFFFFFFF)


def test_V24_the_newest_256_skipped_keys_are_kept() -> None:
    tree = SecretTree(SUITE, 2, ROOT)
    take(tree, 1, APPLICATION, 300)
    with pytest.raises(ReplayError):
        tree.reach(1, APPLICATION, 43)
    take(tree, 1, APPLICATION, 44)
    take(tree, 1, APPLICATION, 310)  # nine more were skipped: 45 to 52 go, 53 is the oldest of 256
    with pytest.raises(ReplayError):
        tree.reach(1, APPLICATION, 52)
    take(tree, 1, APPLICATION, 53)


def test_V24_nothing_that_leads_to_a_used_key_stays() -> None:
    """All secrets above the leaf, the ratchet's past ones and the key are gone; the other leaves' are not."""
    tree = SecretTree(SUITE, 8, ROOT)
    step = tree.reach(5, APPLICATION, 2)
    tree.settle(step)
    kept = b"".join(tree.parts().values())
    path = [naive_leaf_secret(SUITE, 8 // width, 5 // width, ROOT) for width in (1, 2, 4, 8)]
    ratchet = SUITE.expand_with_label(path[0], "application", b"", 32)
    chain = [ratchet, *(ratchet := SUITE.derive_tree_secret(ratchet, "secret", g, 32) for g in range(2))]
    for secret in (*path, *chain, step.key.key, step.key.nonce):
        assert secret not in kept
    for leaf in range(8):
        if leaf != 5:
            assert take(tree, leaf, APPLICATION, 0)[0] == naive_key(SUITE, 8, leaf, APPLICATION, 0, ROOT)


def test_the_changed_parts_are_all_that_changes() -> None:
    tree = SecretTree(SUITE, 16, ROOT)
    stored = tree.parts()
    for leaf, kind, generation in ((7, APPLICATION, 3), (7, APPLICATION, 1), (6, COMMIT, 0), (7, APPLICATION, 4), (0, PROPOSAL, 2)):
        step = tree.reach(leaf, kind, generation)
        for name, part in tree.changed(step).items():
            if part is None:
                del stored[name]
            else:
                stored[name] = part
        tree.settle(step)
        assert stored == tree.parts()


def test_a_message_that_may_yet_be_sent_keeps_its_generation() -> None:
    """It was sealed and its step not settled: what is sealed after it begins behind it."""
    tree = SecretTree(SUITE, 2, ROOT)
    waiting = tree.next(1, COMMIT)
    step = tree.next(1, PROPOSAL, waiting.key.generation + 1)
    tree.settle(step)
    assert (waiting.key.generation, step.key.generation, tree.next(1, COMMIT).key.generation) == (0, 1, 2)
    receiver = SecretTree(SUITE, 2, ROOT)
    assert take(receiver, 1, PROPOSAL, 1) == (step.key.key, step.key.nonce)
    assert take(receiver, 1, COMMIT, 0) == (waiting.key.key, waiting.key.nonce)
    with pytest.raises(ReplayError):  # what was passed over is not kept by its sender
        tree.reach(1, COMMIT, 0)


def test_a_step_is_settled_before_the_next_one_or_never() -> None:
    """Otherwise an older step would put back a ratchet that has moved on."""
    tree = SecretTree(SUITE, 2, ROOT)
    old, new = tree.next(1, APPLICATION), tree.next(1, APPLICATION)
    tree.settle(new)
    before = tree.parts()
    for step in (old, new):
        with pytest.raises(ValueError):
            tree.settle(step)
    assert tree.parts() == before


def test_V25_an_epoch_that_has_ended_drops_its_handshake_ratchets() -> None:
    tree = SecretTree(SUITE, 2, ROOT)
    for leaf in (0, 1):
        take(tree, leaf, COMMIT, 0)
    tree.drop_handshakes()
    assert not any("handshake" in name for name in tree.parts())
    with pytest.raises(ValidationError) as refused:
        tree.reach(1, COMMIT, 1)
    assert refused.value.rule == "V46"
    take(tree, 1, APPLICATION, 0)


def test_no_secret_shows_itself() -> None:
    step = SecretTree(SUITE, 2, ROOT).next(0, APPLICATION)
    assert repr(step) == "<Step redacted>"
    assert repr(step.key) == "<MessageKey redacted>"
