// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header} from "../Types.sol";
import {Claim, SegmentStep, TraceId} from "./ICourt.sol";
import {Item, Position} from "./IDemands.sol";

/// @title Answers to demands.
interface IReveals {
    /// @param answer what was shown: the ABI encoding of the answering function's arguments after the position, without
    /// the segment
    event Revealed(bytes32 indexed blockId, bytes32 indexed demandId, address indexed responder, bytes answer);

    error WrongItem(Item expected, Item actual);

    /// @notice Answers a demand for all tensor roots of a step's trace, section by section: state, batch, inner, new
    /// state. Open to everyone, like all answers.
    /// @param segment what leads to a segment step from the header, as for `claimOf`; here and below
    function revealRoots(
        Header calldata header,
        Position calldata position,
        bytes calldata program, // of any descriptor: for the sections
        bytes32[] calldata roots,
        SegmentStep calldata segment
    ) external;

    /// @notice Answers a demand for nodes: level by level from the leaves, the first with at most MAX_NODES nodes.
    /// @param path from the tensor's root to the trace's, as the nodes of an opening
    function revealNodes(
        Header calldata header,
        Position calldata position,
        bytes calldata program, // of the tensor
        bytes32[] calldata nodes,
        bytes calldata path,
        SegmentStep calldata segment
    ) external;

    /// @notice Answers a demand for leaves: an opening of exactly that group, in one run.
    function revealLeaves(
        Header calldata header,
        Position calldata position,
        bytes calldata program, // of the tensor
        bytes calldata opening,
        SegmentStep calldata segment
    ) external;

    /// @notice Answers a demand for bits: the two words of every leaf, in order.
    function revealBits(Header calldata header, Position calldata position, bytes32[2][] calldata words) external;

    /// @notice Answers a demand for steps: the hashes of the entries of the segment, in order.
    function revealSteps(Header calldata header, Position calldata position, bytes32[] calldata hashes) external;

    /// @notice What a header, which need not be proposed, claims of a trace; of an evaluation, what the standing
    /// explanation does. Reverts if the segment is not the header's, or if nothing explains the evaluation.
    function claimOf(Header calldata header, TraceId calldata trace, SegmentStep calldata segment)
        external
        view
        returns (Claim memory);
}
