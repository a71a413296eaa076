"""One block's way through the real contracts, as a user of ape would write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Item, Position

ETH = 10**18


BITS = Position(Item.BITS).abi()
NO_PROGRAM = b""  # bits are demanded without a descriptor


def status_of(network: Any, block_id: bytes) -> int:
    return int(network.registry.blocks(block_id).status)


def test_deployment_is_wired(network: Any, chain: Any) -> None:
    registry = network.registry
    assert registry.genesisId() == network.task.genesis_id(chain.chain_id, registry.address)
    assert registry.taskId() == network.task.id
    assert registry.head() == registry.finalizedTip() == registry.genesisId()
    assert (registry.vault(), registry.token(), registry.bounties(), registry.demands()) == (
        network.vault.address,
        network.token.address,
        network.bounties.address,
        network.demands.address,
    )
    assert network.bounties.court() == network.court.address
    assert network.token.symbol() == "LEARN"
    assert network.token.totalSupply() == 0


def test_a_block_is_proposed_attested_and_finalized(
    bonded: Any, miner: Any, verifiers: list[Any], pass_time: Callable[[int], None]
) -> None:
    registry, token = bonded.registry, bonded.token
    block_id = bonded.propose(miner)
    assert registry.head() == block_id
    assert bonded.vault.bondOf(miner, Role.MINER) == (9 * ETH, ETH)

    for verifier in verifiers[:2]:
        registry.attest(block_id, ANY_DIFFICULTY, sender=verifier)
    pass_time(bonded.parameters.challenge_window)
    receipt = registry.finalize(block_id, block_id, sender=verifiers[2])

    attesters = 2 * bonded.parameters.attester_reward
    reward = bonded.parameters.miner_reward - attesters
    assert registry.BlockFinalized(blockId=block_id, miner=miner.address, reward=reward) in receipt.events
    assert status_of(bonded, block_id) == Status.FINALIZED
    assert registry.finalizedTip() == block_id
    assert token.balanceOf(miner) == reward
    assert bonded.vault.bondOf(miner, Role.MINER) == (10 * ETH, 0)

    for verifier in verifiers[:2]:
        registry.settleAttestation(block_id, verifier, sender=verifier)
        assert token.balanceOf(verifier) == bonded.parameters.attester_reward
        assert bonded.vault.bondOf(verifier, Role.VERIFIER) == (10 * ETH, 0)


def test_a_block_that_is_not_shown_in_time_is_slashed(
    bonded: Any, miner: Any, verifiers: list[Any], pass_time: Callable[[int], None]
) -> None:
    registry, demands, demander = bonded.registry, bonded.demands, verifiers[0]
    block_id, fee = bonded.propose(miner), bonded.parameters.demand_fee
    demands.demand(block_id, BITS, NO_PROGRAM, sender=demander)
    assert bonded.vault.bondOf(demander, Role.VERIFIER) == (10 * ETH - fee, fee)
    with ape.reverts(demands.DeadlineAhead):
        demands.expire(block_id, BITS, sender=verifiers[1])

    pass_time(bonded.parameters.answer_window)
    receipt = demands.expire(block_id, BITS, sender=verifiers[1])
    slashed = registry.BlockSlashed(blockId=block_id, miner=miner.address, kind=EvidenceKind.WITHHELD)
    assert slashed in receipt.events
    assert status_of(bonded, block_id) == Status.SLASHED
    assert registry.head() == registry.genesisId()

    pass_time(bonded.parameters.reveal_window)
    registry.forfeitBond(block_id, sender=demander)
    demands.settle(block_id, BITS, sender=demander)
    fee = bonded.parameters.demand_fee
    assert bonded.vault.creditOf(demander) == fee  # what silence costs whoever demands, and not more
    assert bonded.vault.burned() == ETH - fee
    assert bonded.vault.bondOf(demander, Role.VERIFIER) == (10 * ETH, 0)


def test_what_lies_above_a_slashed_block_loses_half_of_its_bond(
    bonded: Any, miner: Any, verifiers: list[Any], pass_time: Callable[[int], None]
) -> None:
    registry, demander = bonded.registry, verifiers[0]
    bad = bonded.propose(miner)
    child = bonded.propose(miner, parent=bad)
    bonded.demands.demand(bad, BITS, NO_PROGRAM, sender=demander)
    pass_time(bonded.parameters.answer_window)
    bonded.demands.expire(bad, BITS, sender=demander)
    pass_time(bonded.parameters.challenge_window)
    receipt = registry.orphan(child, sender=demander)
    assert registry.BlockOrphaned(blockId=child, miner=miner.address, loss=ETH // 2) in receipt.events
    assert registry.blocks(child).aboveSlashed
    assert bonded.vault.bondOf(miner, Role.MINER) == (8 * ETH + ETH // 2, ETH)
    assert bonded.vault.burned() == ETH // 2


def test_a_proof_must_be_committed_to(bonded: Any, miner: Any, verifiers: list[Any]) -> None:
    challenger = verifiers[0]
    receipt = bonded.bounties.commit(b"\x05" * 32, sender=challenger)
    assert bonded.bounties.ChallengeCommitted(challenger=challenger.address, order=1) in receipt.events
    with ape.reverts(bonded.bounties.AlreadyCommitted):
        bonded.bounties.commit(b"\x05" * 32, sender=challenger)
    with ape.reverts(bonded.bounties.NotJudge, sender=challenger.address):
        bonded.bounties.convict(bonded.propose(miner), EvidenceKind.STEP, challenger, b"\x05" * 32, sender=challenger)


def test_refusals_carry_their_values(bonded: Any, miner: Any, verifiers: list[Any]) -> None:
    registry = bonded.registry
    stranger, genesis = verifiers[0], registry.genesisId()
    header = bonded.header(miner)
    with ape.reverts(registry.NotMiner, miner=miner.address, sender=stranger.address):
        registry.propose(header.astuple(), 2**16 - 1, sender=stranger)
    with ape.reverts(registry.AccuracyNotIncreased, correctBefore=1000, correctAfter=1000):
        bonded.propose(miner, correct_after=1000)
    with ape.reverts(registry.UnknownBlock, blockId=b"\x01" * 32):
        bonded.propose(miner, parent=b"\x01" * 32)
    wrong = (header.indices[0] ^ 1, *header.indices[1:])
    with ape.reverts(registry.IndexMismatch, position=0, expected=header.indices[0], actual=wrong[0]):
        bonded.propose(miner, indices=wrong)
    with ape.reverts(registry.NotBounties, sender=stranger.address):
        registry.slash(genesis, EvidenceKind.STEP, sender=stranger)


def test_finalizing_too_early_and_without_quorum(
    bonded: Any, miner: Any, verifiers: list[Any], pass_time: Callable[[int], None]
) -> None:
    registry = bonded.registry
    block_id = bonded.propose(miner)
    with ape.reverts(registry.WindowOpen):
        registry.finalize(block_id, block_id, sender=miner)
    registry.attest(block_id, ANY_DIFFICULTY, sender=verifiers[0])
    with ape.reverts(registry.AlreadyAttested, blockId=block_id, verifier=verifiers[0].address):
        registry.attest(block_id, ANY_DIFFICULTY, sender=verifiers[0])
    pass_time(bonded.parameters.challenge_window)
    with ape.reverts(registry.QuorumNotReached, blockId=block_id, quorum=2, attestations=1):
        registry.finalize(block_id, block_id, sender=miner)


def test_no_bond_no_block(network: Any, accounts: Any) -> None:
    poor = accounts[9]
    with ape.reverts(network.vault.InsufficientBond, account=poor.address, free=0, needed=ETH):
        network.propose(poor)


@pytest.mark.parametrize("function", ["lock", "unlock", "burn"])
def test_only_the_contracts_touch_bonds(bonded: Any, miner: Any, function: str) -> None:
    with ape.reverts(bonded.vault.NotOperator, sender=miner.address):
        getattr(bonded.vault, function)(miner, Role.MINER, ETH, sender=miner)


def test_bond_comes_back_by_pull(bonded: Any, miner: Any) -> None:
    before = miner.balance
    bonded.vault.unbond(Role.MINER, 10 * ETH, sender=miner)
    receipt = bonded.vault.collect(sender=miner)
    assert miner.balance > before + 9 * ETH
    assert bonded.vault.Collected(account=miner.address, amount=10 * ETH) in receipt.events
    assert bonded.vault.balance == 30 * ETH
