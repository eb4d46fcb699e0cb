"""A small internet on loopback: a nameserver that answers from a zone, and HTTPS servers under an authority of our own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.zone
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ZONE = "$TTL 600\n@ SOA ns.example. admin.example. 1 600 600 600 60\n@ NS ns.example.\n"


class NameServer(asyncio.DatagramProtocol):
    """Answers for `example.`; `faults` names what goes wrong for a name: a response code, or "drop"."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.faults: dict[str, str] = {}
        self.asked: list[str] = []
        self.authentic = False
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def set(self, name: str, *records: str) -> None:
        """Give a name its records, each as `TYPE data`."""
        self.records[name] = list(records)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(f"{name} {dns.rdatatype.to_text(question.rdtype)}")
        fault = self.faults.get(name)
        if fault == "drop":
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA | (dns.flags.AD if self.authentic else 0)
        if fault:
            response.set_rcode(dns.rcode.from_text(fault))
        else:
            self._answer(response, question.name, question.rdtype)
        assert self._transport is not None
        self._transport.sendto(response.to_wire(), addr)

    def _answer(self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        lines = "".join(f"{owner}. {record}\n" for owner, records in self.records.items() for record in records)
        node = dns.zone.from_text(ZONE + lines, "example.", relativize=False).get_node(name)
        if node is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return
        for rdataset in node.rdatasets:
            if rdataset.rdtype == kind:
                response.find_rrset(response.answer, name, rdataset.rdclass, kind, create=True).update(rdataset)


@asynccontextmanager
async def name_server(host: str = "127.0.0.1"):
    """Run a nameserver on a free port."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=(host, 0))
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        self._folder = folder
        signs = x509.KeyUsage(False, False, False, False, False, True, False, False, False)  # Python 3.13 verifies strictly
        root = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, 0), True).add_extension(signs, True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(root.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def context(self, *names: str) -> ssl.SSLContext:
        """What a server of these names needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        leaf = self._builder(subject, key).add_extension(alternatives, False).sign(self._key, hashes.SHA256())
        file = self._folder / f"{names[0]}.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + leaf.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
        )


@dataclass
class WebServer:
    """Answers each (host, path) with raw bytes of HTTP/1.1, or by a coroutine that writes what it likes."""

    port: int = 0
    pages: dict[tuple[str, str], bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            host = next(line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("host:")).partition(":")[0]
            self.asked.append((host, path))
            page = self.pages.get((host, path), page_of(b"", status="404 Not Found"))
            if isinstance(page, bytes):
                writer.write(page)
            else:
                await page(writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def page_of(body: bytes, *, status: str = "200 OK", headers: str = "content-type: application/json\r\n") -> bytes:
    """One whole HTTP answer."""
    return f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


def redirect_to(location: str) -> bytes:
    """An HTTP answer that sends the client on."""
    return page_of(b"", status="302 Found", headers=f"location: {location}\r\n")


@asynccontextmanager
async def web_server(context: ssl.SSLContext, host: str = "127.0.0.1", port: int = 0):
    """Run a web server on a free port."""
    web = WebServer()
    server = await asyncio.start_server(web.serve, host, port, ssl=context)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
        await server.wait_closed()
