"""TF32, played on a CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pol_oracle.bench.sieves import Tf32Network, to_tf32
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.search.grouped_network import GroupedNetwork

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("given", "rounded"),
    [
        (1 + 2.0**-10, 1 + 2.0**-10),
        (1 + 2.0**-11, 1 + 2.0**-10),
        (-1 - 2.0**-11, -1 - 2.0**-10),
        (1 + 2.0**-11 - 2.0**-20, 1.0),
        (0.0, 0.0),
        (2 - 2.0**-12, 2.0),
    ],
)
def test_ten_bits_are_kept(given: float, rounded: float) -> None:
    assert to_tf32(torch.tensor([given])).item() == rounded


def test_training_passes_are_rough_and_looks_are_not() -> None:
    model = build_model("cnn")
    tensors = np.full((2, 3), next(i for i, w in enumerate(model.parameters) if len(w.shape) == 4))
    images = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    asked = images, torch.arange(8) % 10, tensors, np.arange(6).reshape(2, 3)
    looks, slopes = [], []
    for kind in (GroupedNetwork, Tf32Network):
        network = kind(model, CPU, 4)
        network.load(State.initial(model, 1))
        slopes.append(network.train(*asked)[0].value)
        network.load(State.initial(model, 1))
        looks.append(network.look(*asked).value)
    assert np.array_equal(looks[0], looks[1])
    assert not np.array_equal(slopes[0], slopes[1])
    assert np.linalg.norm(slopes[1] - slopes[0]) < 0.05 * np.linalg.norm(slopes[0])
