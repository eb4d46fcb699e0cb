"""Runs the demo and shows it."""

from __future__ import annotations

import dataclasses
import signal
import time
from typing import Any

import click

from connexa.cli.options import options
from connexa.cli.output import say, write_json
from connexa.errors import IntegrityError

from .search import Searched, search_files
from .stage import Stage, raised_stage
from .story import TEXTS, Step, tell_story

__all__ = ["run_demo"]

CHECK_SECONDS = 1.0


def run_demo(*, once: bool) -> int:
    """Show the demo; returns the exit code. Without `once` it stays up until Ctrl-C."""
    begin = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):  # however it is ended, its programs and files go with it
        signal.signal(number, _interrupt)
    say("Connexa demo: two homeservers, two people with two devices each, on this machine alone\n")
    with raised_stage(lambda line: say(f"  {line}")) as stage:
        steps = []
        for step in tell_story(stage):
            steps.append(step)
            if not options().json:
                _show(len(steps), step)
        searched = search_files([stage.root], TEXTS)
        seconds = time.monotonic() - begin
        if options().json:
            write_json(_facts(stage, steps, searched, seconds))
        else:
            _show_end(searched, seconds)
        if searched.hits:
            raise IntegrityError("demo.found", f"A message lies open in {', '.join(searched.hits)}.")
        if not once:
            _stay(stage)
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _show(number: int, step: Step) -> None:
    click.echo(f"\n{click.style(f'{number}  {step.title}', bold=True)}  ({step.seconds:.2f} s)")
    for seen in step.seen:
        party = click.style(f"{seen.party:<15}", fg="cyan" if "'" in seen.party else "magenta")
        text = f"  {click.style(f'“{seen.text}”', fg='green')}" if seen.text else ""
        click.echo(f"   {party} {seen.what}{text}")


def _show_end(searched: Searched, seconds: float) -> None:
    click.echo(
        f"\n{click.style('Searched', bold=True)} {searched.files} files of all programs, {searched.bytes / 1e6:.1f} MB of databases, logs"
    )
    click.echo(f"   and settings, for the three messages, plain or encoded: {len(searched.hits)} hits")
    click.echo(f"\nThe round trip took {seconds:.1f} s.")


def _facts(stage: Stage, steps: list[Step], searched: Searched, seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 3),
        "servers": [{"domain": server.domain, "ports": server.ports} for server in stage.servers],
        "people": [{"address": person.address, "devices": [person.laptop.url, person.phone.url]} for person in stage.people],
        "steps": [dataclasses.asdict(step) for step in steps],
        "searched": searched._asdict(),
    }


def _stay(stage: Stage) -> None:
    say("\nEverything stays up until Ctrl-C. To look around, open the web app of any of them, in another terminal:\n")
    for person in stage.people:
        for device in (person.laptop, person.phone):
            say(f"   {device.name:<15} CONNEXA_HOME={device.program.home} connexa open")
    while True:
        time.sleep(CHECK_SECONDS)
        stage.check()
