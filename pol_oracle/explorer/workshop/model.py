"""The network as a list of layers: what the task page draws, and what a wrong float is found in."""

from __future__ import annotations

from math import prod

from pol_oracle.canonical.models import Model
from pol_oracle.protocol.eligible import EligibleWeights

from ..facts.findings import LayerFacts, ModelFacts


def describe(model: Model, eligible: EligibleWeights) -> ModelFacts:
    """Returns the network's layers in order."""
    named = {r.tensor for r in eligible.ranges}
    layers: dict[str, list[int]] = {}
    for number, weight in enumerate(model.parameters):
        layers.setdefault(weight.name.rsplit(".", 1)[0], []).append(number)
    found = []
    for name, numbers in layers.items():
        shapes = [model.parameters[number].shape for number in numbers]
        rank = len(shapes[0])
        kind = "convolution" if rank == 4 else "linear" if rank == 2 else "batch norm"
        total = sum(prod(shape) for shape in shapes)
        can = bool(named & set(numbers))
        found.append(LayerFacts(name=name, kind=kind, shape=list(shapes[0]), weights=total, eligible=can))
    return ModelFacts(name=model.name, weights=sum(prod(w.shape) for w in model.parameters), layers=found)
