"""What both agents share: the checks at their start, and one turn of the loop.

One turn (:meth:`Loop.turn`): poll L1 -> fold into the view -> take finished work, start new work -> decide -> submit ->
tick the sender. L1 may be away at any of these, or the disk full; nothing is lost, and the next turn goes on.
"""

from __future__ import annotations

import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from pol_oracle.advice import pol
from pol_oracle.canonical.selftest import self_test
from pol_oracle.l1.check import Check, Folded
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.automine import Pulse
from pol_oracle.l1.monitor import Update
from pol_oracle.l1.node.node import Node
from pol_oracle.l1.node.rpc import Rpc
from pol_oracle.l1.records import Bond
from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import ChainError, InputError, StoreError, WrongChain
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.text import ether
from pol_oracle.protocol.types import Address, BlockId, Wei
from pol_oracle.store import Limits, StateStore
from pol_oracle.store.headers import HeaderStore
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import deployed_spec
from pol_oracle.view import History, View

from .config import AgentConfig, HelperConfig
from .joining import Joining
from .monitoring.absence import Absence
from .monitoring.gauges import network_gauges
from .monitoring.metrics import Metrics
from .monitoring.records import Records
from .monitoring.vigil import Vigil
from .monitoring.waiting import Wait, network_wait
from .respond import CallSender, Committer, Responder
from .rules.actions import Action
from .storage.memory import AgentMemory, RefusedCall

_WORK_PATIENCE_S = 5.0  # how long a stopping agent waits for its threads
_READS_PER_WINDOW = 8  # of files that are served as slowly as can be


class EventSource(Protocol):
    """What the loop needs of whatever reads L1's events."""

    def poll(self) -> Update | None:
        """Returns what is new on L1; None: it is on its way there, and is to be asked again."""


@dataclass(frozen=True)
class Context:
    """Everything a loop works with. Tests and demonstrations replace single parts of it.

    Attributes:
        config: the agent's settings.
        parameters: of the deployment.
        task_id: 32 bytes.
        genesis_id: 32 bytes.
        events: confirmed events.
        sender: outgoing calls.
        memory: durable memory.
        records: the status file.
        check: whether the events add up to what the contracts say; None: they are taken as they come.
        pulse: told the newest L1 block in every turn, lets a devnet that mines on demand go on; None: nobody does.
        metrics: who scrapes; None: nobody does.
    """

    config: AgentConfig
    parameters: Parameters
    task_id: bytes
    genesis_id: BlockId
    events: EventSource
    sender: CallSender
    memory: AgentMemory
    records: Records
    check: Check | None = None
    pulse: Callable[[int], None] | None = None
    metrics: Metrics | None = None

    @property
    def me(self) -> Address:
        """The agent's address."""
        return str(self.config.account.address)


def prepare_workload(deployment: Deployment, cache: Path, threads: int = 1, store: Sequence[str] = ()) -> Workload:
    """Builds the deployment's task on this machine and checks that it is the one L1 holds.

    Args:
        deployment: names the task.
        cache: folder of finished data sets.
        threads: that share the work of a step and of an evaluation.
        store: where an initial state is found that no seed gives; empty: the deployment's.

    Raises:
        ArithmeticFault: the canonical arithmetic is not exact here.
        StoreError: no usable copy of the initial state was found.
        DataError: the data set is missing.
        InputError: what was built is another task, or the deployment's cannot be read.
    """
    self_test()
    spec = deployed_spec(deployment.spec)
    workload = build_workload(spec, cache, threads, StateStore(store or deployment.store) if spec.initial else None)
    if workload.task != deployment.task:
        there, here = vars(deployment.task), vars(workload.task)
        names = ", ".join(name for name in there if there[name] != here[name])
        raise InputError(
            f"the task built here differs from the one on L1 in {names}: use the version of pol-oracle and the data "
            "that the deployment was made with"
        )
    return workload


