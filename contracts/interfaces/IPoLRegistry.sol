// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Block, EvidenceKind, Header, Parameters, RuleSet, Status, Task} from "../Types.sol";

/// @title The tree of blocks: proposals, attestations, fork choice, finality.
interface IPoLRegistry {
    event BlockProposed(
        bytes32 indexed blockId,
        bytes32 indexed parent,
        address indexed miner,
        uint40 height,
        uint16 difficulty,
        Header header
    );
    event HeadChanged(bytes32 indexed blockId, uint96 totalWork);
    /// This block, which is not below the head, is a rival now: what is to be final beside it must outweigh it. It was
    /// the head and is displaced, or somebody contested it, or it is what slashes have left of a rival.
    event HeadContested(bytes32 indexed blockId);
    /// And no rival any more: it leads, or is off the finalized branch, on the head's branch, or dead.
    event RivalDismissed(bytes32 indexed blockId);
    event Attested(bytes32 indexed blockId, address indexed verifier);
    event BlockFinalized(bytes32 indexed blockId, address indexed miner, uint256 reward);
    event BlockSlashed(bytes32 indexed blockId, address indexed miner, EvidenceKind kind);
    /// @param loss of the miner's bond (wei), burned, because a block below was slashed
    event BlockOrphaned(bytes32 indexed blockId, address indexed miner, uint256 loss);
    /// A slashed block's bond, less the pay for its answers, was taken. Half of the bond was burned, and the rest
    /// credited to who was first and who slashed it (Bounties); if all were silent, no more than a demand's fee was.
    event BondForfeited(
        bytes32 indexed blockId, address indexed miner, address indexed first, address prover, uint256 amount
    );
    /// @param reward LEARN minted, if the block was finalized
    /// @param loss bond forfeited (wei), if the block was slashed
    event AttestationSettled(
        bytes32 indexed blockId, address indexed verifier, Status outcome, uint256 reward, uint256 loss
    );

    error NotMiner(address miner, address sender);
    error NotBounties(address sender);
    error NotDemands(address sender); // nor Explanations
    error WrongBatchSize(uint256 expected, uint256 actual);
    error IndexMismatch(uint256 position, uint32 expected, uint32 actual);
    error IndexOutOfRange(uint256 position, uint32 index, uint32 count);
    error DuplicateIndex(uint32 index);
    error AlreadyProposed(bytes32 blockId);
    error UnknownBlock(bytes32 blockId);
    error WrongStatus(bytes32 blockId, Status expected, Status actual);
    error AccuracyNotIncreased(uint32 correctBefore, uint32 correctAfter);
    error SegmentNotEmpty(bytes32 segmentRoot);
    error CountOutOfRange(uint32 correctAfter, uint32 testCount);
    error SlashedAncestor(bytes32 blockId, bytes32 ancestor);
    error OffFinalizedBranch(bytes32 blockId, bytes32 finalizedTip);
    error NotBetterHead(bytes32 blockId, bytes32 head);
    error AlreadyAttested(bytes32 blockId, address verifier);
    error NotAttested(bytes32 blockId, address verifier);
    error OwnBlock(bytes32 blockId, address miner);
    error WindowOpen(bytes32 blockId, uint256 closesAt, uint256 timestamp);
    error DemandsOpen(bytes32 blockId, uint256 openDemands);
    error BlockHeld(bytes32 blockId, uint256 heldUntil, uint256 timestamp);
    error QuorumNotReached(bytes32 blockId, uint256 quorum, uint256 attestations);
    error NotOnHeadBranch(bytes32 blockId, bytes32 head);
    error ParentNotFinal(bytes32 blockId, bytes32 parent, bytes32 finalizedTip);
    error Contested(bytes32 blockId, bytes32 rival);
    error AlreadyContested(bytes32 blockId);
    error OnHeadBranch(bytes32 blockId, bytes32 head);
    error NoSuchRival(uint256 place, bytes32 rival);
    error RivalLives(bytes32 rival);
    error StillLive(bytes32 blockId);
    error NoSuchRequirement(uint256 number, uint256 bits);
    error AlreadyForfeited(bytes32 blockId);
    error ZeroWindow(uint32 challengeWindow, uint32 revealWindow, uint32 answerWindow);
    error TooManyTestSamples(uint32 testCount, uint32 limit);
    error TrainingStepsOutOfRange(uint32 trainingSteps, uint32 most);
    error MaskSizeOutOfRange(uint8 maskSize, uint8 most);
    error DifficultyOutOfBounds(uint16 minimum, uint16 difficulty, uint16 maximum);
    error ZeroHalfLife(uint32 targetInterval);
    error RewardTooSmall(uint256 minerReward, uint256 attestersReward);
    error HarderThanSearched(bytes32 blockId, uint16 difficulty, uint16 searchedAt);
    error HarderThanChecked(bytes32 blockId, uint16 difficulty, uint16 checkedAt);

    /// @notice Proposes a block; locks the miner's bond.
    /// @param searchedAt difficulty that the proof was made for, in 1/1024 bit. L1 may move the parent to another
    /// second and so make the block harder, of which its id knows nothing: then it is refused, where it would be
    /// slashed.
    function propose(Header calldata header, uint16 searchedAt) external returns (bytes32 blockId);

