"""What a search is told, what it tells, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.protocol.header import Header


@dataclass(frozen=True)
class Job:
    """The block that is searched for.

    Attributes:
        parent: id of the block to build on.
        miner: address of the proposer, checksummed; proofs are worth nothing to another.
        difficulty: in 1/1024 bit; the block's own is no greater.
        lineage: headers from the first block after genesis up to the parent.
    """

    parent: bytes
    miner: str
    difficulty: int
    lineage: Sequence[Header] = ()


@dataclass(frozen=True)
class Base:
    """What all children of a block share.

    Attributes:
        segment_root: 32 bytes; zeros under the paper's rules.
        state: W; under the paper's rules, where the search begins.
    """

    segment_root: bytes
    state: State


@dataclass(frozen=True)
class Progress:
    """Where a search stands.

    Attributes:
        nonce: the next nonce to try.
        tries: nonces tried in torch.
        passed: of these, steps that met R in torch.
        confirmed: of these, steps that met R canonically.
        before: test samples that W classifies correctly, None before they were counted.
        correct: test samples that the last W' classified correctly, None before the first.
        evaluated: test samples of the running evaluation done so far; 0 between evaluations.
    """

    nonce: int
    tries: int = 0
    passed: int = 0
    confirmed: int = 0
    before: int | None = None
    correct: int | None = None
    evaluated: int = 0


@dataclass(frozen=True)
class Proof:
    """A block ready to be proposed.

    Attributes:
        header: the proposal.
        pre: W.
        post: W'.
        accuracy: the correct-bits of W and W'.
    """

    header: Header
    pre: State
    post: State
    accuracy: AccuracyTree


class Search(Protocol):
    """A way to look for proofs."""

    def search(
        self,
        job: Job,
        base: Base,
        *,
        start_nonce: int = 0,
        should_stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Proof | None:
        """Tries nonces from ``start_nonce`` up until one gives a proof.

        Args:
            job: what is searched for.
            base: W of the parent's children.
            start_nonce: where to begin, so that an interrupted search can go on.
            should_stop: asked before every try or pass, and during evaluations.
            on_progress: told after every try or pass, and during evaluations.

        Returns:
            The proof, or None if ``should_stop`` said so.
        """

    def close(self) -> None:
        """Lets go of what it holds."""


class StoppedError(Exception):
    """The caller wants no proof any more."""


class Watch:
    """Counts what happens, tells the caller, and asks whether to go on."""

    def __init__(
        self, start: Progress, should_stop: Callable[[], bool] | None, on_progress: Callable[[Progress], None] | None
    ) -> None:
        self._now = start
        self._should_stop = should_stop or (lambda: False)
        self._on_progress = on_progress or (lambda progress: None)

    def ask(self) -> None:
        """Raises StoppedError if the caller wants no more."""
        if self._should_stop():
            raise StoppedError

    def count(self, *, tries: int = 0, passed: int = 0, confirmed: int = 0) -> None:
        """Adds to the counts; nonces are tried in order."""
        now = self._now
        self._now = replace(
            now,
            nonce=now.nonce + tries,
            tries=now.tries + tries,
            passed=now.passed + passed,
            confirmed=now.confirmed + confirmed,
        )

    def note(self, *, before: int, correct: int) -> None:
        """Notes the latest counts of correct samples, of W and of W'."""
        self._now = replace(self._now, before=before, correct=correct)

    def evaluating(self, done: int) -> None:
        """So many test samples of an evaluation are done."""
        self.ask()
        self._on_progress(replace(self._now, evaluated=done))

    def report(self) -> None:
        """Tells the caller where the search stands."""
        self._on_progress(self._now)
