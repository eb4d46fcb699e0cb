"""The guards of groups (V01 to V46), in the order of their ids."""

from __future__ import annotations

from tests.mutation.guard import Guard

__all__ = ["GROUP_GUARDS"]

GROUP_GUARDS = (
    Guard("V01 a length is in its shortest form", "mls/codec.py", "if length < least:"),
    Guard("V01 nothing follows a message", "mls/codec.py", "if end != len(buf):"),
    Guard("V02 an optional is there or not", "mls/codec.py", "if present == 1:", "if present:"),
    Guard(
        "V03 a leaf is for its place",
        "mls/nodes.py",
        'return b"" if source == LeafNodeSource.KEY_PACKAGE else V(group_id) + leaf_index.to_bytes(4, "big")',
        'return b""',
    ),
    Guard("V04 a leaf has one purpose", "mls/leaf_rules.py", "if leaf.leaf_node_source != source:"),
    Guard("V05 signature keys are unique", "mls/roster.py", "if leaf.signature_key in self.signature_keys:"),
    Guard("V06 encryption keys are unique among members", "mls/roster.py", "if leaf.encryption_key in self.encryption_keys:"),
    Guard("V07 an update has a new key", "mls/leaf_rules.py", "if old.encryption_key == new.encryption_key:"),
    Guard("V09 requirements are met", "mls/leaf_rules.py", "    check_required(leaf, extensions.required_capabilities)\n", ""),
    Guard(
        "V10 everybody knows a newcomer's credential",
        "mls/leaf_rules.py",
        "if not roster.all_support_credential(leaf.credential.credential_type):",
    ),
    Guard(
        "V11 nobody comes outside of a lifetime",
        "mls/leaf_rules.py",
        "if leaf.lifetime is None or not leaf.lifetime.holds(policy.now, policy.late):",
    ),
    Guard("V12 a leaf is followed by the same client's", "mls/leaf_rules.py", "if not policy.auth.successor(old, new):"),
    Guard("V13 a key package has two keys", "mls/key_package.py", "if self.init_key == self.leaf_node.encryption_key:"),
    Guard("V14 a tree has its group's hash", "mls/joining.py", "if tree.hash() != context.tree_hash:"),
    Guard("V15 unmerged leaves rise", "mls/tree_validation.py", "if any(a >= b for a, b in pairwise(leaves)):"),
    Guard(
        "V15 the sibling is as it was",
        "mls/ratchet_tree.py",
        "original = self._hash_without(off, here.unmerged_leaves)",
        "original = self.hash(off)",
    ),
    Guard("V17 no blank at the end of a tree", "mls/ratchet_tree.py", "if not nodes or nodes[-1] is None:"),
    Guard("V18 a member signs the GroupInfo", "mls/joining.py", "    info.verify(suite, signer.signature_key)\n", ""),
    Guard("V19 one entry for a key package", "mls/welcome.py", "if len(found) != 1:", "if not found:"),
    Guard(
        "V20 V36 secrets give the keys that are shown",
        "mls/tree_kem.py",
        "if any(key.public != public for key, public in zip(keys, publics, strict=True)):",
    ),
    Guard("V21 members tag what they say", "mls/suite.py", "if not equal(self._hash.mac(key, content), tag):"),
    Guard("V22 who says what in public", "mls/public_message.py", "if content.content_type not in _MAY_SAY[content.sender.type]:"),
    Guard("V23 padding is zeros", "mls/private_message.py", 'if plaintext[pos:].strip(b"\\0"):'),
    Guard("V24 nobody is skipped further than the gap", "mls/secret_tree.py", "if generation - self.generation > gap:"),
    Guard("V25 handshakes are of the current epoch", "mls/speaking.py", "if epoch != context.epoch:"),
    Guard("V27 one proposal for each leaf", "mls/proposal_list.py", "if leaf in touched:"),
    Guard("V28 each client once", "mls/roster.py", "if client in self.clients:"),
    Guard("V29 each pre-shared key once", "mls/proposal_list.py", "if key in psks:"),
    Guard("V30 extensions change once", "mls/proposal_list.py", "if extensions > 1:"),
    Guard("V31 exactly the old members follow", "mls/succession.py", "if old.clients != public.roster.clients:"),
    Guard("V32 nothing by reference from outside", "mls/proposal_list.py", "if any(one.ref is not None for one in items):"),
    Guard(
        "V34 a ciphertext for each who needs it",
        "mls/ratchet_tree.py",
        "if len(node.encrypted_path_secret) != len(self.recipients(off, added)):",
    ),
    Guard("V35 paths bring new keys", "mls/ratchet_tree.py", "if taken or len(known) != len(fresh):"),
    Guard("V36 a leaf names its path", "mls/ratchet_tree.py", "if path.leaf_node.parent_hash != parent_hash:"),
    Guard(
        "V38 the tag holds before anything changes",
        "mls/receiving.py",
        '    suite.verify_mac(secrets.confirmation_key, confirmed, state.confirmation_tag, rule="V38")\n',
        "",
    ),
    Guard("V40 external senders are of the list", "mls/speaking.py", "if sender.index >= len(senders):", "if not senders:"),
    Guard("V41 everybody knows the proposals", "mls/proposal_list.py", "if not roster.all_support_proposal(one.proposal.type):"),
    Guard("V42 GREASE is no capability", "mls/roster.py", "set(types) - GREASE", "set(types)"),
    Guard(
        "V44 keys of what is blank go",
        "mls/tree_kem.py",
        "if node < len(tree.nodes) and (public := tree.nodes[node]) is not None and public.encryption_key == key.public",
        "if True",
    ),
    Guard("V45 points have one form", "crypto/mls/_kem.py", "if len(raw) != self.n_enc or raw[0] != 4:"),
)
