"""``pol miner run`` and ``pol verifier run``: the agents, in the foreground."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pol_oracle.agents.rules.policy import Policy
from pol_oracle.protocol.errors import InputError

from .. import output, session
from ..live import live
from ..options import Account, Dev, PasswordFile, Threads
from ..settings import Settings, torchrun_variables
from .ranks import command, ranks

if TYPE_CHECKING:
    from pol_oracle.agents.config import AgentConfig
    from pol_oracle.search import Rendezvous

miner_app = typer.Typer(no_args_is_help=True, help="A miner: trains, searches for proofs, proposes blocks.")
verifier_app = typer.Typer(no_args_is_help=True, help="A verifier: replays blocks, attests, challenges, answers.")

Name = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Names the agent's files in the home folder. (default: the account's name)"),
]
Store = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL",
        help="Folder or URL of the store of states; the first is written to, repeat to read from more. "
        "(default: the deployment's)",
    ),
]
Poll = Annotated[float, typer.Option(min=0.05, max=3600, help="Seconds between two looks at L1.")]
Confirmations = Annotated[
    int | None,
    typer.Option(min=0, help="L1 blocks that must follow an event before it counts. (default: the deployment's)"),
]
MinerThreads = Annotated[
    int,
    typer.Option(
        min=1, help="Threads of the canonical arithmetic and of torch. More pay for large models on idle cores."
    ),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Serve Prometheus /metrics, and /healthz, on this port of 127.0.0.1."),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print each log entry as a JSON line instead of text.")]


@miner_app.command("run")
def run_miner(
    ctx: typer.Context,
    account: Account = None,
    dev: Dev = None,
    password_file: PasswordFile = None,
    name: Name = None,
    store: Store = None,
    poll: Poll = 0.5,
    confirmations: Confirmations = None,
    json: JsonLines = False,
    metrics_port: MetricsPort = None,
    threads: MinerThreads = 1,
    processes: Annotated[
        int,
        typer.Option(min=1, help="How many processes search together on this machine; each has --threads of its own."),
    ] = 1,
    proposals_rpc: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Private endpoint of block builders for proposals, so that rivals do not read them in the mempool.",
        ),
    ] = None,
    check_accuracy: Annotated[
        bool,
        typer.Option(help="Also evaluate others' blocks before building on them; off, false counts are noticed late."),
    ] = True,
) -> None:
    """Mine until Ctrl-C. Needs a miner's bond; killed at any moment, it goes on where it was.

    Processes on several machines can search together: start them with torchrun. Rank 0 mines; the others help it, and
    need no account.
    """
    from contextlib import nullcontext
    from dataclasses import replace

    settings, rendezvous = ctx.obj, _rendezvous()
    if rendezvous is not None and rendezvous.rank > 0:
        _help(settings, rendezvous, store, threads, json)
        return
    if rendezvous is not None and processes > 1:
        raise InputError("torchrun says already how many processes there are: leave --processes away")
    config = _config(settings, account, dev, password_file, name, store, poll, confirmations)
    config = replace(config, threads=threads, check_accuracy=check_accuracy, metrics_port=metrics_port)
    words = command(settings, store or (), threads)

    from pol_oracle.agents.miner import run_miner as run

    met = ranks(processes, settings, words) if processes > 1 else nullcontext(rendezvous)
    with met as where, live(replace(config, proposals_rpc=proposals_rpc, rendezvous=where), json, line=True) as watched:
        run(watched)


@verifier_app.command("run")
def run_verifier(
    ctx: typer.Context,
    account: Account = None,
    dev: Dev = None,
    password_file: PasswordFile = None,
    name: Name = None,
    store: Store = None,
    poll: Poll = 0.5,
    confirmations: Confirmations = None,
    json: JsonLines = False,
    threads: Threads = 1,
    metrics_port: MetricsPort = None,
    walks: Annotated[
        int,
        typer.Option(min=1, help="How many wrong blocks to be ready for at the same time; more take a larger bond."),
    ] = Policy.walks,
) -> None:
    """Verify until Ctrl-C. Needs a verifier's bond; killed at any moment, it goes on where it was."""
    from dataclasses import replace

    config = _config(ctx.obj, account, dev, password_file, name, store, poll, confirmations)
    config = replace(config, threads=threads, policy=replace(config.policy, walks=walks), metrics_port=metrics_port)

    from pol_oracle.agents.verifier import run_verifier as run

    with live(config, json) as watched:
        run(watched)


def _rendezvous() -> Rendezvous | None:
    """What torchrun says of this process; torch is not loaded for that unless there is something."""
    variables = torchrun_variables()
    if not variables:
        return None
    from pol_oracle.search import Rendezvous

    return Rendezvous.of(variables)


def _help(settings: Settings, rendezvous: Rendezvous, store: list[str] | None, threads: int, json: bool) -> None:
    from pol_oracle.agents.config import KEPT, HelperConfig
    from pol_oracle.agents.helper import run_helper

    config = HelperConfig(
        deployment=session.deployment(settings),
        rendezvous=rendezvous,
        cache=settings.data,
        kept_path=settings.agents / f"helper-{rendezvous.rank}{KEPT}",
        log_path=settings.agents / f"helper-{rendezvous.rank}.log",
        rpc=settings.rpc,
        store=tuple(store or ()),
        threads=threads,
    )
    output.remark(f"rank {rendezvous.rank} helps the miner at {rendezvous.host}:{rendezvous.port}; Ctrl-C stops it")
    with live(config, json) as watched:
        run_helper(watched)


def _config(
    settings: Settings,
    account: str | None,
    dev: int | None,
    password_file: PasswordFile,
    name: str | None,
    store: list[str] | None,
    poll: float,
    confirmations: int | None,
) -> AgentConfig:
    found = session.deployment(settings)
    session.check_account(settings, account, dev)

    from pol_oracle.agents.config import AgentConfig

    key = session.account(settings, account, dev, password_file)
    config = AgentConfig(
        deployment=found,
        account=key,
        name=name or (Path(account).name if account else f"dev-{dev}"),
        folder=settings.agents,
        cache=settings.data,
        signs=f"--dev {dev}" if account is None else f"--account {shlex.quote(account)}",
        rpc=settings.rpc,
        fees=session.fees(settings),
        store=tuple(store or ()),
        confirmations=confirmations,
        poll_s=poll,
    )
    output.remark(f"{config.name} signs as {key.address}; log: {config.log_path}; Ctrl-C stops it")
    return config
