"""What stands around the code: workflows, templates, owners, hooks, the lock of Python packages."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.pages import ROOT

CI = ROOT / ".github" / "workflows" / "ci.yml"
NIGHTLY = ROOT / ".github" / "workflows" / "nightly.yml"
YAML = [*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "mkdocs.yml"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def steps(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("path", YAML, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_is_yaml_and_calls_targets_that_exist(path: Path) -> None:
    assert read(path)
    called = re.findall(r"\bmake ([a-z][a-z-]*)", path.read_text("utf-8"))
    assert set(called) <= TARGETS


def test_ci_covers_everything_on_both_pythons() -> None:
    jobs = read(CI)["jobs"]
    run = "\n".join(map(steps, jobs.values()))
    for target in ("lint", "test-solidity", "test-ape", "test-python", "docs", "wheel", "slither"):
        assert re.search(rf"make {target}$", run, re.MULTILINE), target
    assert jobs["pytest"]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]


def test_what_takes_long_runs_every_night_and_leaves_its_reports() -> None:
    nightly = read(NIGHTLY)
    when = nightly[True]  # YAML's "on"
    assert when["schedule"]
    assert "workflow_dispatch" in when
    jobs = nightly["jobs"]
    run = "\n".join(map(steps, jobs.values()))
    for target in ("invariants", "symbolic", "large"):
        assert re.search(rf"make {target}$", run, re.MULTILINE), target
    assert "pol soak --minutes 60 --seed ${{ github.run_number }} --json" in run
    for job, report in {"soak": "soak.json", "large": ".build/large.xml"}.items():
        upload = jobs[job]["steps"][-1]
        assert (upload["if"], upload["with"]["path"]) == ("always()", report)


def test_owned_paths_exist() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text("utf-8").splitlines()
    paths = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert paths[0] == "*"
    assert [path for path in paths[1:] if not (ROOT / path.strip("/")).is_dir()] == []


def test_every_contract_says_whom_to_tell_of_a_hole() -> None:
    sources = {path.name: path.read_text("utf-8") for path in (ROOT / "contracts").glob("*.sol")}
    contracts = {name for name, text in sources.items() if "\ncontract " in text}
    assert len(contracts) > 5
    assert [name for name in contracts if "@custom:security-contact" not in sources[name]] == []


def test_the_devcontainer_is_json_and_sets_up() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert container["postCreateCommand"] == "make setup"


def test_the_lock_covers_what_is_asked_for_and_names_no_local_build() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE))
    for requirement in map(Requirement, asked):
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement
    assert not any("+" in version for version in locked.values())
    assert "file:" not in LOCK
    assert LOCK.count("--hash=sha256:") > len(locked)


def test_no_version_of_the_servers_with_a_known_denial_of_service_is_admitted() -> None:
    """CVE-2025-62727: a header of many ranges."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [r for r in map(Requirement, project["dependencies"]) if r.name == "starlette"]
    assert len(asked) == 1
    assert not asked[0].specifier.contains("0.49.0")


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "pol_oracle" / "py.typed").is_file()
