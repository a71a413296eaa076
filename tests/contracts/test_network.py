"""One block's way through the real contracts, as a user of ape would write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from pol_oracle.protocol.hashing import ZERO, keccak_abi
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status

ETH = 10**18


def commitment(challenger: str, block_id: bytes, kind: EvidenceKind, salt: bytes) -> bytes:
    return keccak_abi(["address", "bytes32", "uint8", "bytes32", "bytes32"], [challenger, block_id, kind, ZERO, salt])


def status_of(network: Any, block_id: bytes) -> int:
    return int(network.registry.blocks(block_id).status)


def test_deployment_is_wired(network: Any, chain: Any) -> None:
    registry = network.registry
    assert registry.genesisId() == network.task.genesis_id(chain.chain_id, registry.address)
    assert registry.taskId() == network.task.id
    assert registry.head() == registry.finalizedTip() == registry.genesisId()
    assert (registry.vault(), registry.token(), registry.court()) == (
        network.vault.address,
        network.token.address,
        network.court.address,
    )
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
        registry.attest(block_id, sender=verifier)
    pass_time(bonded.parameters.challenge_window)
    receipt = registry.finalize(block_id, sender=verifiers[2])

    assert registry.BlockFinalized(blockId=block_id, miner=miner.address, reward=10 * ETH) in receipt.events
    assert status_of(bonded, block_id) == Status.FINALIZED
    assert registry.finalizedTip() == block_id
    assert token.balanceOf(miner) == 10 * ETH
    assert bonded.vault.bondOf(miner, Role.MINER) == (10 * ETH, 0)

    for verifier in verifiers[:2]:
        registry.settleAttestation(block_id, verifier, sender=verifier)
        assert token.balanceOf(verifier) == 2 * ETH
        assert bonded.vault.bondOf(verifier, Role.VERIFIER) == (10 * ETH, 0)


def test_a_disputed_block_is_slashed_by_majority(
    bonded: Any, miner: Any, verifiers: list[Any], chain: Any, pass_time: Callable[[int], None]
) -> None:
    registry, court, committee = bonded.registry, bonded.court, bonded.committee
    challenger = verifiers[0]
    block_id, salt, kind = bonded.propose(miner), b"\x05" * 32, EvidenceKind.STEP
    court.commit(commitment(challenger.address, block_id, kind, salt), sender=challenger)
    chain.mine()
    court.openDispute(block_id, kind, salt, sender=challenger)
    dispute = court.disputeId(block_id, kind)
    for verifier in verifiers[:2]:
        committee.vote(dispute, True, sender=verifier)
    court.settleDispute(block_id, kind, sender=challenger)
    assert status_of(bonded, block_id) == Status.SLASHED
    assert registry.head() == registry.genesisId()

    pass_time(bonded.parameters.reveal_window + 1)
    registry.forfeitBond(block_id, sender=challenger)
    assert bonded.vault.creditOf(challenger) == ETH // 2
    assert bonded.vault.burned() == ETH // 2


def test_refusals_carry_their_values(bonded: Any, miner: Any, verifiers: list[Any]) -> None:
    registry = bonded.registry
    stranger, genesis = verifiers[0], registry.genesisId()
    header = bonded.header(miner)
    with ape.reverts(registry.NotMiner, miner=miner.address, sender=stranger.address):
        registry.propose(header.astuple(), sender=stranger)
    with ape.reverts(registry.AccuracyNotIncreased, correctBefore=1000, correctAfter=1000):
        bonded.propose(miner, correct_after=1000)
    with ape.reverts(registry.UnknownBlock, blockId=b"\x01" * 32):
        bonded.propose(miner, parent=b"\x01" * 32)
    wrong = (header.indices[0] ^ 1, *header.indices[1:])
    with ape.reverts(registry.IndexMismatch, position=0, expected=header.indices[0], actual=wrong[0]):
        bonded.propose(miner, indices=wrong)
    with ape.reverts(registry.NotCourt, sender=stranger.address):
        registry.slash(genesis, EvidenceKind.STEP, sender=stranger)


def test_finalizing_too_early_and_without_quorum(
    bonded: Any, miner: Any, verifiers: list[Any], pass_time: Callable[[int], None]
) -> None:
    registry = bonded.registry
    block_id = bonded.propose(miner)
    with ape.reverts(registry.WindowOpen):
        registry.finalize(block_id, sender=miner)
    registry.attest(block_id, sender=verifiers[0])
    with ape.reverts(registry.AlreadyAttested, blockId=block_id, verifier=verifiers[0].address):
        registry.attest(block_id, sender=verifiers[0])
    pass_time(bonded.parameters.challenge_window)
    with ape.reverts(registry.QuorumNotReached, blockId=block_id, quorum=2, attestations=1):
        registry.finalize(block_id, sender=miner)


def test_no_bond_no_block(network: Any, accounts: Any) -> None:
    poor = accounts[9]
    with ape.reverts(network.vault.InsufficientBond, account=poor.address, free=0, needed=ETH):
        network.propose(poor)


@pytest.mark.parametrize("function", ["lock", "unlock"])
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
