"""What the API answers beside the node's views."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

__all__ = ["CertificateAnswer", "Done", "ImageAnswer", "KeyAnswer", "Listing", "TokenAnswer", "WordsAnswer"]

T = TypeVar("T")


class Done(msgspec.Struct, frozen=True):
    """It is done, and there is nothing more to say."""


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """Several things of one kind."""

    items: list[T]


class CertificateAnswer(msgspec.Struct, frozen=True):
    """An OpenPGP certificate in its armour."""

    certificate: str


class ImageAnswer(msgspec.Struct, frozen=True):
    """An image, in base64."""

    image: bytes


class KeyAnswer(msgspec.Struct, frozen=True):
    """A one-time key for a browser."""

    key: str
    expires: float


class TokenAnswer(msgspec.Struct, frozen=True):
    """A browser's token; it is worth something only beside the cookie."""

    token: str
    seconds: int


class WordsAnswer(msgspec.Struct, frozen=True):
    """The recovery words in their order."""

    words: list[str]
