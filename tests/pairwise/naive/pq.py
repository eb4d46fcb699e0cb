"""The post-quantum ratchet, version 1 (ML-KEM-768 in chunks of 128): docs/protocol.md section 10, "Post-quantum chains".

A state is a dict. A is the sender of encapsulation keys in odd epochs, B in even ones.
"""

from __future__ import annotations

from tests.pairwise.naive import mlkem
from tests.pairwise.naive.primitives import ZEROS, Refused, hkdf, kem_open, kem_public, mac, sha256, u32, u64

IDLE, EK, CT = 0, 1, 2
CHUNK = 128
LENGTH = {EK: 1184 + 32, CT: 1088 + 32}
EPOCHS_KEPT = 4
AFTER_MESSAGES = 20


def chunks(kind: int) -> int:
    return -(-LENGTH[kind] // CHUNK)


def start(seed: bytes, role: str) -> dict:
    keys = hkdf(ZEROS, seed, b"Connexa/1 PQ start", 160)
    root, a_to_b, b_to_a, auth, mac_key = (keys[i : i + 32] for i in range(0, 160, 32))
    state: dict = {"role": role, "root": root, "auth": auth, "mac": mac_key}
    state |= {"epoch": 0, "send_epoch": 0, "send": None, "receive": {}}
    state |= {"stream": None, "got": {}, "seed": None, "ek": None}
    return with_chains(state, 0, a_to_b, b_to_a)


def with_chains(state: dict, epoch: int, a_to_b: bytes, b_to_a: bytes) -> dict:
    """The epoch's chain for receiving; the one for sending waits in it until it is used."""
    ours, theirs = (a_to_b, b_to_a) if state["role"] == "A" else (b_to_a, a_to_b)
    receive = {**state["receive"], epoch: {"chain": theirs, "n": 0, "skipped": {}}}
    receive = {number: chain for number, chain in receive.items() if number > epoch - EPOCHS_KEPT}
    state = {**state, "epoch": epoch, "receive": receive, "next_send": ours}
    return state if epoch else use_for_sending(state, 0)


def use_for_sending(state: dict, epoch: int) -> dict:
    return {**state, "send_epoch": epoch, "send": {"chain": state["next_send"], "n": 0}}


def chain_step(chain: bytes, n: int) -> tuple[bytes, bytes]:
    out = hkdf(ZEROS, chain, u32(n) + b"Connexa/1 PQ next", 64)
    return out[:32], out[32:]


def ek_mac(state: dict, epoch: int, ek: bytes) -> bytes:
    return mac(state["mac"], b"Connexa/1 PQ ek" + u64(epoch) + ek)


def next_epoch(state: dict, ek: bytes, ciphertext: bytes, ss: bytes) -> tuple[dict, bytes]:
    """The state in the new epoch, and the MAC of its ciphertext."""
    e = state["epoch"] + 1
    out = hkdf(ZEROS, state["auth"] + ss, b"Connexa/1 PQ auth" + u64(e), 64)
    auth, mac_key = out[:32], out[32:]
    secret = hkdf(ZEROS, ss, b"Connexa/1 PQ secret" + u64(e) + sha256(ek + ciphertext), 32)
    out = hkdf(state["root"], secret, b"Connexa/1 PQ epoch" + u64(e), 96)
    state = {**state, "root": out[:32], "auth": auth, "mac": mac_key, "got": {}, "seed": None, "ek": None, "stream": None}
    state = with_chains(state, e, out[32:64], out[64:])
    return state, mac(mac_key, b"Connexa/1 PQ ct" + u64(e) + sha256(ek) + ciphertext)


def check(kind: int, index: int, part: bytes) -> None:
    """Refuse a chunk that nobody sends."""
    if kind == IDLE and not index and not any(part):
        return
    if kind not in LENGTH or index >= chunks(kind) or any(part[LENGTH[kind] - index * CHUNK :]):
        raise Refused("no such chunk")


def sends_keys(state: dict) -> bool:
    """Whether the next epoch's encapsulation key is ours to send, and the epoch before is in use by us."""
    ours = "A" if (state["epoch"] + 1) % 2 else "B"
    return bool(state["role"] == ours and state["send_epoch"] == state["epoch"])


def epoch_is_due(state: dict) -> bool:
    """After 20 messages of the epoch, both ways together, by their numbers. (Or after a day: vectors do not last so long.)"""
    return bool(state["send"]["n"] + state["receive"][state["epoch"]]["n"] >= AFTER_MESSAGES)


def send(state: dict, draws: dict) -> tuple[dict, int, int, tuple[int, int, bytes], bytes]:
    """(state, epoch, number in it, (kind, index, chunk), key). May take the draws `kem` (64, key pair) and `m` (32, encapsulation)."""
    if state["seed"] is None and sends_keys(state) and epoch_is_due(state):
        seed = draws.pop("kem")
        ek = kem_public(seed)
        stream = {"kind": EK, "bytes": ek + ek_mac(state, state["epoch"] + 1, ek), "next": 0}
        state = {**state, "seed": seed, "stream": stream}
    elif state["ek"]:
        ek = state["ek"]
        ciphertext, ss = mlkem.encapsulate(ek, draws.pop("m"))
        state, ct_mac = next_epoch(state, ek, ciphertext, ss)
        state = {**state, "stream": {"kind": CT, "bytes": ciphertext + ct_mac, "next": 0}}
    chunk = (IDLE, 0, bytes(CHUNK))
    if (stream := state["stream"]) and not state["got"]:  # a chunk of their ciphertext says that they have our key
        i = stream["next"]
        part = stream["bytes"][i * CHUNK : (i + 1) * CHUNK]
        chunk = (stream["kind"], i, part + bytes(CHUNK - len(part)))
        state = {**state, "stream": {**stream, "next": (i + 1) % chunks(stream["kind"])}}
    n = state["send"]["n"]
    chain, key = chain_step(state["send"]["chain"], n)
    state = {**state, "send": {"chain": chain, "n": n + 1}}
    return state, state["send_epoch"], n, chunk, key


def receive_key(state: dict, epoch: int, n: int) -> tuple[dict, bytes]:
    if epoch not in state["receive"]:
        raise Refused("no chain of that epoch")
    chain, at, skipped = (state["receive"][epoch][name] for name in ("chain", "n", "skipped"))
    skipped = dict(skipped)
    while at <= n:
        chain, skipped[at] = chain_step(chain, at)
        at += 1
    if n not in skipped:
        raise Refused("that key is used")
    key = skipped.pop(n)
    return {**state, "receive": {**state["receive"], epoch: {"chain": chain, "n": at, "skipped": skipped}}}, key


def receive(state: dict, epoch: int, chunk: tuple[int, int, bytes]) -> dict:
    """What a message that opened tells about epochs."""
    if epoch == state["epoch"] > state["send_epoch"]:  # they have our ciphertext
        state = use_for_sending({**state, "stream": None}, epoch)
    kind, index, part = chunk
    if kind == IDLE or epoch != state["epoch"]:  # a chunk belongs to the epoch after its message's
        return state
    if kind == EK and not sends_keys(state) and not state["ek"] and state["send_epoch"] == state["epoch"]:
        return collect(state, EK, index, part)
    if kind == CT and state["seed"]:
        return collect(state, CT, index, part)
    return state


def collect(state: dict, kind: int, index: int, part: bytes) -> dict:
    got = {index: part, **state["got"]}  # of two, the first
    state = {**state, "got": got}
    if len(got) < chunks(kind):
        return state
    whole = b"".join(got[i] for i in range(chunks(kind)))
    content, tag = whole[: LENGTH[kind] - 32], whole[LENGTH[kind] - 32 : LENGTH[kind]]
    state = {**state, "got": {}}
    if kind == EK:
        return {**state, "ek": content} if ek_mac(state, state["epoch"] + 1, content) == tag else state
    ek = kem_public(state["seed"])
    after, expected = next_epoch(state, ek, content, kem_open(state["seed"], content))
    return use_for_sending(after, after["epoch"]) if tag == expected else state
