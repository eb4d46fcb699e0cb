"""What a homeserver counts and logs: numbers and codes, never who or what (DESIGN 5.6)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from .village import DOMAIN, village


async def test_metrics_and_logs_count_and_name_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alicecanary"), await v.settle("bobcanary")
        (token,) = await v.passes(alice, 1)
        client, device = await v.submit(token), await v.login(bob.devices[0], resume=True)
        raw = v.mail(bob)
        client.send((1, raw), (2, v.with_token(v.envelope(bob), alice.profile)))
        await client.committed(2)
        device.ack((await device.pushes(1))[0].seq)
        await device.quiet()
        text = v.house.metrics.render().decode()
        assert 'connexa_links{mode="submit"} 1.0' in text
        assert 'connexa_envelopes_total{origin="local",status="envelope.accepted"} 1.0' in text
        assert 'connexa_envelopes_total{origin="local",status="right.bad"} 1.0' in text
        assert "connexa_pushed_total 1.0" in text
        assert "connexa_acked_total 1.0" in text
        said = text + caplog.text
        secrets = [alice.user.id, bob.user.id, bob.devices[0].id, token.input, token.stream, bob.profile, raw[20:60]]
        assert not any(word in said for word in ["canary", DOMAIN, *(s.hex() for s in secrets), *(repr(s) for s in secrets)])
