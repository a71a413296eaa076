"""Agents against the real contracts: who is paid, who is slashed, and that honest parties never lose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.agents.blocks import BlockView
from pol_oracle.agents.memory import Refusal
from pol_oracle.agents.reviewer import Replay
from pol_oracle.agents.runtime import open_context
from pol_oracle.agents.verdicts import Verdict
from pol_oracle.protocol.errors import InputError, StoreError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.report.ledger import Unit, ledger, totals
from tests.e2e.stage import ETH, STAKE, Stage, believe

Accounts = list[LocalAccount]
FINAL, SLASHED, ORPHANED = Status.FINALIZED, Status.SLASHED, Status.ORPHANED


def against(cheat: LocalAccount, kind: EvidenceKind) -> Replay:
    """A replay that finds one miner's blocks wrong, or not served."""

    def replay(block: BlockView, cancelled: Callable[[], bool]) -> Verdict:
        if block.miner != cheat.address:
            return Verdict(block.id)
        if kind is EvidenceKind.WITHHELD:
            raise StoreError("not there")
        return Verdict(block.id, kind, "wrong")

    return replay


def money(stage: Stage) -> dict[str, dict[Unit, int]]:
    return totals(ledger(stage.loops[0].history.events))


def test_honest_blocks_are_finalized_and_paid(stage: Stage, accounts: Accounts) -> None:
    miner, *verifiers = accounts[1:4]
    for account in verifiers:
        stage.verifier(account)
    stage.miner(miner, blocks=3)

    stage.until(lambda: stage.statuses() == [FINAL] * 3 and not stage.loops[0].view.unsettled)

    assert stage.client.learn(miner.address) == 3 * 10 * ETH
    assert all(stage.client.learn(v.address) == 3 * 2 * ETH for v in verifiers)
    for account, role in ((miner, Role.MINER), *((v, Role.VERIFIER) for v in verifiers)):
        bond = stage.client.bond(account.address, role)
        assert (bond.free, bond.locked) == (STAKE, 0)


@pytest.mark.parametrize("kind", [EvidenceKind.STEP, EvidenceKind.WITHHELD])
def test_pitfall_03_bad_block_is_slashed_by_vote(stage: Stage, accounts: Accounts, kind: EvidenceKind) -> None:
    cheat, honest, *verifiers = accounts[1:6]
    for account in verifiers:
        stage.verifier(account, against(cheat, kind))
    stage.miner(cheat, blocks=1)
    stage.until(lambda: len(stage.statuses()) == 1)
    stage.miner(honest, blocks=2, replay=against(cheat, kind))

    stage.until(lambda: stage.statuses() == [SLASHED, FINAL, FINAL] and not stage.loops[0].view.unsettled)

    assert money(stage)[cheat.address][Unit.ETH] == -ETH
    assert sum(money(stage)[v.address][Unit.ETH] for v in verifiers) == ETH // 2
    assert all(money(stage)[v.address][Unit.ETH] >= 0 for v in verifiers)
    assert stage.client.bond(cheat.address, Role.MINER).free == STAKE - ETH


def test_pitfall_08_lazy_verifier_loses_its_bond(stage: Stage, accounts: Accounts) -> None:
    cheat, lazy, *verifiers = accounts[1:5]
    replay = against(cheat, EvidenceKind.STEP)
    for account in verifiers:
        stage.verifier(account, replay)
    stage.verifier(lazy, believe)
    stage.miner(cheat, blocks=1)

    stage.until(lambda: stage.statuses() == [SLASHED] and not stage.loops[0].view.unsettled)

    assert money(stage)[lazy.address][Unit.ETH] == -ETH // 4
    assert all(money(stage).get(v.address, {}).get(Unit.ETH, 0) >= 0 for v in verifiers)


