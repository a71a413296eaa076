"""The Python rules against the vectors that the Solidity tests read too."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.protocol import derivation, difficulty
from pol_oracle.protocol.eligible import unpacked
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import jump_height
from pol_oracle.protocol.rules import RuleSet, rules_of, satisfies
from pol_oracle.protocol.task import Task
from tests.golden.court_vectors import build_court
from tests.golden.generate import hexed
from tests.golden.protocol_vectors import build

SIDES = ("before", "after")
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
    assert json.loads((GOLDEN / "protocol.json").read_text()) == hexed(build())
    assert json.loads((GOLDEN / "court.json").read_text()) == hexed(build_court())


@pytest.mark.parametrize("case", VECTORS["tasks"], ids=lambda c: c["block_id"].hex()[:8])
def test_task_header_seed_and_requirements(case: dict[str, Any]) -> None:
    fields = case["task"]
    task = Task(**(fields | {"rule_set": RuleSet(fields["rule_set"])}))
    header = Header(**(case["header"] | {"indices": tuple(case["header"]["indices"])}))
    seed = derivation.seed(task.rules, task.id, header.parent, header.miner, header.nonce)

    assert task.id == case["task_id"]
    assert task.genesis_id(VECTORS["chain_id"], VECTORS["registry"]) == case["genesis_id"]
    assert header.id(task.id) == case["block_id"]
    assert seed == case["seed"]
    assert derivation.batch(seed, task.batch_size, task.train_count) == header.indices
    drawn = derivation.requirements(task.rules, seed, case["bits"], task.eligible_count, task.mask_size)
    assert [r.number for r in drawn] == case["requirement_numbers"]
    assert [str(r.mask) for r in drawn] == case["requirement_masks"]
    assert [r.odd for r in drawn] == case["requirement_odds"]


@pytest.mark.parametrize("case", VECTORS["draws"], ids=lambda c: f"{c['count']}-below-{c['bound']}")
def test_draws(case: dict[str, Any]) -> None:
    drawn = derivation.draw(case["tag"], case["seed"], case["count"], case["bound"], case["shift"])
    assert drawn == case["values"]


def test_masks() -> None:
    cases = VECTORS["masks"]
    drawn = [derivation.mask(*case) for case in zip(cases["seed"], cases["number"], cases["size"], strict=True)]
    assert [str(mask) for mask in drawn] == cases["mask"]


@pytest.mark.parametrize("case", VECTORS["segment_seeds"], ids=lambda c: f"step-{c['step']}")
def test_seeds_and_batches_of_segments(case: dict[str, Any]) -> None:
    seed = derivation.segment_seed(case["task_id"], case["block_id"], case["step"])
    assert seed == case["seed"]
    assert list(derivation.batch(seed, 4, 8192)) == case["batch"]


def test_satisfaction() -> None:
    for case in VECTORS["satisfaction"]:
        before, after = ([struct.unpack(">f", x.to_bytes(4, "big"))[0] for x in case[side]] for side in SIDES)
        for rules in RuleSet:
            for parity in ("odd", "even"):
                met = satisfies(rules_of(rules), before, after, parity == "odd")
                assert met == case[f"{rules.name.lower()}_{parity}"]


def test_eligible_ranges() -> None:
    case = VECTORS["eligible"]
    eligible = unpacked(case["words"])
    assert (eligible.count, eligible.hash) == (case["count"], case["hash"])
    assert [eligible.locate(n) for n in case["numbers"]] == list(zip(case["tensors"], case["places"], strict=True))


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
