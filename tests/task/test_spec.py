"""Task files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.rules import RuleSet
from pol_oracle.task import TaskSpec, load_spec
from pol_oracle.task.spec import to_units

TASKS = Path(__file__).parents[2] / "tasks"
GOOD = (TASKS / "devnet.toml").read_text()


def written(folder: Path, text: str) -> Path:
    path = folder / "task.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted(TASKS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_task_file_loads_under_its_own_name(path: Path) -> None:
    spec = load_spec(path)
    assert spec.name == path.stem
    assert spec.parameters().quorum == spec.chain.quorum


def test_the_default_task_says_what_the_devnet_needs() -> None:
    spec = load_spec(TASKS / "devnet.toml")
    assert (spec.model, spec.rule_set, spec.data.kind) == ("cnn", RuleSet.HARDENED, "digits")
    parameters = spec.parameters()
    assert parameters.miner_bond == 10**18
    assert parameters.attest_bond == 25 * 10**16
    assert len(parameters.astuple()) == 14


def test_a_spec_survives_json() -> None:
    spec = load_spec(TASKS / "cifar10.toml")
    assert TaskSpec.model_validate_json(spec.model_dump_json()) == spec


def test_the_learning_rate_is_rounded_to_binary32() -> None:
    bits = TaskSpec(name="x", learning_rate=0.1).learning_rate_bits
    assert bits == 0x3DCCCCCD
    assert np.uint32(bits).view(np.float32) == np.float32(0.1)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('model = "cnn"', 'model = "alexnet"', r"line 4: model: must be one of cnn, resnet18"),
        ("batch_size = 4", "batch_size = 1", r"line 7: batch_size: .*greater than or equal to 2"),
        ("batch_size = 4", "batchsize = 4", r"line 7: batchsize: Extra inputs"),
        ("quorum = 2", 'quorum = "two"', r"line 21: chain.quorum: .*integer"),
        ('miner_bond = "1"', 'miner_bond = "1 ETH"', r"line 23: chain.miner_bond: must be a decimal number in quotes"),
        ('miner_bond = "1"', "miner_bond = 1", r"line 23: chain.miner_bond: .*string"),
        ("learning_rate = 0.003", "learning_rate = nan", r"line 8: learning_rate: "),
        ('kind = "digits"', 'kind = "mnist"', r"line 12: data.kind: "),
        ('name = "devnet"', 'name = "my net"', r"line 3: name: "),
        ('name = "devnet"', "", r": name: Field required"),
        ("[data]", "[date]", r"line 11: date: Extra inputs"),
        ("seed = 1", "seed = = 1", r"is not TOML: .*line 6"),
    ],
)
def test_mistakes_are_shown_with_their_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=complaint) as error:
        load_spec(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the task file"):
        load_spec(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot read the task file"):
        load_spec(tmp_path / "x.toml")


@given(st.integers(0, 10**27 - 1))
def test_amounts_are_exact(units: int) -> None:
    text = f"{units // 10**18}.{units % 10**18:018d}"
    assert to_units(text) == units
    assert Decimal(text) * 10**18 == units
