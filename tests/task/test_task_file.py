"""Task files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.rules import RuleSet
from pol_oracle.task_file import TaskSpec, load_spec, to_units

TASKS = Path(__file__).parents[2] / "tasks"
GOOD = """\
# A task file with everything in it that is looked at below.

name = "devnet"
model = "cnn"
rules = "hardened"
seed = 1
batch_size = 4
learning_rate = 0.01
training_steps = 256
mask_size = 16

[data]
kind = "digits"
train = 8192

[chain]
quorum = 2
difficulty_bits = 8
miner_bond = "1"
"""


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


def test_segments_and_masks_have_the_rule_set_s_defaults() -> None:
    hardened, paper = TaskSpec(name="x"), TaskSpec(name="x", rules="paper")
    assert (hardened.steps, hardened.counted_weights) == (256, 16)
    assert (paper.steps, paper.counted_weights) == (0, 1)
    chosen = TaskSpec(name="x", training_steps=64, mask_size=32)
    assert (chosen.steps, chosen.counted_weights) == (64, 32)


def test_the_learning_rate_is_rounded_to_binary32() -> None:
    bits = TaskSpec(name="x", learning_rate=0.1).learning_rate_bits
    assert bits == 0x3DCCCCCD
    assert np.uint32(bits).view(np.float32) == np.float32(0.1)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('model = "cnn"', 'model = "alexnet"', r"line 4: model: must be one of cnn, resnet18"),
        ("batch_size = 4", "batch_size = 1", r"line 7: batch_size: .*greater than or equal to 2"),
        ("batch_size = 4", "batchsize = 4", r"line 7: batchsize: there is no such key; did you mean batch_size"),
        ("training_steps = 256", "training_steps = 2049", r"line 9: training_steps: .*less than or equal to 2048"),
        ("mask_size = 16", "mask_size = 65", r"line 10: mask_size: .*less than or equal to 64"),
        ("mask_size = 16", "mask_size = 15", r"line 10: mask_size: must be from 16 to 32 under the hardened rules"),
        ("mask_size = 16", "mask_size = 33", r"line 10: mask_size: must be from 16 to 32 under the hardened rules"),
        ("mask_size = 16", "accuracy_slack = 1", r"line 10: accuracy_slack: no such key; there are name"),
        ("quorum = 2", 'quorum = "two"', r"line 17: chain.quorum: .*integer"),
        ('miner_bond = "1"', 'miner_bond = "1 ETH"', r"line 19: chain.miner_bond: must be a decimal number in quotes"),
        ('miner_bond = "1"', "miner_bond = 1", r"line 19: chain.miner_bond: .*string"),
        (
            "difficulty_bits = 8",
            "difficulty_bits = 0.5",
            r"line 18: chain.difficulty_bits: .*greater than or equal to 1",
        ),
        ("difficulty_bits = 8", "difficulty_bits = 8\nmax_bits = nan", r"line 19: chain.max_bits: "),
        ("learning_rate = 0.01", "learning_rate = nan", r"line 8: learning_rate: "),
        ('kind = "digits"', 'kind = "mnist"', r"line 13: data.kind: "),
        ('name = "devnet"', 'name = "my net"', r"line 3: name: "),
        ('name = "devnet"', "", r": name: Field required"),
        ("[data]", "[date]", r"line 12: date: there is no such key; did you mean data"),
        ("seed = 1", "seed = = 1", r"is not TOML: .*line 6"),
    ],
)
def test_mistakes_are_shown_with_their_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=complaint) as error:
        load_spec(path)
    assert str(path) in str(error.value)


def with_chain(rules: str = "hardened", **chain: object) -> TaskSpec:
    """A task of 2048 batches: 11 bits."""
    return TaskSpec.model_validate({"name": "x", "rules": rules, "chain": chain})


def test_difficulty_stays_unless_a_target_interval_is_given() -> None:
    fixed = with_chain(difficulty_bits=5.25).parameters()
    assert (fixed.difficulty, fixed.min_difficulty, fixed.max_difficulty) == (5376, 5376, 11 * BIT)
    assert (fixed.target_interval, fixed.half_life) == (0, 0)

    moving = with_chain(difficulty_bits=5.25, target_interval=600).parameters()
    assert (moving.difficulty, moving.min_difficulty, moving.max_difficulty) == (5376, BIT, 11 * BIT)
    assert (moving.target_interval, moving.half_life) == (600, 3600)

    chosen = with_chain(target_interval=60, half_life=90, min_bits=2.5, max_bits=7.5).parameters()
    assert (chosen.min_difficulty, chosen.max_difficulty, chosen.half_life) == (2560, 7680, 90)


def test_hardened_rules_cap_difficulty_at_the_number_of_batches() -> None:
    for chain in ({"difficulty_bits": 11.01}, {"max_bits": 11.01}, {"difficulty_bits": 12, "target_interval": 60}):
        with pytest.raises(InputError, match=r"may reach .* 2048 batches .* up to 11.00 .* lower max_bits"):
            with_chain(**chain).parameters()
    assert with_chain(difficulty_bits=11).parameters().difficulty == 11 * BIT
    assert with_chain("paper", difficulty_bits=20).parameters().max_difficulty == 20 * BIT
    few = TaskSpec.model_validate({"name": "x", "batch_size": 32, "data": {"train": 16}})
    with pytest.raises(InputError, match=r"0.5 batches"):
        few.parameters()


def test_difficulties_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="difficulty_bits must be 6 to 11, not 5"):
        with_chain(min_bits=6).parameters()
    with pytest.raises(InputError, match="difficulty_bits must be 1 to 4, not 5"):
        with_chain(max_bits=4, target_interval=60).parameters()


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
