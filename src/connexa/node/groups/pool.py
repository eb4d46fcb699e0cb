"""This device's key packages: made here, put into the pool at the own homeserver, kept until somebody's Welcome has used them."""

from __future__ import annotations

from connexa.content import MemberCard
from connexa.crypto import sha256
from connexa.identity import KEY_PACKAGE_LIFE, KeyPackageProof, issue_key_package_proof
from connexa.mls.codec import V, decode, rv
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.nodes import Capabilities, Credential, Lifetime
from connexa.mls.registry import CipherSuite, CredentialType
from connexa.mls.suite import get_suite
from connexa.node.account import Account
from connexa.node.home import Home, Query, first, rows
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import KeyPackageStatusReply, OfferedKeyPackage, PutKeyPackages
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "SUITE",
    "card_for",
    "forget_key_packages",
    "forget_old_key_packages",
    "load_bundle",
    "make_due_key_packages",
    "make_key_package",
    "mark_offered",
    "next_offer",
    "pool_is_foreign",
]

SUITE = get_suite(CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519)
_CAPABILITIES = Capabilities(cipher_suites=(SUITE.number,), credentials=(CredentialType.BASIC,))
ONE_TIME = 100
REFILL_BELOW = 25
LAST_RESORT_EVERY = 7 * 86_400
SKEW = 3_600  # of the clocks of those who check the lifetime
LATE = 30 * 86_400  # a Welcome for a package that has expired meanwhile is still taken: as long as its alias leads here
AT_ONCE = 50  # key packages of one upload: a frame holds them


def make_key_package(home: Home, account: Account, alias: bytes, *, last_resort: bool = False) -> tuple[KeyPackageBundle, Signed, int]:
    """A key package with its proof, and when it ends; its leaf is named by the alias, its keys are for one group."""
    now = int(home.clock())
    expires = now + KEY_PACKAGE_LIFE
    bundle = KeyPackage.generate(
        SUITE,
        Credential.basic(alias),
        SUITE.generate_signature_key(home.rng),
        capabilities=_CAPABILITIES,
        lifetime=Lifetime(now - SKEW, expires),
        rng=home.rng,
        last_resort=last_resort,
    )
    proof = KeyPackageProof(account.user_id, account.device, bundle.key_package.ref(SUITE), alias, expires)
    return bundle, issue_key_package_proof(proof, account.dsk), expires


def card_for(account: Account, bundle: KeyPackageBundle, proof: Signed, token: bytes) -> MemberCard:
    """What this device shows of itself in a group; `token` is its right at the hub."""
    return MemberCard(account.user_id, account.certificate, bundle.key_package.encode(), proof, sha256(token))


def _dump(bundle: KeyPackageBundle) -> bytes:
    return b"".join(V(part) for part in (bundle.key_package.raw, bundle.init_sk.raw, bundle.enc_sk.raw, bundle.sig_sk.raw))


def load_bundle(raw: bytes) -> KeyPackageBundle:
    """A key package of our own with its private halves, as it was stored."""
    parts, pos = [], 0
    for _ in range(4):
        part, pos = rv(raw, pos)
        parts.append(part)
    package, init, encryption, signer = parts
    return KeyPackageBundle(
        decode(KeyPackage.read, package), SUITE.load_key_pair(init), SUITE.load_key_pair(encryption), SUITE.load_signature_key(signer)
    )


def make_due_key_packages(execute: Execute, home: Home, account: Account, status: KeyPackageStatusReply) -> None:
    """Make what the pool lacks: one-time packages below a quarter, and a last one every week."""
    waiting = _one_time(execute, account, uploaded=False)
    there = waiting if pool_is_foreign(execute, account, status) else status.one_time + waiting
    if there < REFILL_BELOW:
        for _ in range(ONE_TIME - there):
            _keep(execute, home, account, last_resort=False)
    row = first(execute, "SELECT max(expires) FROM key_package WHERE account = ? AND last_resort = 1", (account.id,))
    newest = row[0] if row and row[0] else 0
    if newest < home.clock() + KEY_PACKAGE_LIFE - LAST_RESORT_EVERY:
        _keep(execute, home, account, last_resort=True)


def pool_is_foreign(query: Query, account: Account, status: KeyPackageStatusReply) -> bool:
    """Whether the pool holds packages whose private halves are not here: an old copy of this store was put back."""
    return status.one_time > _one_time(query, account, uploaded=True)


def _one_time(query: Query, account: Account, *, uploaded: bool) -> int:
    sql = "SELECT count(*) FROM key_package WHERE account = ? AND uploaded = ? AND last_resort = 0"
    return int((first(query, sql, (account.id, uploaded)) or [0])[0])


def _keep(execute: Execute, home: Home, account: Account, *, last_resort: bool) -> None:
    alias = home.rng(32)
    bundle, proof, expires = make_key_package(home, account, alias, last_resort=last_resort)
    execute(
        "INSERT INTO key_package (account, ref, bundle, proof, alias, last_resort, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account.id, bundle.key_package.ref(SUITE), _dump(bundle), proof.SerializeToString(), alias, last_resort, expires),
    )


def next_offer(execute: Execute, account: Account) -> tuple[PutKeyPackages, list[bytes]] | None:
    """The next upload and its refs; None where everything is there."""
    sql = "SELECT ref, bundle, proof, last_resort FROM key_package WHERE account = ? AND uploaded = 0 ORDER BY last_resort DESC LIMIT ?"
    found = rows(execute, sql, (account.id, AT_ONCE))
    if not found:
        return None
    upload = PutKeyPackages()
    for _, bundle, proof, last_resort in found:
        offered = OfferedKeyPackage(key_package=rv(bundle, 0)[0], proof=Signed.FromString(proof))
        if last_resort:
            upload.last_resort.CopyFrom(offered)
        else:
            upload.one_time.append(offered)
    return upload, [row[0] for row in found]


def mark_offered(execute: Execute, account: Account, refs: list[bytes]) -> None:
    """The pool has these."""
    for ref in refs:
        execute("UPDATE key_package SET uploaded = 1 WHERE account = ? AND ref = ?", (account.id, ref))


def forget_key_packages(execute: Execute, account: Account) -> None:
    """Delete all private halves: this store is an old copy, and some may have been used since."""
    execute("DELETE FROM key_package WHERE account = ?", (account.id,))


def forget_old_key_packages(execute: Execute, now: float) -> None:
    """Delete the private halves of what has expired."""
    execute("DELETE FROM key_package WHERE expires < ?", (int(now) - LATE,))
