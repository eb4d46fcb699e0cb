"""Questions on a link: at a bounded rate, a bounded number at a time, each answered once by its id.

A kind of role has a table from the names of `link.proto` to functions of the role and the question; a question that is not in it has no
place on that kind of link. The table is one for all links: there are very many of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from google.protobuf.message import Message

from connexa.errors import ConnexaError, RefusedError
from connexa.homeserver.limits import Bucket
from connexa.homeserver.link_role import Connection, unexpected
from connexa.homeserver.metrics import Metrics
from connexa.wire import malformed
from connexa.wire.v1.link_pb2 import Call, Failure, Reply

__all__ = ["Answer", "Calls", "Spawn"]

logger = logging.getLogger(__name__)

AT_ONCE: Final = 32
ANSWER_SECONDS: Final = 25.0

Answer = Callable[[Any, Any], Awaitable[Message]]
Spawn = Callable[[Coroutine[Any, Any, None]], None]

# The reply's field for each question.
_FIELDS: Final = {
    "put_prekeys": "empty",
    "prekey_status": "prekey_status",
    "put_device_list": "empty",
    "sender_certificate": "sender_certificate",
    "issue_passes": "passes",
    "put_token_keys": "empty",
    "put_invite": "empty",
    "set_door": "empty",
    "own_bundles": "own_bundles",
    "own_list": "own_list",
    "put_key_packages": "empty",
    "key_package_status": "key_package_status",
    "own_key_packages": "key_packages",
    "put_aliases": "empty",
    "welcomes": "welcomes",
    "welcomes_done": "empty",
    "lookup": "lookup",
    "claim": "claim",
    "where": "where",
    "claim_key_packages": "key_packages",
    "group": "group",
    "domain": "domain",
}


class Calls:
    """The questions of one link."""

    __slots__ = ("_answers", "_bucket", "_connection", "_metrics", "_open", "_role", "_spawn")

    def __init__(
        self, connection: Connection, role: object, answers: Mapping[str, Answer], spawn: Spawn, bucket: Bucket, metrics: Metrics
    ) -> None:
        self._connection = connection
        self._role = role
        self._answers = answers
        self._spawn = spawn
        self._bucket = bucket
        self._metrics = metrics
        self._open = 0

    def take(self, call: Call) -> None:
        """Begin to answer one question."""
        name = call.WhichOneof("call")
        if name is None:
            raise malformed("it asks nothing")
        if self._open >= AT_ONCE or not self._bucket.take(asyncio.get_running_loop().time()):
            self._refuse(call.id, name, RefusedError("rate.limited", "Too many questions at once.", retryable=True))
            return
        answer = self._answers.get(name)
        if answer is None:
            self._refuse(call.id, name, unexpected())
            return
        self._spawn(self._answer(call.id, name, answer, getattr(call, name)))
        self._open += 1

    async def _answer(self, number: int, name: str, answer: Answer, question: Message) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reply = Reply(id=number)
                field = getattr(reply, _FIELDS[name])
                field.CopyFrom(await answer(self._role, question))
                field.SetInParent()  # an answer without fields still has to be there
            self._metrics.calls.labels(name, "").inc()
            self._connection.say(reply=reply)
        except TimeoutError:
            self._refuse(number, name, ConnexaError("server.temporary", "That took too long.", retryable=True))
        except ConnexaError as error:
            self._refuse(number, name, error)
        except Exception:  # a fault of ours must cost this question, not everybody's homeserver
            logger.exception("call failed: %s", name)
            self._refuse(number, name, ConnexaError("server.temporary", "The homeserver failed.", retryable=True))
        finally:
            self._open -= 1

    def _refuse(self, number: int, name: str, error: ConnexaError) -> None:
        self._metrics.calls.labels(name, error.code).inc()
        self._connection.say(reply=Reply(id=number, failure=Failure(code=error.code, retryable=error.retryable)))
