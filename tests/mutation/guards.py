"""The guards, each with the text that takes it out. The tests of the ids in its name are those that must notice."""

from __future__ import annotations

from tests.mutation.delivery import DELIVERY_GUARDS
from tests.mutation.groups import GROUP_GUARDS
from tests.mutation.guard import Guard
from tests.mutation.mending import MENDING_GUARDS
from tests.mutation.moving import MOVING_GUARDS

__all__ = ["GUARDS", "Guard"]

LINKING = ("tests/node/test_linking.py",)

GUARDS = (
    Guard("P01 the KEM key is in the transcript", "pairwise/_pqxdh.py", "        kem,\n", "        b'',\n"),
    Guard(
        "P02 a signature is over the label of its kind", "crypto/_ed25519.py", "return label + body", "return b'connexa/any/v1\\0' + body"
    ),
    Guard("P04 an agreement key has one name", "crypto/_x25519.py", ' or int.from_bytes(raw, "little") >= _FIELD', ""),
    Guard("P04 P50 signing keys have prime order", "crypto/_ed25519.py", " or not crypto_core_ed25519_is_valid_point(raw)", ""),
    Guard("P05 no other suite", "pairwise/_pqxdh.py", "message.suite != SUITE or ", ""),
    Guard("P06 a beginning is taken once", "pairwise/_pqxdh.py", "if initial.ephemeral.raw in seen:"),
    Guard("P07 a used one-time key goes", "node/sessions.py", "if opened.one_time is not None:"),
    Guard("P09 a stored key opens once", "pairwise/_ratchet.py", "without(chain.skipped, header.n), came_late", "chain.skipped, came_late"),
    Guard(
        "P10 a new chain jumps a thousand steps at most",
        "pairwise/_ratchet.py",
        "if missing + header.n > MAX_STEPS:",
        "if missing + header.n > 2 * MAX_STEPS:",
    ),
    Guard(
        "P11 a ratchet key is neither ours nor the one before",
        "pairwise/_ratchet.py",
        "if header.key in (state.remote, state.own_public):",
    ),
    Guard(
        "P13 sessions with a device are with one party",
        "pairwise/_session_set.py",
        "if self.sessions and _party(self.sessions[0]) != _party(session):",
    ),
    Guard("P14 a wrap belongs to its envelope", "pairwise/_wrap.py", "wrap.body_id != envelope_id or ", ""),
    Guard("P14 a wrap belongs to its conversation", "pairwise/_wrap.py", " or wrap.conversation != conversation", ""),
    Guard(
        "P13 P19 certificate and keys are one sender's",
        "pairwise/_pqxdh.py",
        "if (party.user, party.device, party.keys_hash) != (sender.user, sender.device, sender.keys):",
    ),
    Guard("P19 a certificate has not expired", "identity/attestation.py", "if message.expires < accepted_at:"),
    Guard("P22 bodies lie in their buckets", "pairwise/_padding.py", "if len(padded) not in BODY_BUCKETS:"),
    Guard("P23 no older list", "identity/devices.py", "if following.version < version:"),
    Guard("P23 no second list of one version", "identity/devices.py", "if following.version == version and signed.body != newest.body:"),
    Guard("P23 a list follows the one before", "identity/devices.py", "if following.previous != sha256(previous_body):"),
    Guard(
        "P25 only listed own devices are heard",
        "node/own_devices.py",
        "if opened.sender.device not in read_device_list(newest, account.user).device_ids():",
    ),
    Guard(
        "P25 only listed devices of others are heard",
        "node/introductions.py",
        "if person is None or not _is_listed(person, opened):",
        "if person is None:",
    ),
    Guard("P26 nothing goes to a key that is in question", "node/sending.py", "if person.rival:"),
    Guard(
        "P27 a volume opens under its own key",
        "backup/_container.py",
        "if not equal(content_key(backup_key, head)[1], raw[-COMMIT_BYTES:]):",
    ),
    Guard("P27 an increment follows its base", "backup/_series.py", "if not equal(head.previous, previous or bytes(32)):"),
    Guard(
        "P28 the digits let in", "node/approvals.py", "if not equal(typed.encode(), pairing_digits(approval.talk).encode()):", also=LINKING
    ),
    Guard("P28 the keys are those of the code", "node/approvals.py", "if not parsed.matches(dsk, dik):", also=LINKING),
    Guard("P31 a message commits to its key", "pairwise/_ratchet.py", "if not equal(keys[44:], head[_SEALED_HEADER:]):"),
    Guard(
        "P33 each message draws its n12", "pairwise/_ratchet.py", "    nonce = rng(_NONCE)  # random", "    nonce = bytes(_NONCE)  # random"
    ),
    Guard(
        "P41 a device is answered a few times an hour",
        "node/resends.py",
        " and _allows(execute, home, account.id, person.id, device):",
        ":",
    ),
    Guard("P42 a key stream proves itself", "pairwise/_chunked.py", "if not equal(mac, _key_mac(self.mac, self.epoch + 1, key)):"),
    Guard("P43 four epochs are kept", "pairwise/_pq.py", "KEPT_EPOCHS = 4", "KEPT_EPOCHS = 2"),
    Guard("P51 old private keys go", "node/prekeys.py", 'execute("DELETE FROM prekey WHERE until < ?", (int(now),))', "pass"),
    Guard("P31 the seal commits to its key", "pairwise/_sealed.py", "if not equal(plain[:32], _COMMITMENT):"),
    Guard(
        "P44 another message under a used number is a copy's",
        "pairwise/_seen.py",
        "Duplicate() if first in (_NONE, nonce[:_PRINT]) else Reject(Reason.CLONE)",
        "Duplicate()",
    ),
    Guard("P45 older sessions take no step", "pairwise/_ratchet.py", "if not may_step:"),
    Guard(
        "P47 a seal key is for its week",
        "pairwise/_prekeys.py",
        "if not prekey.id * WEEK_SECONDS - CLOCK_SKEW <= now < prekey.expires + CLOCK_SKEW:",
    ),
    Guard(
        "P28 P48 the revealed number is the code's",
        "pairwise/_pairing.py",
        "if len(reveal) != 32 or not equal(sha256(reveal), code.reveal_digest):",
    ),
    *GROUP_GUARDS,
    *DELIVERY_GUARDS,
    *MOVING_GUARDS,
    *MENDING_GUARDS,
)
