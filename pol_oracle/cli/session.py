"""What commands open: the deployment, L1, a key, the task's workload, the history of events."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import typer

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError, NodeTrouble, NotMined

from .names import Names
from .output import remark
from .settings import Settings

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from pol_oracle.agents.work.follow import Follower
    from pol_oracle.l1.client import Client
    from pol_oracle.l1.contracts.deployment import Deployment
    from pol_oracle.l1.monitor import Update
    from pol_oracle.l1.sending.calls import Call, CallResult
    from pol_oracle.l1.sending.fees import FeePolicy
    from pol_oracle.l1.sending.sender import Sender
    from pol_oracle.view import History, View

OWN, REPORTED = "command:", "reported:"  # begin the keys of what commands send, before and after its end was shown
PAUSE_S = 0.2  # between two looks at an L1 whose nodes do not agree yet on how far it is


def deployment(settings: Settings) -> Deployment:
    """Reads the deployment file.

    Raises:
        InputError: there is none, or it is damaged.
    """
    from pol_oracle.l1.contracts.deployment import Deployment

    path = settings.deployment_file
    if not path.exists():
        raise InputError(
            f"there is no deployment file {path}: run {pol('deploy TASK.toml')}, or name its folder by --home"
        )
    return Deployment.load(path)


def client(settings: Settings, found: Deployment | None = None) -> Client:
    """Connects to L1 and checks that the contracts are there.

    Raises:
        Unreachable: no answer.
        WrongChain: another chain or another deployment.
    """
    from pol_oracle.l1.client import Client

    found = found or deployment(settings)
    return Client.connect(settings.rpc or found.rpc, found)


def rpc_without_deployment(settings: Settings) -> str:
    """Returns the endpoint to deploy to: the given one, else the devnet of the home folder.

    Raises:
        InputError: neither is there.
    """
    from pol_oracle.l1.devnet.anvil import Devnet

    rpc = settings.rpc or Devnet(settings.devnet).status().rpc
    if not rpc:
        raise InputError(f"no L1 to deploy to: start one with {pol('devnet up')}, or give --rpc URL")
    return rpc


def password(settings: Settings, file: Path | None, *, confirm: bool = False) -> str:
    """Returns the first line of the password file, or asks for it on a terminal.

    Raises:
        InputError: no file was given and nobody can be asked, or the file cannot be read.
    """
    path = file or settings.password_file
    if path is not None:
        try:
            lines = path.read_text().splitlines()
        except OSError as error:
            raise InputError(f"cannot read the password file {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"the password file {path} is not text") from error
        if not lines or not lines[0]:
            raise InputError(f"the password file {path} is empty: its first line must be the password")
        return lines[0]
    if not sys.stdin.isatty():
        raise InputError("a password is needed: name a file with --password-file or POL_PASSWORD_FILE")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=confirm))


def check_account(settings: Settings, name: str | None, dev: int | None) -> None:
    """Refuses a choice of key that cannot be meant, before anything is loaded and anybody types a password.

    Raises:
        InputError: not exactly one was chosen, or there is no such keystore.
    """
    if (name is None) == (dev is None):
        raise InputError(
            f"choose the key to sign with: --account NAME (see {pol('keys list')}), or --dev N on the devnet"
        )
    if name is not None:
        from pol_oracle.l1.keys import find_key

        find_key(settings.keys, name)


def account(settings: Settings, name: str | None, dev: int | None, file: Path | None) -> LocalAccount:
    """Returns the key to sign with: a keystore by name, or one of the devnet's well-known accounts.

    Raises:
        InputError: not exactly one was chosen, no such keystore, or a wrong password.
    """
    check_account(settings, name, dev)
    if dev is not None:
        from pol_oracle.l1.devnet.accounts import dev_account

        return dev_account(dev)
    from pol_oracle.l1.keys import load_key

    assert name is not None
    return load_key(settings.keys, name, password(settings, file))


@contextmanager
def following(
    settings: Settings, found: Deployment, view: View, store: Sequence[str] | None, threads: int
) -> Iterator[Follower]:
    """Opens what follows the chain by replay, and shows on a terminal how far it is.

    Args:
        settings: of the user.
        found: the deployment.
        view: the chain; states that none of its live blocks left behind are forgotten at the end.
        store: where states are found besides; None: the deployment's places.
        threads: of the canonical arithmetic.
    """
    from rich.console import Console
    from rich.progress import Progress

    from pol_oracle.agents.config import KEPT
    from pol_oracle.agents.runtime import prepare_workload
    from pol_oracle.agents.storage.kept import KeptStates
    from pol_oracle.agents.work.follow import Follower, FollowStage
    from pol_oracle.store import StateStore

    places = tuple(store or found.store)
    agents = sorted(settings.agents.glob(f"*{KEPT}"))  # what those of this machine computed needs no replay
    kept = StateStore([settings.states, *agents, *places])
    workload = prepare_workload(found, settings.data, threads, places)
    genesis = bytes.fromhex(found.genesis_id.removeprefix("0x"))
    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("following the chain", total=None)

        def watch(stage: FollowStage) -> None:
            done, total = stage.height * stage.steps + stage.step, (stage.target + 1) * stage.steps
            shown.update(bar, completed=done, total=total, description=f"segment after block {stage.height}")

        yield Follower(workload, genesis, kept, watch)
    with suppress(OSError):  # a home folder that cannot be written to
        KeptStates(settings.states).tidy(view)


def names(settings: Settings, found: Deployment) -> Names:
    """Returns who is behind the addresses on a deployment's L1, as far as this machine knows."""
    from pol_oracle.l1.devnet.accounts import CHAIN_ID

    return Names.of(settings, devnet=found.chain_id == CHAIN_ID)


