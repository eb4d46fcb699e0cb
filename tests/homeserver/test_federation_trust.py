"""Who may open the federation port and whom it believes: F1 to F10, F12 and F15, over real TLS."""

from __future__ import annotations

import asyncio
import datetime
import threading
import time
from dataclasses import replace
from ipaddress import IPv4Address

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connexa.crypto import Ed25519Secret, system_random
from connexa.crypto.x509 import anchor_pem, issue_leaf
from connexa.discovery import PinBook
from connexa.homeserver.federation import Trust
from connexa.homeserver.federation.grpc_options import CHANNEL_OPTIONS, LOOKUP, SERVICE
from connexa.homeserver.federation.trust import MAX_HOT, MAX_HOT_UNUSED
from connexa.identity import Domain, PinnedKey, dump_pin, load_pin
from connexa.wire.v1.link_pb2 import LookupReply, LookupRequest

from .domains import Host, hosts, until

A, B, C = "a.example", "b.example", "c.example"
Pem = tuple[bytes, bytes]


@pytest.fixture
async def pair(tmp_path):
    async with hosts(tmp_path, A, B) as made:
        yield made


def leaf_of(domain: str, key: Ed25519Secret) -> Pem:
    leaf = issue_leaf(key, domain, now=time.time())
    return leaf.key_pem, leaf.chain_pem


def odd_leaf(issuer: str, key: Ed25519Secret, *names: x509.GeneralName, days: int = 7, ed25519: bool = False) -> Pem:
    """A leaf that our own code would not issue."""
    now = datetime.datetime.now(datetime.UTC)
    own = Ed25519PrivateKey.generate() if ed25519 else ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Connexa domain {issuer}")]))
        .public_key(own.public_key())
        .serial_number(7)
        .not_valid_before(now + datetime.timedelta(days=min(0, days) - 1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = builder.sign(Ed25519PrivateKey.from_private_bytes(key.seed), None)
    return own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), signed.public_bytes(Encoding.PEM)


def dial(host: Host, shown: Pem | None) -> grpc.aio.Channel:
    roots = anchor_pem(host.domain, host.domain_key.public, time.time())
    credentials = grpc.ssl_channel_credentials(roots, *(shown or (None, None)))
    options = [*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", host.domain)]
    return grpc.aio.secure_channel(f"127.0.0.1:{host.port}", credentials, options)


async def call(channel: grpc.aio.Channel) -> LookupReply:
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/{LOOKUP}")
    return LookupReply.FromString(await method(LookupRequest(id=bytes(16)).SerializeToString(), timeout=10))


async def outcome(host: Host, shown: Pem | None) -> str:
    """`ok`, the code that refused the call, or `no connection` where TLS refused it."""
    async with dial(host, shown) as channel:
        try:
            await call(channel)
        except grpc.aio.AioRpcError as error:
            details = error.details() or ""
            return "no connection" if error.code() is grpc.StatusCode.UNAVAILABLE else details
        return "ok"


async def test_f01_an_unknown_domain_is_refused(pair):
    _, b = pair
    assert await outcome(b, leaf_of(C, Ed25519Secret.generate(system_random))) == "no connection"


async def test_f03_the_key_of_one_domain_cannot_speak_for_another(pair):
    a, b = pair
    b.trust.learn(a.domain, [a.domain_key.public])
    await b.book.find(a.domain)
    assert await outcome(b, leaf_of(A, a.domain_key)) == "ok"
    assert await outcome(b, odd_leaf(A, a.domain_key, x509.DNSName(C))) == "no connection"  # not pinned
    other = Ed25519Secret.generate(system_random)
    b.trust.learn(Domain(C), [other.public])
    assert await outcome(b, odd_leaf(A, a.domain_key, x509.DNSName(C))) == "no connection"  # pinned
    assert await outcome(b, leaf_of(C, a.domain_key)) == "no connection"


async def test_f04_the_same_issuer_name_under_another_key_is_refused(pair):
    a, b = pair
    b.trust.learn(a.domain, [a.domain_key.public])
    assert await outcome(b, leaf_of(A, Ed25519Secret.generate(system_random))) == "no connection"


async def test_f05_no_certificate_no_connection(pair):
    a, b = pair
    b.trust.learn(a.domain, [a.domain_key.public])
    assert await outcome(b, None) == "no connection"


async def test_f06_a_forgotten_domain_is_refused_on_open_and_on_new_connections(pair):
    a, b = pair
    await a.submit(B)
    await b.mailbox.until(1)
    shown = leaf_of(A, a.domain_key)
    async with dial(b, shown) as channel:
        await call(channel)
        b.trust.forget(a.domain)
        await b.book.forget(a.domain)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel)
        assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, "domain.unknown")
    assert await outcome(b, shown) == "no connection"


async def test_f06_an_open_stream_ends_at_the_next_batch(pair, monkeypatch):
    a, b = pair
    await a.submit(B)
    await a.ends.until(1)
    monkeypatch.setattr("connexa.homeserver.federation.remotes.INTRODUCE_PAUSE", 1e9)  # a does not ask to be let in again
    b.trust.forget(a.domain)
    await b.book.forget(a.domain)
    await a.submit(B)
    await until(lambda: any(waiting.failure for waiting in a.queue.status()))
    assert b.mailbox.numbers == [1]
    assert a.queue.status()[0].failure in ("remote.refused", "remote.unreachable")


