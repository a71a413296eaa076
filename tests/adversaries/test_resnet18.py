"""The same on the real size: ResNet-18 with both stems, as the shipped task file has it, against nine colluders.

Each takes minutes, and L1's time goes at least as fast as the work: what is slashed here is slashed within the shipped
windows. ``make large`` runs them and writes what they cost into .build/large.xml; ``make test`` leaves them out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.agents.work.follow import Follower
from pol_oracle.canonical.operations import Kind
from pol_oracle.canonical.programs.program import Program
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.protocol.difficulty import from_bits
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.store import StateStore
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import load_spec
from tests.adversaries.arena import Arena
from tests.adversaries.conftest import deployed
from tests.adversaries.forging import Forgery, altered, garbage, honest, next_weight, retraced
from tests.e2e.stage import ETH, Stage

pytestmark = [pytest.mark.large, pytest.mark.timeout(4 * 3600)]
TASK = Path("tasks/resnet18.toml")
# stem -> who deploys, and the first nonce whose block is right: 2^8 tries would take long, and fewer do no harm
STEMS = {"resnet18-7x7": (13, 2618), "resnet18": (14, 474)}
THREADS = 2
SLOT_S = 12  # of L1
MOST_LOCKED = 3 * ETH // 10  # per wrong block


@pytest.fixture(scope="module", params=STEMS)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """The task file's, with either stem."""
    spec = load_spec(TASK).model_copy(update={"model": request.param})
    return build_workload(spec, tmp_path_factory.mktemp("data"), threads=THREADS)


@pytest.fixture(scope="module")
def network_deployment(
    devnet: Devnet,
    accounts: list[LocalAccount],
    colluders: list[LocalAccount],
    network: Workload,
    tmp_path_factory: pytest.TempPathFactory,
) -> Deployment:
    """The contracts with that task; another deployer for each, so that ids do not depend on which runs first."""
    deployer, _ = STEMS[network.spec.model]
    return deployed(devnet.rpc, accounts[deployer], colluders, network, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def right(network_deployment: Deployment, network: Workload, accounts: list[LocalAccount]) -> Forgery:
    """A right block of the cheat's, at the difficulty of the task file's first blocks."""
    genesis = bytes.fromhex(network_deployment.genesis_id[2:])
    bits, (_, nonce) = load_spec(TASK).chain.difficulty_bits, STEMS[network.spec.model]
    return honest(network, genesis, accounts[1].address, from_bits(bits), first=nonce)


@pytest.fixture(scope="module")
def following(network_deployment: Deployment, network: Workload, tmp_path_factory: pytest.TempPathFactory) -> Follower:
    """The honest verifier's way along the chain: it has W and its count since genesis, before anybody proposes."""
    genesis, home = bytes.fromhex(network_deployment.genesis_id[2:]), tmp_path_factory.mktemp("kept")
    follower = Follower(network, genesis, StateStore([home]), home=home)
    follower.count(follower.segment(genesis, (), lambda: False).end, lambda: False)
    return follower


@dataclass(frozen=True)
class Dispute:
    """One of them, and what it costs.

    Attributes:
        arena: where it takes place.
        record: takes a figure by name.
    """

    arena: Arena
    record: Callable[[str, object], None]

    @property
    def made(self) -> Forgery:
        """The right block."""
        return self.arena.made

    def convicts(self, forgery: Forgery, *kinds: EvidenceKind, demands: int | None = None) -> None:
        """The block is slashed in time, and the verifier has locked little for that."""
        block = self.arena.convicts(forgery, *kinds, demands=demands)

        books, took = self.arena.books, (block.closed_at or 0) - block.proposed_at
        figures = {"seconds": took, "demands": len(block.demands), "gas": books.gas, "locked": books.most_locked / ETH}
        for name, figure in figures.items():
            self.record(name, figure)
        assert books.most_locked <= MOST_LOCKED


@pytest.fixture
def large(
    network_deployment: Deployment,
    right: Forgery,
    following: Follower,
    network: Workload,
    accounts: list[LocalAccount],
    colluders: list[LocalAccount],
    tmp_path: Path,
    anvil: str,
    mine: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> Iterator[Dispute]:
    """An arena on an L1 of its own."""
    stage = Stage(tmp_path, anvil, network_deployment, mine, pace=SLOT_S, clock=time.monotonic)
    arena = Arena(stage, network, right, accounts[1], accounts[2], colluders, known=following)
    yield Dispute(arena, record_property)
    stage.close()


def longest_dot(program: Program) -> int:
    """Number of the inner tensor an element of which takes the most terms; of those the largest."""

    def terms(tensor: int) -> tuple[int, int]:
        operation = program.operation_of(tensor)
        return (operation.terms, operation.size) if operation is not None and operation.kind is Kind.DOT else (0, 0)

    return max(range(program.first, program.posts_from), key=terms)


def test_state_in_the_segment(large: Dispute) -> None:
    forgery = large.made.derailed(len(large.made.segment.entries) // 2, next_weight)

    large.convicts(forgery, EvidenceKind.STEP)


def test_weight_after_the_step(large: Dispute) -> None:
    forgery = large.made.with_trace(next_weight(large.made.step))

    large.convicts(forgery, EvidenceKind.STEP, EvidenceKind.REQUIREMENT)


def test_value_of_the_trace(large: Dispute) -> None:
    forgery = large.made.altered(longest_dot(large.made.step.program), 0, lambda x: x + 1)

    large.convicts(forgery, EvidenceKind.STEP)


def test_count(large: Dispute) -> None:
    forgery, _ = large.made.wrong_bit()

    large.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=2)


def test_count_explained_falsely(large: Dispute) -> None:
    forgery, sample = large.made.wrong_bit()
    right = forgery.truth(sample)
    false = altered(right, longest_dot(right.program), 0, lambda x: x + 1)
    forgery = forgery.explaining(sample, lambda _: retraced(false, {len(false.tensors) - 1: np.ones(1, np.float32)}))

    large.convicts(forgery, EvidenceKind.UNEXPLAINED)


def test_sum(large: Dispute) -> None:
    tree = large.made.bits_tree
    forgery = large.made.with_accuracy(tree, correct_after=tree.root.after + 5)

    large.convicts(forgery, EvidenceKind.ACCURACY, demands=0)


def test_garbage_below_a_right_looking_header(large: Dispute) -> None:
    forgery = large.made.derailed(1, garbage)

    large.convicts(forgery, EvidenceKind.STEP)


def test_garbage_that_nobody_shows(large: Dispute) -> None:
    forgery = replace(large.made.derailed(1, garbage), answers=False)

    large.convicts(forgery, EvidenceKind.WITHHELD, demands=1)
