"""P30: whatever is wrong with a message, there is one error and one way outward; and nothing secret shows in a repr, a log or an error."""

from __future__ import annotations

import ast
import base64
import logging
import traceback
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

import connexa.crypto
import connexa.crypto.voprf
import connexa.crypto.x509
import connexa.identity
import connexa.pairwise
from connexa.content import Text
from connexa.crypto import Ed25519Secret, HybridSecret, MlKemSecret, Secret, X25519Secret
from connexa.crypto.voprf import VoprfSecret, blind_batch
from connexa.identity import Address, ContactInvite, Endpoints, UserSecret
from connexa.node.link_frames import PushedItem
from connexa.pairwise import Duplicate, PairingCode, Reason, Reject, SessionSet, Wrap, open_sealed, read_initial, seal_body, week_of
from tests.node.correspondents import Device as NodeDevice
from tests.node.correspondents import dump
from tests.pairwise.talk import pair, sent, turn
from tests.pairwise.world import NOW, Device, acquainted, first_message, seeded

RNG = seeded(30)
ROOMS = (connexa.crypto, connexa.crypto.voprf, connexa.crypto.x509, connexa.identity, connexa.pairwise)
Pair = tuple[NodeDevice, NodeDevice]


def test_p30_every_refusal_looks_the_same() -> None:
    refusals = [Reject(reason) for reason in Reason] + [Duplicate()]
    assert {(r.code, r.message, str(r), repr(r.args), r.hint, r.retryable, r.exit_code) for r in refusals} == {
        (
            "message.rejected",
            "A message could not be opened.",
            "A message could not be opened. [message.rejected]",
            "('A message could not be opened.',)",
            "",
            False,
            8,
        )
    }


def test_p30_refusals_carry_no_trace_of_what_was_read() -> None:
    alice, bob = acquainted()
    _, message = alice.send(b"secret words")
    with pytest.raises(Reject) as refused:
        bob.sessions.receive(alice.device.sender, message[:-1] + b"\0", NOW)
    assert refused.value.__cause__ is None
    assert refused.value.args == ("A message could not be opened.",)


# ---- one way outward -----------------------------------------------------------------------------------------------


async def _refused(alice: NodeDevice, bob: NodeDevice) -> dict[str, PushedItem]:
    """One arrival for each thing that can be wrong."""
    items = {}
    envelope = await alice.write([bob], Text("hello"), "stranger", counter=1)
    good = bob.pushed(envelope)
    for name, at in (("encapsulation", 5), ("seal", 1_200), ("seal's tag", 5_231)):
        items[name] = replace(good, sealed=good.sealed[:at] + bytes([good.sealed[at] ^ 1]) + good.sealed[at + 1 :])
    items["size"] = replace(good, sealed=good.sealed[:-1])
    items["week"] = replace(good, sek=good.sek + 100)
    items["body"] = replace(good, body=good.body[:-1] + bytes([good.body[-1] ^ 1]))
    items["body of another size"] = replace(good, body=good.body[:-16])
    items["envelope id"] = replace(good, envelope=b"z" * 16)
    items["late certificate"] = replace(good, accepted_at=good.accepted_at + 10**6)
    foreign = alice.sender_certificate(key=Ed25519Secret.generate(RNG))
    items["certificate of nobody"] = bob.pushed(await alice.write([bob], Text("x"), "stranger", counter=1, sender=foreign))
    return items


