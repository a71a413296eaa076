"""The roots of a trace: of every tensor, of its sections, of the whole. Mirror of ``contracts/lib/Trace.sol``.

``traceRoot = keccak(TRACE_ROOT ‖ state root ‖ batch root ‖ inner root ‖ root of the new state)``; the last one is zeros
in an evaluation, which has no new state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pol_oracle.protocol.hashing import ZERO, Tag, keccak

from ..commitments.trees import Opening, Slice, list_root, merkle_siblings, rows
from .program import Program


@dataclass(frozen=True)
class Section:
    """A list of tensors inside a trace: the tag of its root, its first tensor's number, and one past its last's."""

    tag: bytes
    first: int
    end: int


@dataclass(frozen=True)
class TraceRoots:
    """The roots of all tensors of a trace, by number.

    Attributes:
        program: what made the trace.
        tensors: 32 bytes each.
    """

    program: Program
    tensors: tuple[bytes, ...]

    @staticmethod
    def of(program: Program, pre: Sequence[bytes], between: bytes, post: Sequence[bytes] = ()) -> TraceRoots:
        """Puts the roots of W, of batch and inner tensors (32 bytes each, joined), and of W' together."""
        return TraceRoots(program, (*pre, *(between[at : at + 32] for at in range(0, len(between), 32)), *post))

    @property
    def between(self) -> bytes:
        """Roots of batch and inner tensors, joined: what a miner publishes, since the rest follows from W and W'."""
        return b"".join(self.tensors[len(self.program.state) : self.program.posts_from])

    def section(self, tensor: int) -> Section:
        """Returns the section that a tensor lies in."""
        states, inner, posts = len(self.program.state), self.program.first, self.program.posts_from
        if tensor < states:
            return Section(Tag.STATE_ROOT, 0, states)
        if tensor < inner:
            return Section(Tag.BATCH_ROOT, states, inner)
        if tensor < posts:
            return Section(Tag.INNER_ROOT, inner, posts)
        return Section(Tag.STATE_ROOT, posts, len(self.tensors))

    def open(self, slices: Sequence[Slice]) -> Opening:
        """Opens tensors that have these roots, but perhaps not the values of the slices, up to the trace's root."""
        ascending = tuple(sorted(slices, key=lambda s: s.tensor))
        return Opening(ascending, self.nodes(s.tensor for s in ascending))

    def nodes(self, tensors: Iterable[int]) -> tuple[bytes, ...]:
        """Returns what leads from the roots of some tensors to the trace's.

        They are siblings, section by section, and the roots of batch and inner tensors if none of them is given.
        """
        program, wanted, found = self.program, set(tensors), list[bytes]()
        for first in sorted({0, len(program.state), program.first, program.posts_from}):
            if first == len(self.tensors):
                continue
            section = self.section(first)
            places = [number - first for number in wanted if first <= number < section.end]
            if places:
                hashes = rows(self.tensors[first : section.end])
                found += merkle_siblings(hashes, places, Tag.LIST_NODE)
            elif section.tag != Tag.STATE_ROOT:
                found.append(self._root(first))
        return tuple(found)

    @property
    def state_root(self) -> bytes:
        """Root of the state it starts from."""
        return self._root(0)

    @property
    def batch_root(self) -> bytes:
        """Root of images and labels."""
        return self._root(len(self.program.state))

    @property
    def inner_root(self) -> bytes:
        """Root of everything between inputs and the new state."""
        return self._root(self.program.first)

    @property
    def post_root(self) -> bytes:
        """Root of the new state; zeros in an evaluation."""
        return self._root(self.program.posts_from) if self.program.posts else ZERO

    @property
    def root(self) -> bytes:
        """The trace root."""
        return keccak(Tag.TRACE_ROOT + self.state_root + self.batch_root + self.inner_root + self.post_root)

    def _root(self, tensor: int) -> bytes:
        section = self.section(tensor)
        return list_root(section.tag, self.tensors[section.first : section.end])
