// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {Derivation} from "./lib/Derivation.sol";
import {Difficulty} from "./lib/Difficulty.sol";
import {Tags} from "./lib/Tags.sol";
import {Parameters, RuleSet, Task} from "./Types.sol";

/// @title What is fixed at genesis: the task and the parameters, field by field as immutables.
/// @dev A setter is absent on purpose, as are an owner and a proxy: a running block can never meet changed rules.
/// @custom:security-contact SECURITY.md of the repository
abstract contract Genesis is IPoLRegistry {
    /// The accuracy tree's bits of more samples would not fit the answer to one demand (64 KiB).
    uint32 internal constant MAX_TEST_COUNT = 1 << 18;
    /// Nor would the hashes of more steps.
    uint32 internal constant MAX_TRAINING_STEPS = 2048;
    uint8 internal constant LEAF_WEIGHTS = 64;
    /// Attesters of a block that its reward pays in full. More of them share as if each had brought another: together
    /// they get less then, so nobody attests under several names.
    uint256 internal constant PAID_ATTESTERS = 40;

    bytes32 public immutable taskId;
    bytes32 public immutable genesisId;

    // with getters of their own: the other contracts need these in every transaction
    uint32 public immutable trainCount;
    uint32 public immutable testCount;
    uint32 public immutable trainingSteps;
    bytes32 public immutable programRoot;
    bytes32 public immutable trainRoot;
    bytes32 public immutable testRoot;
    bytes32 public immutable initialRoot;
    uint32 public immutable challengeWindow;
    uint32 public immutable revealWindow;
    uint32 public immutable answerWindow;
    uint96 public immutable minerBond;
    uint96 public immutable attestBond;
    uint96 public immutable demandFee;

    RuleSet internal immutable RULES;
    uint32 internal immutable BATCH_SIZE;
    uint8 internal immutable MASK_SIZE;
    uint32 internal immutable LEARNING_RATE;
    uint64 internal immutable ELIGIBLE_COUNT;
    bytes32 internal immutable ELIGIBLE_HASH;

    uint32 internal immutable QUORUM;
    uint16 internal immutable DIFFICULTY;
    uint16 internal immutable MIN_DIFFICULTY;
    uint16 internal immutable MAX_DIFFICULTY;
    uint32 internal immutable TARGET_INTERVAL;
    uint32 internal immutable HALF_LIFE;
    uint128 internal immutable MINER_REWARD;
    uint128 internal immutable ATTESTER_REWARD;

    /// @dev Refuses rules under which nobody could ever challenge or answer, or derive a batch or a set of
    /// requirements.
    constructor(Task memory task_, Parameters memory parameters_) {
        (uint32 challenge, uint32 reveal, uint32 answer) =
            (parameters_.challengeWindow, parameters_.revealWindow, parameters_.answerWindow);
        require(challenge > 0 && reveal > 0 && answer > 0, ZeroWindow(challenge, reveal, answer));
        require(task_.testCount <= MAX_TEST_COUNT, TooManyTestSamples(task_.testCount, MAX_TEST_COUNT));
        (uint256 reward, uint256 share) = (parameters_.minerReward, parameters_.attesterReward);
        require(reward >= PAID_ATTESTERS * share, RewardTooSmall(reward, PAID_ATTESTERS * share));
        _checkTraining(task_);
        _checkDifficulty(parameters_, task_.eligibleCount);
        Derivation.checkDrawable(task_.batchSize, task_.trainCount, 0);

        taskId = keccak256(abi.encode(Tags.TASK, task_));
        genesisId = keccak256(abi.encode(Tags.GENESIS, taskId, block.chainid, address(this)));

        RULES = task_.rules;
        BATCH_SIZE = task_.batchSize;
        trainCount = task_.trainCount;
        testCount = task_.testCount;
        trainingSteps = task_.trainingSteps;
        MASK_SIZE = task_.maskSize;
        LEARNING_RATE = task_.learningRate;
        ELIGIBLE_COUNT = task_.eligibleCount;
        ELIGIBLE_HASH = task_.eligibleHash;
        programRoot = task_.programRoot;
        trainRoot = task_.trainRoot;
        testRoot = task_.testRoot;
        initialRoot = task_.initialRoot;

        challengeWindow = parameters_.challengeWindow;
        revealWindow = parameters_.revealWindow;
        answerWindow = parameters_.answerWindow;
        QUORUM = parameters_.quorum;
        DIFFICULTY = parameters_.difficulty;
        MIN_DIFFICULTY = parameters_.minDifficulty;
        MAX_DIFFICULTY = parameters_.maxDifficulty;
        TARGET_INTERVAL = parameters_.targetInterval;
        HALF_LIFE = parameters_.halfLife;
        minerBond = parameters_.minerBond;
        attestBond = parameters_.attestBond;
        demandFee = parameters_.demandFee;
        MINER_REWARD = parameters_.minerReward;
        ATTESTER_REWARD = parameters_.attesterReward;
    }

    /// @inheritdoc IPoLRegistry
    function task() external view returns (Task memory fixed_) {
        fixed_.rules = RULES;
        fixed_.batchSize = BATCH_SIZE;
        fixed_.trainCount = trainCount;
        fixed_.testCount = testCount;
        fixed_.trainingSteps = trainingSteps;
        fixed_.maskSize = MASK_SIZE;
        fixed_.learningRate = LEARNING_RATE;
        fixed_.eligibleCount = ELIGIBLE_COUNT;
        fixed_.eligibleHash = ELIGIBLE_HASH;
        fixed_.programRoot = programRoot;
        fixed_.trainRoot = trainRoot;
        fixed_.testRoot = testRoot;
        fixed_.initialRoot = initialRoot;
    }

    /// @inheritdoc IPoLRegistry
    function parameters() external view returns (Parameters memory fixed_) {
        fixed_.challengeWindow = challengeWindow;
        fixed_.revealWindow = revealWindow;
        fixed_.answerWindow = answerWindow;
        fixed_.quorum = QUORUM;
        fixed_.difficulty = DIFFICULTY;
        fixed_.minDifficulty = MIN_DIFFICULTY;
        fixed_.maxDifficulty = MAX_DIFFICULTY;
        fixed_.targetInterval = TARGET_INTERVAL;
        fixed_.halfLife = HALF_LIFE;
        fixed_.minerBond = minerBond;
        fixed_.attestBond = attestBond;
        fixed_.demandFee = demandFee;
        fixed_.minerReward = MINER_REWARD;
        fixed_.attesterReward = ATTESTER_REWARD;
    }

    /// @dev Difficulty of the children of a block with this one, proposed so many seconds after its parent.
    function _retarget(uint16 difficulty, uint256 elapsed) internal view returns (uint16) {
        // forge-lint: disable-next-line(unsafe-typecast): at most MAX_DIFFICULTY
        return
            uint16(Difficulty.retarget(difficulty, elapsed, TARGET_INTERVAL, HALF_LIFE, MIN_DIFFICULTY, MAX_DIFFICULTY));
    }

    /// @dev Without a segment there is no W but the miner's; with one there is no W of the miner's.
    function _checkTraining(Task memory given) private pure {
        bool paper = given.rules == RuleSet.Paper;
        (uint32 steps, uint8 size) = (given.trainingSteps, given.maskSize);
        bool fits = paper ? steps == 0 : steps > 0 && steps <= MAX_TRAINING_STEPS;
        require(fits, TrainingStepsOutOfRange(steps, paper ? 0 : MAX_TRAINING_STEPS));
        uint8 most = paper ? 1 : LEAF_WEIGHTS;
        require(size > 0 && size <= most, MaskSizeOutOfRange(size, most));
    }

    function _checkDifficulty(Parameters memory given, uint256 eligibleCount) private pure {
        (uint16 minimum, uint16 difficulty, uint16 maximum) =
            (given.minDifficulty, given.difficulty, given.maxDifficulty);
        require(minimum <= difficulty && difficulty <= maximum, DifficultyOutOfBounds(minimum, difficulty, maximum));
        require(given.targetInterval == 0 || given.halfLife > 0, ZeroHalfLife(given.targetInterval));
        Difficulty.work(maximum);
        Derivation.checkDrawable(Difficulty.mostBits(maximum), 2 * eligibleCount, 1);
    }
}
