"""Who may import what. The layers themselves are contracts of import-linter, in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.architecture.modules import MODULES, PACKAGE, ROOT, attributes, importers

TORCH_FREE = [
    "pol_oracle.protocol",
    "pol_oracle.canonical",
    "pol_oracle.data",
    "pol_oracle.task",
    "pol_oracle.store",
    "pol_oracle.evidence",
    "pol_oracle.l1.sending.sender",
    "pol_oracle.l1.monitor",
    "pol_oracle.agents.rules.decide",
    "pol_oracle.view.view",
    "pol_oracle.agents.work.replay",
    "pol_oracle.agents.verifier",
    "pol_oracle.reproduce.figure1",
    "pol_oracle.simulate.scenarios.catalogue",
    "pol_oracle.cli.app",
]


def test_importing_anything_but_search_does_not_import_torch() -> None:
    code = f"""
import importlib, sys
for name in {TORCH_FREE!r}:
    importlib.import_module(name)
    if "torch" in sys.modules or "torchvision" in sys.modules:
        sys.exit(f"{{name}} imports torch")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_torch_is_imported_by_search_only() -> None:
    measured = {f"bench/{name}.py" for name in ("search/agreement", "canonical", "search/hits")}  # torch, or against it
    measured |= {"bench/search/filters.py", "reproduce/plain.py", "cli/network/state.py"}  # or written for it
    measured |= {"cli/network/torchrun.py"}  # its plugin
    assert {path for path in importers("torch") if not path.startswith("search/")} <= {"data/cifar10.py"} | measured
    assert {path for path in importers("torchvision") if not path.startswith("search/")} <= {"data/cifar10.py"}


def test_verifiers_count_without_the_miners_screen() -> None:
    """It can be deceived by a state that was made for that."""
    assert importers("pol_oracle.search.screening") == {"search/candidates.py", "bench/canonical.py"}


def test_nodes_are_reached_through_l1_only() -> None:
    outside = {path for path in importers("web3", "requests") if not path.startswith("l1/")}
    assert outside == {"soak/network/proxy.py"}  # it is a node itself


def test_decisions_are_pure() -> None:
    forbidden = ["time", "datetime", "random", "os", "socket", "threading", "asyncio", "subprocess"]
    forbidden += [f"pol_oracle.l1.{name}" for name in ("client", "node", "monitor", "sending", "devnet")]
    pure = {p for p in importers("pol_oracle") if p.startswith(("agents/rules/", "view/"))}
    assert {"agents/rules/decide.py", "view/view.py"} <= pure
    assert not pure & importers(*forbidden, "pol_oracle.store", "pol_oracle.search")


def test_the_protocol_is_pure() -> None:
    assert {p for p in importers("time", "os", "random", "numpy", "pathlib") if p.startswith("protocol/")} == set()


def test_the_simulator_reads_no_clock() -> None:
    forbidden = ["time", "datetime", "random", "os", "pathlib", "socket", "threading"]
    assert {p for p in importers(*forbidden) if p.startswith("simulate/")} == set()


def test_one_module_reads_settings() -> None:
    """The environment of child processes is passed on, not read: l1/contracts/artifacts.py."""
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        for node in attributes(path)
        if node.attr in ("environ", "getenv")
    }
    assert readers <= {"cli/settings.py", "l1/contracts/artifacts.py"}


def test_calls_are_encoded_at_the_output_only() -> None:
    encoding = {path for path in importers("pol_oracle.l1.contracts.abi.encode_call") if not path.startswith("bench/")}
    assert encoding == {"l1/client.py", "l1/sending/calls.py"}


def test_nothing_is_unpickled() -> None:
    """But machine code, which numba pickles, from folders whose code would be run as well."""
    unpickling = importers("pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve")
    assert unpickling == {"canonical/kernels/cache.py"}
    assert importers("torch.load") == set()
    assert [path for path in MODULES for node in attributes(path) if ast.unparse(node) == "torch.load"] == []
