// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header, Tree} from "../Types.sol";
import {Claim, SegmentStep, TraceId} from "./ICourt.sol";

/// @notice What is demanded.
enum Item {
    Roots, // the roots of all tensors of a trace
    Nodes, // the nodes of one level of a tensor's tree, MAX_NODES of them at most
    Leaves, // LEAF_GROUP leaves of a tensor, or as many as there are
    Bits, // all leaves of the accuracy tree
    Steps // the hashes of all steps of the segment
}

/// @notice One answer's worth of a committed tree.
struct Position {
    Item item;
    Tree tree; // whose trace; Step for Bits and Steps
    uint32 index; // of the test sample (Before, After), or of the segment step (Segment), else 0
    uint32 tensor; // its number in the program; 0 unless item is Nodes or Leaves
    uint32 group; // which group of leaves; 0 unless item is Leaves
}

/// @notice Life of a demand: Open -> Answered | Expired, and from each -> Settled once the block's status is final.
enum DemandState {
    None,
    Open,
    Answered,
    Expired,
    Settled
}

/// @notice A demand, as stored.
struct Demand {
    address demander;
    uint40 deadline; // answers must come before
    uint40 order; // among all commitments and demands; see IBounties
    DemandState state;
    // slot 2
    bytes32 blockId;
    // slot 3: written by the answer
    address responder;
}

/// @title Demand and reveal, for whatever is not served off-chain.
/// @notice A demand names one answer's worth of a committed tree. The block is not judged while it is open, nor, once it
/// is answered, before the answer could be used. Without an answer by the deadline the block is slashed.
interface IDemands {
    event Demanded(
        bytes32 indexed blockId,
        bytes32 indexed demandId,
        address indexed demander,
        Position position,
        uint256 deadline,
        uint256 order
    );
    /// @param answer what was shown: the ABI encoding of the answering function's arguments after the position, without the
    /// segment
    event Revealed(bytes32 indexed blockId, bytes32 indexed demandId, address indexed responder, bytes answer);
    /// The miner committed itself to how it evaluated a sample.
    event Explained(bytes32 indexed blockId, Tree tree, uint32 sample, bytes32 traceRoot);
    event DemandExpired(bytes32 indexed blockId, bytes32 indexed demandId, address indexed demander);
    event DemandSettled(bytes32 indexed blockId, bytes32 indexed demandId, address indexed beneficiary, uint256 fee);

    error NoSuchPosition(Position position);
    error WrongItem(Item expected, Item actual);
    error NotYetExplained(bytes32 blockId, Tree tree, uint32 sample);
    error DemandedBefore(bytes32 demandId);
    error NoOpenDemand(bytes32 demandId);
    error TooLateToDemand(bytes32 blockId, uint256 closedAt, uint256 timestamp);
    error TooManyLateDemands(bytes32 blockId, address demander, uint256 limit);
    error DeadlinePassed(bytes32 demandId, uint256 deadline, uint256 timestamp);
    error DeadlineAhead(bytes32 demandId, uint256 deadline, uint256 timestamp);
    error OnlyMinerExplains(address miner, address sender);
    error DemandUnsettled(bytes32 demandId);
    error WrongAnswer(bytes32 expected, bytes32 actual);

    /// @notice Demands a part of a pending block's trees; locks the fee from the caller's verifier bond. Possible inside
    /// the challenge window, and, MAX_LATE times, within answerWindow of an answer to one of the caller's own demands
    /// about the block. Tensors of an evaluation can be demanded once its roots were revealed.
    /// @param program the descriptor of the tensor, which shows that there is such a tensor, and that it has so many
    /// leaves; read for Nodes and Leaves alone
    function demand(bytes32 blockId, Position calldata position, bytes calldata program)
        external
        returns (bytes32 demandId);

    /// @notice Answers a demand for all tensor roots of a trace, section by section: of a step state, batch, inner and
    /// new state; of an evaluation batch and inner. The latter commits the miner, and only the miner, to its trace.
    /// @param segment what leads to a segment step from the header, as for `claimOf`; here and below
    function revealRoots(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes calldata program, // of any descriptor: for the sections
        bytes32[] calldata roots,
        SegmentStep calldata segment
    ) external;

    /// @notice Answers a demand for nodes: level by level from the leaves, the first with at most MAX_NODES nodes.
    /// @param path from the tensor's root to the trace's, as the nodes of an opening
    function revealNodes(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes calldata program, // of the tensor
        bytes32[] calldata nodes,
        bytes calldata path,
        SegmentStep calldata segment
    ) external;

    /// @notice Answers a demand for leaves: an opening of exactly that group, in one run.
    function revealLeaves(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes calldata program, // of the tensor
        bytes calldata opening,
        SegmentStep calldata segment
    ) external;

    /// @notice Answers a demand for bits: the two words of every leaf, in order.
    function revealBits(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes32[2][] calldata words
    ) external;

    /// @notice Answers a demand for steps: the hashes of the entries of the segment, in order.
    function revealSteps(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes32[] calldata hashes
    ) external;

    /// @notice From the deadline on: the block is slashed, or, where it is slashed already, its bounty moves to an earlier
    /// demand. Open to everyone.
    function expire(bytes32 blockId, address demander, Position calldata position) external;

    /// @notice Once the block's status is final: the fee goes to whoever answered, or back if the block was slashed. An
    /// open demand about a slashed block settles only when it can no longer take the bounty. Open to everyone.
    function settle(bytes32 demandId) external;

    /// @notice What a header, which need not be proposed, claims of a trace. Reverts if the segment is not the header's, or
    /// if the evaluation was not explained.
    function claimOf(Header calldata header, TraceId calldata trace, SegmentStep calldata segment)
        external
        view
        returns (Claim memory);

    /// @notice The trace root that the miner revealed for a sample's evaluation; 0 if none.
    function evaluationRoot(bytes32 blockId, Tree tree, uint32 sample) external view returns (bytes32);

    /// @notice Latest deadline of all demands about this miner's blocks; that of a further one will be later.
    function queueEnd(address miner) external view returns (uint256);

    /// @notice When a demand of this account about the block was last answered, and how many late ones it has made.
    function followUps(bytes32 blockId, address demander) external view returns (uint256 answeredAt, uint256 late);
    function demands(bytes32 demandId) external view returns (Demand memory);
    function demandIdOf(bytes32 blockId, address demander, Position calldata position) external pure returns (bytes32);
}
