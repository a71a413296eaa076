// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header, Tree} from "../Types.sol";

/// @notice How many tensors the task's two programs have; hashed into the program root.
struct Sections {
    uint32 states; // tensors of a state, the first of either program
    uint32 batches; // images and labels, which follow
    uint32 stepTensors; // all tensors of the step
    uint32 posts; // the last ones of the step: the new state
    uint32 evaluationTensors; // all tensors of an evaluation
}

/// @notice One descriptor, opened up to the program root. Descriptor t describes tensor t of the step, and
/// stepTensors + t tensor t of the evaluation.
struct ProgramOpening {
    Sections sections;
    bytes descriptor;
    bytes32[] path;
}

/// @notice Which trace: the step's, or that of one test sample's evaluation with W or W'.
struct TraceId {
    Tree tree;
    uint32 sample;
}

/// @notice Some leaves of some tensors, opened together up to a trace's root.
/// @dev A run is 16 bytes: uint32 number of the tensor ‖ uint48 elements that it has ‖ uint32 first leaf ‖ uint16 leaves.
/// Runs ascend and do not overlap. Of trees that are opened `nodes` has the siblings that do not follow from what is
/// given, level by level from below, each level from left to right, without those that do not exist: tensor by tensor,
/// then section by section. In place of a batch or inner tensors of which nothing is opened it has their root.
struct Opening {
    bytes runs;
    bytes leaves; // 256 bytes each: 64 big-endian binary32, zero-padded
    bytes32[] nodes;
}

/// @notice Shows that requirement number `requirement` of R was not met.
struct RequirementEvidence {
    uint256 requirement;
    bytes32[] eligible; // the task's ranges, packed as in pol_oracle/protocol/eligible.py
    uint32 tensors; // of a state
    Opening opening; // of the weight in W, and in W', whose tensors are numbered on from those of W
}

/// @notice Shows that an element of a trace is not what its operation gives.
struct OperationEvidence {
    uint32 tensor; // its number in the program
    uint64 element;
    ProgramOpening operation;
    Opening opening; // of the element and of what it follows from
}

/// @notice Shows that an element of a trace's images or labels is not the data set's.
struct InputEvidence {
    uint32 tensor;
    uint64 element;
    ProgramOpening input;
    Opening opening;
    bytes sample; // pixels (uint8, HWC) and uint64 label, as in the data set's tree
    bytes32[] samplePath;
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

/// @notice Shows that a bit of the accuracy tree contradicts the sample's evaluation.
struct BitEvidence {
    bytes32[2] words; // the leaf
    SumNode[] siblings;
    ProgramOpening verdict; // the last tensor of the evaluation
    Opening opening;
}

/// @title Where blocks are proven wrong: the contract itself recomputes the wrong value.
/// @notice Every function ends in a conviction or a revert. Its whole calldata must have been committed to (Bounties).
interface ICourt {
    error WrongRoot(bytes32 expected, bytes32 actual);
    error BadOpening(uint256 actual, uint256 expected);
    error NotOpened(uint256 tensor, uint256 element);
    error RequirementMet(uint256 requirement, uint32 before, uint32 afterwards);
    error NotExplained(TraceId trace);
    error ElementHolds(uint256 tensor, uint256 element, uint256 value);
    error SumsHold(uint256 level, uint256 index);
    error BitHolds(uint256 sample, bool correct);

    function proveRequirement(Header calldata header, RequirementEvidence calldata evidence, bytes32 salt) external;
    function proveOperation(
        Header calldata header,
        TraceId calldata trace,
        OperationEvidence calldata evidence,
        bytes32 salt
    ) external;
    function proveInput(Header calldata header, TraceId calldata trace, InputEvidence calldata evidence, bytes32 salt)
        external;
    function proveSums(Header calldata header, SumsEvidence calldata evidence, bytes32 salt) external;
    function proveBit(Header calldata header, TraceId calldata trace, BitEvidence calldata evidence, bytes32 salt)
        external;
}
