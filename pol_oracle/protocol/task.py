"""A task: what is fixed at genesis. Its id is in every block id, and so in every seed."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from .derivation import LEAF_WEIGHTS
from .errors import RuleError
from .hashing import Tag, keccak_abi
from .rules import Rules, RuleSet, rules_of

MAX_TRAINING_STEPS = 2048  # the hashes of so many steps fit the answer to one demand

TASK_TYPE = "(uint8,uint32,uint32,uint32,uint32,uint8,uint32,uint64,bytes32,bytes32,bytes32,bytes32,bytes32)"


@dataclass(frozen=True)
class Task:
    """Mirror of ``struct Task`` in ``Types.sol``, field by field.

    Attributes:
        rule_set: hardened or paper.
        batch_size: S, samples per step.
        train_count: |D|, samples in the training set.
        test_count: |E|, samples in the test set.
        training_steps: N, steps of a segment; 0 under the paper's rules.
        mask_size: m, weights whose directions a requirement counts; 1 makes it a direction.
        learning_rate: bits of the binary32 learning rate.
        eligible_count: how many leaves R may name; under the paper's rules, |W|: how many weights.
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
    training_steps: int
    mask_size: int
    learning_rate: int
    eligible_count: int
    eligible_hash: bytes
    program_root: bytes
    train_root: bytes
    test_root: bytes
    initial_root: bytes

    def __post_init__(self) -> None:
        """Checks what ``Genesis.sol`` checks of segments and masks.

        Raises:
            RuleError: they do not fit the rule set.
        """
        steps, size = self.training_steps, self.mask_size
        if self.rules.derived_state != (steps > 0) or steps > MAX_TRAINING_STEPS:
            wanted = f"1 to {MAX_TRAINING_STEPS}" if self.rules.derived_state else "0 under the paper's rules"
            raise RuleError(f"training_steps must be {wanted}, not {steps}")
        if not 1 <= size <= (LEAF_WEIGHTS if self.rules.derived_state else 1):
            raise RuleError(f"mask_size must be 1 to {LEAF_WEIGHTS}, and 1 under the paper's rules, not {size}")

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
