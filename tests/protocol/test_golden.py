"""The Python rules against the vectors that the Solidity tests read too."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.protocol import derivation, difficulty
from pol_oracle.protocol.eligible import unpacked
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import jump_height
from pol_oracle.protocol.rules import RuleSet
from pol_oracle.protocol.task import Task

GOLDEN = Path(__file__).parents[1] / "golden"


def unhex(value: Any) -> Any:
    """0x-hex to bytes, but leaves addresses (42 characters) alone."""
    if isinstance(value, str) and value.startswith("0x") and len(value) != 42:
        return bytes.fromhex(value[2:])
    if isinstance(value, dict):
        return {k: unhex(v) for k, v in value.items()}
    return [unhex(v) for v in value] if isinstance(value, list) else value


VECTORS: dict[str, Any] = unhex(json.loads((GOLDEN / "protocol.json").read_text()))


def test_vectors_are_what_the_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate", GOLDEN / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert json.loads((GOLDEN / "protocol.json").read_text()) == generate.hexed(generate.build())
    assert json.loads((GOLDEN / "court.json").read_text()) == generate.hexed(generate.build_court())


@pytest.mark.parametrize("case", VECTORS["tasks"], ids=lambda c: c["block_id"].hex()[:8])
def test_task_header_seed_and_requirements(case: dict[str, Any]) -> None:
    fields = case["task"]
    task = Task(**(fields | {"rule_set": RuleSet(fields["rule_set"])}))
    header = Header(**(case["header"] | {"indices": tuple(case["header"]["indices"])}))
    seed = derivation.seed(task.rules, task.id, header.parent, header.miner, header.pre_root, header.nonce)

    assert task.id == case["task_id"]
    assert task.genesis_id(VECTORS["chain_id"], VECTORS["registry"]) == case["genesis_id"]
    assert header.id(task.id) == case["block_id"]
    assert seed == case["seed"]
    assert derivation.batch(seed, task.batch_size, task.train_count) == header.indices
    drawn = derivation.requirements(seed, case["bits"], task.eligible_count)
    assert [r.weight for r in drawn] == case["requirement_weights"]
    assert [r.up for r in drawn] == case["requirement_ups"]


@pytest.mark.parametrize("case", VECTORS["draws"], ids=lambda c: f"{c['count']}-below-{c['bound']}")
def test_draws(case: dict[str, Any]) -> None:
    drawn = derivation.draw(case["tag"], case["seed"], case["count"], case["bound"], case["shift"])
    assert drawn == case["values"]


def test_eligible_ranges() -> None:
    case = VECTORS["eligible"]
    eligible = unpacked(case["words"])
    assert (eligible.count, eligible.hash) == (case["count"], case["hash"])
    assert [eligible.locate(n) for n in case["numbers"]] == list(zip(case["tensors"], case["elements"], strict=True))


def test_work_and_jumps() -> None:
    assert [str(difficulty.work(d)) for d in VECTORS["work"]["difficulty"]] == VECTORS["work"]["work"]
    assert [jump_height(h) for h in range(len(VECTORS["jump_heights"]))] == VECTORS["jump_heights"]


def test_needed_bits() -> None:
    cases = VECTORS["needed_bits"]
    arguments = zip(cases["difficulty"], cases["seed"], cases["post_root"], strict=True)
    assert [difficulty.needed_bits(*case) for case in arguments] == cases["bits"]


def test_retargeting() -> None:
    given, expected = VECTORS["retarget"]["given"], VECTORS["retarget"]["difficulty"]
    assert [difficulty.retarget(*given[6 * i : 6 * i + 6]) for i in range(len(expected))] == expected
