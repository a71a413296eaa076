"""Shared fixtures: one devnet per test process, one deployment on it, and a fresh state of L1 for every test."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import structlog
from eth_account.signers.local import LocalAccount
from hypothesis import settings

from pol_oracle.fixtures.l1 import PARAMETERS
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.artifacts import compile_contracts
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.deploy import deploy
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.rules import RuleSet
from pol_oracle.protocol.task import Task

APE_TESTS = Path(__file__).parent / "contracts"
UNDER_APE = "ape" in (Path(sys.argv[0]).stem, Path(sys.argv[0]).parent.name)

# Files and folders that take long, the longest first: two processes begin with them, and so end together.
SLOW = (
    "soak/test_soak.py",
    "demo/test_demo.py",
    "localnet",
    "canonical/test_machines.py",
    "canonical/test_models.py",
    "search/test_crew.py",
    "explorer",
    "e2e",
    "l1/sending/lies",
    "cli/test_reproduce.py",
    "court",
    "cli/real_task",
    "bench/test_agreement.py",
    "adversaries",
    "architecture/test_site.py",
    "simulate/test_bars.py",
    "reproduce/test_figure1.py",
    "reproduce/test_learning.py",
    "economics/test_games.py",
    "cli/test_commands.py",
    "canonical/test_random_programs.py",
    "canonical/test_trees.py",
    "search/grouped/test_grouped.py",
    "search/grouped/test_kernels.py",
    "search/grouped/test_cpu_loops.py",
    "simulate/test_attackers.py",
    "simulate/test_scenarios.py",
    "l1/contracts/test_artifacts.py",
    "canonical/test_state.py",
    "l1/devnet/test_devnet.py",
    "l1/devnet/test_saved_state.py",
    "l1/sending/test_sender_recovery.py",
    "simulate/test_engine.py",
    "soak/test_agents.py",
    "search/test_screen.py",
    "bench/test_chain.py",
    "bench/test_explorer.py",
    "cli/failures",
    "cli/mistakes/test_stdout.py",
    "cli/agents",
    "l1/contracts/test_deployment.py",
)
CHECKOUT = APE_TESTS.parents[1]
COINBASES = count(1 << 64)  # one a test

settings.register_profile("busy machine", deadline=None)  # nothing asserts a time
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Keeps ape's plugin, which would start a chain of its own, out of runs that ``ape test`` did not start."""
    parser.addoption("--large", action="store_true", help="run the tests of the real models, minutes each")
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run the files, and the tests of each, in random order"
    )
    if not UNDER_APE:
        pluginmanager.set_blocked("ape_test")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """``ape test`` runs tests/contracts and nothing else; plain pytest runs everything else."""
    if UNDER_APE:
        wanted = collection_path.is_relative_to(APE_TESTS) or APE_TESTS.is_relative_to(collection_path)
    else:
        wanted = not collection_path.is_relative_to(APE_TESTS)
    return None if wanted else True


def pytest_configure(config: pytest.Config) -> None:
    """Before processes of pytest-xdist start: each gets its share of the cores, and finds everything compiled."""
    processes = config.getoption("numprocesses", None)
    if not processes or hasattr(config, "workerinput"):
        return
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    compile_contracts()
    command = [sys.executable, str(CHECKOUT / "tools" / "compile_kernels.py")]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}, check=False)  # what is broken, tests tell


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves large tests out, shuffles if asked to, marks slow ones; groups by file for xdist, slow ones first."""
    if not config.getoption("--large"):
        left_out = [item for item in items if item.get_closest_marker("large")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if (seed := config.getoption("--shuffle")) is not None:
        _shuffle(items, random.Random(seed))
    places = {item: _place(item.path.relative_to(APE_TESTS.parent)) for item in items}
    for item, place in places.items():
        if place < len(SLOW):
            item.add_marker("slow")
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        file = item.path.relative_to(APE_TESTS.parent).as_posix()
        item.add_marker(pytest.mark.xdist_group(file))
    items.sort(key=places.__getitem__)


def _shuffle(items: list[pytest.Item], numbers: random.Random) -> None:
    """Files in random order, and the tests of each; a file's stay together, for what they share."""
    numbers.shuffle(items)
    files = {file: number for number, file in enumerate(dict.fromkeys(item.path for item in items))}
    items.sort(key=lambda item: files[item.path])


