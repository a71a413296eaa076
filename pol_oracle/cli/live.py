"""The line at the bottom of a terminal that says how mining goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pol_oracle.agents.config import AgentConfig


@contextmanager
def live(config: AgentConfig, json: bool) -> Iterator[AgentConfig]:
    """Gives an agent's settings a live line; on anything but a terminal, or in JSON, they stay as they are."""
    from rich.console import Console

    from pol_oracle.agents.logs import as_text

    console = Console()
    if json or not console.is_terminal:
        yield config
        return
    with console.status("starting") as status:
        yield replace(
            config,
            show=lambda line: status.update(line),
            tell=lambda entry: console.print(as_text(entry), markup=False, highlight=False, soft_wrap=True),
        )
