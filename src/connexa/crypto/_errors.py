"""What goes wrong with keys, seals and signatures; the texts tell nothing about the bytes concerned."""

from __future__ import annotations

from connexa.errors import IntegrityError

__all__ = ["InvalidKey", "InvalidProof", "InvalidSignature", "InvalidTag"]


class InvalidKey(IntegrityError):
    """A key is malformed, not canonical, or of small order."""

    def __init__(self, message: str = "A cryptographic key is not valid.") -> None:
        super().__init__("key.invalid", message)


class InvalidTag(IntegrityError):
    """Sealed bytes were changed, or sealed under another key."""

    def __init__(self, message: str = "Sealed data cannot be opened.") -> None:
        super().__init__("seal.broken", message)


class InvalidSignature(IntegrityError):
    """A signature does not hold."""

    def __init__(self, message: str = "A signature does not hold.") -> None:
        super().__init__("signature.invalid", message)


class InvalidProof(IntegrityError):
    """A token issuer's proof does not hold, or an element of the exchange is not valid."""

    def __init__(self, message: str = "A proof of the token issuer does not hold.") -> None:
        super().__init__("proof.invalid", message)
