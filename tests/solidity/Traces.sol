// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProgramOpening, Sections, Slice, TraceParts} from "../../contracts/interfaces/ICourt.sol";
import {Tags} from "../../contracts/lib/Tags.sol";
import {Tree} from "../../contracts/Types.sol";
import {States} from "./States.sol";

/// @notice The program of Programs.sol with operations in it, and traces of it: for tests of the court. A step is W,
/// images, labels, 2W, a tensor of an operation that no court knows, and 4W as the new state; an evaluation W, an image,
/// a label, 2W and a verdict. A second, plain implementation of openings, too.
library Traces {
    uint32 internal constant ELEMENTS = 300; // of all but the verdict: five leaves, so a path leaves siblings out
    uint32 internal constant STEP = 6;
    uint32 internal constant EVALUATION = 5;
    uint32 internal constant DOUBLED = 3; // tensor 2W of either program
    uint32 internal constant UNKNOWN = 4; // tensor of the unknown operation of the step
    uint32 internal constant VERDICT = 4; // last tensor of the evaluation
    uint8 internal constant UNKNOWN_KIND = 7; // one more than the court computes

    function sections() internal pure returns (Sections memory) {
        return Sections(1, 2, STEP, 1, EVALUATION);
    }

    function descriptors() internal pure returns (bytes[] memory all) {
        all = new bytes[](STEP + EVALUATION);
        for (uint256 i = 0; i < 3; ++i) {
            all[i] = all[STEP + i] = abi.encodePacked(uint8(0), uint64(ELEMENTS)); // inputs
        }
        all[3] = doubled(0, ELEMENTS);
        all[4] = abi.encodePacked(UNKNOWN_KIND, uint8(1), ELEMENTS);
        all[5] = doubled(3, ELEMENTS);
        all[STEP + 3] = doubled(0, ELEMENTS);
        all[STEP + 4] = doubled(3, 1);
    }

    /// A map: kind 4, one dimension, none of reduction, one operand read at stride 1, code "operand 0, operand 0, add".
    function doubled(uint32 source, uint32 elements) internal pure returns (bytes memory) {
        bytes memory view_ = abi.encodePacked(source, int32(0), int32(1));
        return abi.encodePacked(uint8(4), uint8(1), elements, uint8(0), uint8(1), view_, uint16(3), hex"000020");
    }

    function programRoot() internal pure returns (bytes32) {
        bytes32[][] memory rows = programRows();
        Sections memory s = sections();
        bytes memory counts = abi.encodePacked(s.states, s.batches, s.stepTensors, s.posts, s.evaluationTensors);
        return keccak256(abi.encodePacked(Tags.PROGRAM_ROOT, counts, rows[rows.length - 1][0]));
    }

    function openProgram(Tree tree, uint32 tensor) internal pure returns (ProgramOpening memory) {
        uint256 index = (tree == Tree.Step ? 0 : STEP) + tensor;
        return ProgramOpening(sections(), descriptors()[index], siblings(programRows(), index));
    }

    function programRows() internal pure returns (bytes32[][] memory) {
        bytes[] memory all = descriptors();
        bytes32[] memory leaves = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            leaves[i] = keccak256(abi.encodePacked(Tags.PROGRAM_LEAF, all[i]));
        }
        return States.levels(Tags.PROGRAM_NODE, leaves);
    }

    // -- traces: W = 1, 2, 3, ... as small integers, whose doubles need another exponent and nothing else

    function step() internal pure returns (uint32[][] memory tensors) {
        tensors = new uint32[][](STEP);
        for (uint256 t = 0; t < STEP; ++t) {
            tensors[t] = new uint32[](ELEMENTS);
        }
        for (uint256 i = 0; i < ELEMENTS; ++i) {
            tensors[0][i] = 0x3f800000 + uint32(i) * 0x1000;
            tensors[DOUBLED][i] = tensors[0][i] + 0x00800000;
            tensors[UNKNOWN][i] = 0x3f800000;
            tensors[5][i] = tensors[0][i] + 0x01000000;
        }
    }

    function evaluation(bool correct) internal pure returns (uint32[][] memory tensors) {
        uint32[][] memory same = step();
        tensors = new uint32[][](EVALUATION);
        for (uint256 t = 0; t < VERDICT; ++t) {
            tensors[t] = same[t];
        }
        tensors[VERDICT] = new uint32[](1);
        tensors[VERDICT][0] = correct ? 0x3f800000 : 0;
    }

    /// What a miner answers to a demand for the roots of an evaluation: those of the inputs and inner tensors.
    function evaluationRoots(bool correct) internal pure returns (bytes32[] memory) {
        return cut(States.tensorRoots(evaluation(correct)), 1, EVALUATION);
    }

    function parts(uint32[][] memory tensors) internal pure returns (TraceParts memory) {
        uint256 posts = tensors.length == STEP ? STEP - 1 : EVALUATION;
        bytes32[] memory roots = States.tensorRoots(tensors);
        return TraceParts(listRoot(Tags.BATCH_ROOT, cut(roots, 1, 3)), listRoot(Tags.INNER_ROOT, cut(roots, 3, posts)));
    }

    function stateRoot(uint32[] memory tensor) internal pure returns (bytes32) {
        uint32[][] memory state = new uint32[][](1);
        state[0] = tensor;
        return States.root(state);
    }

    function traceRoot(bytes32 pre, TraceParts memory parts_, bytes32 post) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(Tags.TRACE_ROOT, pre, parts_.batchRoot, parts_.innerRoot, post));
    }

    /// Leaves `first` to `first + count`, exclusive, of a tensor.
    function open(uint32[][] memory tensors, uint32 tensor, uint256 first, uint256 count)
        internal
        pure
        returns (Slice memory slice)
    {
        slice.tensor = tensor;
        slice.elements = uint64(tensors[tensor].length);
        slice.runs = new uint64[](1);
        slice.runs[0] = uint64(first << 32 | count);
        for (uint256 i = first; i < first + count; ++i) {
            slice.leaves = bytes.concat(slice.leaves, States.leaf(tensors[tensor], i));
        }
        slice.nodes = around(States.levels(Tags.TENSOR_NODE, States.leaves(tensors[tensor])), first, first + count);

        uint256 posts = tensors.length == STEP ? STEP - 1 : EVALUATION;
        (uint256 begin, uint256 end) = tensor < 1 ? (0, 1) : tensor < 3 ? (1, 3) : tensor < posts ? (3, posts) : (5, 6);
        bytes32[] memory list = cut(States.tensorRoots(tensors), begin, end);
        slice.path = siblings(States.levels(Tags.LIST_NODE, list), tensor - begin);
    }

    function siblings(bytes32[][] memory rows, uint256 index) internal pure returns (bytes32[] memory) {
        return around(rows, index, index + 1);
    }

    /// What a run of leaves lacks, level by level from below, from left to right, without what does not exist.
    function around(bytes32[][] memory rows, uint256 begin, uint256 end)
        internal
        pure
        returns (bytes32[] memory nodes)
    {
        nodes = new bytes32[](2 * rows.length);
        uint256 used = 0;
        for (uint256 d = 0; d + 1 < rows.length; ++d) {
            if (begin & 1 == 1) nodes[used++] = rows[d][begin - 1];
            if (end & 1 == 1 && end < rows[d].length) nodes[used++] = rows[d][end];
            (begin, end) = (begin / 2, (end + 1) / 2);
        }
        return cut(nodes, 0, used);
    }

    function listRoot(bytes8 tag, bytes32[] memory roots) internal pure returns (bytes32) {
        bytes32[][] memory rows = States.levels(Tags.LIST_NODE, roots);
        return keccak256(abi.encodePacked(tag, uint64(roots.length), rows[rows.length - 1][0]));
    }

    function cut(bytes32[] memory words, uint256 begin, uint256 end) internal pure returns (bytes32[] memory some) {
        some = new bytes32[](end - begin);
        for (uint256 i = 0; i < some.length; ++i) {
            some[i] = words[begin + i];
        }
    }
}
