// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header, Tree} from "../Types.sol";
import {ProgramOpening, Slice, TraceParts} from "./ICourt.sol";

/// @notice What is demanded.
enum Item {
    Roots, // the roots of all tensors of a trace
    Nodes, // the nodes of one level of a tensor's tree, MAX_NODES of them at most
    Leaves, // LEAF_GROUP leaves of a tensor, or as many as there are
    Bits // all leaves of the accuracy tree

}

/// @notice One answer's worth of a committed tree.
struct Position {
    Item item;
    Tree tree; // whose trace; Step for Bits
    uint32 sample; // of the test set; 0 unless tree is Before or After
    uint32 tensor; // its number in the program; 0 for Roots and Bits
    uint32 group; // which group of leaves; 0 unless item is Leaves
}

/// @title Demand and reveal, for whatever is not served off-chain.
interface IDemands {
    event Demanded(
        bytes32 indexed blockId,
        bytes32 indexed demandId,
        address indexed demander,
        Position position,
        uint256 deadline,
        uint256 order
    );
    /// @param answer the data of the call that answered
    event Revealed(bytes32 indexed blockId, bytes32 indexed demandId, address indexed responder, bytes answer);
    event DemandSettled(
        bytes32 indexed blockId, bytes32 indexed demandId, address indexed beneficiary, uint256 fee
    );

    error NoSuchPosition(Position position);
    error DemandedBefore(bytes32 demandId);
    error NoOpenDemand(bytes32 demandId);
    error TooLateToDemand(bytes32 blockId, uint256 closedAt, uint256 timestamp);
    error DeadlinePassed(bytes32 demandId, uint256 deadline, uint256 timestamp);
    error DeadlineAhead(bytes32 demandId, uint256 deadline, uint256 timestamp);
    error OnlyMinerExplains(address miner, address sender);
    error DemandUnsettled(bytes32 demandId);
    error WrongAnswer(bytes32 expected, bytes32 actual);

    /// @notice Demands a part of a block's trees; locks the fee from the caller's verifier bond.
    function demand(bytes32 blockId, Position calldata position) external returns (bytes32 demandId);

    /// @notice Answers a demand for all tensor roots of a trace, section by section: of a step state, batch, inner and
    /// new state; of an evaluation batch and inner. The latter commits the miner, and only the miner, to its trace.
    function revealRoots(
        Header calldata header,
        address demander,
        Position calldata position,
        ProgramOpening calldata program, // of any descriptor: for the sections
        bytes32[] calldata roots
    ) external;

    /// @notice Answers a demand for nodes: level by level from the leaves, the first with at most MAX_NODES nodes.
    function revealNodes(
        Header calldata header,
        address demander,
        Position calldata position,
        ProgramOpening calldata program, // of the tensor
        TraceParts calldata parts,
        bytes32[] calldata nodes,
        bytes32[] calldata path
    ) external;

    /// @notice Answers a demand for leaves: a slice of exactly that group.
    function revealLeaves(
        Header calldata header,
        address demander,
        Position calldata position,
        ProgramOpening calldata program, // of the tensor
        TraceParts calldata parts,
        Slice calldata slice
    ) external;

    /// @notice Answers a demand for bits: the two words of every leaf, in order.
    function revealBits(Header calldata header, address demander, Position calldata position, bytes32[2][] calldata words)
        external;

    /// @notice After the deadline: the block is slashed. Open to everyone.
    function expire(bytes32 blockId, address demander, Position calldata position) external;

    /// @notice Once the block is in a final state: the fee goes to whoever answered, or back if the block was slashed.
    function settle(bytes32 demandId) external;

    /// @notice The trace root that the miner revealed for a sample's evaluation; 0 if none.
    function evaluationRoot(bytes32 blockId, Tree tree, uint32 sample) external view returns (bytes32);
    function demandIdOf(bytes32 blockId, address demander, Position calldata position) external pure returns (bytes32);
}
