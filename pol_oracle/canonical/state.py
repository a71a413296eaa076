"""A state: parameters and buffers as named float32 tensors, immutable, with a root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from pol_oracle.protocol.errors import CorruptState, InputError
from pol_oracle.protocol.hashing import Tag

from .commitments.trees import LEAF, Slice, TensorTree, list_root, merkle_siblings, rows, tensor_root
from .expressions import FloatArray
from .initial import initial_weights
from .models import Model


class State(Mapping[str, FloatArray]):
    """Weight name -> read-only float32 array in canonical layout.

    Args:
        model: whose state it is.
        flat: float32 [model.elements], all tensors in declaration order; taken over, not copied.

    Attributes:
        model: whose state it is.
        flat: the same memory as all tensors together, read-only.
    """

    def __init__(self, model: Model, flat: FloatArray) -> None:
        if flat.shape != (model.elements,) or flat.dtype != np.float32:
            raise InputError(f"a state of {model.name} has {model.elements} float32, not {flat.dtype} {flat.shape}")
        self.model = model
        self.flat = flat
        self.flat.flags.writeable = False
        self._tensors: dict[str, FloatArray] = {}
        at = 0
        for weight in model.state:
            size = prod(weight.shape)
            self._tensors[weight.name] = flat[at : at + size].reshape(weight.shape)
            at += size
        self._roots: tuple[bytes, ...] | None = None
        self._root: bytes | None = None

    def __getitem__(self, name: str) -> FloatArray:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __eq__(self, other: object) -> bool:
        """Bit for bit: +0 and -0 differ."""
        if not isinstance(other, State):
            return NotImplemented
        same = self.model.name == other.model.name
        return same and np.array_equal(self.flat.view(np.uint32), other.flat.view(np.uint32))

    def __hash__(self) -> int:
        return hash(self.root)

    @property
    def tensors(self) -> tuple[FloatArray, ...]:
        """All tensors in declaration order."""
        return tuple(self._tensors.values())

    @property
    def tensor_roots(self) -> tuple[bytes, ...]:
        """Root of every tensor, in declaration order."""
        if self._roots is None:
            self._roots = tuple(tensor_root(t) for t in self.tensors)
        return self._roots

    @property
    def hashed(self) -> bool:
        """Whether the roots are known."""
        return self._roots is not None

    def take_roots(self, roots: Iterable[bytes]) -> None:
        """Takes the tensors' roots, in declaration order, from whoever shared the work out among threads."""
        self._roots = tuple(roots)

    @property
    def root(self) -> bytes:
        """The 32-byte state root: preRoot or postRoot of a header."""
        if self._root is None:
            self._root = list_root(Tag.STATE_ROOT, self.tensor_roots)
        return self._root

    @property
    def finite(self) -> bool:
        """False if any weight is a NaN or an infinity."""
        return bool(np.isfinite(self.flat).all())

    def open(self, tensor: int, element: int) -> Slice:
        """Opens the leaf of one weight up to the root of its tensor.

        Args:
            tensor: number of the tensor, in declaration order.
            element: flat index in canonical layout.

        Raises:
            InputError: there is no such weight.
        """
        if not (0 <= tensor < len(self) and 0 <= element < self.tensors[tensor].size):
            raise InputError(f"there is no element {element} of tensor {tensor} to open")
        return TensorTree(self.tensors[tensor]).open(tensor, [element // LEAF])

    def path(self, tensor: int) -> tuple[bytes, ...]:
        """Returns the siblings from a tensor's root to the state's."""
        return merkle_siblings(rows(self.tensor_roots), [tensor], Tag.LIST_NODE)

    def to_bytes(self) -> bytes:
        """Returns all weights as big-endian binary32 in declaration order, ``model.state_bytes`` long."""
        return self.flat.astype(">f4").tobytes()

    @staticmethod
    def from_bytes(model: Model, data: bytes) -> State:
        """Reads what :meth:`to_bytes` wrote.

        Whose root it has is for the caller to check, and so is ``finite``: a state with a NaN that has the claimed root
        is proof of a bad block, not of a bad copy.

        Raises:
            CorruptState: another size than the model's.
        """
        if len(data) != model.state_bytes:
            raise CorruptState(f"a state of {model.name} has {model.state_bytes} bytes, not {len(data)}")
        return State(model, np.frombuffer(data, ">f4").astype(np.float32))

    @staticmethod
    def initial(model: Model, seed: int) -> State:
        """Returns the initial weights of a seed (initial.py)."""
        return State(model, initial_weights(model, seed))

    def to_torch(self) -> dict[str, FloatArray]:
        """Returns copies in torch's layout, by torch's names."""
        return {
            w.name: np.array(self[w.name].transpose(w.to_torch) if w.to_torch else self[w.name], order="C")
            for w in self.model.state
        }

    @staticmethod
    def from_torch(model: Model, mapping: Mapping[str, ArrayLike]) -> State:
        """Returns the state of arrays in torch's layout (or tensors on the CPU); unknown names are ignored.

        Raises:
            InputError: a weight is missing or has another shape.
        """
        parts = []
        for weight in model.state:
            axes = weight.to_torch or tuple(range(len(weight.shape)))
            expected = tuple(weight.shape[i] for i in axes)
            if weight.name not in mapping:
                raise InputError(f"the weights of {model.name} lack {weight.name}")
            array = np.asarray(mapping[weight.name], np.float32)
            if array.shape != expected:
                raise InputError(f"{weight.name} of {model.name} has shape {array.shape}, not {expected}")
            parts.append(array.transpose(np.argsort(axes)).reshape(-1))
        return State(model, np.concatenate(parts))
