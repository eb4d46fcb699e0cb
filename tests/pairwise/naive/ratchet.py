"""The Double Ratchet with header encryption: docs/protocol.md section 10. A state is a dict with the names of the specification."""

from __future__ import annotations

from tests.pairwise.naive import pq
from tests.pairwise.naive.primitives import ZEROS, Refused, dh, dh_public, hkdf, mac, open_, seal, u32

MAX_SKIP = 1_000


def start(keys: dict, role: str, a: dict, b: dict, *, spk: bytes) -> dict:
    """From `pqxdh`; `spk` is B's signed prekey: its public half at A, its private half at B."""
    a_to_b = keys["T"] + a["user"] + a["device"] + b["user"] + b["device"]
    b_to_a = keys["T"] + b["user"] + b["device"] + a["user"] + a["device"]
    state = {"RK": keys["root"], "CKs": None, "CKr": None, "HKs": None, "HKr": None, "Ns": 0, "Nr": 0, "PN": 0, "skipped": []}
    state |= {"pq": pq.start(keys["pq"], role), "initial": keys.get("initial", b"")}
    if role == "A":
        state |= {"AD_out": a_to_b, "AD_in": b_to_a, "DHs": None, "DHr": spk, "NHKs": keys["hk_a"], "NHKr": keys["nhk_b"]}
        return {**state, "step_due": True}
    state |= {"AD_out": b_to_a, "AD_in": a_to_b, "DHs": spk, "DHr": None, "NHKs": keys["nhk_b"], "NHKr": keys["hk_a"]}
    return {**state, "step_due": False}


def root_step(rk: bytes, shared: bytes) -> tuple[bytes, bytes, bytes]:
    out = hkdf(rk, shared, b"Connexa/1 DR root", 96)
    return out[:32], out[32:64], out[64:]


def chain_step(ck: bytes) -> tuple[bytes, bytes]:
    return mac(ck, b"\x02"), mac(ck, b"\x01")


def header_keys(hk: bytes, n12: bytes) -> tuple[bytes, bytes]:
    out = hkdf(n12, hk, b"Connexa/1 header", 64)
    return out[:32], out[32:]


def message_keys(ec_mk: bytes, pq_mk: bytes, n12: bytes) -> tuple[bytes, bytes, bytes]:
    out = hkdf(pq_mk, ec_mk, b"Connexa/1 msg" + n12, 76)
    return out[:32], out[32:44], out[44:]


def send(state: dict, plaintext: bytes, draws: dict) -> tuple[dict, bytes]:
    """Takes the draw `n12`, `dh` where a step is due, and what `pq.send` takes; takes them out of `draws`."""
    if state["step_due"]:
        secret = draws.pop("dh")
        rk, ck, nhk = root_step(state["RK"], dh(secret, state["DHr"]))
        step = {"DHs": secret, "RK": rk, "CKs": ck, "HKs": state["NHKs"], "NHKs": nhk, "PN": state["Ns"], "Ns": 0}
        state = {**state, **step, "step_due": False}
    if state["CKs"] is None:
        raise Refused("nothing has come yet")
    pq_state, epoch, pq_n, (kind, index, chunk), pq_mk = pq.send(state["pq"], draws)
    n12 = draws.pop("n12")
    header = dh_public(state["DHs"]) + u32(state["PN"]) + u32(state["Ns"]) + u32(epoch) + u32(pq_n) + bytes([kind, index]) + chunk
    key, commit = header_keys(state["HKs"], n12)
    eh = n12 + commit + seal(key, n12, header, state["AD_out"])
    ck, ec_mk = chain_step(state["CKs"])
    key, nonce, commit = message_keys(ec_mk, pq_mk, n12)
    message = eh + commit + seal(key, nonce, plaintext, state["AD_out"] + eh + commit)
    return {**state, "CKs": ck, "Ns": state["Ns"] + 1, "pq": pq_state}, message


def receive(state: dict, message: bytes) -> tuple[dict, bytes]:
    """The state and the plaintext, or `Refused`."""
    eh, commit_m, sealed = message[:238], message[238:270], message[270:]
    state, header, ec_mk = find_key(state, eh)
    epoch, pq_n, kind, index = (int.from_bytes(header[i:j], "big") for i, j in ((40, 44), (44, 48), (48, 49), (49, 50)))
    pq.check(kind, index, header[50:])
    pq_state, pq_mk = pq.receive_key(state["pq"], epoch, pq_n)
    key, nonce, commit = message_keys(ec_mk, pq_mk, eh[:12])
    if commit != commit_m:
        raise Refused("the message key is another")
    plaintext = open_(key, nonce, sealed, state["AD_in"] + eh + commit_m)
    return {**state, "pq": pq.receive(pq_state, epoch, (kind, index, header[50:])), "initial": b""}, plaintext


def find_key(state: dict, eh: bytes) -> tuple[dict, bytes, bytes]:
    """(state, header, ec_mk) by whichever header key opens it."""
    for position, (hk, n, ec_mk) in enumerate(state["skipped"]):
        header = open_header(hk, eh, state["AD_in"])
        if header and int.from_bytes(header[36:40], "big") == n:
            return {**state, "skipped": state["skipped"][:position] + state["skipped"][position + 1 :]}, header, ec_mk
    if header := open_header(state["HKr"], eh, state["AD_in"]):
        return in_chain(state, header)
    if header := open_header(state["NHKr"], eh, state["AD_in"]):
        return in_chain(dh_step(state, header), header)
    raise Refused("no header key opens it")


def open_header(hk: bytes | None, eh: bytes, ad: bytes) -> bytes | None:
    if hk is None:
        return None
    key, commit = header_keys(hk, eh[:12])
    return open_(key, eh[:12], eh[44:], ad) if commit == eh[12:44] else None


def in_chain(state: dict, header: bytes) -> tuple[dict, bytes, bytes]:
    """The key of the message in the current receiving chain."""
    n = int.from_bytes(header[36:40], "big")
    if n < state["Nr"]:
        raise Refused("that key is used")
    state = skip_to(state, n)
    ck, ec_mk = chain_step(state["CKr"])
    return {**state, "CKr": ck, "Nr": n + 1}, header, ec_mk


def skip_to(state: dict, until: int) -> dict:
    """Keep the keys of the current chain that come before `until`."""
    if until - state["Nr"] > MAX_SKIP:
        raise Refused("it skips too many")
    ck, n, skipped = state["CKr"], state["Nr"], list(state["skipped"])
    while n < until:
        if ck is None:
            raise Refused("there is no chain")
        ck, ec_mk = chain_step(ck)
        skipped.append((state["HKr"], n, ec_mk))
        n += 1
    return {**state, "CKr": ck, "Nr": n, "skipped": skipped}


def dh_step(state: dict, header: bytes) -> dict:
    """The other side has a new key. Ours follows when we send: until then a second step is refused."""
    public = header[:32]
    if state["DHs"] is None or (state["step_due"] and state["CKr"] is not None):
        raise Refused("a step before our answer")
    if public in (ZEROS, state["DHr"], dh_public(state["DHs"])):
        raise Refused("no key, the one before, or our own")
    state = skip_to(state, int.from_bytes(header[32:36], "big"))
    rk, ck, nhk = root_step(state["RK"], dh(state["DHs"], public))
    step = {"RK": rk, "CKr": ck, "HKr": state["NHKr"], "NHKr": nhk, "DHr": public, "Nr": 0}
    return {**state, **step, "step_due": True}
