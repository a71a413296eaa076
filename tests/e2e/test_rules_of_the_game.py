"""Agents against the real contracts: who is paid, who is slashed, and that honest parties never lose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.agents.rules.verdicts import Invalid, Valid, Verdict
from pol_oracle.agents.runtime import open_context
from pol_oracle.agents.storage.memory import RefusedCall
from pol_oracle.agents.work.follow import Ask
from pol_oracle.evidence import Shown
from pol_oracle.fixtures.l1 import PARAMETERS
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.report.ledger import Unit, ledger, totals
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage
from tests.e2e.stage import ETH, STAKE, Stage, believe, boast, boast_proof, reveal_bits

Accounts = list[LocalAccount]
FEE = PARAMETERS.demand_fee
WITHHELD = EvidenceKind.WITHHELD
FINAL, SLASHED, ORPHANED = Status.FINALIZED, Status.SLASHED, Status.ORPHANED


def money(stage: Stage) -> dict[str, dict[Unit, int]]:
    return totals(ledger(stage.loops[0].history.events))


def test_honest_blocks_are_finalized_and_paid(stage: Stage, accounts: Accounts) -> None:
    miner, *verifiers = accounts[1:4]
    for account in verifiers:
        stage.verifier(account)
    stage.miner(miner, blocks=3)

    stage.until(lambda: stage.statuses() == [FINAL] * 3 and not stage.loops[0].view.unsettled)

    parameters = stage.deployment.parameters
    for_attesting = 3 * parameters.attester_reward
    assert all(stage.client.learn(v.address) == for_attesting for v in verifiers)
    assert stage.client.learn(miner.address) == 3 * parameters.miner_reward - 2 * for_attesting
    for account, role in ((miner, Role.MINER), *((v, Role.VERIFIER) for v in verifiers)):
        bond = stage.client.bond(account.address, role)
        assert (bond.free, bond.locked) == (STAKE, 0)


@pytest.mark.parametrize("kind", [EvidenceKind.ACCURACY, WITHHELD])
def test_one_verifier_alone_has_a_bad_block_slashed(stage: Stage, accounts: Accounts, kind: EvidenceKind) -> None:
    """Everybody else vouches for it: the proof counts, or the clock of a demand."""
    cheat, honest, verifier, *colluders = accounts[1:6]
    for account in colluders:
        stage.verifier(account, believe)
    alone = stage.verifier(verifier, stage.against(cheat, kind=kind))
    stage.miner(cheat, blocks=1, forge=boast)
    stage.until(lambda: len(stage.statuses()) == 1)
    stage.miner(honest, blocks=2, replay=stage.against(cheat, kind=kind))

    stage.until(lambda: stage.statuses() == [SLASHED, FINAL, FINAL] and not alone.view.unsettled)

    (slashed,) = (b for b in alone.view.blocks.values() if b.status is SLASHED)
    assert slashed.slashed_for is kind
    assert money(stage)[cheat.address][Unit.ETH] == -ETH
    proven = (ETH + len(slashed.attestations) * ETH // 4) // 2
    lapsed = stage.deployment.parameters.demand_fee  # the rest is burned
    assert money(stage)[verifier.address][Unit.ETH] == (lapsed if kind is WITHHELD else proven)
    assert all(money(stage)[colluder.address][Unit.ETH] == -ETH // 4 for colluder in colluders)
    assert stage.client.bond(cheat.address, Role.MINER).free == STAKE - ETH


def test_bad_block_is_slashed_within_three_l1_blocks_of_its_replay(stage: Stage, accounts: Accounts) -> None:
    cheat, verifier = accounts[1:3]
    loop = stage.verifier(verifier, stage.against(cheat))
    stage.miner(cheat, blocks=1, forge=boast)
    stage.until(lambda: bool(stage.statuses()))
    stage.until(lambda: bool(loop.view.commitments))
    committed = next(iter(loop.view.commitments.values())).l1_block

    stage.until(lambda: stage.statuses() == [SLASHED])

    (slash,) = (e for e in loop.history.events if type(e).__name__ == "BlockSlashed")
    assert slash.at.l1_block - (committed - 1) <= 3


def test_pitfall_03_miner_that_is_doubted_answers_on_l1(stage: Stage, accounts: Accounts) -> None:
    """It keeps its bond and its reward, and whoever demanded pays for the answer."""
    miner, doubter, *verifiers = accounts[1:5]
    for account in verifiers:
        stage.verifier(account)
    stage.verifier(doubter, stage.against(miner, kind=WITHHELD))
    stage.miner(miner, blocks=1, answer=reveal_bits(stage.deployment.task))

    stage.until(lambda: stage.statuses() == [FINAL] and not stage.loops[0].view.unsettled)

    assert money(stage)[miner.address][Unit.ETH] == FEE
    assert money(stage)[doubter.address][Unit.ETH] == -FEE
    assert stage.client.bond(miner.address, Role.MINER).free == STAKE
    (block,) = (b for b in stage.loops[0].view.blocks.values() if b.header)
    assert doubter.address in block.attestations  # what was shown let its replay go on


def test_pitfall_09_attester_answers_for_a_miner_that_is_gone(stage: Stage, accounts: Accounts) -> None:
    miner, doubter, attester, other = accounts[1:5]
    stage.verifier(attester, answer=reveal_bits(stage.deployment.task))
    stage.verifier(other)
    gone = stage.miner(miner, blocks=1)
    stage.until(lambda: len(stage.statuses()) == 1)
    stage.until(lambda: all(len(b.attestations) == 2 for b in stage.loops[0].view.blocks.values() if b.header))
    stage.kill(gone)
    stage.verifier(doubter, stage.against(miner, kind=WITHHELD))

    stage.until(lambda: stage.statuses() == [FINAL] and not stage.loops[0].view.unsettled)

    assert money(stage)[attester.address][Unit.ETH] == FEE
    assert money(stage)[doubter.address][Unit.ETH] == -FEE


def test_pitfall_08_lazy_verifier_loses_its_bond(stage: Stage, accounts: Accounts) -> None:
    cheat, lazy, *verifiers = accounts[1:5]
    stage.verifier(lazy, believe)
    stage.miner(cheat, blocks=1, forge=boast)
    stage.until(lambda: any(b.attestations for b in stage.loops[0].view.blocks.values()))
    for account in verifiers:
        stage.verifier(account, stage.against(cheat))

    stage.until(lambda: stage.statuses() == [SLASHED] and not stage.loops[0].view.unsettled)

    assert money(stage)[lazy.address][Unit.ETH] == -ETH // 4
    assert all(money(stage).get(v.address, {}).get(Unit.ETH, 0) >= 0 for v in verifiers)


def test_pitfall_11_false_challenge_is_refused_and_the_block_lives(stage: Stage, accounts: Accounts) -> None:
    miner, liar, *verifiers = accounts[1:5]
    for account in verifiers:
        stage.verifier(account)
    false = stage.verifier(liar, stage.against(miner))
    stage.miner(miner, blocks=1)

    stage.until(lambda: stage.statuses() == [FINAL])

    assert {r.name for r in false.context.memory.refusals()} == {"SumsHold"}
    assert Unit.ETH not in {e.unit for e in ledger(stage.loops[0].history.events)}  # no bond moved


def test_pitfall_01_stolen_proof_is_refused(stage: Stage, accounts: Accounts) -> None:
    miner, thief, verifier = accounts[1:4]
    stage.verifier(verifier)
    honest = stage.miner(miner, blocks=1)
    stage.until(lambda: len(stage.statuses()) == 1)
    stolen = next(b.header for b in honest.view.blocks.values() if b.header)

    def as_its_own(header: Header) -> Header:
        return replace(stolen, miner=header.miner)

    distrust = stage.against(miner, kind=WITHHELD)
    theft = stage.miner(thief, 1, distrust, forge=as_its_own)  # stays on the same parent
    stage.until(lambda: bool(theft.context.memory.refusals()))

    assert theft.context.memory.refusals()[0].name == "IndexMismatch"
    assert len(stage.statuses()) == 1
    assert stage.client.bond(thief.address, Role.MINER).locked == 0


def test_pitfall_15_head_is_slashed_under_many_descendants(stage: Stage, accounts: Accounts) -> None:
    """A cheat builds a long branch on its bad block. Honest miners stay on theirs and lose nothing; what lies above a
    wrong block cannot be judged, and costs half of a bond each."""
    cheat, honest, *verifiers = accounts[1:5]

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Ask) -> Verdict:
        if block.miner != cheat.address or block.height > 1 or block.header is None:
            return Valid(block.id)
        proof = boast_proof(stage.deployment.task, block.header)
        return Invalid(block.id, "wrong", proof)

    def boast_first(header: Header) -> Header:
        return boast(header) if header.nonce == 0 else header

    for account in (*verifiers, honest):
        stage.bond(account, Role.MINER if account is honest else Role.VERIFIER)
    long = stage.miner(cheat, blocks=4, forge=boast_first)
    stage.until(lambda: len(long.view.blocks) == 5)
    for account in verifiers:
        stage.verifier(account, replay)
    stage.miner(honest, blocks=2, replay=replay)

    def over() -> bool:
        return stage.statuses() == [SLASHED, ORPHANED, ORPHANED, ORPHANED, FINAL, FINAL] and not long.view.unsettled

    stage.until(over)
    assert money(stage)[cheat.address][Unit.ETH] == -ETH - 3 * ETH // 2
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
    with pytest.raises(InputError, match=r"needs at least 1\.94 ETH .*: deposit the rest with `pol bond deposit 1\.94"):
        open_context(stage.config(accounts[1]), Role.VERIFIER)


def test_refusals_are_kept_across_a_restart(stage: Stage, accounts: Accounts) -> None:
    loop = stage.verifier(accounts[1])
    loop.context.memory.add_refusal(RefusedCall("attest:00", "WrongStatus", "too late"))
    stage.kill(loop)

    assert stage.verifier(accounts[1]).context.memory.refusals() == [
        RefusedCall("attest:00", "WrongStatus", "too late")
    ]