def open_store(config: AgentConfig | HelperConfig, *before: Path) -> StateStore:
    """Opens the store the agent was given, or the deployment's. No read lasts longer than a part of the window.

    Args:
        config: the agent's settings.
        before: folders to look into first.

    Raises:
        InputError: there is none, or it cannot be opened.
    """
    limits = Limits(longest_s=config.deployment.parameters.challenge_window / _READS_PER_WINDOW)
    return StateStore([*before, *(config.store or config.deployment.store)], limits)


def header_store(files: StateStore, deployment: Deployment) -> HeaderStore:
    """Returns the headers of a deployment's blocks among the files of a store."""
    return HeaderStore(files, deployment.task.id, deployment.task.batch_size)


def open_events(client: Client, config: AgentConfig | HelperConfig, depth: int, account: Address | None) -> Joining:
    """Returns what reads the deployment's events, also on a node that has pruned the old ones.

    Args:
        client: connected to it.
        config: says where headers are found.
        depth: L1 blocks a log must be deep.
        account: whose bonds matter in any case.
    """
    return Joining(client, depth, account, lambda: header_store(open_store(config), config.deployment))


def open_context(config: AgentConfig, role: Role) -> Context:
    """Connects to L1 and opens the agent's files.

    Raises:
        InputError: another process uses the account, a file belongs to another deployment, or the bond is missing.
        Unreachable: L1 does not answer.
        WrongChain: L1 holds another deployment.
    """
    deployment = config.deployment
    client = Client.connect(config.rpc or deployment.rpc, deployment)
    if client.call("PoLRegistry", "taskId") != deployment.task.id:
        raise WrongChain("the registry on L1 holds another task than the deployment file: get the right file")
    client.expect("PoLRegistry", "parameters", deployment.parameters.astuple(), "the parameters")
    check_bond(client, config, role)
    genesis_id = bytes.fromhex(deployment.genesis_id.removeprefix("0x"))
    config.folder.mkdir(parents=True, exist_ok=True)
    private = Node(Rpc(config.proposals_rpc)) if config.proposals_rpc else None
    stake = deployment.parameters.miner_bond if role is Role.MINER else deployment.parameters.attest_bond
    fees = config.fees.answering_for(stake)
    sender = Sender(
        client, config.account, config.sender_path, confirmations=config.depth, fees=fees, proposals=private
    )
    address = str(config.account.address)
    events = open_events(client, config, config.depth, address)
    memory = AgentMemory(config.memory_path(role), genesis_id, address)
    return Context(
        config=config,
        parameters=deployment.parameters,
        task_id=deployment.task.id,
        genesis_id=genesis_id,
        events=events,
        sender=sender,
        memory=memory,
        records=Records(config.status_path, config.name, role, address, memory.refusals()),
        check=Check(client, events, address, role),
        pulse=Pulse(client).beat,
        metrics=None if config.metrics_port is None else Metrics(config.metrics_port, config.name),
    )


def check_bond(client: Client, config: AgentConfig, role: Role) -> None:
    """Checks that the account has bonded enough to act at all.

    Raises:
        InputError: it has not.
    """
    parameters, address = config.deployment.parameters, str(config.account.address)
    bond = client.bond(address, role)
    needed, why = config.policy.per_block(parameters), "for a block, and to explain it"
    if role is Role.VERIFIER:
        needed, why = config.policy.needed(parameters), "to attest, and to demand what proves wrong blocks wrong"
    if bond.free + bond.locked < needed:
        have, want, who = ether(bond.free + bond.locked), ether(needed), role.name.lower()
        lacks, signs = ether(needed - bond.free - bond.locked), config.signs or f"--account {address}"
        raise InputError(
            f"{address} has {have} ETH bonded as {who} and needs at least {want} ETH {why}: deposit the rest with "
            f"{pol(f'bond deposit {lacks} --role {who} {signs}')}"
        )


