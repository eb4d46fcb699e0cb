"""The two links that are used once: `register` makes an account, `pair` carries a few words between two devices of a person.

Implements first-message §1 and §9. What the pairing payloads mean, and their sealing, is for the pairwise room.
"""

from __future__ import annotations

import asyncio

from connexa.crypto import Kind, sha256
from connexa.errors import ConflictError, NetworkError, UsageError
from connexa.identity.user import UserSecret
from connexa.wire import ID_SIZE, MAX_PAIR_PAYLOAD, account_statement
from connexa.wire.transport import CLOSE_OK, FrameChannel, LinkClosed
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import Mode, PairData, PairOpen, Register, Registered

from .link import Opening
from .link_frames import down, end_of, unexpected, up

__all__ = ["PAIR_SECONDS", "PairLink", "register"]

PAIR_SECONDS = 60.0  # first-message §1: a code is good for that long, and so are the digits that follow


async def register(
    channel: FrameChannel,
    *,
    domain: str,
    localpart: str,
    user: UserSecret,
    invite: bytes = b"",
    certificate: Signed | None = None,
    device_list: Signed | None = None,
) -> Registered:
    """Make an account, `invite` being the secret where registration is not open; or come back to one that this key has already.

    Then the list is the next one, with this device's certificate; without a list the answer only says what the homeserver has.
    """
    certificate, device_list = certificate or Signed(), device_list or Signed()
    opening = Opening(channel, domain)
    await opening.greet(Mode.MODE_REGISTER)
    statement = account_statement(
        domain=domain,
        localpart=localpart,
        nonce=opening.challenge.nonce,
        user=user.id,
        certificate_body=sha256(certificate.body),
        list_body=sha256(device_list.body),
        certificate=channel.certificate_hash,
    )
    channel.send(
        up(
            register=Register(
                invite=invite,
                localpart=localpart,
                user_key=user.public.packet,
                certificate=certificate,
                device_list=device_list,
                signature=user.key.sign(Kind.ACCOUNT, statement),
            )
        )
    )
    registered = (await opening.expect("registered")).registered
    channel.close(CLOSE_OK)
    return registered


class PairLink:
    """One side of a pairing slot: what one sends, the other receives, in order."""

    def __init__(self, channel: FrameChannel) -> None:
        self._channel = channel

    @classmethod
    async def open(cls, channel: FrameChannel, *, domain: str, slot: bytes) -> PairLink:
        """Take one of the two places of a slot."""
        if len(slot) != ID_SIZE:
            raise UsageError("pair.malformed", "A pairing slot has 16 bytes.")
        opening = Opening(channel, domain)
        await opening.greet(Mode.MODE_PAIR)
        channel.send(up(pair=PairOpen(slot=slot)))
        try:
            await opening.expect("ready")
        except ConflictError as error:
            if error.code != "pair.taken":
                raise
            raise ConflictError(error.code, "That code was used already.", "Make a new one on the new device.") from None
        return cls(channel)

    def send(self, payload: bytes) -> None:
        """Hand one payload to the other device."""
        if len(payload) > MAX_PAIR_PAYLOAD:
            raise UsageError("pair.too_large", f"A pairing payload has at most {MAX_PAIR_PAYLOAD} bytes.")
        self._channel.send(up(pair_data=PairData(payload=payload)))

    async def receive(self, timeout: float) -> bytes:
        """Wait for the other device's next payload; `pair.gone` where it has left."""
        try:
            async with asyncio.timeout(timeout):
                return await self._payload()
        except TimeoutError:
            self.close()
            raise NetworkError("pair.timeout", "The other device did not answer in time.", "Start again on both devices.") from None

    async def _payload(self) -> bytes:
        reason = None
        while True:
            try:
                frame = down(await self._channel.receive())
            except LinkClosed as closed:
                if reason == "pair.gone":
                    raise NetworkError(reason, "The other device has ended the linking.", "Start again on both devices.") from None
                raise end_of(closed, reason) from None
            match frame.WhichOneof("frame"):
                case "pair_data":
                    return frame.pair_data.payload
                case "notice":  # why the link is about to be closed
                    reason = frame.notice.code
                case _:
                    self.close()
                    raise unexpected()

    def close(self) -> None:
        """Give the place up."""
        self._channel.close(CLOSE_OK)
