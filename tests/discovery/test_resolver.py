from __future__ import annotations

import asyncio
import base64
import os
import ssl
import time

import pytest

from connexa.crypto import x509
from connexa.discovery._addresses import AddressPolicy
from connexa.errors import ConnexaError, UsageError
from connexa.identity import Channel, Domain, Evidence, Failure, Found, Missing, format_well_known
from tests.identity.people import A, B, secret, server_info

from .conftest import WELL_KNOWN
from .internet import name_server, page_of, redirect_to, web_server

KEY, OTHER = secret("b"), secret("mallory")


def outcome(evidence: tuple[Evidence, ...]) -> dict[Channel, str]:
    return {e.channel: "found" if isinstance(e, Found) else e.failure.value for e in evidence}


async def look_up(world, **changes: object) -> dict[Channel, str]:
    return outcome((await world.resolver(**changes).look_up(B)).evidence)


async def test_both_channels_are_read(world):
    world.publish(B, KEY)
    txt, web = (await world.resolver().look_up(B)).evidence
    assert isinstance(txt, Found)
    assert isinstance(web, Found)
    assert txt.keys.current.key == web.keys.current.key == KEY.public
    assert str(txt.federation) == "mx.b.example:9444"
    assert web.info is not None
    assert not txt.secure
    assert world.web.asked == [(B, WELL_KNOWN)]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [("NXDOMAIN", "absent"), ("SERVFAIL", "temporary"), ("REFUSED", "temporary"), ("drop", "temporary"), ("FORMERR", "temporary")],
)
async def test_i04_dns_failures_keep_their_class(world, fault, failure):
    world.publish(B, KEY)
    world.dns.faults[f"_connexa.{B}"] = fault
    assert await look_up(world, timeout=2.0 if fault == "drop" else 30.0) == {Channel.TXT: failure, Channel.WELL_KNOWN: "found"}


async def test_i04_nodata_is_absent_and_a_wrong_record_invalid(world):
    world.dns.set(f"_connexa.{B}", "A 127.0.0.1")
    assert (await look_up(world))[Channel.TXT] == "absent"
    world.dns.set(f"_connexa.{B}", 'TXT "v=spf1 -all"')
    assert (await look_up(world))[Channel.TXT] == "absent"
    world.dns.set(f"_connexa.{B}", 'TXT "v=connexa1;k=short"')
    assert (await look_up(world))[Channel.TXT] == "invalid"


async def _never(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        writer.write(b"{" * 65_536)
        await writer.drain()


async def _no_tls_record(writer: asyncio.StreamWriter) -> None:
    os.write(writer.get_extra_info("socket").fileno(), b"past the handshake, and no record of TLS")
    await asyncio.Event().wait()


async def _forged_tls_record(writer: asyncio.StreamWriter) -> None:
    os.write(writer.get_extra_info("socket").fileno(), b"\x17\x03\x03\x00\x40" + b"x" * 64)
    await asyncio.Event().wait()


GOOD = format_well_known(server_info(B, KEY), "1")


@pytest.mark.parametrize(
    ("page", "failure"),
    [
        (page_of(GOOD, status="404 Not Found"), "absent"),
        (page_of(GOOD, status="410 Gone"), "absent"),
        (page_of(b"<!doctype html>", headers="content-type: text/html; charset=utf-8\r\n"), "absent"),
        (page_of(b"\n <html>"), "absent"),
        (page_of(GOOD, status="500 Oops"), "temporary"),
        (page_of(GOOD, status="503 Later"), "temporary"),
        (page_of(GOOD, status="429 Slowly"), "temporary"),
        (page_of(GOOD, status="403 No"), "temporary"),
        (page_of(GOOD)[:-20], "temporary"),
        (page_of(b"", status="302 Found"), "temporary"),
        (page_of(b"", status="304 Not Modified"), "temporary"),
        (redirect_to("https://b\xfccher.example/"), "invalid"),
        (redirect_to("https://[::1/"), "temporary"),
        (b"no http", "temporary"),
        (b"", "temporary"),
        (page_of(GOOD + b" " * 65_536), "invalid"),
        (page_of(b"{}"), "invalid"),
        (page_of(GOOD, headers="content-encoding: gzip\r\n"), "invalid"),
        (page_of(format_well_known(server_info(A, KEY), "1")), "invalid"),
        (page_of(format_well_known(server_info(B, KEY, expires=1_799_999_999), "1")), "invalid"),
        (redirect_to("http://b.example/.well-known/connexa/server"), "invalid"),
        (redirect_to("https://b.example:1/x"), "invalid"),
        (redirect_to("ftp://b.example/x"), "invalid"),
        (redirect_to("//user@/x"), "invalid"),
        (redirect_to(""), "invalid"),
        (_endless, "invalid"),
        (_drip, "temporary"),
        (_never, "temporary"),
        (_no_tls_record, "temporary"),
        (_forged_tls_record, "temporary"),
        (page_of(GOOD), "found"),
        (page_of(GOOD, headers=""), "found"),
    ],
)
async def test_i05_i08_web_answers_have_their_class(world, page, failure):
    world.publish_web(B, KEY)
    world.web.pages[B, WELL_KNOWN] = page
    timeout = 0.5 if failure == "temporary" else 30.0  # what answers is given the time of a busy machine
    assert (await look_up(world, dns=False, timeout=timeout)) == {Channel.WELL_KNOWN: failure}


async def test_i05_three_redirects_and_no_more(world):
    world.publish_web(B, KEY)
    final = world.web.pages[B, WELL_KNOWN]
    base = f"https://c.example:{world.web.port}"
    world.dns.set("c.example", "A 127.0.0.1")
    world.web.pages[B, WELL_KNOWN] = redirect_to(f"{base}/1")
    world.web.pages["c.example", "/1"] = redirect_to("/2")
    world.web.pages["c.example", "/2"] = redirect_to("3")
    world.web.pages["c.example", "/3"] = final
    assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: "found"}
    world.web.pages["c.example", "/3"] = redirect_to("/4")
    world.web.pages["c.example", "/4"] = final
    assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: "invalid"}