def _place(file: Path) -> int:
    """Where a file is in ``SLOW``, or what comes after."""
    return next((i for i, slow in enumerate(SLOW) if file.is_relative_to(slow)), len(SLOW))


@pytest.fixture(autouse=True)
def _logs_as_by_default() -> Iterator[None]:
    """A command under test sends logs to streams that close with its test; nobody after it may write to them."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def eligible() -> EligibleWeights:
    """The eligible leaves of the synthetic task: the full ones of a 144-element tensor and of a 4,608-element one."""
    return EligibleWeights((EligibleRange(0, 0, 2, 2, 1), EligibleRange(2, 0, 72, 72, 1)))


@pytest.fixture(scope="session")
def task(eligible: EligibleWeights) -> Task:
    """A task that no model is behind: enough for the rules of the chain."""
    return Task(
        rule_set=RuleSet.HARDENED,
        batch_size=4,
        train_count=8192,
        test_count=4096,
        training_steps=16,
        mask_size=16,
        learning_rate=0x3C23D70A,
        eligible_count=eligible.count,
        eligible_hash=eligible.hash,
        program_root=keccak(b"program"),
        train_root=keccak(b"train"),
        test_root=keccak(b"test"),
        initial_root=keccak(b"initial"),
    )


@pytest.fixture(scope="session")
def parameters() -> Parameters:
    """Short windows; a quorum of two."""
    return PARAMETERS


@pytest.fixture(scope="session")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet of this test process that makes an L1 block per transaction. It ends with the process in any case."""
    compile_contracts()  # what is tested is the contracts as they are now
    net = Devnet.start(tmp_path_factory.mktemp("devnet"), port=0, block_time_s=None, save_interval_s=3600, bound=True)
    yield net
    net.stop()


@pytest.fixture(scope="session")
def session_deployment(devnet: Devnet, task: Task, parameters: Parameters) -> Deployment:
    """The contracts with the synthetic task, deployed once; tests take :func:`deployment`."""
    return deploy(Client.connect(devnet.rpc), dev_account(0), task, parameters)


@pytest.fixture
def anvil(devnet: Devnet, session_deployment: Deployment) -> Iterator[str]:
    """URL of an L1 that holds the deployment and nothing else; whatever a test does to it is undone."""
    rpc = Client.connect(devnet.rpc).rpc
    snapshot = rpc.request("evm_snapshot")
    # it keeps states by hash of their block, and loses one whose block is made again in another test
    rpc.request("anvil_setCoinbase", f"0x{next(COINBASES):040x}")
    yield devnet.rpc
    rpc.request("evm_setAutomine", False)
    rpc.request("anvil_dropAllTransactions")  # else what waits is mined into the next test
    rpc.request("anvil_mine")  # after what Anvil is mining just now
    rpc.request("evm_revert", snapshot)
    rpc.request("evm_setAutomine", True)


@pytest.fixture
def deployment(anvil: str, session_deployment: Deployment) -> Deployment:
    """The contracts with the synthetic task, as they were just after deployment."""
    return session_deployment


@pytest.fixture
def client(anvil: str, deployment: Deployment) -> Client:
    """A client of that deployment."""
    return Client.connect(anvil, deployment)


@pytest.fixture(scope="session")
def accounts() -> list[LocalAccount]:
    """Twenty accounts with 10,000 ETH each. Number 0 deployed the contracts."""
    return [dev_account(i) for i in range(20)]


@pytest.fixture
def mine(anvil: str) -> Callable[..., None]:
    """``mine(blocks=1, seconds=0)``: L1 lets that much time pass, then makes blocks."""
    rpc = Client.connect(anvil).rpc

    def run(blocks: int = 1, seconds: int = 0) -> None:
        if seconds:
            rpc.request("evm_increaseTime", seconds)
        rpc.request("anvil_mine", hex(blocks))

    return run


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    """A folder for keystores that does not exist yet."""
    return tmp_path / "keys"


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    """``file_size_limit(bytes)``: no file of this process may grow beyond, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
