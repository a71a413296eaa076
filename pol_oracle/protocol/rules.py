"""The two rule sets. Every function that differs between them takes a :class:`Rules` and asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import isfinite


class RuleSet(IntEnum):
    """How a task is numbered on L1 (``Types.sol``)."""

    HARDENED = 0
    PAPER = 1


@dataclass(frozen=True)
class Rules:
    """What a rule set demands.

    Attributes:
        derived_state: W follows from the chain, by a segment of training after the parent. Off: it is the miner's.
        seed_binds_proof: the seed covers miner and nonce. Off: it is the parent alone (the paper's "previous hash").
        batch_from_seed: P is derived from the seed. Off: the miner chooses it.
        parities: a requirement is a parity over weights of one leaf, and R names leaves of convolutions outside the
            last layer. Off: it is the direction of one weight, and R names all parameters.
        strict: a required weight must really move. Off: an unchanged weight passes (Algorithm 1).
    """

    derived_state: bool
    seed_binds_proof: bool
    batch_from_seed: bool
    parities: bool
    strict: bool


HARDENED = Rules(True, True, True, True, True)
PAPER = Rules(False, False, False, False, False)


def rules_of(rule_set: RuleSet) -> Rules:
    """Returns the rules behind a task's rule set."""
    return HARDENED if rule_set is RuleSet.HARDENED else PAPER


def satisfies(rules: Rules, before: Sequence[float], after: Sequence[float], odd: bool) -> bool:
    """Says whether a requirement is met: whether the number of its weights that strictly rose is odd, or even.

    A NaN or an infinity never satisfies; a change from -0 to +0 is none, since they compare equal. Without strict rules
    weights of which none moved pass.

    Args:
        rules: the task's rules.
        before: the requirement's weights in W, binary32; under the paper's rules one.
        after: the same in W'.
        odd: the parity; with one weight, True for "must increase".
    """
    if not all(isfinite(value) for value in (*before, *after)):
        return False
    if not rules.strict and all(a == b for a, b in zip(before, after, strict=True)):
        return True
    return sum(a > b for b, a in zip(before, after, strict=True)) % 2 == odd
