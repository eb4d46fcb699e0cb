"""Finding other domains: the discovery file, DNS and well-known, and the book of keys that they are held to.

This room does the I/O; formats and the decision what evidence is worth are in `connexa.identity`.
"""

from __future__ import annotations

from connexa.discovery.pin_book import AskHomeserver, OnEvent, PinBook, PinStorage, Remote
from connexa.discovery.resolver import Resolution, Resolver
from connexa.discovery.settings import DiscoverySettings

__all__ = ["AskHomeserver", "DiscoverySettings", "OnEvent", "PinBook", "PinStorage", "Remote", "Resolution", "Resolver"]
