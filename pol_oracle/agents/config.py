"""What an agent is told at its start."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.sending.fees import FeePolicy
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import Role

from .monitoring.dashboard import Show
from .monitoring.logs import Tell
from .rules.policy import Policy
from .storage.checkpoints import Budget
from .work.worker import Background

if TYPE_CHECKING:  # the search imports torch
    from pol_oracle.search import Rendezvous


KEPT = "-kept"  # ends the names of agents' folders of states
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class AgentConfig:
    """Settings of one agent process.

    Attributes:
        deployment: the contracts, the task and its parameters.
        account: signs the agent's transactions and challenges.
        name: of the agent; letters, digits, ``-``, ``_`` and, inside, ``.``. Names its files.
        folder: where it keeps journals, log and status.
        cache: folder of finished data sets, shared by all agents.
        signs: the option of `pol` that chooses the account, such as "--dev 1", for hints; "": by its address.
        rpc: L1 endpoint; None: the deployment's.
        fees: how much to offer for transactions.
        proposals_rpc: private endpoint that takes proposals first; None: they go where everything goes.
        store: where final states are written (the first) and read; empty: the deployment's.
        confirmations: L1 blocks a log must be deep; None: the deployment's.
        poll_s: seconds between looks at L1.
        background: how work is done beside the loop, and tried again.
        policy: how it behaves within the rules.
        threads: of the canonical arithmetic and of torch.
        budget: bytes that states inside segments may take, so that answers need not compute whole segments.
        tell: shown every log entry, for whoever watches; None: nobody does.
        show: miner: shown a line about its work that replaces the one before; None: nobody watches.
        metrics_port: where Prometheus metrics and /healthz are served on the loopback interface; None: nowhere.
        rendezvous: miner: where helpers find it; None: it searches alone.
        check_accuracy: miner: evaluate others' blocks before building on them; off, a false count is noticed only when
            it is slashed.
    """

    deployment: Deployment
    account: LocalAccount = field(repr=False)
    name: str
    folder: Path
    cache: Path
    signs: str = ""
    rpc: str | None = None
    fees: FeePolicy = field(default_factory=FeePolicy)
    proposals_rpc: str | None = None
    store: tuple[str, ...] = ()
    confirmations: int | None = None
    poll_s: float = 0.5
    background: Background = field(default_factory=Background, repr=False)
    policy: Policy = field(default_factory=Policy)
    threads: int = 1
    budget: Budget = field(default_factory=Budget)
    tell: Tell | None = field(default=None, repr=False, compare=False)
    show: Show | None = field(default=None, repr=False, compare=False)
    metrics_port: int | None = None
    rendezvous: Rendezvous | None = None
    check_accuracy: bool = True

    def __post_init__(self) -> None:
        """Checks the name.

        Raises:
            InputError: it could name files elsewhere.
        """
        if not _NAME.fullmatch(self.name):
            raise InputError(f"{self.name!r} is no name for an agent: take letters, digits, '-' and '_'")

    @property
    def depth(self) -> int:
        """L1 blocks a log must be deep."""
        return self.deployment.confirmations if self.confirmations is None else self.confirmations

    @property
    def sender_path(self) -> Path:
        """The sender's journal."""
        return self.folder / f"{self.name}.sqlite"

    def memory_path(self, role: Role) -> Path:
        """Verdicts and proofs, by role: a miner may find a block right without counting its accuracy."""
        return self.folder / f"{self.name}-{role.name.lower()}-memory.sqlite"

    @property
    def kept_path(self) -> Path:
        """Folder of the agent's own states."""
        return self.folder / f"{self.name}{KEPT}"

    @property
    def log_path(self) -> Path:
        """JSON lines."""
        return self.folder / f"{self.name}.log"

    @property
    def status_path(self) -> Path:
        """What the agent is doing, earned and lost, as JSON."""
        return self.folder / f"{self.name}.json"


@dataclass(frozen=True)
class HelperConfig:
    """Settings of a process that helps a miner search.

    Attributes:
        deployment: names the task.
        rendezvous: where the leader is found.
        cache: folder of finished data sets.
        kept_path: folder of its own states.
        log_path: JSON lines.
        rpc: L1 endpoint; None: the deployment's.
        store: where final states are read; empty: the deployment's.
        threads: of the canonical arithmetic and of torch.
        tell: shown every log entry; None: nobody is.
    """

    deployment: Deployment
    rendezvous: Rendezvous
    cache: Path
    kept_path: Path
    log_path: Path
    rpc: str | None = None
    store: tuple[str, ...] = ()
    threads: int = 1
    tell: Tell | None = field(default=None, repr=False, compare=False)