async def test_a_domain_of_another_script_is_asked_by_its_own_name(world):
    domain = Domain("xn--bcher-kva.example")
    world.publish_txt(domain, KEY)
    world.publish_web(domain, KEY)
    async with web_server(world.authority.context(domain)) as web:
        web.pages = world.web.pages
        evidence = (await world.resolver(well_known_port=web.port).look_up(domain)).evidence
    assert outcome(evidence) == {Channel.TXT: "found", Channel.WELL_KNOWN: "found"}


async def test_i05_a_redirect_without_tls_is_invalid(world):
    world.publish_web(B, KEY)
    world.web.pages[B, WELL_KNOWN] = redirect_to(f"http://b.example:{world.web.port}/x")
    assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: "invalid"}


async def test_i05_each_server_on_the_way_shows_a_certificate_of_its_own_name(world):
    world.publish_web(B, KEY)
    final = world.web.pages[B, WELL_KNOWN]
    world.web.pages[B, WELL_KNOWN] = redirect_to(f"https://far.example:{world.web.port}/x")
    world.dns.set("far.example", "A 127.0.0.2")
    for name, result in (("far.example", "found"), (B, "temporary")):
        async with web_server(world.authority.context(name), "127.0.0.2", world.web.port) as far:
            far.pages["far.example", "/x"] = final
            assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: result}


async def test_i05_a_certificate_of_another_name_or_authority_is_temporary(world, tmp_path):
    world.publish_web(B, KEY)
    async with web_server(world.authority.context("other.example")) as impostor:
        impostor.pages[B, WELL_KNOWN] = page_of(GOOD)
        assert await look_up(world, dns=False, well_known_port=impostor.port) == {Channel.WELL_KNOWN: "temporary"}
        assert impostor.asked == []
    assert await look_up(world, dns=False, ca_file=None) == {Channel.WELL_KNOWN: "temporary"}


async def test_a_domain_without_web_server_is_absent_or_temporary(world):
    assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: "absent"}
    world.dns.set(B, "A 127.0.0.1")
    async with web_server(world.authority.context(B)) as gone:
        port = gone.port
    assert await look_up(world, dns=False, well_known_port=port) == {Channel.WELL_KNOWN: "temporary"}
    world.dns.faults[B] = "SERVFAIL"
    assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: "temporary"}


@pytest.mark.parametrize(
    "address",
    [
        "A 127.0.0.1",
        "A 10.1.2.3",
        "A 169.254.169.254",
        "A 0.0.0.0",
        "A 224.0.0.1",
        "AAAA ::1",
        "AAAA ::ffff:127.0.0.1",
        "AAAA fd00::1",
        "AAAA fe80::1",
        "AAAA 64:ff9b::7f00:1",
    ],
)
async def test_i06_private_addresses_are_blocked(world, address):
    world.publish_web(B, KEY)
    world.dns.set(B, address)
    assert await look_up(world, dns=False, allow_addresses=()) == {Channel.WELL_KNOWN: "blocked"}
    assert world.web.asked == []


