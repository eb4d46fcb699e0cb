"""The run: frames dealt to all targets in turn, every outcome counted, every surprise kept with the frame that made it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from connexa.errors import ConnexaError

from .mutation import mutate
from .target import Target

TURN = 50  # frames for one target before the next has its turn


@dataclass(frozen=True, slots=True)
class Surprise:
    """A frame that made a parser do something else than accept or refuse."""

    target: str
    frame: bytes
    trace: str


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    frames: int = 0
    accepted: int = 0
    refused: int = 0
    slowest: tuple[float, str] = (0.0, "")  # seconds, and whose frame
    surprises: dict[str, Surprise] = field(default_factory=dict)  # the first of each target


def run(targets: Sequence[Target], *, frames: int, seconds: float, seed: int, progress: Callable[[Outcome], None]) -> Outcome:
    """Throw `frames` mutated frames at the targets, or as many as go into `seconds`; the same seed makes the same frames."""
    outcome = Outcome()
    until = time.monotonic() + seconds
    random = Random(seed)
    while outcome.frames < frames and time.monotonic() < until:
        for target in targets:
            for _ in range(min(TURN, frames - outcome.frames)):
                _throw(target, mutate(random, target.seeds), outcome)
        progress(outcome)
    return outcome


def _throw(target: Target, frame: bytes, outcome: Outcome) -> None:
    outcome.frames += 1
    began = time.perf_counter()
    try:
        target.read(frame)
    except ConnexaError as error:
        if error.code in target.codes:
            outcome.refused += 1
            return
        trace = f"refused with the code {error.code}, which is not one of {sorted(target.codes)}"
    except Exception:  # noqa: BLE001 - the whole point: whatever a parser lets out is a finding
        trace = traceback.format_exc()
    else:
        outcome.accepted += 1
        return
    finally:
        outcome.slowest = max(outcome.slowest, (time.perf_counter() - began, target.name))
    outcome.surprises.setdefault(target.name, Surprise(target.name, frame, trace))
