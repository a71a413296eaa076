"""Every model before the Court: honest elements hold, corrupted ones are proven wrong, by one transaction each.

A part of ``pol bench court``. No model has Solidity of its own; ``vgg`` was added by the recipe for models alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pol_oracle.bench.court.evidence import BARS, disagreements, prices, undetected
from pol_oracle.bench.court.proving import harness
from pol_oracle.canonical.models import MODEL_NAMES
from pol_oracle.evidence import TraceId
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.positions import Tree


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_pitfall_14_the_court_sees_what_the_kernels_computed(model: str, tmp_path: Path) -> None:
    with harness(tmp_path, model) as court:
        assert disagreements(court, 100, seed=3) == 0
        assert undetected(court, 60, seed=4) == 0


@pytest.mark.parametrize("terms", [576, 4608])
def test_long_sums_cost_no_more_gas_than_promised(terms: int, tmp_path: Path) -> None:
    """576 terms took 437,000 when sums of convolutions had tails."""
    with harness(tmp_path, "resnet18") as court:
        spent = {operation.label: gas for operation, gas in prices(court, terms)}
    assert len(spent) > 3
    assert {label: gas for label, gas in spent.items() if gas > BARS[f"{terms} terms"]} == {}


def test_what_is_not_corrupted_is_not_proven(tmp_path: Path) -> None:
    with harness(tmp_path, "cnn") as court:
        own = court.traces[TraceId(Tree.STEP)]
        tensor = own.program.first
        bits = int(own.tensors[tensor].reshape(-1).view(np.uint32)[0])
        with pytest.raises(Reverted) as refused:
            court.corrupted(TraceId(Tree.STEP), tensor, 0, bits)
        assert refused.value.name == "ElementHolds"