async def test_i06_a_redirect_to_a_private_address_is_blocked(world):
    """The first name is allowed, as a public one would be; what it redirects to is checked all the same."""
    world.publish_web(B, KEY)
    for target in ("10.0.0.1", "[::1]", "inner.example"):
        world.dns.set("inner.example", "A 192.168.0.1")
        world.web.pages[B, WELL_KNOWN] = redirect_to(f"https://{target}:{world.web.port}/x")
        assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: "blocked"}, target


async def test_i06_a_rebound_name_is_not_asked_again(world):
    """One answer is checked and connected to: the nameserver gets no second chance to name another address."""
    world.publish_web(B, KEY)
    assert await look_up(world, dns=False) == {Channel.WELL_KNOWN: "found"}
    assert world.dns.asked == [f"{B} AAAA", f"{B} A"]


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("172.16.0.1", False),
        ("192.0.2.1", False),
        ("192.0.0.192", False),  # a cloud's metadata service
        ("fec0::1", False),
        ("3fff::1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("2002:a00:1::1", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),  # Teredo of 10.0.0.1
        ("ff02::1", False),
        ("fe80::1%eth0", False),
        ("localhost", False),
        ("", False),
        ("0177.0.0.1", False),
        ("2130706433", False),
    ],
)
def test_i06_the_address_policy(address, permitted):
    assert AddressPolicy().permits(address) is permitted


def test_i06_allowed_networks_are_reached_and_no_others():
    policy = AddressPolicy(["10.1.0.0/16", "fd00::/8"])
    assert policy.permits("10.1.2.3")
    assert policy.permits("::ffff:10.1.2.3")
    assert policy.permits("fd00::1")
    assert not policy.permits("10.2.0.1")
    with pytest.raises(UsageError):
        AddressPolicy(["10.1.0.1/16"])


async def test_i07_found_absent_and_failed_are_kept_as_long_as_they_may(world):
    resolver = world.resolver()
    world.publish(B, KEY)
    await resolver.look_up(B)
    count = len(world.dns.asked)
    world.clock.advance(599)
    await resolver.look_up(B)
    assert len(world.dns.asked) == count  # the zone's TTL is 600
    world.clock.advance(2)
    await resolver.look_up(B)
    assert len(world.dns.asked) > count


@pytest.mark.parametrize(("fault", "ceiling"), [("NXDOMAIN", 300), ("SERVFAIL", 30)])
async def test_i07_bad_news_is_kept_for_a_short_time(world, fault, ceiling):
    world.publish(B, KEY)
    world.dns.faults[f"_connexa.{B}"] = fault
    resolver = world.resolver()
    first = await resolver.look_up(B)
    del world.dns.faults[f"_connexa.{B}"]
    world.clock.advance(ceiling - 1)
    assert await resolver.look_up(B) is first
    world.clock.advance(1)
    assert outcome((await resolver.look_up(B)).evidence) == {Channel.TXT: "found", Channel.WELL_KNOWN: "found"}


async def test_i07_a_day_is_the_ceiling_and_flush_forgets(world):
    world.publish(B, KEY)
    world.dns.records[f"_connexa.{B}"] = [f"864000 IN {record}" for record in world.dns.records[f"_connexa.{B}"]]
    resolver = world.resolver(well_known=False)
    first = await resolver.look_up(B)
    assert first.good_until == world.clock() + 86_400
    resolver.flush(B)
    assert await resolver.look_up(B) is not first


async def test_many_at_once_ask_once(world):
    world.publish(B, KEY)
    resolver = world.resolver()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(resolver.look_up(B)) for _ in range(50)]
    assert len({id(task.result()) for task in waiting}) == 1
    assert world.web.asked == [(B, WELL_KNOWN)]


async def test_i10_the_ad_bit_counts_from_loopback_alone(world, monkeypatch):
    world.publish_txt(B, KEY)
    for authentic in (True, False):
        world.dns.authentic = authentic
        (txt,) = (await world.resolver(well_known=False).look_up(B)).evidence
        assert isinstance(txt, Found)
        assert txt.secure is authentic


async def test_i10_the_ad_bit_of_another_machine_does_not_count(world):
    own_address = await _address_of_this_machine()
    async with name_server(own_address) as elsewhere:
        elsewhere.authentic = True
        elsewhere.records = world.dns.records
        world.publish_txt(B, KEY)
        (txt,) = (await world.resolver(well_known=False, nameserver=f"{own_address}:{elsewhere.port}").look_up(B)).evidence
        assert isinstance(txt, Found)
        assert not txt.secure


