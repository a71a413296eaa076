"""``pol doctor``: what could keep a network or an agent from working, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

import typer

from .. import output, session
from ..options import Json
from ..settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from pol_oracle.doctor.findings import Finding
    from pol_oracle.l1.contracts.deployment import Deployment

MARKS = {"good": "[green]✓[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]", "skipped": "[dim]-[/]"}


def doctor(ctx: typer.Context, json: Json = False) -> None:
    """Check this machine, L1, the network and its agents; exits 1 if something does not work."""
    settings: Settings = ctx.obj
    found = session.deployment(settings) if settings.deployment_file.exists() else None
    findings = []
    with _looking(json) as look:
        for finding in _examined(settings, found, look):
            findings.append(finding)
            if not json:
                _print(finding)
    if json:
        values = {"findings": [asdict(finding) for finding in findings]}
        output.emit(values, json, lambda: None)
    if any(finding.grade == "bad" for finding in findings):
        raise typer.Exit(1)


def _examined(settings: Settings, found: Deployment | None, look: Callable[[str], None]) -> Iterator[Finding]:
    from pol_oracle.doctor.run import examine
    from pol_oracle.l1.devnet.anvil import Devnet

    rpc = settings.rpc or (found.rpc if found is not None else Devnet(settings.devnet).status().rpc or None)
    yield from examine(settings.home, rpc, found, look)


@contextmanager
def _looking(json: bool) -> Iterator[Callable[[str], None]]:
    """On a terminal, a line below the findings says what is looked at; checks, and what they load, take a while."""
    if json or not _console().is_terminal:
        yield lambda _: None
        return
    with _console().status("looking at programs") as status:
        yield lambda what: status.update(f"looking at {what}")


@cache
def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def _print(finding: Finding) -> None:
    from rich.markup import escape

    _console().print(f"{MARKS[finding.grade]} {escape(finding.name):<18} {escape(finding.text)}")
    if finding.remedy:
        _console().print(f"  {'':<18} → {escape(finding.remedy)}")
