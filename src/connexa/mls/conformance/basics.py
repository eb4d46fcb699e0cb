"""tree-math, deserialization, crypto-basics: below all protocol."""

from __future__ import annotations

from connexa.crypto import system_random
from connexa.mls import tree_math
from connexa.mls.codec import gv, vi
from connexa.mls.conformance.case import Case, expect

__all__ = ["crypto_basics", "deserialization", "tree_arithmetic"]


def tree_arithmetic(case: Case) -> None:
    """Every node's neighbours in a tree of `n_leaves`; leaves have no children, the root neither parent nor sibling."""
    leaves, root = case["n_leaves"], case["root"]
    expect("n_nodes", tree_math.node_width(leaves), case["n_nodes"])
    expect("root", tree_math.root(leaves), root)
    for node in range(case["n_nodes"]):
        inner = tree_math.level(node) > 0
        expect(f"left of node {node}", tree_math.left(node) if inner else None, case["left"][node])
        expect(f"right of node {node}", tree_math.right(node) if inner else None, case["right"][node])
        expect(f"parent of node {node}", None if node == root else tree_math.parent(node), case["parent"][node])
        expect(f"sibling of node {node}", None if node == root else tree_math.sibling(node), case["sibling"][node])


def deserialization(case: Case) -> None:
    """The header of a vector alone: nothing follows it."""
    header = case.raw("vlbytes_header")
    expect("length", gv(header, 0), (case["length"], len(header)))
    expect("header", vi(case["length"]), header)


def crypto_basics(case: Case) -> None:
    """The labelled functions of the suite; signing and sealing in both directions."""
    suite = case.suite
    part = case.part("ref_hash")
    expect("ref_hash", suite.ref_hash(part["label"], part.raw("value")), part.raw("out"))
    part = case.part("expand_with_label")
    expanded = suite.expand_with_label(part.raw("secret"), part["label"], part.raw("context"), part["length"])
    expect("expand_with_label", expanded, part.raw("out"))
    part = case.part("derive_secret")
    expect("derive_secret", suite.derive_secret(part.raw("secret"), part["label"]), part.raw("out"))
    part = case.part("derive_tree_secret")
    derived = suite.derive_tree_secret(part.raw("secret"), part["label"], part["generation"], part["length"])
    expect("derive_tree_secret", derived, part.raw("out"))
    _signature(case)
    _encryption(case)


def _signature(case: Case) -> None:
    suite, part = case.suite, case.part("sign_with_label")
    public, label, content = part.raw("pub"), part["label"], part.raw("content")
    suite.verify_with_label(public, label, content, part.raw("signature"))
    ours = suite.sign_with_label(suite.load_signature_key(part.raw("priv")), label, content)
    suite.verify_with_label(public, label, content, ours)


def _encryption(case: Case) -> None:
    suite, part = case.suite, case.part("encrypt_with_label")
    label, context, plaintext = part["label"], part.raw("context"), part.raw("plaintext")
    secret = suite.load_key_pair(part.raw("priv"))
    for enc, sealed in (
        (part.raw("kem_output"), part.raw("ciphertext")),
        suite.encrypt_with_label(part.raw("pub"), label, context, plaintext, system_random),
    ):
        expect("plaintext", suite.decrypt_with_label(secret, label, context, enc, sealed), plaintext)
