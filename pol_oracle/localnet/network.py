"""Devnet, deployment and bonds of a home folder: made on the first call, found again on later ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pol_oracle.advice import pol
from pol_oracle.demo.bonds import deposit_missing
from pol_oracle.demo.cast import ROLES, DemoRole, Party, assemble, check_cheats
from pol_oracle.demo.run import TASK
from pol_oracle.demo.warmup import prepare
from pol_oracle.files import held
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import CHAIN_ID, dev_account
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.devnet.ports import is_free
from pol_oracle.launch import launch
from pol_oracle.protocol.errors import InputError, WrongChain
from pol_oracle.task_file import load_spec

Say = Callable[[str], None]
HONEST = ("miner-1", "verifier-1", "verifier-2")


def chosen(cheating: Sequence[str]) -> tuple[Party, ...]:
    """Returns a miner, two verifiers and some cheats, of the demo's cast.

    Raises:
        InputError: there is no such cheat.
    """
    check_cheats(cheating)
    wanted = {*HONEST, *cheating}
    everybody = assemble({dev: str(dev_account(dev).address) for dev in range(1, len(ROLES) + 1)})
    return tuple(party for party in everybody if party.name in wanted)


def fitting(home: Path, task: Path | None) -> Path:
    """Returns the task file for a first start; the demo's if none was given. To be called before anything is started.

    Raises:
        InputError: it cannot be used, or the network that is there has another task.
    """
    if task is None:
        return TASK
    spec, path = load_spec(task), home / "deployment.json"
    if path.exists() and Deployment.load(path).spec != spec.model_dump(mode="json"):
        raise InputError(
            f"the network in {home} has another task than {task}: leave --task away to go on with it, or choose "
            "another folder with --home"
        )
    return task


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Holds the home folder's network for as long as it runs.

    Raises:
        InputError: another process does.
    """
    home.mkdir(parents=True, exist_ok=True)
    refusal = f"the network in {home} is up already: watch it with {pol('top')}, or choose another folder with --home"
    with held(home / "up.lock", refusal):
        yield


@contextmanager
def running_devnet(folder: Path, say: Say) -> Iterator[Devnet]:
    """Starts the devnet, and stops it at the end; one that runs already is left running.

    Raises:
        InputError: there is no anvil.
        ChainError: it did not start.
    """
    net = Devnet(folder)
    if net.status().running:
        say(f"L1 runs already at {net.rpc}, and goes on when this ends")
        yield net
        return
    last = net.last_settings()
    port = last.port if is_free(last.port) else 0
    net = Devnet.start(folder, port, last.block_time_s, last.accounts, bound=True)
    try:
        say(f"L1 runs at {net.rpc}")
        if net.warning:
            say(f"warning: {net.warning}")
        yield net
    finally:
        net.stop()


def found_or_deployed(home: Path, rpc: str, task: Path, say: Say) -> Deployment:
    """Returns the home folder's deployment on its devnet, deployed now if there was none.

    Args:
        home: folder of the deployment file, data sets and store.
        rpc: of the devnet; a file that names another port is mended.
        task: task file, for a new deployment.
        say: told what is done.

    Raises:
        InputError: the deployment is on another chain than a devnet.
        WrongChain: the devnet does not hold it.
    """
    path = home / "deployment.json"
    if not path.exists():
        say("preparing data and kernels (a minute the first time)")
        workload = prepare(task, home / "data")
        say("deploying the contracts")
        return launch(Client.connect(rpc), dev_account(0), workload, [str((home / "store").resolve())], file=path)
    found = Deployment.load(path)
    if found.chain_id != CHAIN_ID:
        raise InputError(
            f"the deployment in {home} is on chain {found.chain_id}, which is no devnet: choose another folder with "
            "--home for a local network"
        )
    try:
        Client.connect(rpc, found)
    except WrongChain as error:
        raise WrongChain(
            f"{error}; {pol('devnet reset')} clears the chain and the agents' memory, never keys"
        ) from error
    if found.rpc != rpc:
        found = found.model_copy(update={"rpc": rpc})
        found.save(path)
    return found


def bonded(client: Client, cast: Sequence[Party], folder: Path, say: Say) -> None:
    """Deposits what is missing of everybody's bond.

    Raises:
        NotMined: L1 did not include the deposits in time.
    """
    who = deposit_missing(client, cast, folder)
    if who:
        say(f"ETH at stake for {', '.join(party.name for party in who)}")


def part_names(cast: Sequence[Party]) -> dict[str, str]:
    """Returns what those do that are not just miners and verifiers."""
    return {party.name: party.part.value for party in cast if party.part not in (DemoRole.MINER, DemoRole.VERIFIER)}
