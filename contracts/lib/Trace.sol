// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claim} from "../interfaces/ICourt.sol";
import {Header, Tree} from "../Types.sol";
import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Run} from "./Operands.sol";
import {Tags} from "./Tags.sol";
import {TensorTree} from "./TensorTree.sol";

/// @notice How many tensors the task's two programs have; hashed into the program root. See ICourt.sol.
struct Sections {
    uint256 states;
    uint256 batches;
    uint256 stepTensors;
    uint256 posts;
    uint256 evaluationTensors;
}

/// @title Traces and the programs that made them; mirror of pol_oracle/canonical/programs/tree.py and traces.py.
/// @dev A trace's tensors come in sections: a state, a batch, the inner tensors and, in a step, the new state. Its root
/// is keccak256(TRACE_ROOT, state, batch, inner, new state), the last one bytes32(0) in an evaluation. Whose trace it
/// is says which states it must have, so a trace can be of no others.
library Trace {
    using TensorTree for TensorTree.Opened;

    uint256 private constant DESCRIPTOR = 22; // where it begins in a program

    /// @notice True of the block's own step and of those of its segment: one program makes both.
    function ofStep(Tree tree) internal pure returns (bool) {
        return tree == Tree.Step || tree == Tree.Segment;
    }

    /// @notice What is claimed of the evaluation of a sample: the header says of which state, an explanation the rest.
    function evaluation(Header calldata header, Tree tree, bytes32 explanation) internal pure returns (Claim memory) {
        return Claim(tree == Tree.Before ? header.preRoot : header.postRoot, bytes32(0), explanation);
    }

    /// @notice Trace root of these parts, with the claimed states.
    function root(Claim memory claim, bytes32 batchRoot, bytes32 innerRoot) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(Tags.TRACE_ROOT, claim.stateRoot, batchRoot, innerRoot, claim.postRoot));
    }

    /// @notice Tensors of a program.
    function tensorsOf(Sections memory sections, Tree tree) internal pure returns (uint256) {
        return ofStep(tree) ? sections.stepTensors : sections.evaluationTensors;
    }

    /// @notice Number of the first tensor of the new state; where an evaluation's last section ends.
    function postsFrom(Sections memory sections, Tree tree) internal pure returns (uint256) {
        return ofStep(tree) ? sections.stepTensors - sections.posts : sections.evaluationTensors;
    }

    /// @notice The elements that an opening gives of the claimed trace. Reverts if they are not those.
    function open(Claim memory claim, Tree tree, Sections memory sections, bytes calldata opening)
        internal
        pure
        returns (Run[] memory)
    {
        TensorTree.Opened memory opened = TensorTree.open(opening);
        check(claim, tree, sections, opened);
        return opened.runs;
    }

    /// @notice Reverts unless the tensors are those of the claimed trace: section by section.
    function check(Claim memory claim, Tree tree, Sections memory sections, TensorTree.Opened memory opened)
        internal
        pure
    {
        uint256 states = sections.states;
        uint256 inner = states + sections.batches;
        uint256 posts = postsFrom(sections, tree);
        if (opened.reaches(states)) {
            Check.sameRoot(opened.list(Tags.STATE_ROOT, 0, states), claim.stateRoot);
        }
        bytes32 batchRoot = opened.reaches(inner) ? opened.list(Tags.BATCH_ROOT, states, inner) : opened.skip();
        bytes32 innerRoot = opened.reaches(posts) ? opened.list(Tags.INNER_ROOT, inner, posts) : opened.skip();
        Check.sameRoot(root(claim, batchRoot, innerRoot), claim.traceRoot);
        uint256 end = tensorsOf(sections, tree);
        if (opened.reaches(end)) Check.sameRoot(opened.list(Tags.STATE_ROOT, posts, end), claim.postRoot);
        opened.close();
    }

    /// @notice Reverts unless the program opens the descriptor of this tensor; returns its sections.
    function checkProgram(bytes calldata program, bytes32 programRoot, Tree tree, uint256 tensor)
        internal
        pure
        returns (Sections memory sections)
    {
        sections = sectionsOf(program);
        uint256 count = sections.stepTensors + sections.evaluationTensors;
        uint256 index = ofStep(tree) ? tensor : sections.stepTensors + tensor;
        bytes calldata described = descriptor(program);
        bytes32 leaf = Merkle.leaf(Tags.PROGRAM_LEAF, described);
        bytes calldata path = program[DESCRIPTOR + described.length:];
        bytes32 top = Merkle.climb(Tags.PROGRAM_NODE, leaf, index, count, path);
        bytes32 actual = keccak256(abi.encodePacked(Tags.PROGRAM_ROOT, bytes20(program), top));
        Check.sameRoot(actual, programRoot);
    }

    function sectionsOf(bytes calldata program) internal pure returns (Sections memory) {
        uint256 packed = uint160(bytes20(program));
        return Sections(packed >> 128, uint32(packed >> 96), uint32(packed >> 64), uint32(packed >> 32), uint32(packed));
    }

    function descriptor(bytes calldata program) internal pure returns (bytes calldata) {
        uint256 end = DESCRIPTOR + uint16(uint256(bytes32(program)) >> 80); // bytes 20 and 21 are its length
        return program[DESCRIPTOR:end];
    }
}
