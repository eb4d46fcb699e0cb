"""P49: a domain has at most 128 bytes, so that the sender certificate fits the 1,024 bytes of a sealed packet."""

from __future__ import annotations

import pytest

from connexa.errors import ConnexaError
from connexa.identity import Domain, SenderCertificate, check_domain, issue_sender_certificate, sender_keys_hash
from connexa.pairwise import SEALED_SIZE, seal
from tests.pairwise.world import NOW, Device

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)
KEY = BOB.bundle().seal_key
MESSAGE = bytes(range(256)) * 2 + bytes(29) + b"\x80"
DAY = 86_400


def test_p49_the_longest_domain_fits() -> None:
    domain = Domain("a" * 60 + ".bcdefgh" * 8 + ".abc")
    assert len(domain) == 128
    keys = sender_keys_hash(ALICE.user.public.key, ALICE.dsk.public)
    certificate = SenderCertificate(ALICE.user.id, ALICE.id, keys, domain, NOW + DAY)
    signed = issue_sender_certificate(certificate, ALICE.domain_key, NOW)
    assert len(seal(KEY, signed, b"", MESSAGE)) == SEALED_SIZE
    with pytest.raises(ValueError, match="does not fit"):
        seal(KEY, signed, b"", MESSAGE * 2)


@pytest.mark.parametrize("longest", [128, 129])
def test_p49_a_longer_domain_is_none(longest: int) -> None:
    domain = "a" * 60 + ".bcdefgh" * 8 + "." + "a" * (longest - 125)
    assert len(domain) == longest
    if longest == 128:
        assert check_domain(domain) == domain
    else:
        with pytest.raises(ConnexaError):
            check_domain(domain)
