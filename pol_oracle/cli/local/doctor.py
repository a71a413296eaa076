"""``pol doctor``: what could keep a network or an agent from working, each with its remedy."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from .. import output, session
from ..options import Json
from ..settings import Settings

if TYPE_CHECKING:
    from pol_oracle.doctor.findings import Finding

MARKS = {"good": "[green]✓[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]", "skipped": "[dim]-[/]"}


def doctor(ctx: typer.Context, json: Json = False) -> None:
    """Check this machine, L1, the network and its agents; exits 1 if something does not work."""
    from pol_oracle.doctor.findings import Grade
    from pol_oracle.doctor.run import examine
    from pol_oracle.l1.devnet.anvil import Devnet

    settings: Settings = ctx.obj
    found = session.deployment(settings) if settings.deployment_file.exists() else None
    rpc = settings.rpc or (found.rpc if found is not None else Devnet(settings.devnet).status().rpc or None)
    findings = []
    for finding in examine(settings.home, rpc, found):
        findings.append(finding)
        if not json:
            _print(finding)
    if json:
        values = {"findings": [asdict(finding) for finding in findings]}
        output.emit(values, json, lambda: None)
    if any(finding.grade is Grade.BAD for finding in findings):
        raise typer.Exit(1)


def _print(finding: Finding) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{MARKS[finding.grade]} {escape(finding.name):<18} {escape(finding.text)}")
    if finding.remedy:
        console.print(f"  {'':<18} → {escape(finding.remedy)}")
