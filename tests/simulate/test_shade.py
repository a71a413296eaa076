"""Garbage on an inferior branch: what it bought under the first rule of finality, and buys no more."""

from __future__ import annotations

import itertools

import pytest

from pol_oracle.simulate.chain import ChainRules
from pol_oracle.simulate.scenarios.finality import JudgedTree
from pol_oracle.simulate.scenarios.shade import MARGINS, QUICK, SLOT, SLOW, STRETCHED, Shade, attacks

FALLS = (QUICK, SLOW, STRETCHED)


def test_unjudged_work_bought_finality_under_the_first_rule() -> None:
    """An attack that was run on the contracts: 18 bonds, or 19 with the tie, orphaned 30 honest blocks."""
    found = Shade(outweighs=False, honest=30, falls_after=QUICK).run(budget=30, lasting=False)

    assert found.bonds == 19
    assert found.orphaned == 30
    assert found.per_orphan < 0.5


@pytest.mark.parametrize("honest", [6, 30])
def test_no_pile_orphans_an_honest_block_however_many_bonds_it_has(honest: int) -> None:
    found = attacks(outweighs=True, honest=honest, budget=150)

    assert all(r.orphaned == 0 for r in found)
    assert max(r.bonds for r in found) > 100  # they were spent


@pytest.mark.parametrize("takes", FALLS)
def test_nor_one_that_leads_from_the_first_honest_block_on(takes: int) -> None:
    """So that no honest block was ever the head: they are contested with."""
    for lasting, margin in itertools.product((False, True), MARGINS):
        assert Shade(True, 1, takes, early=True).run(100, lasting, margin).orphaned == 0


@pytest.mark.parametrize("takes", FALLS)
def test_a_pile_delays_finality_by_one_slash_at_most(takes: int) -> None:
    for honest, margin in itertools.product((6, 30), MARGINS):
        assert Shade(True, honest, takes).run(100, lasting=False, margin=margin).delay <= takes


def test_a_truly_heavier_branch_still_wins() -> None:
    """Judged work outweighs what it displaced, whoever did it."""
    tree = JudgedTree(ChainRules(), 20 * 1024, outweighs=True)
    first = tree.propose(tree.head, 0, 600)
    other = tree.propose(tree.tip, 1, 612)
    last = tree.propose(tree.propose(other, 1, 700), 1, 800)

    assert tree.head is last
    assert not tree.can_finalize(other, judged=lambda block: block is other)
    assert not tree.can_finalize(first, judged=lambda block: True)
    assert tree.can_finalize(other, judged=lambda block: block.number <= last.number)


def test_a_slash_brings_the_displaced_head_back() -> None:
    tree = JudgedTree(ChainRules(), 20 * 1024, outweighs=True)
    own = tree.propose(tree.head, 1, 600)
    head = tree.propose(tree.propose(tree.tip, 0, 612), 0, 1200)
    garbage = tree.propose(own, 1, 1200 + SLOT)
    tree.propose(garbage, 1, 1200 + SLOT)
    assert tree.head is not head

    tree.slash(garbage)

    assert tree.head is head
