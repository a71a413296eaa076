"""The same on the real size: ResNet-18 with both stems, as the shipped task file has it, against nine colluders.

Each takes minutes: ``make large`` runs them, ``make test`` leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.canonical.operations import Kind
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.protocol.difficulty import from_bits
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.task import Workload, build_workload, load_spec
from tests.adversaries.arena import Arena
from tests.adversaries.conftest import deployed
from tests.adversaries.forging import Forgery, garbage, honest, next_weight
from tests.e2e.stage import Stage

pytestmark = pytest.mark.large
TASK = Path("tasks/resnet18.toml")
STEMS = ("resnet18-7x7", "resnet18")
THREADS = 2
PACE_S = 60  # seconds of L1 time between its blocks: windows are an hour and ten minutes


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
    """The contracts with that task."""
    return deployed(devnet.rpc, accounts[13], colluders, network, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def right(network_deployment: Deployment, network: Workload, accounts: list[LocalAccount]) -> Forgery:
    """A right block of the cheat's, at the difficulty of the task file's first blocks."""
    genesis = bytes.fromhex(network_deployment.genesis_id[2:])
    bits = load_spec(TASK).chain.difficulty_bits
    return honest(network, genesis, accounts[1].address, from_bits(bits))


@pytest.fixture
def large(
    network_deployment: Deployment,
    right: Forgery,
    network: Workload,
    accounts: list[LocalAccount],
    colluders: list[LocalAccount],
    tmp_path: Path,
    anvil: str,
    mine: Callable[..., None],
) -> Iterator[Arena]:
    """An arena on an L1 of its own."""
    stage = Stage(tmp_path, anvil, network_deployment, mine, pace=PACE_S)
    yield Arena(stage, network, right, accounts[1], accounts[2], colluders)
    stage.close()


def test_state_in_the_segment(large: Arena) -> None:
    forgery = large.made.derailed(len(large.made.segment.entries) // 2, next_weight)

    large.convicts(forgery, EvidenceKind.STEP)


def test_weight_after_the_step(large: Arena) -> None:
    forgery = large.made.with_trace(next_weight(large.made.step))

    large.convicts(forgery, EvidenceKind.STEP, EvidenceKind.REQUIREMENT)


def test_value_of_the_trace(large: Arena) -> None:
    forgery = large.made.altered(large.made.number(Kind.DOT, 3), 1000, lambda x: x + 1)

    large.convicts(forgery, EvidenceKind.STEP)


def test_count(large: Arena) -> None:
    forgery, _ = large.made.wrong_bit()

    large.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=2)


def test_sum(large: Arena) -> None:
    tree = large.made.bits_tree
    forgery = large.made.with_accuracy(tree, correct_after=tree.root.after + 5)

    large.convicts(forgery, EvidenceKind.ACCURACY, demands=0)


def test_garbage_below_a_right_looking_header(large: Arena) -> None:
    forgery = large.made.derailed(1, garbage)

    large.convicts(forgery, EvidenceKind.STEP)


def test_garbage_that_nobody_shows(large: Arena) -> None:
    forgery = replace(large.made.derailed(1, garbage), answers=False)

    large.convicts(forgery, EvidenceKind.WITHHELD, demands=1)
