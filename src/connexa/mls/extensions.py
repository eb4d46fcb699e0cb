"""Extensions (RFC 9420 §13) of leaves, key packages, GroupInfos and groups: ordered, each type once, unknown ones opaque."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connexa.mls.codec import V, decode, items, rv, u16, vec
from connexa.mls.credential import Credential
from connexa.mls.errors import DecodeError, ValidationError
from connexa.mls.registry import ExtensionType

__all__ = ["NO_EXTENSIONS", "Extensions", "ExternalSender", "RequiredCapabilities", "read_types", "vec_types"]


def read_types(buf: bytes, pos: int) -> tuple[tuple[int, ...], int]:
    """A vector of two-byte numbers: types of extensions, proposals, credentials, or suites."""
    content, pos = rv(buf, pos)
    if len(content) % 2:
        raise DecodeError("A list of types has half a type.")
    return tuple(content[i] << 8 | content[i + 1] for i in range(0, len(content), 2)), pos


def vec_types(types: Iterable[int]) -> bytes:
    """The vector of such numbers."""
    return vec(kind.to_bytes(2, "big") for kind in types)


@dataclass(frozen=True, slots=True)
class RequiredCapabilities:
    """What every member has to support (§11.1): non-default extensions and proposals, and credentials."""

    extensions: tuple[int, ...] = ()
    proposals: tuple[int, ...] = ()
    credentials: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """The content of the extension."""
        return vec_types(self.extensions) + vec_types(self.proposals) + vec_types(self.credentials)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[RequiredCapabilities, int]:
        """The content of the extension."""
        extensions, pos = read_types(buf, pos)
        proposals, pos = read_types(buf, pos)
        credentials, pos = read_types(buf, pos)
        return cls(extensions, proposals, credentials), pos


@dataclass(frozen=True, slots=True)
class ExternalSender:
    """Somebody outside who may propose (§12.1.8.1)."""

    signature_key: bytes
    credential: Credential

    def encode(self) -> bytes:
        """One entry of the extension."""
        return V(self.signature_key) + self.credential.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[ExternalSender, int]:
        """One entry of the extension."""
        key, pos = rv(buf, pos)
        credential, pos = Credential.read(buf, pos)
        return cls(key, credential), pos


@dataclass(frozen=True, slots=True)
class Extensions:
    """A list of extensions as (type, content); two of one type raise `ValidationError` (V42), made or read."""

    entries: tuple[tuple[int, bytes], ...] = ()
    _by_type: Mapping[int, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_type = dict(self.entries)
        if len(by_type) != len(self.entries):
            raise ValidationError("V42", "A list of extensions holds one type twice.")
        object.__setattr__(self, "_by_type", by_type)

    def get(self, extension_type: int) -> bytes | None:
        """The content of that type's extension."""
        return self._by_type.get(extension_type)

    def types(self) -> tuple[int, ...]:
        """The types, in the list's order."""
        return tuple(kind for kind, _ in self.entries)

    def put(self, extension_type: int, content: bytes) -> Extensions:
        """The list with this extension: in its old place, or at the end."""
        if extension_type not in self._by_type:
            return Extensions((*self.entries, (extension_type, content)))
        return Extensions(tuple((kind, content if kind == extension_type else old) for kind, old in self.entries))

    def without(self, extension_type: int) -> Extensions:
        """The list without that type."""
        return Extensions(tuple(entry for entry in self.entries if entry[0] != extension_type))

    @property
    def application_id(self) -> bytes | None:
        """An application's own name for a leaf (§5.3.3); nobody has authenticated it."""
        content = self.get(ExtensionType.APPLICATION_ID)
        return None if content is None else decode(rv, content)

    @property
    def ratchet_tree(self) -> bytes | None:
        """The encoded tree in a GroupInfo, for `RatchetTree.decode` (§12.4.3.3)."""
        return self.get(ExtensionType.RATCHET_TREE)

    @property
    def external_pub(self) -> bytes | None:
        """The key to which an external commit seals its init secret (§12.4.3.2)."""
        content = self.get(ExtensionType.EXTERNAL_PUB)
        return None if content is None else decode(rv, content)

    @property
    def required_capabilities(self) -> RequiredCapabilities | None:
        """What a group requires of its members."""
        content = self.get(ExtensionType.REQUIRED_CAPABILITIES)
        return None if content is None else decode(RequiredCapabilities.read, content)

    @property
    def external_senders(self) -> tuple[ExternalSender, ...]:
        """Who may propose from outside, by index."""
        content = self.get(ExtensionType.EXTERNAL_SENDERS)
        if content is None:
            return ()
        senders, end = items(ExternalSender.read, content, 0)
        if end != len(content):
            raise DecodeError("Bytes follow a list of external senders.")
        return tuple(senders)

    @property
    def last_resort(self) -> bool:
        """Whether a key package may be used more than once (draft-ietf-mls-extensions)."""
        return ExtensionType.LAST_RESORT in self._by_type

    def with_application_id(self, application_id: bytes) -> Extensions:
        """The list with an application's name for the leaf."""
        return self.put(ExtensionType.APPLICATION_ID, V(application_id))

    def with_ratchet_tree(self, encoded: bytes) -> Extensions:
        """The list with a whole tree, as `RatchetTree.encode` gives it."""
        return self.put(ExtensionType.RATCHET_TREE, encoded)

    def with_external_pub(self, public: bytes) -> Extensions:
        """The list with the key for external commits."""
        return self.put(ExtensionType.EXTERNAL_PUB, V(public))

    def with_required_capabilities(self, required: RequiredCapabilities) -> Extensions:
        """The list with what a group requires."""
        return self.put(ExtensionType.REQUIRED_CAPABILITIES, required.encode())

    def with_external_senders(self, senders: Iterable[ExternalSender]) -> Extensions:
        """The list with those who may propose from outside."""
        return self.put(ExtensionType.EXTERNAL_SENDERS, vec(sender.encode() for sender in senders))

    def with_last_resort(self) -> Extensions:
        """The list of a key package that may be used more than once."""
        return self.put(ExtensionType.LAST_RESORT, b"")

    def encode(self) -> bytes:
        """The vector."""
        return vec(kind.to_bytes(2, "big") + V(content) for kind, content in self.entries)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Extensions, int]:
        """The vector; contents stay as they are until somebody asks for them."""
        if buf[pos : pos + 1] == b"\0":
            return NO_EXTENSIONS, pos + 1
        entries, pos = items(_read_entry, buf, pos)
        return cls(tuple(entries)), pos


NO_EXTENSIONS = Extensions()


def _read_entry(buf: bytes, pos: int) -> tuple[tuple[int, bytes], int]:
    kind, pos = u16(buf, pos)
    content, pos = rv(buf, pos)
    return (kind, content), pos
