"""Every error the package raises on purpose.

    PolError                 anything a user can be told in one sentence; the CLI prints it and exits 1
    |-- InputError           a bad argument, task file, deployment file or key
    |-- RuleError            a value breaks a rule of the chain (index out of range, wrong size, ...)
    |   `-- NotFinite        an evaluation gives a NaN or an infinity
    |-- ArithmeticFault      the canonical arithmetic is not available or not exact on this machine
    |-- DataError            a data set is missing or does not have its root
    |-- StoreError           a state could not be read from or written to the store
    |   `-- CorruptState     it was read, but is not what its name says
    `-- ChainError           L1 did not do what was asked
        |-- Unreachable      no answer from the RPC endpoint
        |   `-- NodeTrouble  it answered that it cannot just now, or what cannot be read
        |-- Pruned           what happened long ago is neither on the endpoint nor in a store
        |-- WrongChain       the endpoint serves another chain or another deployment
        |-- Reverted         a contract refused, with its decoded custom error
        `-- NotMined         a transaction was sent and not included in time

A replay *mismatch* is a value, never an exception: an exception means "could not replay" and never
leads to a challenge.
"""

from __future__ import annotations

from .text import printable

LONGEST_SENTENCE = 4000  # characters


class PolError(Exception):
    """Base of all expected errors. The message says what was wrong and what to do.

    It may quote a stranger (a store, a node, a file): whoever shows or logs it gets one line that can be printed.
    """

    def __str__(self) -> str:
        return printable(super().__str__(), LONGEST_SENTENCE)


class InputError(PolError):
    """The user's input cannot be used."""


class RuleError(PolError):
    """A value breaks a rule of the chain."""


class NotFinite(RuleError):
    """The evaluation of a sample gives a NaN or an infinity, so the state cannot stand in a block.

    Attributes:
        sample: its number in the test set.
    """

    def __init__(self, sample: int) -> None:
        super().__init__(f"the evaluation of sample {sample} is not finite")
        self.sample = sample


class ArithmeticFault(PolError):
    """The canonical arithmetic is not available or not exact on this machine."""


class DataError(PolError):
    """A data set is missing or does not have its root."""


class StoreError(PolError):
    """A state could not be read from or written to the store."""


class CorruptState(StoreError):
    """Bytes were read, but they do not have the size or the root they should have."""


class ChainError(PolError):
    """L1 did not do what was asked."""


class Unreachable(ChainError):
    """The RPC endpoint does not answer."""


class NodeTrouble(Unreachable):
    """The RPC endpoint answers that it cannot just now (an internal error, a rate limit), or what cannot be read."""


class Pruned(ChainError):
    """The RPC endpoint has thrown old logs away, and no store serves what would do in their place."""


class WrongChain(ChainError):
    """The endpoint serves another chain or holds another deployment."""


class Reverted(ChainError):
    """A contract refused a call.

    Attributes:
        name: name of the custom error, or "" if it could not be decoded.
        arguments: the decoded values it carries, by name.
    """

    def __init__(self, message: str, name: str = "", arguments: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.arguments = arguments or {}


class NotMined(ChainError):
    """A transaction was sent and not included in time."""
