"""`connexa server` as people run it: real processes on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from connexa.crypto import Ed25519Public, Kind
from connexa.crypto.x509 import anchor_pem
from connexa.identity import CANARY_PATH, POLICIES_PATH, Domain, Endpoints, StaticEntry, format_discovery_file, parse_txt, read_notice
from connexa.testing import Program, run_program

PORTS = ["--link-port", "0", "--federation-port", "0", "--https-port", "0"]
A, B = "a.example", "b.example"


async def founded(home, domain=B, *more):
    made = await run_program(["server", "init", domain, "--json", *more], home=home)
    assert made.code == 0, made.stderr
    return made.data


@pytest.fixture
async def server(tmp_path):
    made = await founded(tmp_path)
    program = Program("b", ["server", "run", *PORTS, "--json"], home=tmp_path)
    await program.start()
    program.ready["made"] = made
    yield program
    if program.running:
        await program.kill()


async def test_init_says_what_to_publish_and_gives_the_first_invite_once(tmp_path):
    made = await founded(tmp_path)
    assert made["created"] and len(bytes.fromhex(made["invite"])) == 32
    record = made["records"][0]
    assert (record["name"], record["type"]) == ("_connexa.b.example", "TXT")
    published = parse_txt([[record["value"].encode()]])
    assert published is not None and published.keys.current.key.raw.hex() == made["key"]
    assert made["invite"] not in Path(made["log"]).read_text()
    again = await founded(tmp_path)
    assert (again["created"], again["invite"], again["key"]) == (False, "", made["key"])
    other = await run_program(["server", "init", A, "--json"], home=tmp_path)
    assert (other.code, other.error["code"]) == (5, "server.other_domain")
    shown = await run_program(["server", "dns", "--json"], home=tmp_path)
    assert shown.data["records"] == made["records"]


async def test_init_in_words_names_what_can_never_change(tmp_path):
    made = await run_program(["server", "init", B, "--link-port", "9443"], home=tmp_path)
    for words in ("can never change", "_connexa.b.example. TXT", "b.example:9443 (links)", "[Service]", "connexa server run", "invite"):
        assert words in made.stdout
    assert stat.S_IMODE((tmp_path / "data" / "default" / "server").stat().st_mode) == 0o700


async def test_a_failed_first_init_leaves_no_database(tmp_path):
    refused = await run_program(["server", "init", "not a domain", "--json"], home=tmp_path)
    assert refused.code == 2
    assert not list(tmp_path.rglob("*.db")) and not list(tmp_path.rglob("*.toml"))


async def test_status_users_and_invites_over_the_admin_socket(server, tmp_path):
    path = Path(server.ready["admin"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    status = (await run_program(["server", "status", "--json"], home=tmp_path)).data
    assert (status["domain"], status["healthy"], status["users"]) == (B, True, 0)
    assert status["ports"] == server.ready["ports"]
    assert status["key"] == server.ready["made"]["key"]
    invite = (await run_program(["server", "invite", "--uses", "3", "--json"], home=tmp_path)).data
    assert len(bytes.fromhex(invite["invite"])) == 32
    assert (await run_program(["server", "user", "list", "--json"], home=tmp_path)).data["items"] == []
    missing = await run_program(["server", "user", "delete", "nobody", "--yes", "--json"], home=tmp_path)
    assert (missing.code, missing.error["code"]) == (4, "user.not_found")
    unasked = await run_program(["server", "user", "delete", "nobody", "--json"], home=tmp_path)
    assert (unasked.code, unasked.error["code"]) == (2, "confirmation.missing")
    found = (await run_program(["server", "federation", "list", "--json"], home=tmp_path)).data
    assert (found["remotes"], found["queues"]) == ([], [])


async def test_reload_by_a_verb_and_by_a_signal_without_losing_a_link(tmp_path):
    await founded(tmp_path)
    program = Program("b", ["server", "run", *PORTS, "--json"], home=tmp_path, env={"CONNEXA_SERVER__LOG__FORMAT": "json"})
    await program.start()
    settings = tmp_path / "config" / "profiles" / "default.toml"
    text = settings.read_text()
    settings.write_text(text + "\n[server.limits]\nmailbox_messages = 7\n\n[server.discovery]\ntimeout = 3.5\n")
    found = (await run_program(["server", "reload", "--json"], home=tmp_path)).data
    assert found["changed"] == ["limits.mailbox_messages"]
    assert {"discovery.timeout", "log.format"} >= set(found["after_restart"]) >= {"discovery.timeout"}
    settings.write_text(text + "\n[server.limits]\nmailbox_messages = 'many'\n")
    refused = await run_program(["server", "reload", "--json"], home=tmp_path)
    assert (refused.code, refused.error["code"]) == (2, "settings.bad_value")
    settings.write_text(text)
    audit = (await run_program(["server", "audit", "--json"], home=tmp_path)).data["items"]
    acts = [(entry["who"], entry["act"], entry["about"]) for entry in audit]
    assert acts == [(f"uid {os.geteuid()}", "settings.reloaded", "limits.mailbox_messages")]
    stats = (await run_program(["server", "stats", "--json"], home=tmp_path)).data
    assert stats["accounts"] == [] and stats["database_bytes"] > 0
    os.kill(program.pid, signal.SIGHUP)
    assert await program.stop() == 0
    events = [json.loads(line)["event"] for line in program.output.splitlines() if '"level"' in line]
    assert sorted(events) == ["leaf.renewed", "leaf.renewed", "server.stopping", "server.up", "settings.reloaded"]


async def test_every_port_shows_the_leaf_of_the_domain_key(server, tmp_path):
    key = Ed25519Public.from_bytes(bytes.fromhex(server.ready["made"]["key"]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=anchor_pem(B, key, time.time()).decode())
    context.set_alpn_protocols(["h2", "http/1.1"])
    for port in server.ready["ports"].values():
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=B)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.transport.abort()
    async with httpx.AsyncClient(verify=context, trust_env=False) as web:
        url = f"https://127.0.0.1:{server.ready['ports']['https']}"
        health = await web.get(f"{url}/health", extensions={"sni_hostname": B})
        assert health.json()["status"] == "ok"
        assert (await web.get(f"{url}/.well-known/connexa/canary", extensions={"sni_hostname": B})).status_code == 404
        renewed = await run_program(["server", "canary", "renew", "--yes", "--json"], home=tmp_path)
        assert "no secret order" in renewed.data["statement"]
        for path, kind in ((CANARY_PATH, Kind.CANARY), (POLICIES_PATH, Kind.POLICIES)):
            shown = await web.get(f"{url}{path}", extensions={"sni_hostname": B})
            assert read_notice(shown.content, kind, [key], domain=Domain(B))["domain"] == B
        metrics = await web.get(f"{url}/metrics", extensions={"sni_hostname": B})
        assert "connexa_links" in metrics.text


async def test_h1_an_idle_link_costs_a_fifth_of_what_it_does_with_asyncios_own_tls(tmp_path):
    """In a program of its own: what other tests left in this process would be counted, or be used again and not be counted."""
    made = await founded(tmp_path)
    server = Program("b", ["server", "run", *PORTS, "--json"], home=tmp_path, env={"CONNEXA_SERVER__LIMITS__WAITING_PER_SOURCE": "1000"})
    await server.start()

    def resident():
        return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    clients = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _IDLE_CLIENT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    orders, answers = clients.stdin, clients.stdout
    assert orders is not None and answers is not None
    anchor = anchor_pem(B, Ed25519Public.from_bytes(bytes.fromhex(made["key"])), time.time()).decode()
    orders.write(json.dumps({"anchor": anchor, "port": server.ready["ports"]["link"], "name": B}).encode() + b"\n")

    async def open_more(count):
        orders.write(b"%d\n" % count)
        assert await asyncio.wait_for(answers.readline(), 120) == b"open\n"
        return resident()

    warm = await open_more(100)
    assert (await open_more(400) - warm) / 400 < 60 * 1024
    orders.close()
    await clients.wait()
    assert await server.stop() == 0


_IDLE_CLIENT = """
import json, socket, ssl, sys
where = json.loads(sys.stdin.readline())
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(cadata=where["anchor"])
held = []
for line in sys.stdin:
    for _ in range(int(line)):
        s = context.wrap_socket(socket.create_connection(("127.0.0.1", where["port"])), server_hostname=where["name"])
        s.sendall(b"GET /v1/link HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n")
        assert b"101" in s.recv(1000)
        held.append(s)
    print("open", flush=True)
