"""The two rule sets. Every function that differs between them takes a :class:`Rules` and asks it."""

from __future__ import annotations

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
        seed_binds_proof: the seed covers miner, preRoot and nonce, so nothing of R is known before W is
            committed. Off: the seed is the parent alone (the paper's "previous hash").
        batch_from_seed: P is derived from the seed. Off: the miner chooses it.
        strict: a required weight must really move. Off: an unchanged weight passes (Algorithm 1).
        freeze_buffers: the checked step leaves batch-norm's running statistics alone.
        convolutions_only: R names live taps of convolutions outside the last layer. Off: all parameters.
    """

    seed_binds_proof: bool
    batch_from_seed: bool
    strict: bool
    freeze_buffers: bool
    convolutions_only: bool


HARDENED = Rules(True, True, True, True, True)
PAPER = Rules(False, False, False, False, False)


def rules_of(rule_set: RuleSet) -> Rules:
    """Returns the rules behind a task's rule set."""
    return HARDENED if rule_set is RuleSet.HARDENED else PAPER


def satisfies(rules: Rules, before: float, after: float, up: bool) -> bool:
    """Says whether one required weight moved its way.

    A NaN or an infinity never satisfies; under strict rules neither does a change from -0 to +0, which compare equal.

    Args:
        rules: the task's rules.
        before: the weight in W, binary32.
        after: the weight in W', binary32.
        up: True for "must increase".
    """
    if not (isfinite(before) and isfinite(after)):
        return False
    if up:
        return after > before if rules.strict else after >= before
    return after < before if rules.strict else after <= before
