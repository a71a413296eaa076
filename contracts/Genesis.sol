// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {Derivation} from "./lib/Derivation.sol";
import {Difficulty} from "./lib/Difficulty.sol";
import {Tags} from "./lib/Tags.sol";
import {Parameters, RuleSet, Task} from "./Types.sol";

/// @title What is fixed at genesis: the task and the parameters, field by field as immutables.
/// @dev A setter is absent on purpose, as are an owner and a proxy: a running block can never meet changed rules.
abstract contract Genesis is IPoLRegistry {
    bytes32 public immutable taskId;
    bytes32 public immutable genesisId;

    RuleSet internal immutable RULES;
    uint32 internal immutable BATCH_SIZE;
    uint32 internal immutable TRAIN_COUNT;
    uint32 internal immutable TEST_COUNT;
    uint32 internal immutable ACCURACY_SLACK;
    uint32 internal immutable LEARNING_RATE;
    uint64 internal immutable ELIGIBLE_COUNT;
    bytes32 internal immutable ELIGIBLE_HASH;
    bytes32 internal immutable PROGRAM_ROOT;
    bytes32 internal immutable TRAIN_ROOT;
    bytes32 internal immutable TEST_ROOT;
    bytes32 internal immutable INITIAL_ROOT;

    uint32 internal immutable CHALLENGE_WINDOW;
    uint32 internal immutable REVEAL_WINDOW;
    uint32 internal immutable VOTE_WINDOW;
    uint32 internal immutable QUORUM;
    uint16 internal immutable DIFFICULTY_BITS;
    uint96 internal immutable MINER_BOND;
    uint96 internal immutable ATTEST_BOND;
    uint96 internal immutable CHALLENGE_BOND;
    uint128 internal immutable MINER_REWARD;
    uint128 internal immutable ATTESTER_REWARD;

    /// @dev Refuses rules under which nobody could ever challenge, or derive a batch or a set of requirements.
    constructor(Task memory task_, Parameters memory parameters_) {
        (uint32 challenge, uint32 reveal, uint32 vote) =
            (parameters_.challengeWindow, parameters_.revealWindow, parameters_.voteWindow);
        require(challenge > 0 && reveal > 0 && vote > 0, ZeroWindow(challenge, reveal, vote));
        Difficulty.work(parameters_.difficultyBits);
        Derivation.checkDrawable(parameters_.difficultyBits, 2 * uint256(task_.eligibleCount), 1);
        Derivation.checkDrawable(task_.batchSize, task_.trainCount, 0);

        taskId = keccak256(abi.encode(Tags.TASK, task_));
        genesisId = keccak256(abi.encode(Tags.GENESIS, taskId, block.chainid, address(this)));

        RULES = task_.rules;
        BATCH_SIZE = task_.batchSize;
        TRAIN_COUNT = task_.trainCount;
        TEST_COUNT = task_.testCount;
        ACCURACY_SLACK = task_.accuracySlack;
        LEARNING_RATE = task_.learningRate;
        ELIGIBLE_COUNT = task_.eligibleCount;
        ELIGIBLE_HASH = task_.eligibleHash;
        PROGRAM_ROOT = task_.programRoot;
        TRAIN_ROOT = task_.trainRoot;
        TEST_ROOT = task_.testRoot;
        INITIAL_ROOT = task_.initialRoot;

        CHALLENGE_WINDOW = parameters_.challengeWindow;
        REVEAL_WINDOW = parameters_.revealWindow;
        VOTE_WINDOW = parameters_.voteWindow;
        QUORUM = parameters_.quorum;
        DIFFICULTY_BITS = parameters_.difficultyBits;
        MINER_BOND = parameters_.minerBond;
        ATTEST_BOND = parameters_.attestBond;
        CHALLENGE_BOND = parameters_.challengeBond;
        MINER_REWARD = parameters_.minerReward;
        ATTESTER_REWARD = parameters_.attesterReward;
    }

    /// @inheritdoc IPoLRegistry
    function task() external view returns (Task memory fixed_) {
        fixed_.rules = RULES;
        fixed_.batchSize = BATCH_SIZE;
        fixed_.trainCount = TRAIN_COUNT;
        fixed_.testCount = TEST_COUNT;
        fixed_.accuracySlack = ACCURACY_SLACK;
        fixed_.learningRate = LEARNING_RATE;
        fixed_.eligibleCount = ELIGIBLE_COUNT;
        fixed_.eligibleHash = ELIGIBLE_HASH;
        fixed_.programRoot = PROGRAM_ROOT;
        fixed_.trainRoot = TRAIN_ROOT;
        fixed_.testRoot = TEST_ROOT;
        fixed_.initialRoot = INITIAL_ROOT;
    }

    /// @inheritdoc IPoLRegistry
    function parameters() external view returns (Parameters memory fixed_) {
        fixed_.challengeWindow = CHALLENGE_WINDOW;
        fixed_.revealWindow = REVEAL_WINDOW;
        fixed_.voteWindow = VOTE_WINDOW;
        fixed_.quorum = QUORUM;
        fixed_.difficultyBits = DIFFICULTY_BITS;
        fixed_.minerBond = MINER_BOND;
        fixed_.attestBond = ATTEST_BOND;
        fixed_.challengeBond = CHALLENGE_BOND;
        fixed_.minerReward = MINER_REWARD;
        fixed_.attesterReward = ATTESTER_REWARD;
    }
}
