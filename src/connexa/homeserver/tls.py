"""The TLS context of a listener: TLS 1.3 with the domain's leaf, renewed while it is in use (homeserver §2, trap 11).

The standard library reads certificates from files alone; the key goes through an anonymous file in memory, or where the system has none
through a private file that is gone at once.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from connexa.crypto.x509 import Leaf

__all__ = ["server_context", "show_leaf"]


def server_context(leaf: Leaf) -> ssl.SSLContext:
    """A context that shows the leaf and asks for no client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    show_leaf(context, leaf)
    return context


def show_leaf(context: ssl.SSLContext, leaf: Leaf) -> None:
    """Show another leaf from the next handshake on."""
    with _as_file(leaf.chain_pem + leaf.key_pem) as path:
        context.load_cert_chain(path)


@contextmanager
def _as_file(pem: bytes) -> Iterator[str]:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.NamedTemporaryFile() as file:  # made with mode 0600
        file.write(pem)
        file.flush()
        yield file.name
