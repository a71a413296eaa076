"""A model: its weights in declaration order, and the programs its architecture compiles to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod

from pol_oracle.protocol.errors import InputError

from ..layers.classifier import Classifier
from ..layers.graph import Geometry, Graph, Weight
from ..programs.program import Program

IMAGE_SHAPE = (32, 32, 3)
CLASSES = 10

Architecture = Callable[[Graph], Classifier]


@dataclass(frozen=True)
class Model:
    """A network.

    Attributes:
        name: as in a task file.
        parameters: learnable tensors, in declaration order.
        buffers: batch norm's running statistics, in declaration order.
        geometries: one per convolution, in declaration order.
        architecture: lays the layers into a graph.
    """

    name: str
    parameters: tuple[Weight, ...]
    buffers: tuple[Weight, ...]
    geometries: tuple[Geometry, ...]
    architecture: Architecture

    @property
    def state(self) -> tuple[Weight, ...]:
        """All tensors of a state: parameters, then buffers."""
        return self.parameters + self.buffers

    @cached_property
    def elements(self) -> int:
        """Floats of a state."""
        return sum(prod(w.shape) for w in self.state)

    @property
    def state_bytes(self) -> int:
        """Size of ``State.to_bytes()``."""
        return 4 * self.elements

    def step_program(self, samples: int, learning_rate: float) -> Program:
        """Compiles one SGD step, which moves batch norm's running statistics too.

        Args:
            samples: S, the batch size.
            learning_rate: rounded to binary32.

        Raises:
            InputError: samples < 2: batch norm needs several values per channel.
        """
        if samples < 2:
            raise InputError(f"a step needs at least 2 samples, not {samples}")
        graph = Graph(self.state, samples, training=True, learning_rate=learning_rate)
        self.architecture(graph)
        graph.backward()
        return graph.builder.program(graph.emit_posts())

    def evaluation_program(self, samples: int = 1) -> Program:
        """Compiles the evaluation; the task commits to the program of one sample."""
        graph = Graph(self.state, samples)
        self.architecture(graph).correct()
        return graph.builder.program(posts=0)


def declare(name: str, architecture: Architecture) -> Model:
    """Finds a model's weights by laying it down once."""
    graph = Graph(None, 1)
    architecture(graph)
    return Model(name, tuple(graph.parameters), tuple(graph.buffers), tuple(graph.geometries), architecture)