def fees(settings: Settings) -> FeePolicy:
    """Returns how much may be paid for transactions.

    Raises:
        InputError: the settings cannot be used.
    """
    from pol_oracle.l1.sending.fees import FeePolicy

    return FeePolicy.of(settings.fee_caps, settings.max_gas_price)


@contextmanager
def transacted(settings: Settings, connection: Client, key: LocalAccount, calls: Sequence[Call]) -> Iterator[None]:
    """Sends calls, one after the other, and waits until each is confirmed; what follows a refused one may rest on it.

    What an earlier command sent and could not report is not sent again: this one reports it. Calls are reported when
    the body ends without an error.

    Raises:
        Reverted: a contract refused one.
        InputError: an agent that runs now sends for this account.
        NotMined: L1 did not include one in time.
    """
    from pol_oracle.l1.sending.sender import Sender

    journal = settings.agents / f"cli-{key.address.lower()}.sqlite"
    with Sender(connection, key, journal, fees=fees(settings)) as sender:
        done: list[str] = []
        for call in calls:
            done.append(_begun(sender, call))
            result = _awaited(connection, sender, done[-1], call.key)
            if result.error is not None:
                raise result.error
        yield
        for name in done:
            sender.rename(name, REPORTED + name)


def _begun(sender: Sender, call: Call) -> str:
    """The key of a call that is under way from now on; that of an earlier command, if it is the same and unreported."""
    earlier = sender.under_way(call, OWN, or_done=True)
    if earlier is not None:
        how = "it is not confirmed yet" if sender.in_flight(earlier) else "did not get to report it"
        remark(f"{call.key}: an earlier command has sent the same, and {how}: it is not sent again")
        return earlier
    named = replace(call, key=f"{OWN}{uuid4().hex[:12]}:{call.key}")  # what is given again after that is meant again
    sender.submit(named)
    return named.key


def _awaited(connection: Client, sender: Sender, key: str, name: str) -> CallResult:
    """What became of a call; says on stderr when it is mined, and lets a devnet that waits for us go on."""
    from pol_oracle.l1.devnet.automine import mine_on_demand

    def tell(stage: str) -> None:
        if stage.startswith("mined"):
            remark(f"{name}: {stage}")
            mine_on_demand(connection, sender.confirmations)

    try:
        return sender.wait(key, tell=tell)
    except NotMined as error:
        raise NotMined(str(error).replace(key, name)) from error


def history(connection: Client, found: Deployment) -> History:
    """Reads all events up to the confirmation depth, and folds them into a view.

    Raises:
        NodeTrouble: they are not all that there were.
    """
    import gc

    from pol_oracle.l1.check import LOST, Folded, missing
    from pol_oracle.l1.monitor import Monitor
    from pol_oracle.view import History

    gc.freeze()  # all that is loaded by now stays: the collector need not go through it for every few hundred events
    told = History(bytes.fromhex(found.genesis_id.removeprefix("0x")))
    monitor, end = Monitor(connection, found.deployed_at, found.confirmations), connection.latest().number
    while True:
        update = monitor.poll()

        def fold(update: Update = update) -> Folded:
            view = told.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
            return Folded(view.head, view.finalized_tip)

        if lost := missing(connection, update, fold, ask=update.whole):
            raise NodeTrouble(f"{LOST}, at {connection.rpc.place} ({lost}): give the RPC address of another node")
        if update.l1_block >= end - found.confirmations:
            return told
        time.sleep(PAUSE_S)