async def _address_of_this_machine() -> str:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("0.0.0.0", 0))
    transport.close()
    try:
        routed, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("192.0.2.1", 9))
    except OSError:
        pytest.skip("this machine has no address but loopback")
    address = str(routed.get_extra_info("sockname")[0])
    routed.close()
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


async def test_i12_absence_is_not_authenticated_even_with_the_ad_bit(world):
    world.dns.authentic = True
    (txt,) = (await world.resolver(well_known=False).look_up(B)).evidence
    assert txt == Missing(Channel.TXT, Failure.ABSENT, "The DNS has no TXT record for it.")


async def test_svcb_and_srv_name_the_endpoint_where_nothing_else_does(world):
    key = f'TXT "{_record()}"'
    world.dns.set(f"_connexa.{B}", key)
    world.dns.set(f"_connexa._tcp.{B}", "SRV 20 0 2 late.b.example.", "SRV 10 5 1 small.b.example.", "SRV 10 50 3 mx.b.example.")
    assert str((await world.resolver().look_up(B)).located) == "mx.b.example:3"
    world.dns.set(f"_connexa.{B}", key, "SVCB 2 far.b.example. port=4", "SVCB 1 near.b.example. port=5")
    assert str((await world.resolver().look_up(B)).located) == "near.b.example:5"
    world.dns.set(f"_connexa.{B}", key, "SVCB 1 near.b.example.")
    assert str((await world.resolver().look_up(B)).located) == "near.b.example:8444"
    world.dns.set(f"_connexa.{B}", key, "SVCB 1 .")
    world.dns.set(f"_connexa._tcp.{B}", "SRV 0 0 0 .")
    assert (await world.resolver().look_up(B)).located is None
    world.publish_web(B, KEY)
    asked = len(world.dns.asked)
    assert (await world.resolver().look_up(B)).located is None
    assert not [question for question in world.dns.asked[asked:] if "SVCB" in question or "SRV" in question]


def _record() -> str:
    return f"v=connexa1;k={base64.urlsafe_b64encode(KEY.public.raw).rstrip(b'=').decode()}"


async def test_i19_the_discovery_file_is_read_first_and_again_when_it_changes(world):
    world.publish(B, OTHER)
    file = world.folder / "discovery.toml"
    file.write_text("")
    resolver = world.resolver(file=file)
    assert outcome((await resolver.look_up(B)).evidence)[Channel.TXT] == "found"
    asked = len(world.dns.asked)
    file.write_text(_line(KEY, "127.0.0.1:1"))
    (found,) = (await resolver.look_up(B)).evidence
    assert isinstance(found, Found)
    assert (found.channel, found.keys.current.key, found.info) == (Channel.FILE, KEY.public, None)
    assert len(world.dns.asked) == asked
    file.write_text("nonsense = 1")
    with pytest.raises(UsageError, check=lambda error: error.code == "discovery.malformed"):
        await resolver.look_up(B)
    file.unlink()
    with pytest.raises(UsageError, check=lambda error: error.code == "discovery.unreadable"):
        await resolver.look_up(B)


async def test_a_domain_of_the_file_tells_its_server_info_under_its_own_key(world):
    file = world.folder / "discovery.toml"
    world.clock.set(now := int(time.time()))  # OpenSSL looks at the machine's clock
    ours = server_info(B, KEY, issued=now, expires=now + 60)
    for issuer, expected in ((KEY, ours), (OTHER, None)):
        leaf = x509.issue_leaf(issuer, B, now=world.clock())
        chain = world.folder / "leaf.pem"
        chain.write_bytes(leaf.key_pem + leaf.chain_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        async with web_server(context) as own:
            own.pages[B, WELL_KNOWN] = page_of(format_well_known(ours, "1"))
            file.write_text(_line(KEY, f"127.0.0.1:{own.port}"))
            (found,) = (await world.resolver(file=file).look_up(B)).evidence
        assert isinstance(found, Found)
        assert (found.info.signed if found.info else None) == expected


def _line(key, https: str) -> str:
    return f'[domain."{B}"]\nkey = "{_record().rpartition("=")[2] if key is KEY else ""}"\nhttps = "{https}"\n'


async def test_a_nameserver_that_is_no_address_is_refused(world):
    with pytest.raises((ConnexaError, ValueError)):
        world.resolver(nameserver="not an address")
