"""``pol reproduce``: what the paper shows, and what the chain's network learns, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import given, output
from ..options import Json
from ..settings import Settings

if TYPE_CHECKING:
    from pol_oracle.reproduce.figure1 import Figure1Result

Blocks = Annotated[int, typer.Option(min=1, help="How many blocks the chain shall have.")]
Bits = Annotated[
    int | None,
    typer.Option(min=1, max=32, help="k, the number of requirements per block. (default: the task's; 12 without one)"),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the canonical arithmetic; no bit depends on it.")]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="The run's folder; a second call goes on there. (default: figure1 in the home folder)"
    ),
]
TaskFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=given.task,
        help="Task file (TOML) of the rule set paper. (default: ResNet-18 on CIFAR-10 if its files are in the data "
        "folder, else on the digits)",
    ),
]

Curves = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="The run's folder; a second call goes on there. (default: learning in the home folder)"
    ),
]
Hardened = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=given.task,
        help="Task file (TOML) of the rule set hardened. (default: the CNN on the digits)",
    ),
]
SampleCount = Annotated[int, typer.Option(min=1, help="How many samples to train on, per seed.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many seeds, from 1 on.")]

app = typer.Typer(
    no_args_is_help=True, help="What the paper shows, and what the chain learns, on this machine. Needs no L1."
)


@app.command("figure1")
def figure1(
    ctx: typer.Context,
    blocks: Blocks = 600,
    bits: Bits = None,
    threads: Threads = 1,
    out: Out = None,
    task: TaskFile = None,
    json: Json = False,
) -> None:
    """Mine a chain under the paper's own rules; writes figure1.csv, a row per block, and figure1.png.

    Stopped or killed at any moment, it goes on where it was when called again.
    """
    from rich.console import Console

    from pol_oracle.agents.runtime import stop_on_signals
    from pol_oracle.reproduce.figure1 import Figure1Plan, default_task, reproduce
    from pol_oracle.reproduce.screen import open_screen
    from pol_oracle.task_file import load_spec

    settings: Settings = ctx.obj
    spec = load_spec(task) if task else default_task(settings.data)
    if bits is not None:
        spec = spec.model_copy(update={"chain": spec.chain.model_copy(update={"difficulty_bits": bits})})
    plan = Figure1Plan(spec, blocks, out or settings.home / "figure1", settings.data, threads)
    stop = stop_on_signals()
    with open_screen(Console(stderr=json), blocks) as screen:
        result = reproduce(plan, screen, stop.is_set)
    values = _values(result, blocks)
    output.emit(
        values, json, lambda: output.facts({name: value for name, value in values.items() if value is not None})
    )


@app.command("learning")
def learning(
    ctx: typer.Context,
    samples: SampleCount = 100_000,
    seeds: Seeds = 3,
    threads: Threads = 1,
    out: Curves = None,
    task: Hardened = None,
    json: Json = False,
) -> None:
    """Train as the hardened chain does, beside plain SGD on the same batches; writes learning.csv and learning.png.

    Stopped or killed at any moment, it goes on where it was when called again.
    """
    from pol_oracle.agents.runtime import stop_on_signals
    from pol_oracle.reproduce.learning import TASK, LearningPlan, LearningRow, learn
    from pol_oracle.task_file import load_spec

    def tell(row: LearningRow) -> None:
        typer.echo(
            f"seed {row.seed}  {row.samples:>7,} samples  block {row.blocks:>4}  E {row.chain:6.1%} (plain "
            f"{row.plain:6.1%})  third set {row.chain_third:6.1%} (plain {row.plain_third:6.1%})",
            err=json,
        )

    settings: Settings = ctx.obj
    out = out or settings.home / "learning"
    plan = LearningPlan(load_spec(task or TASK), samples, tuple(range(1, seeds + 1)), out, settings.data, threads)
    stop = stop_on_signals()
    result = learn(plan, tell, stop.is_set)
    last = {row.seed: row for row in result.rows}
    values = {
        "wanted": samples,
        "samples": {str(seed): row.samples for seed, row in last.items()},
        "accuracy": {str(seed): row.chain for seed, row in last.items()},
        "third": {str(seed): row.chain_third for seed, row in last.items()},
        "csv": str(result.csv) if result.png else None,
        "png": str(result.png) if result.png else None,
    }
    output.emit(values, json, lambda: output.facts({"csv": values["csv"], "png": values["png"]} if result.png else {}))


def _values(result: Figure1Result, wanted: int) -> dict[str, Any]:
    chain = result.chain
    return {
        "blocks": len(chain),
        "wanted": wanted,
        "steps": sum(block.tries for block in chain),
        "cpu_seconds": round(sum(block.cpu_seconds for block in chain), 2),
        "accuracy": chain[-1].accuracy if chain else None,
        "csv": str(result.csv) if chain else None,
        "png": str(result.png) if result.png else None,
    }
