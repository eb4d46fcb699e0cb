"""The `remote` table as the storage of the homeserver's pin book, held in memory too: the pin is compared for every call and batch."""

from __future__ import annotations

from connexa.identity import Domain
from connexa.store import Store, Writer

__all__ = ["RemoteTable"]


class RemoteTable:
    """A `PinStorage` over one database."""

    def __init__(self, database: Store, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self._records = {Domain(domain): bytes(record) for domain, record in database.read("SELECT domain, record FROM remote")}

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Every domain with a record."""
        return tuple(self._records)

    async def get(self, domain: Domain) -> bytes | None:
        """Return a record."""
        return self._records.get(domain)

    def reread(self, domain: Domain) -> None:
        """Another process has changed a record."""
        row = self._database.first("SELECT record FROM remote WHERE domain = ?", (domain,))
        if row is None:
            self._records.pop(domain, None)
        else:
            self._records[domain] = bytes(row[0])

    async def put(self, domain: Domain, record: bytes) -> None:
        """Keep a record; durable when this returns."""
        await self._writer.run(
            lambda execute: execute(
                "INSERT INTO remote (domain, record) VALUES (?, ?) ON CONFLICT (domain) DO UPDATE SET record = excluded.record",
                (domain, record),
            )
        )
        self._records[domain] = record

    async def delete(self, domain: Domain) -> None:
        """Drop a record."""
        await self._writer.run(lambda execute: execute("DELETE FROM remote WHERE domain = ?", (domain,)))
        self._records.pop(domain, None)
