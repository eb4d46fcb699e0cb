"""The container: what goes in comes out, in sizes that say little, as a stream."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexa.backup import FRONT_BYTES, Order, Sealer, choose_series, parse_record
from connexa.errors import ConnexaError, IntegrityError, NotFoundError
from connexa.wire.v1.backup_pb2 import BackupAccount, BackupContact, BackupEntry, BackupRecord

from .files import RECORDS, Owner, read, with_head

ALICE = Owner.make(1)
CHUNK = 64 * 1024


def test_what_goes_in_comes_out_with_the_identity() -> None:
    front, records, _ = read(ALICE.file(), ALICE.recovery)
    assert tuple(records) == RECORDS
    assert (front.user.seed, front.user.created, front.user.id) == (ALICE.user.seed, ALICE.user.created, ALICE.user.id)
    assert front.backup_key == ALICE.backup_key and front.head == ALICE.head()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40_000), max_size=12))
def test_any_sizes_come_back_and_the_file_has_a_size_class(sizes: list[int]) -> None:
    records = tuple(bytes([place + 1]) * size for place, size in enumerate(sizes))
    raw = ALICE.file(records=records)
    assert tuple(read(raw, ALICE.recovery)[1]) == records
    sealed = len(raw) - FRONT_BYTES
    inside = sealed - 16 * -(-sealed // (CHUNK + 16))
    content = sum(size + 4 for size in sizes) + 4
    assert inside >= max(content, 4096) and (inside == 4096 or inside - content <= content // 8)
    assert bin(inside).count("1") <= 6  # Padmé: few significant bits, so few sizes


@pytest.mark.parametrize("total", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_the_borders_of_chunks_hold(total: int) -> None:
    records = (b"x" * (total - 8),)
    assert tuple(read(ALICE.file(records=records), ALICE.recovery)[1]) == records


@pytest.mark.parametrize("zeros", [0, 1, 4_091, 5_000, 70_000])
def test_a_file_of_no_size_class_is_refused_though_its_key_made_it(zeros: int) -> None:
    sealer = Sealer(ALICE.head(), ALICE.user, ALICE.recovery, ALICE.backup_key)
    raw = sealer.front + sealer.add(b"record") + b"".join(sealer._take(bytes(4 + zeros)))
    raw += sealer._seal(len(sealer._buffer), last=True)
    with pytest.raises(IntegrityError) as refused:
        read(raw, ALICE.recovery)
    assert refused.value.code == "backup.damaged"


def test_a_record_is_never_empty_nor_too_long() -> None:
    sealer = Sealer(ALICE.head(), ALICE.user, ALICE.recovery, ALICE.backup_key)
    for record in (b"", bytes(256 * 1024 + 1)):
        with pytest.raises(ValueError):
            sealer.add(record)


def test_the_newest_series_is_chosen_whole() -> None:
    old, new = ALICE.head(1, counter=3), ALICE.head(2, counter=7)
    files = [(old, "old"), (with_head(new, counter=9, place=2, previous=b"2" * 32), "2"), (new, "0")]
    middle = (with_head(new, counter=8, place=1, previous=b"1" * 32), "1")
    assert [file for _, file in choose_series([*files, middle])] == ["0", "1", "2"]
    for wrong in (files, [*files, middle, middle], [*files, (with_head(middle[0], counter=9), "1")]):
        with pytest.raises(IntegrityError) as refused:
            choose_series(wrong)
        assert refused.value.code == "backup.incomplete"
    with pytest.raises(NotFoundError):
        choose_series([])


def test_records_have_one_order_and_exactly_one_account() -> None:
    for kinds, holds in (
        (["account"], True),
        (["account", "contact", "contact", "entry"], True),
        ([], False),
        (["contact"], False),
        (["account", "account"], False),
        (["account", "entry", "contact"], False),
    ):
        order = Order()
        try:
            for kind in kinds:
                order.take(kind)
            order.end()
            assert holds
        except ConnexaError as error:
            assert not holds and error.code == "backup.damaged"


def test_records_are_read_strictly() -> None:
    contact = BackupRecord(contact=BackupContact(id=1)).SerializeToString()
    assert parse_record(contact)[0] == "contact"
    assert parse_record(BackupRecord(account=BackupAccount()).SerializeToString())[0] == "account"
    for raw in (b"", contact + b"\xf8\x3f\x01", contact[:-1], BackupRecord(entry=BackupEntry(counter=2**63)).SerializeToString()):
        with pytest.raises(IntegrityError) as refused:
            parse_record(raw)
        assert refused.value.code == "backup.damaged"