def test_false_challenge_costs_the_challenger_and_the_block_lives(stage: Stage, accounts: Accounts) -> None:
    miner, liar, *verifiers = accounts[1:5]
    for account in verifiers:
        stage.verifier(account)
    stage.verifier(liar, against(miner, EvidenceKind.STEP))
    stage.miner(miner, blocks=1)

    stage.until(lambda: stage.statuses() == [FINAL] and not stage.loops[0].view.open_disputes)

    assert money(stage)[liar.address][Unit.ETH] == -ETH // 2
    assert money(stage)[miner.address][Unit.ETH] == ETH // 4


def test_pitfall_01_stolen_proof_is_refused(stage: Stage, accounts: Accounts) -> None:
    miner, thief, verifier = accounts[1:4]
    stage.verifier(verifier)
    honest = stage.miner(miner, blocks=1)
    stage.until(lambda: len(stage.statuses()) == 1)
    stolen = next(b.header for b in honest.view.blocks.values() if b.header)

    def as_its_own(header: Header) -> Header:
        return replace(stolen, miner=header.miner)

    theft = stage.miner(thief, 1, against(miner, EvidenceKind.WITHHELD), forge=as_its_own)  # stays on the same parent
    stage.until(lambda: bool(theft.context.memory.refusals()))

    assert theft.context.memory.refusals()[0].name == "IndexMismatch"
    assert len(stage.statuses()) == 1
    assert stage.client.bond(thief.address, Role.MINER).locked == 0


def test_pitfall_15_head_is_slashed_under_many_descendants(stage: Stage, accounts: Accounts) -> None:
    """A cheat builds a long branch on its bad block. Honest miners stay on theirs and lose nothing."""
    cheat, honest, *verifiers = accounts[1:5]

    def replay(block: BlockView, cancelled: Callable[[], bool]) -> Verdict:
        first = block.miner == cheat.address and block.height == 1
        return Verdict(block.id, EvidenceKind.STEP, "wrong") if first else Verdict(block.id)

    for account in (*verifiers, honest):
        stage.bond(account, Role.MINER if account is honest else Role.VERIFIER)
    long = stage.miner(cheat, blocks=4)
    stage.until(lambda: len(long.view.blocks) == 5)
    for account in verifiers:
        stage.verifier(account, replay)
    stage.miner(honest, blocks=2, replay=replay)

    def over() -> bool:
        return stage.statuses() == [SLASHED, ORPHANED, ORPHANED, ORPHANED, FINAL, FINAL] and not long.view.unsettled

    stage.until(over)
    assert money(stage)[cheat.address][Unit.ETH] == -ETH
    assert stage.client.bond(cheat.address, Role.MINER).locked == 0


def test_pitfall_15_chain_goes_on_when_verifiers_come_late(stage: Stage, accounts: Accounts) -> None:
    miner, *verifiers = accounts[1:4]
    stage.miner(miner, blocks=3)
    stage.rounds(30)
    assert stage.statuses() == [Status.PENDING] * 3

    for account in verifiers:
        stage.verifier(account)
    stage.until(lambda: stage.statuses() == [FINAL] * 3)


def test_pitfall_18_same_key_twice_is_refused(stage: Stage, accounts: Accounts) -> None:
    stage.verifier(accounts[1])

    with pytest.raises(InputError):
        stage.verifier(accounts[1])


def test_agent_without_bond_is_told_what_to_do(stage: Stage, accounts: Accounts) -> None:
    with pytest.raises(InputError, match=r"needs at least 0\.75 ETH: deposit it with `pol bond deposit"):
        open_context(stage.config(accounts[1]), Role.VERIFIER)


def test_refusals_are_kept_across_a_restart(stage: Stage, accounts: Accounts) -> None:
    loop = stage.verifier(accounts[1])
    loop.context.memory.add_refusal(Refusal("attest:00", "WrongStatus", "too late"))
    stage.kill(loop)

    assert stage.verifier(accounts[1]).context.memory.refusals() == [Refusal("attest:00", "WrongStatus", "too late")]