class Loop(ABC):
    """One agent's loop; everything but the workers runs in the thread that calls it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.history = History(context.genesis_id)
        self.log = structlog.get_logger("agent").bind(agent=context.config.name)
        self._respond = Responder(context.sender, Committer(context.config.account), context.config.depth)
        self.vigil = Vigil(self.log)
        if context.metrics is not None:
            context.metrics.report = self.vigil.report
        self._absence = Absence(self.log)  # of L1, or of a disk that can be written
        self._whole = False  # the view holds all that L1 has confirmed
        self._l1_block: int | None = None  # the newest that events cover; None while they are on their way

    @property
    def view(self) -> View:
        """What L1 says, as far as it is confirmed."""
        return self.history.view

    @property
    def gas_price(self) -> Wei:
        """What a transaction costs now, in wei per gas."""
        return self.context.sender.gas_price

    @abstractmethod
    def think(self, view: View) -> Iterable[Action]:
        """Takes finished work, starts new work, and decides."""

    @abstractmethod
    def settled(self, result: CallResult) -> None:
        """Learns what became of a call."""

    @abstractmethod
    def close_workers(self, patience: float) -> None:
        """Ends the background threads."""

    def run(self, stop: threading.Event) -> None:
        """Turns until ``stop`` is set, then closes everything."""
        self.log.info("started", account=self.context.me)
        try:
            while not stop.is_set():
                self.turn()
                stop.wait(self._absence.pause_s(self.context.config.poll_s))
        finally:
            self.close()

    def turn(self) -> bool:
        """Does one turn; returns False if it came to nothing.

        L1 was away, or gave no answer that helps (it may be overloaded, or lag), or the disk took no writes.
        """
        try:
            if self._listen():
                self._respond(self.think(self.view), self.view)
            self._send()
            self._watch()
        except (ChainError, StoreError, OSError) as error:
            self._absence.note(error)
            return False
        self._absence.over()
        self.context.records.write(self.history)
        return True

    def waits(self, view: View) -> list[Wait]:
        """What keeps the agent, or the whole network, waiting."""
        wait = network_wait(view, self.context.parameters) if self._whole else None
        return [wait] if wait is not None else []

    def _watch(self) -> None:
        waits = self.vigil.turned(self._l1_block, self.waits(self.view))
        self.context.records.note(waiting=[wait.text for wait in waits])
        if (metrics := self.context.metrics) is not None:
            metrics.set(network_gauges(self.view, self.context.me, self.context.records.role, len(waits)))
        if self.context.pulse is not None and self._l1_block is not None:
            self.context.pulse(self._l1_block)

    def close(self) -> None:
        """Stops the workers, writes the status a last time and releases account and files."""
        self.close_workers(_WORK_PATIENCE_S)
        self.context.records.write(self.history, running=False)
        self.context.sender.close()
        self.context.memory.close()
        if self.context.metrics is not None:
            self.context.metrics.close()
        self.log.info("stopped")

    def _listen(self) -> bool:
        """Takes in what is new; says whether the view may be acted on."""
        update = self.context.events.poll()
        self._l1_block = None if update is None else update.l1_block
        if update is None:
            return False
        if update.rollback_to is not None:
            self.log.warning("l1 was reorganised", rollback_to=update.rollback_to)
        self._whole = update.whole
        check = self.context.check
        if check is None:
            self._fold(update)
            return True

        def folded() -> Folded:
            view = self._fold(update)
            bond = view.bond(self.context.me, check.role)
            return Folded(view.head, view.finalized_tip, Bond(bond.free, bond.locked))

        return check.sound(update, folded)

    def _fold(self, update: Update) -> View:
        view = self.history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        self.history.forget(update.firm)
        return view

    def _send(self) -> None:
        for result in self.context.sender.tick():
            if result.ok:
                self.log.info("done", key=result.key, gas=result.gas_used)
            else:
                refusal = RefusedCall(result.key, result.error.name if result.error else "", str(result.error or ""))
                self.log.warning("refused", key=refusal.key, error=refusal.name, message=refusal.message)
                self.context.memory.add_refusal(refusal)
                self.context.records.refused(refusal)
            self.settled(result)


def stop_on_signals() -> threading.Event:
    """Returns an event that SIGINT or SIGTERM sets. Only for the main thread."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
