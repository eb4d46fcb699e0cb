"""What goes wrong with keys, seals and signatures; the texts tell nothing about the bytes concerned."""

from __future__ import annotations

from connexa.errors import IntegrityError

__all__ = ["InvalidKey", "InvalidProof", "InvalidSignature", "InvalidTag"]


class InvalidKey(IntegrityError):
    """A key is malformed, not canonical, or of small order."""

    def __init__(self) -> None:
        super().__init__("key.invalid", "A cryptographic key is not valid.")


class InvalidTag(IntegrityError):
    """Sealed bytes were changed, or sealed under another key."""

    def __init__(self) -> None:
        super().__init__("seal.broken", "Sealed data cannot be opened.")


class InvalidSignature(IntegrityError):
    """A signature does not hold."""

    def __init__(self) -> None:
        super().__init__("signature.invalid", "A signature does not hold.")


class InvalidProof(IntegrityError):
    """A token issuer's proof does not hold, or an element of the exchange is not valid."""

    def __init__(self) -> None:
        super().__init__("proof.invalid", "A proof of the token issuer does not hold.")
