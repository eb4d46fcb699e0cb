"""Who may use the API: the holder of the token file, or a browser that exchanged a one-time key (product §4).

Cookies ignore ports, so a browser shows two things: a cookie that scripts cannot read and a token that only this origin stores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from connexa.crypto import Rng, equal, sha256
from connexa.errors import RefusedError

__all__ = ["Access", "Login"]

KEY_SECONDS: Final = 60.0
LOGIN_SECONDS: Final = 7 * 86_400.0
_KEYS_MAX: Final = 8
_LOGINS_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Login:
    """What a browser gets for its key: `cookie` goes into the jar, `token` into its local storage."""

    cookie: str
    token: str
    seconds: int


class Access:
    """The token of the command line, the open one-time keys and the browsers that are logged in; secrets are kept as hashes."""

    def __init__(self, token: str, cookie_name: str, clock: Callable[[], float], rng: Rng) -> None:
        self.cookie_name = cookie_name
        self._token = _digest(token)
        self._clock = clock
        self._rng = rng
        self._keys: dict[bytes, float] = {}
        self._logins: dict[bytes, tuple[bytes, float]] = {}

    def issue_key(self) -> tuple[str, float]:
        """Make a one-time key for a browser; returns it with its last moment."""
        key, until = self._rng(32).hex(), self._clock() + KEY_SECONDS
        while len(self._keys) >= _KEYS_MAX:
            del self._keys[next(iter(self._keys))]
        self._keys[_digest(key)] = until
        return key, until

    def exchange(self, key: str) -> Login:
        """Take a one-time key and log a browser in."""
        until = self._keys.pop(_digest(key), 0.0)
        if self._clock() >= until:
            raise RefusedError("token.bad", "This key was used or is too old.", "Get a new one: connexa open")
        login = Login(self._rng(32).hex(), self._rng(32).hex(), int(LOGIN_SECONDS))
        while len(self._logins) >= _LOGINS_MAX:
            del self._logins[next(iter(self._logins))]
        self._logins[_digest(login.cookie)] = (_digest(login.token), self._clock() + LOGIN_SECONDS)
        return login

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise unless these headers carry the token of the file, or a browser's token with its cookie."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.knows(token, headers.get("cookie", "")):
            raise RefusedError("token.bad", "The token is missing or wrong.", "It is in the file that `connexa api token` names.")

    def knows(self, token: str, cookies: str) -> bool:
        """True for the file's token, and for a browser's token beside the cookie that came with it."""
        shown = _digest(token)
        if equal(shown, self._token):
            return True
        expected, until = self._logins.get(_digest(_cookie(cookies, self.cookie_name)), (b"", 0.0))
        return equal(shown, expected) and self._clock() < until


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogateescape"))


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""