async def test_p30_whatever_is_wrong_the_same_happens(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """The acknowledgement, the tables, the events, the log: none of them tells which check has failed."""
    alice, bob = pair
    items = await _refused(alice, bob)
    seen = set()
    for number, (name, item) in enumerate(items.items()):
        before, count, cursor = dump(bob), bob.undecryptable(), len(bob.events())
        with caplog.at_level(logging.DEBUG):
            caplog.clear()
            taken = await bob.take(replace(item, envelope=item.envelope if name == "envelope id" else bytes([number]) * 16))
        events = [(event.kind, event.fields) for event in bob.home.events.replay(0)][cursor:]
        seen.add((repr(taken), bob.undecryptable() - count, str(events), str(caplog.messages)))
        assert dump(bob) == before, name
    assert len(seen) == 1, seen
    assert bob.undecryptable() == len(items)


def _names(tree: ast.AST) -> set[str]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_p30_secrets_are_compared_in_constant_time(root: Path) -> None:
    """No commitment, MAC, tag or proof stands beside `==`, but for its length."""
    words = {"commit", "commitment", "mac", "tag", "proof", "digest", "check"}
    for room in ("crypto", "pairwise"):
        for path in (root / "src/connexa" / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                    names = _names(node)
                    guilty = {name for name in names if words & set(name.lower().split("_"))}
                    assert "len" in names or not guilty, f"{path.name}:{node.lineno} {guilty}"


# ---- nothing secret in sight ---------------------------------------------------------------------------------------

PUBLIC_FIELDS = {
    *("transcript", "ephemeral", "own_public", "remote", "public", "remote_keys", "ad_out", "ad_in", "initial", "signed_certificate"),
    *("local_user", "local_device", "remote_user", "remote_device", "user", "device", "certificate", "elements", "keys", "id", "party"),
    *("keys_digest", "reveal_digest", "digest", "body_digest", "list_digest", "body_id", "message_id", "conversation", "last_seen"),
    *("domain_key", "ciphertext", "seen", "prefixes", "nonces"),
}


def _secrets(thing: object) -> Iterator[bytes]:
    """All bytes of an object that are not public, however deep."""
    if isinstance(thing, bytes):
        yield thing
    elif isinstance(thing, dict):
        for part in thing.values():
            yield from _secrets(part)
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from _secrets(part)
    elif isinstance(thing, Secret | Struct) or is_dataclass(thing):
        names = [field.name for field in fields(thing)] if is_dataclass(thing) else getattr(type(thing), "__slots__", ())
        for name in thing.__struct_fields__ if isinstance(thing, Struct) else names:
            if name not in PUBLIC_FIELDS and hasattr(thing, name):
                yield from _secrets(getattr(thing, name))


def _holders() -> list[object]:
    alice, bob = Device.make("a", 1), Device.make("b", 2)
    a, b = turn(*pair())
    a, messages = sent(a, 6)
    for late in (5, 2):
        b, _ = connexa.pairwise.decrypt(b, messages[late], NOW)
    raw, message = first_message(alice, bob)
    read = read_initial(raw, alice.sender, NOW)
    responded = connexa.pairwise.respond(bob.local, read, bob.secrets_for(read), message, seen=(), now=NOW)
    body = seal_body(b"words that nobody else may read", RNG)
    where = Address.parse("bob@b.example")
    return [
        *(Ed25519Secret.generate(RNG), X25519Secret.generate(RNG), MlKemSecret.generate(RNG), HybridSecret.generate(RNG)),
        *(VoprfSecret.generate(RNG), blind_batch([RNG(32)], RNG), UserSecret.generate(RNG, NOW)),
        *(alice.local, alice.owner, bob.secrets_for(read), a, b, a.ratchet, b.ratchet, b.ratchet.pq, b.ratchet.pq.agreement),
        *(b.ratchet.sending, b.ratchet.receiving, SessionSet((a, b)), responded, body),
        Wrap(body.key, body.digest, RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32)),
        open_sealed(bob.sek[1], bob.id, week_of(NOW), alice.seal_to(bob, b"", b"m" * 542)),
        PairingCode(alice.dik.public, RNG(32), RNG(32), RNG(32)),
        ContactInvite(where, bob.user.id, RNG(16), RNG(32), NOW, bob.dsk.public, Endpoints.parse("b.example")),
    ]


def _shown(thing: object) -> str:
    """All the ways in which an object comes into a log."""
    try:
        raise ValueError("it went wrong", thing)
    except ValueError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join((repr(thing), str(thing), f"{thing}", repr([thing]), repr(error), *trace.format()))


@pytest.mark.parametrize("thing", _holders(), ids=lambda thing: type(thing).__name__)
def test_p30_no_secret_shows_in_whatever_is_printed(thing: object) -> None:
    held = [secret for secret in _secrets(thing) if len(secret) >= 16 and any(secret)]
    assert held
    shown = _shown(thing)
    for secret in held:
        part = secret[:16]
        for form in (part.hex(), repr(part)[2:-1], base64.b64encode(part).decode()[:20], base64.b32encode(part).decode()[:24]):
            assert form not in shown


def test_p30_what_is_declared_secret_is_out_of_the_repr() -> None:
    """For types that are yet to come: bytes of such a name are shown by no dataclass of these rooms."""
    words = {"key", "secret", "seed", "plaintext", "words", "passphrase", "password", "root", "chain", "content"}
    for room in ROOMS:
        for name in room.__all__:
            kind: Any = getattr(room, name)
            if is_dataclass(kind) and hasattr(kind.__repr__, "__wrapped__"):  # the one that dataclasses write
                shown = {field.name for field in fields(kind) if field.repr and field.type in ("bytes", "str")}
                assert not shown & words, name


async def test_p30_no_word_and_no_key_comes_into_the_log(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    alice, bob = pair
    with caplog.at_level(logging.DEBUG):
        await bob.take(bob.pushed(await alice.write([bob], Text("the heron stands in the reeds"), "stranger", counter=1)))
        for item in (await _refused(alice, bob)).values():
            await bob.take(item)
    for secret in (bob.account.dsk.seed, bob.account.dik.raw, alice.account.dik.raw):
        assert secret.hex() not in caplog.text
    assert "heron" not in caplog.text
    assert alice.account.user_id.hex() not in caplog.text
