"""What an operator does with a homeserver that runs: drain, reload, stats, audit; and that its log names nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path

import msgspec
import pytest

import connexa
from connexa.crypto import Kind
from connexa.errors import NotFoundError, UsageError
from connexa.homeserver.audit import page
from connexa.homeserver.canary import canary_of, renew_canary
from connexa.homeserver.check import Level, check_canary
from connexa.homeserver.metrics import Metrics
from connexa.homeserver.reload import reload
from connexa.homeserver.stats import read_stats
from connexa.identity import Domain, read_notice
from connexa.node.retry import Backoff
from connexa.process import log_to
from connexa.testing import SeededRandom
from connexa.wire.v1.link_pb2 import Status

from .village import DOMAIN, Village, changed, settings_with, village


async def test_a_drain_confirms_what_was_taken_then_sends_the_links_away_spread_over_seconds(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client, phone = await v.submit(token), await v.login(bob.devices[0], resume=True)
        client.send(*[(number, v.mail(bob)) for number in range(1, 6)])
        for _ in range(3):  # they are read, and not committed
            await asyncio.sleep(0)
        await v.house.drain()
        assert await client.committed(5) == {}
        assert await client.closed() == (1001, "server.draining")
        assert await phone.closed() == (1001, "server.draining")
        assert v.rows() == 5
        late = await v.dial("192.0.2.77")
        assert await late.closed() == (4503, "server.draining")


async def test_a_node_waits_for_up_to_as_long_as_a_draining_homeserver_asks_and_no_longer_than_it_wants() -> None:
    def longest(seconds: float) -> float:
        waits = []
        for seed in range(50):
            backoff = Backoff(SeededRandom(str(seed)), most=20.0)
            backoff.widen(seconds)
            waits.append(backoff.next())
        return max(waits)

    assert longest(0) <= 0.2 < 5 < longest(10) <= 10 < longest(1e9) <= 20


async def test_a_reload_changes_limits_at_once_and_says_what_needs_a_restart(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(send_per_second=1_000)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        tokens = await v.passes(alice, 2)
        first = await v.submit(tokens[0])
        first.send((1, v.mail(bob)))
        assert await first.committed(1) == {}
        leaf, info = v.house.leaf.der, v.house.server_info()
        wanted = changed(
            settings_with(mailbox_messages=1, send_per_second=2_000),
            registration="open",
            blocked_domains=("bad.example",),
            log=msgspec.convert({"format": "json"}, type(v.house.settings.log)),
        )
        found = reload(v.house, lambda: wanted)
        assert set(found.changed) == {"registration", "blocked_domains", "limits.mailbox_messages", "limits.send_per_second"}
        assert found.after_restart == ("log.format",)
        assert v.house.settings.log.format == "text"
        assert v.house.is_blocked("bad.example")
        assert v.house.leaf.der != leaf
        assert v.house.server_info() != info and v.house.publication.policy.mailbox_messages == 1
        first.send((2, v.mail(bob)))  # the same link
        assert await first.committed(2) == {2: Status.STATUS_QUOTA_EXCEEDED}


async def test_settings_that_do_not_hold_change_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        before, leaf = v.house.settings, v.house.leaf.der

        def broken():
            raise UsageError("settings.malformed", "It is not TOML.")

        with pytest.raises(UsageError):
            reload(v.house, broken)
        with pytest.raises(UsageError):
            reload(v.house, lambda: changed(settings_with(mailbox_messages=1), blocked_domains=("no domain",)))
        assert v.house.settings == before
        assert v.house.leaf.der == leaf


async def test_rates_that_were_reloaded_hold_for_whom_they_held_before(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(lookups_per_minute=5)) as v:
        table, now = v.house.lookup_rates, 1_000.0
        assert [table.take(b"a", now) for _ in range(6)] == [True] * 5 + [False]
        reload(v.house, lambda: settings_with(lookups_per_minute=600))
        assert table.take(b"a", now) is False  # nothing was given for what is over
        assert all(table.take(b"a", now + 1) for _ in range(9))


async def test_every_act_of_an_administrator_is_written_down_and_stays(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        await v.settle("bob")
        before = page(v.house.database.read, 0, 1)[0].id
        await v.house.create_account_invite(1, 7, who="uid 1000")
        await v.house.delete_user("bob", who="uid 1000")
        with pytest.raises(Exception, match="no such account"):
            await v.house.delete_user("nobody", who="uid 1000")
        acts = [entry for entry in page(v.house.database.read, 0, 10) if entry.id > before]
        assert [(entry.who, entry.act, entry.about) for entry in acts] == [
            ("uid 1000", "user.deleted", "bob"),
            ("uid 1000", "invite.created", ""),
        ]
        assert [entry.id for entry in page(v.house.database.read, acts[0].id, 1)] == [acts[1].id]
    for module in Path(connexa.__file__).parent.rglob("*.py"):
        assert not re.search(r"(UPDATE|DELETE FROM|REPLACE INTO) audit\b", module.read_text()), module


async def test_stats_count_the_bytes_of_each_account(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        client.send(*[(number, v.mail(bob)) for number in (1, 2, 3)])
        await client.committed(3)
        found = v.house.database.aside(lambda query: read_stats(query, Domain(DOMAIN), 1 << 30))
        first, second = found.accounts
        assert (first.address, first.devices, first.messages) == (f"bob@{DOMAIN}", 2, 6)
        assert (second.address, second.messages, second.mailbox_bytes) == (f"alice@{DOMAIN}", 0, 0)
        assert found.mailbox_bytes == first.mailbox_bytes > 0
        assert first.key_bytes > 0 and found.database_bytes == 1 << 30


async def test_json_logs_of_a_busy_house_are_objects_that_name_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log_to(logging.StreamHandler(), as_json=True):
        logging.getLogger("connexa").setLevel(logging.DEBUG)
        async with village(tmp_path) as v:
            said = await _busy(v)
        logging.getLogger("connexa.homeserver.test").info("leaf.renewed until=%d", 5)
        logging.getLogger("asyncio").error("from %s", "192.0.2.99")
        try:
            raise ValueError("bobcanary")
        except ValueError:
            logging.getLogger("connexa.homeserver.test").exception("link failed")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    renewed, library, failed = lines[-3:]
    assert (renewed["event"], renewed["until"], renewed["level"]) == ("leaf.renewed", "5", "info")
    assert library["event"] == "library.failed"
    assert failed["failure"].startswith("ValueError at ")
    text = json.dumps(lines)
    assert not [word for word in [*said, "canary", DOMAIN, "192.0.2."] if word in text]


async def _busy(v: Village) -> list[str]:
    """Mail, a refused login, a refused invite, a reload, a drain; returns what no log may hold."""
    alice, bob = await v.settle("alicecanary"), await v.settle("bobcanary")
    (token,) = await v.passes(alice, 1)
    client, phone = await v.submit(token), await v.login(bob.devices[0], resume=True)
    client.send((1, v.mail(bob)), (2, v.with_token(v.envelope(bob), alice.profile)))
    await client.committed(2)
    phone.ack((await phone.pushes(1))[0].seq)
    await phone.quiet()
    reload(v.house, settings_with)
    await v.house.delete_user("bobcanary")
    await v.house.drain()
    return [alice.user.id.hex(), bob.user.id.hex(), bob.devices[0].id.hex(), token.input.hex()]


async def test_policies_say_every_limit_and_follow_a_reload(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(mailbox_messages=77)) as v:
        keys = [v.house.domain_key.public]
        said = read_notice(v.house.publication.policies(), Kind.POLICIES, keys, domain=Domain(DOMAIN))
        assert said["limits"] == msgspec.to_builtins(v.house.settings.limits) and said["limits"]["mailbox_messages"] == 77
        assert said["registration"] == "invite" and said["logging"] and said["retention"]
        reload(v.house, lambda: changed(settings_with(mailbox_messages=78), contact="https://b.example/us"))
        said = read_notice(v.house.publication.policies(), Kind.POLICIES, keys, domain=Domain(DOMAIN))
        assert (said["limits"]["mailbox_messages"], said["contact"]) == (78, "https://b.example/us")


async def test_a_canary_is_renewed_by_hand_alone_and_goes_stale(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        query, keys = v.house.database.read, v.house.domain_keys
        with pytest.raises(NotFoundError):
            canary_of(query, keys)
        for statement, days in (("", 0), ("", 400), ("x" * 100_000, 5)):
            with pytest.raises(UsageError):
                await v.house.administer(lambda execute, s=statement, d=days: renew_canary(execute, keys, s, d, v.clock()), "uid 1", "x")  # type: ignore[misc]
        await v.house.administer(lambda execute: renew_canary(execute, keys, "", 30, v.clock()), "uid 1", "canary.renewed")
        first = canary_of(query, keys)
        assert DOMAIN in first["statement"] and first["expires"] == int(v.clock()) + 30 * 86_400
        v.clock.advance(20 * 86_400)
        await v.house.tick()
        assert canary_of(query, keys) == first
        levels = [check_canary(first["expires"], first["issued"] + day * 86_400)[0].level for day in (0, 15, 17, 29, 31)]
        assert levels == [Level.OK, Level.OK, Level.WARNING, Level.WARNING, Level.ERROR]
        assert check_canary(None, 0) == []
        await v.house.administer(lambda execute: renew_canary(execute, keys, "All is well.", 30, v.clock()), "uid 1", "canary.renewed")
        assert canary_of(query, keys)["statement"] == "All is well."


def test_the_dashboard_names_metrics_that_exist() -> None:
    dashboard = json.loads((Path(__file__).parents[2] / "deploy" / "grafana" / "homeserver.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    named = {name for query in queries for name in re.findall(r"\b(?:connexa|process)_\w+", query)}
    exist = {sample for line in Metrics().render().decode().splitlines() if line.startswith("# TYPE") for sample in _samples(line)}
    assert named and named <= exist, named - exist
    places = [tuple(panel["gridPos"][side] for side in "xy") for panel in dashboard["panels"]]
    assert len(set(places)) == len(places) and len({panel["id"] for panel in dashboard["panels"]}) == len(places)


def _samples(line: str) -> list[str]:
    """The names under which Prometheus knows a metric, of its line in the text format."""
    _, _, name, kind = line.split()
    return [f"{name}_bucket"] if kind == "histogram" else [] if name.endswith("_created") else [name]
