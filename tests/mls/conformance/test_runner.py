"""The runner itself: it fails where it should, says what it skips, tells kinds apart, and stops at files that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connexa.errors import UsageError
from connexa.mls.conformance import run, runner
from connexa.mls.conformance.__main__ import main
from connexa.mls.conformance.kinds import KINDS, kind_of

Write = Callable[[str, object], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: object) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return written


HEADER = {"vlbytes_header": "4040", "length": 64}


def test_there_are_the_sixteen_official_kinds() -> None:
    assert len(KINDS) == 16


def test_a_file_of_another_name_is_told_by_its_fields(vectors: Path) -> None:
    for path in sorted((vectors / "mls").glob("*.json")):
        kind = kind_of("vectors", json.loads(path.read_text())[0])
        assert kind is not None
        assert kind.name == path.stem


@pytest.mark.parametrize("name", KINDS)
def test_a_changed_value_fails_its_case_and_no_other(vectors: Path, write: Write, name: str) -> None:
    source = vectors / "mls" / f"{name}.json"
    if not source.exists():
        pytest.skip("this official file is not among the shared ones")
    cases = json.loads(source.read_text())[:3]
    broken = _last_value_changed(cases[1])
    report = run(write(f"{name}.json", [cases[0], broken, cases[2]]))
    assert [place for place, _ in report.failed] == [1]
    assert report.passed == 2


def _last_value_changed(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its last value of hex one byte shorter, or its last number one higher."""
    text = json.dumps(case)
    changed = json.loads(text)
    path: list[Any] = _last_leaf(changed)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    holder[path[-1]] = value + 1 if isinstance(value, int) else value[:-2]
    return changed  # type: ignore[no-any-return]


def _last_leaf(value: Any) -> list[Any]:
    steps = reversed(list(value.items() if isinstance(value, dict) else enumerate(value)))
    for step, inner in steps:
        if isinstance(inner, dict | list):
            below = _last_leaf(inner)
            if below:
                return [step, *below]
        elif isinstance(inner, int) or inner:
            return [step]
    return []


def test_the_program_says_counts_and_reasons(write: Write, capsys: pytest.CaptureFixture[str], vectors: Path) -> None:
    good = vectors / "mls" / "crypto-basics.json"
    bad = write("deserialization.json", [HEADER, HEADER | {"length": 65}])
    assert main([str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{good} (crypto-basics): 5 passed, 0 failed, 2 skipped"
    assert said[1:3] == ["  skipped 1: Cipher suite 4 is not supported.", "  skipped 1: Cipher suite 6 is not supported."]
    assert said[-2:] == [f"{bad} (deserialization): 1 passed, 1 failed, 0 skipped", "  failed case 1: length differs"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "vectors.syntax"),
        ("{}", "vectors.syntax"),
        ("[", "vectors.syntax"),
        ('[{"vlbytes_header": "00", "length": 0}', "vectors.syntax"),
        ('[{"vlbytes_header": "00", "length": 0} {}]', "vectors.syntax"),
        ("[1]", "vectors.syntax"),
        ("[]", "vectors.empty"),
        ('[{"something": "else"}]', "vectors.kind"),
        ('[{"length": ' + "[" * 100_000 + "]" * 100_000 + "}]", "vectors.syntax"),
        ('[{"length": ' + "9" * 100_000 + "}]", "vectors.syntax"),
    ],
)
def test_what_is_no_file_of_vectors_is_refused_with_the_next_step(
    write: Write, capsys: pytest.CaptureFixture[str], content: str, code: str
) -> None:
    path = write("vectors.json", content)
    with pytest.raises(UsageError) as refused:
        run(path)
    assert refused.value.code == code
    assert main([str(path)]) == 2
    error = capsys.readouterr().err
    assert code in error
    assert "Give files" in error


def test_a_case_without_an_end_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    monkeypatch.setattr(runner, "_MAX_CASE", 1 << 21)
    path = write("deserialization.json", '[{"vlbytes_header": "' + "0" * (1 << 23))
    with pytest.raises(UsageError) as refused:
        run(path)
    assert refused.value.code == "vectors.syntax"


def test_no_more_is_read_than_the_next_case_needs(write: Write) -> None:
    path = write("deserialization.json", "[" + ",".join([json.dumps(HEADER | {"padding": "x" * 100_000})] * 100) + "]")
    with path.open() as stream:
        cases = runner._cases(stream)
        next(cases)
        assert stream.tell() < 3 << 20
        assert sum(1 for _ in cases) == 99


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe[")
    for path in (tmp_path / "missing.json", tmp_path, binary):
        with pytest.raises(UsageError) as refused:
            run(path)
        assert refused.value.code == "vectors.unreadable"


def test_a_broken_case_fails_and_the_others_run(write: Write) -> None:
    broken = [{"length": 1}, {"vlbytes_header": 5, "length": 1}, {"vlbytes_header": "xx", "length": 1}, HEADER]
    report = run(write("deserialization.json", broken))
    assert report.passed == 1
    assert [why for _, why in report.failed] == [
        "the case has no field 'vlbytes_header'",
        "field 'vlbytes_header' is no hex string",
        "field 'vlbytes_header' is no hex string",
    ]


def test_cases_come_one_at_a_time_whatever_the_file_is_like(write: Write) -> None:
    """Larger than what is read at once, with a case across each border, and space everywhere."""
    padded = HEADER | {"padding": "x" * 300_000}
    text = "\n [ " + " ,\n".join(json.dumps(padded, indent=1) for _ in range(20)) + " ] \n"
    assert run(write("deserialization.json", text)).passed == 20