"""


async def test_noise_at_the_doors_harms_nothing_and_is_not_logged(server, tmp_path):
    for port in server.ready["ports"].values():
        for noise in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(2_000), b"\x16\x03\x01\xff\xff" + bytes(100), b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(noise)
            if writer.can_write_eof():
                writer.write_eof()
            with suppress(ConnectionError):
                async with asyncio.timeout(15):
                    while await reader.read(1_024):
                        pass
            writer.close()
            with socket.create_connection(("127.0.0.1", port)) as rude:
                rude.send(noise)
    assert (await run_program(["server", "status", "--json"], home=tmp_path)).data["healthy"]
    assert await server.stop() == 0
    events = [line.split(" connexa.homeserver.")[-1].split()[1] for line in server.output.splitlines() if not line.startswith("{")]
    assert events == ["server.up", "server.stopping"]
    assert "127.0.0.1" not in server.output


async def test_a_second_one_is_told_that_it_runs_already(server, tmp_path):
    second = await run_program(["server", "run", *PORTS, "--json"], home=tmp_path)
    assert (second.code, second.error["code"]) == (6, "server.running")
    assert server.running
    assert (await run_program(["server", "status", "--json"], home=tmp_path)).code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order_and_it_starts_again(server, tmp_path, number):
    os.kill(server.pid, number)
    assert await server.stop() == 0
    assert "server.stopping" in server.output
    assert not Path(server.ready["admin"]).exists()
    down = await run_program(["server", "status", "--json"], home=tmp_path)
    assert (down.code, down.error["code"]) == (3, "server.not_running")
    await server.start()
    assert server.ready["domain"] == B


async def test_after_a_kill_it_starts_with_the_same_key(server, tmp_path):
    key = server.ready["made"]["key"]
    await server.restart()
    status = (await run_program(["server", "status", "--json"], home=tmp_path)).data
    assert status["key"] == key


@pytest.mark.parametrize("listener", ["link", "federation", "https"])
async def test_a_port_in_use_is_one_clear_line(tmp_path, listener):
    await founded(tmp_path)
    with socket.create_server(("0.0.0.0", 0)) as taken:
        ports = [f"--{name}-port={taken.getsockname()[1] if name == listener else 0}" for name in ("link", "federation", "https")]
        ended = await run_program(["server", "run", *ports, "--json"], home=tmp_path)
    assert (ended.code, ended.error["code"]) == (6, "port.in_use")
    assert "Traceback" not in ended.stderr


async def test_a_password_locks_the_database(tmp_path):
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\n")
    wrong.write_text("battery staple\n")
    await founded(tmp_path, B, "--password-file", str(right))
    ended = await run_program(["server", "run", *PORTS, "--password-file", str(wrong), "--json"], home=tmp_path)
    assert (ended.code, ended.error["code"]) == (5, "store.locked")
    ended = await run_program(["server", "run", *PORTS, "--json"], home=tmp_path)
    assert (ended.code, ended.error["code"]) == (5, "store.password_needed")
    program = Program("b", ["server", "run", *PORTS, "--password-file", str(right), "--json"], home=tmp_path)
    await program.start()
    assert await program.stop() == 0
    assert "correct horse" not in program.output


async def test_without_init_there_is_nothing_to_run(tmp_path):
    ended = await run_program(["server", "run", "--json"], home=tmp_path)
    assert (ended.code, ended.error["code"]) == (4, "server.not_initialised")
    assert not list(tmp_path.rglob("*.db"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
async def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path):
    made = await founded(tmp_path)
    data = Path(made["data"])
    for file in data.iterdir():
        file.chmod(0o400)
    data.chmod(0o500)
    try:
        ended = await run_program(["server", "run", *PORTS, "--json"], home=tmp_path)
    finally:
        data.chmod(0o700)
    assert (ended.code, ended.error["code"]) == (5, "store.read_only")


async def test_check_tells_each_thing_with_its_fix(server, tmp_path):
    dead = {"CONNEXA_SERVER__DISCOVERY__NAMESERVER": "127.0.0.1:9", "CONNEXA_SERVER__DISCOVERY__TIMEOUT": "0.5"}
    public = {f"CONNEXA_SERVER__{name.upper()}__PUBLIC": f"127.0.0.1:{port}" for name, port in server.ready["ports"].items()}
    checked = await run_program(["server", "check", "--json"], home=tmp_path, env={**dead, **public})
    levels = {finding["name"]: finding["level"] for finding in checked.data["findings"]}
    assert levels["link"] == levels["federation"] == levels["https"] == levels["files"] == levels["clock"] == "OK"
    assert (levels["dns"], levels["trust"]) == ("WARNING", "ERROR")
    assert all(finding["fix"] for finding in checked.data["findings"] if finding["level"] != "OK")
    assert (checked.code, checked.error["code"]) == (1, "server.check_failed")


async def test_two_homeservers_pin_each_other_by_the_discovery_file(tmp_path):
    programs, entries = {}, {}
    file = tmp_path / "domains.toml"
    file.write_text("")
    for domain in (A, B):
        made = await founded(tmp_path / domain[0], domain)
        program = Program(
            domain, ["server", "run", *PORTS, "--json"], home=tmp_path / domain[0], env={"CONNEXA_SERVER__DISCOVERY__FILE": str(file)}
        )
        ports = (await program.start()).ready["ports"]
        key = Ed25519Public.from_bytes(bytes.fromhex(made["key"]))
        endpoints = Endpoints.parse(domain, **{name: f"127.0.0.1:{port}" for name, port in ports.items()})
        programs[domain], entries[Domain(domain)] = program, StaticEntry(Domain(domain), key, endpoints)
    try:
        file.write_text(format_discovery_file(entries))
        found = (await run_program(["server", "federation", "refresh", B, "--json"], home=tmp_path / "a")).data
        assert (found["state"], found["key"]) == ("pinned", entries[Domain(B)].key.raw.hex())
        listed = (await run_program(["server", "federation", "list", "--json"], home=tmp_path / "a")).data
        assert [(remote["domain"], remote["hot"]) for remote in listed["remotes"]] == [(B, True)]
        await run_program(["server", "federation", "forget", B], home=tmp_path / "a")
        listed = (await run_program(["server", "federation", "list", "--json"], home=tmp_path / "a")).data
        assert listed["remotes"] == []
        missing = await run_program(["server", "federation", "refresh", "c.example", "--json", "--timeout", "20"], home=tmp_path / "a")
        assert missing.code != 0 and json.loads(missing.stderr.splitlines()[-1])["error"]["code"]
    finally:
        for program in programs.values():
            await program.kill()
