"""Small games, played out: what coalitions gained under the old rules of disputes and finality, and gain no more.

A sequence of moves counts as found if the coalition ends with more ETH than honest play gives it, which is none, or if
an honest party has lost more than its gas. Amounts and windows are those of ``tasks/devnet.toml``, gas at 6 gwei.
"""

from __future__ import annotations

import json

import pytest

from tests.economics import games_vectors
from tests.economics.games import ETH, GAS, HONEST_MINER, MINER, NEW, OLD, PRICE, End, Game, play
from tests.economics.games_disputes import GARBAGE, RIGHT, WRONG, Disputes
from tests.economics.games_floods import Floods
from tests.economics.games_forks import Forks

PER_WINDOW = 0.2  # ETH that holding something wrong up has to cost for each answer window beyond a walk's
VERIFIERS = [(1, 1, 3), (2, 2, 4), (9, 0, 3), (20, 0, 2), (9, 9, 2), (1, 20, 2)]  # honest, accomplices, moves
WALK = 5  # answer windows: four answers, and the proof


def best(game: Game, moves: int, ticks: int) -> End:
    """The end of a game at which the coalition has most."""
    return max(play(game, moves, ticks), key=lambda end: end.gain)


@pytest.mark.parametrize(("verifiers", "gross"), [(9, 0.625), (20, 2.0)])
def test_old_rules_a_miner_gained_by_sacrificing_a_right_block(verifiers: int, gross: float) -> None:
    """Accomplices demand more than attesters answer; the last demand lapses, and half of all bonds is theirs."""
    flood = 12 * verifiers + 1

    found = best(Disputes(OLD, verifiers, accomplices=0), moves=2, ticks=3)

    assert f"demand {flood}" in found.moves
    gas = (GAS["propose"] + flood * GAS["demand"]) * PRICE / ETH  # the rest is below 0.001
    assert found.gain == pytest.approx(gross - gas, abs=0.002)
    assert found.gain > 0.4


def test_old_rules_even_an_honest_miners_block_was_worth_flooding() -> None:
    found = best(Disputes(OLD, 2, accomplices=0, miner=HONEST_MINER), moves=1, ticks=2)

    assert found.gain > 0.5
    assert found.loss >= 1


@pytest.mark.parametrize(("verifiers", "accomplices", "moves"), VERIFIERS)
@pytest.mark.parametrize("miner", [MINER, HONEST_MINER])
def test_no_sequence_about_a_right_block_pays_or_costs_the_honest_anything(
    miner: str, verifiers: int, accomplices: int, moves: int
) -> None:
    ends = list(play(Disputes(NEW, verifiers, accomplices, RIGHT, miner), moves, ticks=8))

    assert len(ends) > 5
    assert max(end.gain for end in ends) <= 0
    assert max(end.loss for end in ends) == 0


@pytest.mark.parametrize("kind", [WRONG, GARBAGE])
def test_no_sequence_about_a_wrong_block_pays_or_costs_the_honest_anything(kind: str) -> None:
    ends = list(play(Disputes(NEW, 2, 2, kind), moves=4, ticks=10))

    assert max(end.gain for end in ends) <= -7 / 16  # so much of the bond is burned, or the honest prover's
    assert max(end.loss for end in ends) == 0


@pytest.mark.parametrize("slow", [False, True])
def test_old_rules_garbage_orphaned_honest_blocks(slow: bool) -> None:
    ends = list(play(Forks(OLD, slow), moves=1, ticks=6))

    found = max(ends, key=lambda end: end.orphans)
    assert found.orphans >= 5
    assert -found.gain / found.orphans < 1.5  # ETH per honest block


@pytest.mark.parametrize("slow", [False, True])
def test_no_sequence_of_piles_claims_and_slashes_orphans_an_honest_block(slow: bool) -> None:
    ends = list(play(Forks(NEW, slow), moves=2, ticks=6))

    assert len(ends) > 100
    assert max(end.orphans for end in ends) == 0
    assert max(end.gain for end in ends) <= 0
    assert max(end.loss for end in ends) == 0


def test_old_rules_a_thousand_demands_froze_the_head_for_sixty_windows() -> None:
    """The queue of deadlines outlived the slash of the block that it was about. (A sixteenth of 10 s counts as 1 s.)"""
    ends = play(Floods(OLD, 1, flood=1000), moves=2, ticks=2)

    found = max(ends, key=lambda end: end.held)
    assert found.moves == ("demand 1000", "garbage")
    assert found.held >= 60
    assert -found.gain / found.held < 0.06


@pytest.mark.parametrize("flood", [60, 250])
def test_holding_up_what_is_wrong_costs_by_the_window(flood: int) -> None:
    ends = list(play(Floods(NEW, 2, flood), moves=3, ticks=4))

    assert max(end.held for end in ends) > 2
    assert all(end.held <= WALK - end.gain / PER_WINDOW for end in ends)


def test_games_for_the_contracts_are_what_the_ledger_says() -> None:
    assert games_vectors.TARGET.read_text() == games_vectors.text()


def test_games_for_the_contracts_reach_every_call() -> None:
    assert games_vectors.reached(json.loads(games_vectors.TARGET.read_text())) == set(games_vectors.CODES)
