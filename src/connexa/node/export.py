"""The OpenPGP certificate of an account, in the armour that gpg and mail programs read."""

from __future__ import annotations

import base64

from connexa.errors import RefusedError
from connexa.identity.openpgp import export_v4
from connexa.node.account import Account

__all__ = ["armoured_certificate"]

_LINE = 64


def armoured_certificate(account: Account) -> str:
    """Write the v4 certificate; only the primary device can sign it."""
    if account.secret is None:
        raise RefusedError("device.not_primary", "This device does not hold the user key.", "Export on the primary device.")
    text = base64.b64encode(export_v4(account.secret, account.address, account.dsk)).decode()
    lines = [text[i : i + _LINE] for i in range(0, len(text), _LINE)]
    return "\n".join(["-----BEGIN PGP PUBLIC KEY BLOCK-----", "", *lines, "-----END PGP PUBLIC KEY BLOCK-----", ""])
