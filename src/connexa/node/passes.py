"""Passes, fetched ahead (first-message §1): the homeserver signs blinded inputs, proves that it used its one published key, and cannot
know a pass again when it is shown.
"""

from __future__ import annotations

from connexa.crypto import Rng, voprf
from connexa.errors import IntegrityError
from connexa.identity import ServerInfo
from connexa.node.link import MailboxLink, Pass
from connexa.wire.v1.link_pb2 import IssuePasses, PassesReply

__all__ = ["fetch_passes"]


async def fetch_passes(link: MailboxLink, info: ServerInfo, count: int, rng: Rng, *, media: bool = False) -> list[Pass]:
    """Fetch passes on the mailbox link; a proof that does not hold raises, for then the key might be one made for us alone."""
    batch = voprf.blind_batch([rng(32) for _ in range(count)], rng)
    reply = await link.call(IssuePasses(blinded=batch.elements, media=media), PassesReply)
    published = {key.id: key.key for key in (info.media_keys if media else info.pass_keys)}
    if reply.key not in published:
        raise IntegrityError("pass.unknown_key", "The homeserver issued passes under a key that it does not publish.")
    public = voprf.VoprfPublic.from_bytes(published[reply.key])
    outputs = voprf.finalize_batch(public, batch, list(reply.evaluated), reply.proof)
    return [Pass(reply.key, token_input, output) for token_input, output in zip(batch.inputs, outputs, strict=True)]