    /// @notice Says "I have the data and it is right"; locks the verifier's bond until the block is settled.
    /// @param checkedAt difficulty that the block was replayed at: L1 may have made it harder since, see `propose`.
    function attest(bytes32 blockId, uint16 checkedAt) external;

    /// @notice Makes a live block with more work the head (needed only after the head's branch was slashed).
    function claimHead(bytes32 blockId) external;

    /// @notice Checks a block's ancestry against so many further entries of the slash log. Whoever builds on a block
    /// pays for all entries since it was last checked; this splits that up, for a fork that has seen thousands.
    function catchUp(bytes32 blockId, uint256 entries) external;

    /// @notice Makes a live block beside the head's branch a rival, as a displaced head is without this: for what was
    /// never the head, because it grew beside garbage that was heavier from the first.
    function contest(bytes32 blockId) external;

    /// @notice Takes a rival off the list that is none any more, checking it against so many further entries of the
    /// slash log; what slashes have left of it takes its place. Open to everyone: garbage that has fallen is not to
    /// make finality dear.
    /// @param place in the order of rivals, from the worst on.
    function dismiss(uint256 place, bytes32 rival, uint256 entries) external;

    /// @notice Pending -> Finalized; mints the miner's reward and frees its bond.
    /// @param witness the block, or a descendant. From it down to the block all must be judged (window over, no open
    /// demand, not held), and it must be better than every live rival beside the block: only judged work decides what
    /// is final.
    function finalize(bytes32 blockId, bytes32 witness) external;

    /// @notice Pending -> Orphaned, where it can never be finalized; frees the miner's bond, or half of it if a block
    /// below was slashed: what lies above a wrong block cannot be judged, so that half is burned. Like finality it
    /// waits for the block's own challenge window and its open demands, so that losing a race saves no bad block's
    /// bond; and for its parent's fate, which it shares.
    function orphan(bytes32 blockId) external;

    /// @notice Pending -> Slashed. Only Bounties.
    function slash(bytes32 blockId, EvidenceKind kind) external;

    /// @notice Takes a slashed block's bond, less the pay for its answers (Demands), once it is settled who gets the
    /// bounty.
    function forfeitBond(bytes32 blockId) external;

    /// @notice Ends one attestation of a block in a final state: reward, loss, or bond back. The loss is burned whole
    /// if the block fell by silence: attesters could have answered, and nobody is to gain by drowning them in demands.
    function settleAttestation(bytes32 blockId, address verifier) external;

    /// @notice Only Demands and Explanations: something of a pending block is demanded, which holds up finality.
    function openDemand(bytes32 blockId) external;

    /// @notice Only Demands and Explanations: it was shown, or is needed no more. If it was shown the block becomes
    /// neither final nor orphaned within answerWindow: the time to use the answer.
    function closeDemand(bytes32 blockId, bool shown) external;

    function head() external view returns (bytes32);
    function finalizedTip() external view returns (bytes32);
    function rivalCount() external view returns (uint256);
    /// @notice A rival of the head by its place: the last one is the best.
    function rivalAt(uint256 place) external view returns (bytes32);
    /// @notice Open demands about all pending blocks, explanations included: deadlines stretch with them.
    function openDemands() external view returns (uint256);
    function genesisId() external view returns (bytes32);
    function taskId() external view returns (bytes32);
    function trainCount() external view returns (uint32);
    function testCount() external view returns (uint32);
    function trainingSteps() external view returns (uint32);
    function programRoot() external view returns (bytes32);
    function trainRoot() external view returns (bytes32);
    function testRoot() external view returns (bytes32);
    function initialRoot() external view returns (bytes32);
    function challengeWindow() external view returns (uint32);
    function revealWindow() external view returns (uint32);
    function answerWindow() external view returns (uint32);
    function minerBond() external view returns (uint96);
    function attestBond() external view returns (uint96);
    function demandFee() external view returns (uint96);
    function task() external view returns (Task memory);
    function parameters() external view returns (Parameters memory);
    function blocks(bytes32 blockId) external view returns (Block memory);
    /// @notice What has become of a block, whose it is, and the first second in which its challenge window is over.
    function fateOf(bytes32 blockId) external view returns (Status status, address miner, uint256 windowEnd);
    /// @notice Requirement number `number` of a block: the eligible leaf (paper: weight) that it names, which of its
    /// weights count, and whether an odd number of them must rise; with what else it takes to judge it.
    /// @param parent of the block, like the next two: what its seed is drawn from.
    /// @param postRoot of the block: says with the seed whether there is one requirement more than whole bits.
    function requirementOf(
        bytes32 blockId,
        bytes32 parent,
        address miner,
        uint64 nonce,
        bytes32 postRoot,
        uint256 number
    ) external view returns (uint256 place, uint64 mask, bool odd, RuleSet rules_, bytes32 eligibleHash_);
    /// @notice The training sample that is number `number` of the batch of a step of the segment after a block.
    function segmentSample(bytes32 blockId, uint32 step, uint256 number) external view returns (uint32);
    function blockIdOf(Header calldata header) external view returns (bytes32);
    /// @notice 0: none, 1: attested, 2: settled, 3: attested in the second half of the window, without pay
    function attestationOf(bytes32 blockId, address verifier) external view returns (uint8);
    function isAncestor(bytes32 ancestor, bytes32 descendant) external view returns (bool);
}
