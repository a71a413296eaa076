// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header, Tree} from "../Types.sol";

/// @notice Which trace: the block's own step's; that of one test sample's evaluation with W or W'; a segment step's.
struct TraceId {
    Tree tree;
    uint32 index; // of the test sample (Before, After), or of the segment step (Segment), else 0
}

/// @notice What a trace starts from, what a step's ends with, and the trace's root.
struct Claim {
    bytes32 stateRoot;
    bytes32 postRoot; // bytes32(0) for an evaluation
    bytes32 traceRoot;
}

/// @notice One step of a segment, in the list that `segmentRoot` commits to; leaf of its tree.
struct SegmentEntry {
    bytes32 batchRoot;
    bytes32 innerRoot;
    bytes32 stateRoot; // after the step
}

/// @notice Shows what a segment step's trace starts and ends with: the state before is that after the step before, or
/// the parent's W'. All three are empty for other traces.
struct SegmentStep {
    Header[] parent; // only for step 0, unless the parent is genesis: its header
    SegmentEntry[] entries; // of the step before, if there is one, and of the step
    bytes32[] path; // siblings that lead from these to the root, level by level from below, each from left to right,
    // without those that follow from what is given, and those that do not exist
}

// Two things are packed without padding, since calldata is most of what short evidence costs; integers are big-endian.
//
// A `program` opens one descriptor up to the program root:
//     sections     20 bytes: uint32 tensors of a state, which either program begins with; images and labels, which
//                  follow; all tensors of the step; its last ones, the new state; all tensors of an evaluation
//     descriptor   uint16 length, and so many bytes. Number t describes tensor t of the step, and number
//                  (tensors of the step) + t tensor t of the evaluation
//     path         32 bytes each: the siblings
//
// An `opening` opens some leaves of some tensors, together, up to a trace's root or up to those of states:
//     counts       uint16 runs, uint16 leaves
//     runs         16 bytes each: uint32 number of the tensor, uint48 elements that it has, uint32 first leaf, uint16
//                  leaves. Ascending, without overlaps
//     leaves       256 bytes each: 64 binary32, zero-padded
//     nodes        32 bytes each: siblings that do not follow from what is given, tensor by tensor, then section by
//                  section; level by level from below, each level from left to right. In place of a batch, or of inner
//                  tensors, of which nothing is opened: its root
//
// Siblings that do not exist are left out.

/// @notice Shows that requirement number `requirement` of R was not met.
struct RequirementEvidence {
    uint256 requirement;
    bytes32[] eligible; // the task's ranges, packed as in pol_oracle/protocol/eligible.py
    uint32 tensors; // of a state
    bytes opening; // of the leaf in W, and in W', whose tensors are numbered on from those of W
}

/// @notice Shows that an element of a trace is not what its operation gives.
struct OperationEvidence {
    uint32 tensor; // its number in the program
    uint64 element;
    bytes program;
    bytes opening; // of the element and of what it follows from
}

/// @notice Shows that an element of a trace's images or labels is not the data set's, or not of the sample that follows
/// from the header.
struct InputEvidence {
    uint32 tensor;
    uint64 element;
    bytes program;
    bytes opening; // of the element
    bytes sample; // pixels (uint8, HWC) and uint64 label, as in the data set's tree
    bytes samplePath; // 32 bytes each
}

/// @notice A node of the accuracy tree: its hash, and how many samples below W and W' classify correctly.
struct SumNode {
    bytes32 hash;
    uint32 before;
    uint32 afterwards;
}

/// @notice Shows that a node of the accuracy tree, or the header, claims other sums than lie below.
struct SumsEvidence {
    uint32 level; // 0: the leaves
    uint32 index;
    uint32 before; // the sums claimed for the node
    uint32 afterwards;
    bytes content; // what its hash covers after the tag
    SumNode[] siblings; // from the node up to the root's children
}

/// @notice Shows that an explanation comes to another verdict than the bit that it is to explain.
struct BitEvidence {
    bytes program; // of the last tensor of the evaluation: the verdict
    bytes opening;
}

/// @title Where blocks are proven wrong: the contract itself recomputes the wrong value.
/// @notice Every function ends in a conviction, the refutation of an explanation, or a revert. Its whole calldata must
/// have been committed to (Bounties).
interface ICourt {
    error WrongRoot(bytes32 expected, bytes32 actual);
    error BadOpening(uint256 actual, uint256 expected);
    error NotOpened(uint256 tensor, uint256 element);
    error RequirementMet(uint256 requirement);
    error NotExplained(TraceId trace);
    error ElementHolds(uint256 tensor, uint256 element, uint256 value);
    error SumsHold(uint256 level, uint256 index);
    error BitHolds(uint256 sample, bool correct);

    function proveRequirement(Header calldata header, RequirementEvidence calldata evidence, bytes32 salt) external;

    /// @notice Of a step: convicts the block. Of an evaluation: refutes its explanation, as the next two do.
    function proveOperation(
        Header calldata header,
        TraceId calldata trace,
        SegmentStep calldata segment,
        OperationEvidence calldata evidence,
        bytes32 salt
    ) external;
    function proveInput(
        Header calldata header,
        TraceId calldata trace,
        SegmentStep calldata segment,
        InputEvidence calldata evidence,
        bytes32 salt
    ) external;
    function proveSums(Header calldata header, SumsEvidence calldata evidence, bytes32 salt) external;
    function proveBit(Header calldata header, TraceId calldata trace, BitEvidence calldata evidence, bytes32 salt)
        external;
}
