"""The files of messages that are in the log: which there are, whose homeserver keeps them, and what of them is here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connexa.content import Attachment, BlobKeys, Text, blob_keys, decode
from connexa.errors import ConnexaError, NotFoundError
from connexa.identity import Address, Domain
from connexa.node.account import Account
from connexa.node.home import Query, first, rows
from connexa.node.media.views import AttachmentView, FetchView
from connexa.node.sending import parse_id
from connexa.store import Execute, Row
from connexa.wire import SEGMENT, padded_segments

__all__ = [
    "Bits",
    "MessageFile",
    "attachment_views",
    "bits_of",
    "fetch_view",
    "file_of",
    "is_wanted",
    "keep_bits",
    "note_here",
    "set_failure",
    "set_wanted",
    "needed_blobs",
    "wanted_files",
]


@dataclass(frozen=True, slots=True)
class MessageFile:
    """A file of a message, and where it is kept."""

    message: bytes
    sender: bytes
    place: int
    domain: Domain
    attachment: Attachment
    keys: BlobKeys = field(repr=False)
    blob: bytes

    @property
    def segments(self) -> int:
        """Segments of its blob."""
        return padded_segments(self.attachment.size)

    @property
    def filled(self) -> int:
        """Segments that hold something of the file; the others pad it."""
        return max(1, -(-self.attachment.size // SEGMENT))


class Bits:
    """Which of the filled segments are here."""

    def __init__(self, count: int, raw: bytes = b"") -> None:
        self._count = count
        self._bits = int.from_bytes(raw, "big") & ((1 << count) - 1)

    @property
    def raw(self) -> bytes:
        """As the store keeps them."""
        return self._bits.to_bytes((self._count + 7) // 8, "big")

    @property
    def share(self) -> float:
        """How much is here, from 0 to 1."""
        return self._bits.bit_count() / self._count

    def __contains__(self, index: int) -> bool:
        return bool(self._bits >> index & 1)

    def add(self, index: int) -> None:
        """Note that a segment is here."""
        self._bits |= 1 << index if index < self._count else 0

    def take_out(self, index: int) -> None:
        """Note that a segment is not here."""
        self._bits &= ~(1 << index)

    @classmethod
    def whole(cls, count: int) -> Bits:
        """All of them."""
        return cls(count, ((1 << count) - 1).to_bytes((count + 7) // 8, "big"))


def _attachments(content: bytes) -> tuple[Attachment, ...]:
    if not content:
        return ()
    try:
        body = decode(content).body
    except ConnexaError:
        return ()
    return body.attachments if isinstance(body, Text) else ()


def attachment_views(attachments: Iterable[Attachment]) -> list[AttachmentView]:
    """The files of a message as faces see them."""
    return [
        AttachmentView(
            name=one.name,
            type=one.type,
            size=one.size,
            expires=one.expires,
            width=one.width,
            height=one.height,
            duration_ms=one.duration_ms,
            blur=one.blur,
            thumbnail=one.thumbnail,
            voice=one.voice,
        )
        for one in attachments
    ]


_FILES = (
    "SELECT m.message, m.sender, m.mine, coalesce(p.address, m.author), m.content FROM message m"
    " JOIN conversation c ON c.id = m.conversation LEFT JOIN person p ON p.id = c.person WHERE m.account = ? AND m.hidden = 0"
)


def file_of(query: Query, account: Account, message: str, place: int) -> MessageFile:
    """A file of a message, by the place that it has there."""
    raw = parse_id(message, 16, "message")
    found = rows(query, f"{_FILES} AND m.message = ? ORDER BY m.mine DESC", (account.id, raw))
    return _file(account, found, place)


def _file(account: Account, found: Iterable[Row], place: int) -> MessageFile:
    for message, sender, mine, author, content in found:
        files = _attachments(content)
        if 0 <= place < len(files):
            keys = blob_keys(files[place].key)
            domain = account.address.domain if mine else Address.parse(author).domain
            return MessageFile(message, sender, place, domain, files[place], keys, keys.id)
    raise NotFoundError("attachment.not_found", "That message has no such file.")


def bits_of(query: Query, account: int, file: MessageFile) -> Bits:
    """What of a file is here, as far as the store knows."""
    row = first(query, "SELECT bits FROM media_here WHERE account = ? AND blob = ?", (account, file.blob))
    return Bits(file.filled, row[0] if row else b"")


def note_here(execute: Execute, account: int, file: MessageFile, bits: Bits) -> None:
    """Note a file of which something is here, or is wanted."""
    execute(
        "INSERT INTO media_here (account, blob, message, sender, place, bits) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET message = excluded.message, sender = excluded.sender, place = excluded.place",
        (account, file.blob, file.message, file.sender, file.place, bits.raw),
    )


def keep_bits(execute: Execute, account: int, file: MessageFile, bits: Bits) -> None:
    """Note which segments are here now; the last one ends the wish for it."""
    note_here(execute, account, file, bits)
    sql = "UPDATE media_here SET bits = ?, failure = '', wanted = CASE WHEN ? THEN 0 ELSE wanted END WHERE account = ? AND blob = ?"
    execute(sql, (bits.raw, bits.share == 1, account, file.blob))


def set_wanted(execute: Execute, account: int, file: MessageFile, wanted: bool) -> None:
    """Note whether the owner wants all of a file."""
    note_here(execute, account, file, Bits(file.filled))
    execute("UPDATE media_here SET wanted = ?, failure = '' WHERE account = ? AND blob = ?", (wanted, account, file.blob))


def set_failure(execute: Execute, account: int, file: MessageFile, code: str, *, final: bool) -> bool:
    """Note why a wanted file does not come, or not now; True where that is new."""
    sql = "UPDATE media_here SET failure = ?, wanted = ? WHERE account = ? AND blob = ? AND wanted = 1 AND failure != ? RETURNING 1"
    return first(execute, sql, (code, not final, account, file.blob, code)) is not None


def is_wanted(query: Query, account: int, file: MessageFile) -> bool:
    """Whether the owner still wants all of a file."""
    return first(query, "SELECT 1 FROM media_here WHERE account = ? AND blob = ? AND wanted = 1", (account, file.blob)) is not None


def wanted_files(query: Query, account: Account) -> list[MessageFile]:
    """The files that the owner wants and that are not whole here."""
    wanted = rows(query, "SELECT message, sender, place FROM media_here WHERE account = ? AND wanted = 1", (account.id,))
    found = []
    for message, sender, place in wanted:
        entry = rows(query, f"{_FILES} AND m.message = ? AND m.sender = ?", (account.id, message, sender))
        if entry:
            found.append(_file(account, entry, place))
    return found


def fetch_view(query: Query, account: int, file: MessageFile) -> FetchView:
    """How much of a file is here."""
    row = first(query, "SELECT wanted, failure FROM media_here WHERE account = ? AND blob = ?", (account, file.blob))
    wanted, failure = row if row else (0, "")
    return FetchView(share=bits_of(query, account, file).share, wanted=bool(wanted), failure=failure)


def needed_blobs(execute: Execute, staged_before: float) -> set[bytes]:
    """Forget files whose message is gone, and those that no message took in time; returns which blobs are needed."""
    execute("DELETE FROM media_staged WHERE created < ?", (staged_before,))
    execute(
        "DELETE FROM media_here WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.account = media_here.account"
        " AND m.sender = media_here.sender AND m.message = media_here.message AND m.hidden = 0)"
    )
    sql = "SELECT blob FROM media_staged UNION SELECT blob FROM media_upload UNION SELECT blob FROM media_here"
    return {row[0] for row in execute(sql)}
