"""What a homeserver counts, on a registry of its own; no label names a person, a device, a domain or an address."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest

from connexa.errors import ConnexaError

__all__ = ["Metrics"]


class Metrics:
    """The counters of one homeserver."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.links = Gauge("connexa_links", "Open links by mode.", ["mode"], registry=self.registry)
        self.links_closed = Counter("connexa_links_closed", "Links that the homeserver ended, by code.", ["code"], registry=self.registry)
        self.envelopes = Counter(
            "connexa_envelopes",
            "Envelopes judged, by where they came from and what became of them.",
            ["origin", "status"],
            registry=self.registry,
        )
        self._judged: dict[tuple[str, str], Counter] = {}
        self.pushed = Counter("connexa_pushed", "Envelopes pushed to devices.", registry=self.registry)
        self.acked = Counter("connexa_acked", "Envelopes acknowledged by devices.", registry=self.registry)
        self.expired = Counter("connexa_expired", "Envelopes that expired in a mailbox.", registry=self.registry)
        self.calls = Counter("connexa_calls", "Questions on links, by name and code.", ["call", "code"], registry=self.registry)
        self.group_requests = Counter(
            "connexa_group_requests", "Requests to groups that are kept here.", ["request", "code"], registry=self.registry
        )
        self.uncommitted = Gauge("connexa_uncommitted_bytes", "Bytes taken and not yet committed.", registry=self.registry)

        self.failing = Gauge("connexa_store_failing", "1 while nothing can be stored.", registry=self.registry)
        self.draining = Gauge("connexa_draining", "1 while the homeserver stops.", registry=self.registry)
        self.queued = Gauge("connexa_queue_bytes", "Bytes that wait for other domains.", registry=self.registry)
        self.database = Gauge("connexa_database_bytes", "Bytes that the database takes.", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def ask(self, gauge: Gauge, value: Callable[[], float]) -> None:
        """Let a gauge be asked for when somebody reads the metrics; where the store does not answer it has no value."""

        def asked() -> float:
            try:
                return value()
            except ConnexaError:
                return float("nan")

        gauge.set_function(asked)

    def judged(self, origin: str, status: str, count: int = 1) -> None:
        """Count envelopes."""
        counter = self._judged.get((origin, status))
        if counter is None:  # looking a label up costs more than counting
            counter = self._judged[origin, status] = self.envelopes.labels(origin, status)
        counter.inc(count)

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)