@pytest.mark.parametrize(
    "names",
    [
        [x509.DNSName(f"mx.{A}")],
        [x509.IPAddress(IPv4Address("127.0.0.1"))],
        [x509.DNSName(A), x509.DNSName(f"mx.{A}")],
        [],
    ],
    ids=["subdomain", "address", "two", "none"],
)
async def test_f07_a_leaf_that_names_anything_but_the_domain_alone_is_refused(pair, names):
    a, b = pair
    await b.book.find(a.domain)
    b.trust.learn(a.domain, [a.domain_key.public])
    assert await outcome(b, odd_leaf(A, a.domain_key, *names)) in ("certificate.invalid", "domain.unknown", "no connection")
    assert await outcome(b, odd_leaf(A, a.domain_key, x509.DNSName(A))) == "ok"  # so it was the names


async def test_f08_an_ed25519_leaf_is_refused(pair):
    a, b = pair
    b.trust.learn(a.domain, [a.domain_key.public])
    await b.book.find(a.domain)
    assert await outcome(b, odd_leaf(A, a.domain_key, x509.DNSName(A), ed25519=True)) == "no connection"


async def test_f09_an_expired_leaf_is_refused(pair):
    a, b = pair
    b.trust.learn(a.domain, [a.domain_key.public])
    assert await outcome(b, odd_leaf(A, a.domain_key, x509.DNSName(A), days=-1)) == "no connection"


async def test_f09_leaves_are_renewed_on_both_sides_without_loss(pair):
    a, b = pair
    await a.submit(B, 20)
    for host in (a, b, a):
        host.show(issue_leaf(host.domain_key, host.domain, now=time.time()))
        await a.submit(B, 20)
    await b.mailbox.until(80)
    assert b.mailbox.numbers == list(range(1, 81))
    assert not b.trust.stale


async def test_i13_i16_both_keys_hold_while_a_rotation_overlaps_and_then_the_new_one_alone(pair):
    a, b = pair
    old, new = a.domain_key, Ed25519Secret.generate(system_random)
    await PinBook(b.pins, b.resolver, clock=b.clock).find(a.domain)
    pin = load_pin(await b.pins.get(a.domain))
    keys = (PinnedKey(old.public, int(b.clock()) + 60), PinnedKey(new.public))
    await b.pins.put(a.domain, dump_pin(replace(pin, keys=keys)))
    b.trust.learn(a.domain, [new.public, old.public])
    assert await outcome(b, leaf_of(A, old)) == "ok"
    assert await outcome(b, leaf_of(A, new)) == "ok"
    async with dial(b, leaf_of(A, old)) as channel:
        await call(channel)
        b.clock.advance(61)
        with pytest.raises(grpc.aio.AioRpcError) as refused:  # the connection is open; the key is not good any more
            await call(channel)
        assert refused.value.details() == "certificate.invalid"
    assert await outcome(b, leaf_of(A, new)) == "ok"


async def test_f10_handshakes_while_domains_are_learnt_and_forgotten_all_succeed(pair):
    a, b = pair
    b.trust.learn(a.domain, [a.domain_key.public])
    await b.book.find(a.domain)
    keys = [Ed25519Secret.generate(system_random).public for _ in range(8)]
    shown = leaf_of(A, a.domain_key)
    done = threading.Event()

    async def churn() -> int:
        turns = 0
        while not done.is_set():
            b.trust.learn(Domain(f"x{turns % 8}.example"), [keys[turns % 8]])
            b.trust.forget(Domain(f"x{(turns + 3) % 8}.example"))
            turns += 1
            await asyncio.sleep(0)
        return turns

    turning = asyncio.create_task(churn())
    assert [await outcome(b, shown) for _ in range(15)] == ["ok"] * 15
    done.set()
    assert await turning > 15
    b.trust.forget(a.domain)
    assert await outcome(b, shown) == "no connection"  # the newest credentials are the ones that count


async def test_f12_with_no_pinned_domain_nobody_gets_in(pair):
    a, b = pair
    assert len(b.trust) == 0
    assert await outcome(b, leaf_of(A, a.domain_key)) == "no connection"


def fresh_trust() -> Trust:
    key = Ed25519Secret.generate(system_random)
    return Trust(issue_leaf(key, B, now=time.time()), time.time)


def test_i86_one_registrable_domain_cannot_fill_the_hot_anchors():
    trust, key = fresh_trust(), Ed25519Secret.generate(system_random).public
    trust.learn(Domain(A), [key])
    trust.accepted(Domain(A))
    for number in range(3 * MAX_HOT_UNUSED):
        trust.learn(Domain(f"d{number}.evil.test"), [key])
    assert len(trust) == MAX_HOT_UNUSED + 1
    assert Domain(A) in trust


def test_i86_anchors_with_accepted_traffic_are_evicted_last():
    trust, key = fresh_trust(), Ed25519Secret.generate(system_random).public
    used = [Domain(f"used{number}.test{number}") for number in range(5)]
    trust.learn_many((domain, (key,)) for domain in used)
    for domain in used:
        trust.accepted(domain)
    trust.learn_many((Domain(f"d{number}.test{number}"), (key,)) for number in range(MAX_HOT + 50))
    assert len(trust) == MAX_HOT
    assert all(domain in trust for domain in used)
    assert Domain("d0.test0") not in trust


@pytest.mark.slow
async def test_f15_a_thousand_anchors_cost_less_than_a_quarter_second(pair):
    a, b = pair
    key = Ed25519Secret.generate(system_random).public
    b.trust.learn_many((Domain(f"d{number}.test{number}"), (key,)) for number in range(MAX_HOT - 1))
    await b.book.find(a.domain)
    shown = leaf_of(A, a.domain_key)
    took = []
    for _ in range(5):  # the best counts: the machine may be busy
        b.trust.forget(a.domain)
        b.trust.learn(a.domain, [a.domain_key.public])  # a change: the next handshake pays
        start = time.perf_counter()
        assert await outcome(b, shown) == "ok"
        took.append(time.perf_counter() - start)
    assert min(took) < 0.25
