"""A task: what is fixed at genesis. Its id is in every block id, and so in every seed."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from .hashing import Tag, keccak_abi
from .rules import Rules, RuleSet, rules_of

TASK_TYPE = "(uint8,uint32,uint32,uint32,uint32,uint32,uint64,bytes32,bytes32,bytes32,bytes32,bytes32)"


@dataclass(frozen=True)
class Task:
    """Mirror of ``struct Task`` in ``Types.sol``, field by field.

    Attributes:
        rule_set: hardened or paper.
        batch_size: S, samples per checked step.
        train_count: |D|, samples in the training set.
        test_count: |E|, samples in the test set.
        accuracy_slack: how many test samples a block may be worse than its parent.
        learning_rate: bits of the binary32 learning rate.
        eligible_count: |W|, eligible weights.
        eligible_hash: see ``EligibleWeights.hash``.
        program_root: Merkle root of the operations of the step and of the evaluation.
        train_root: root of the training set.
        test_root: root of the test set.
        initial_root: state root of the initial weights.
    """

    rule_set: RuleSet
    batch_size: int
    train_count: int
    test_count: int
    accuracy_slack: int
    learning_rate: int
    eligible_count: int
    eligible_hash: bytes
    program_root: bytes
    train_root: bytes
    test_root: bytes
    initial_root: bytes

    @property
    def rules(self) -> Rules:
        """The rules of this task's rule set."""
        return rules_of(self.rule_set)

    @property
    def id(self) -> bytes:
        """``keccak256(abi.encode("pol-task", task))``."""
        return keccak_abi(["bytes8", TASK_TYPE], [Tag.TASK, astuple(self)])

    def genesis_id(self, chain_id: int, registry: str) -> bytes:
        """Id of the genesis block. It binds chain and contract, so no proof can be replayed on another deployment.

        Args:
            chain_id: EIP-155 chain id of L1.
            registry: address of the PoLRegistry, 0x-prefixed hex.
        """
        return keccak_abi(["bytes8", "bytes32", "uint256", "address"], [Tag.GENESIS, self.id, chain_id, registry])
