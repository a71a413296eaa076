// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Tags} from "../../contracts/lib/Tags.sol";
import {Tree} from "../../contracts/Types.sol";
import {States} from "./States.sol";

/// @notice What `program` of ICourt.sol packs.
struct Program {
    bytes sections;
    bytes descriptor;
    bytes32[] path;
}

/// @notice One run of leaves of a tensor.
struct Slice {
    uint32 tensor;
    uint48 elements;
    uint32 first;
    uint16 count;
    bytes leaves;
    bytes32[] nodes;
}

/// @notice What `opening` of ICourt.sol packs, if each tensor has one run.
struct Opening {
    Slice[] slices;
    bytes32[] nodes;
}

/// @notice The program of Programs.sol with operations in it, and traces of it: for tests of the court. A step is W,
/// images, labels, 2W, a tensor of an operation that no court knows, and 4W as the new state; an evaluation W, an
/// image, a label, 2W and a verdict. A second, plain implementation of openings, too.
library Traces {
    uint32 internal constant ELEMENTS = 300; // of all but the verdict: five leaves, so a path leaves siblings out
    uint32 internal constant STEP = 6;
    uint32 internal constant EVALUATION = 5;
    uint32 internal constant DOUBLED = 3; // tensor 2W of either program
    uint32 internal constant UNKNOWN = 4; // tensor of the unknown operation of the step
    uint32 internal constant VERDICT = 4; // last tensor of the evaluation
    uint8 internal constant UNKNOWN_KIND = 7; // one more than the court computes

    function sections() internal pure returns (bytes memory) {
        return abi.encodePacked(uint32(1), uint32(2), STEP, uint32(1), EVALUATION);
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
        return keccak256(abi.encodePacked(Tags.PROGRAM_ROOT, sections(), rows[rows.length - 1][0]));
    }

    function openProgram(Tree tree, uint32 tensor) internal pure returns (Program memory) {
        uint256 index = (tree == Tree.Step || tree == Tree.Segment ? 0 : STEP) + tensor;
        return Program(sections(), descriptors()[index], siblings(programRows(), index));
    }

    function pack(Program memory program) internal pure returns (bytes memory) {
        bytes memory described = abi.encodePacked(uint16(program.descriptor.length), program.descriptor);
        return abi.encodePacked(program.sections, described, program.path);
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

    function step() internal pure returns (uint32[][] memory) {
        return step(0);
    }

    /// The step that starts from 4**exponent W.
    function step(uint32 exponent) internal pure returns (uint32[][] memory tensors) {
        tensors = new uint32[][](STEP);
        for (uint256 t = 0; t < STEP; ++t) {
            tensors[t] = new uint32[](ELEMENTS);
        }
        for (uint256 i = 0; i < ELEMENTS; ++i) {
            tensors[0][i] = 0x3f800000 + uint32(i) * 0x1000 + exponent * 0x01000000;
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

    /// What explains an evaluation: roots of the inputs and inner tensors.
    function evaluationRoots(uint32[][] memory tensors) internal pure returns (bytes32[] memory) {
        return cut(States.tensorRoots(tensors), 1, EVALUATION);
    }

    /// Roots of batch and inner tensors.
    function parts(uint32[][] memory tensors) internal pure returns (bytes32 batch, bytes32 inner) {
        uint256 posts = tensors.length == STEP ? STEP - 1 : EVALUATION;
        bytes32[] memory roots = States.tensorRoots(tensors);
        return (listRoot(Tags.BATCH_ROOT, cut(roots, 1, 3)), listRoot(Tags.INNER_ROOT, cut(roots, 3, posts)));
    }

    function stateRoot(uint32[] memory tensor) internal pure returns (bytes32) {
        uint32[][] memory state = new uint32[][](1);
        state[0] = tensor;
        return States.root(state);
    }

    function traceRoot(bytes32 pre, uint32[][] memory tensors, bytes32 post) internal pure returns (bytes32) {
        (bytes32 batch, bytes32 inner) = parts(tensors);
        return keccak256(abi.encodePacked(Tags.TRACE_ROOT, pre, batch, inner, post));
    }

    /// Leaves `first` to `first + count`, exclusive, of a tensor.
    function slice(uint32[][] memory tensors, uint32 tensor, uint32 first, uint16 count)
        internal
        pure
        returns (Slice memory some)
    {
        (some.tensor, some.elements) = (tensor, uint48(tensors[tensor].length));
        (some.first, some.count) = (first, count);
        bytes32[][] memory rows = States.levels(Tags.TENSOR_NODE, States.leaves(tensors[tensor]));
        bool[] memory known = new bool[](rows[0].length);
        for (uint256 i = first; i < first + count; ++i) {
            some.leaves = bytes.concat(some.leaves, States.leaf(tensors[tensor], i));
            known[i] = true;
        }
        some.nodes = lacking(rows, known);
    }

    /// Slices of the tensors of a trace with what leads on to its root.
    function open(uint32[][] memory tensors, Slice[] memory slices) internal pure returns (Opening memory) {
        bool[] memory known = new bool[](tensors.length);
        for (uint256 i = 0; i < slices.length; ++i) {
            known[slices[i].tensor] = true;
        }
        uint256 posts = tensors.length == STEP ? STEP - 1 : EVALUATION;
        bytes32[] memory roots = States.tensorRoots(tensors);
        bytes32[] memory nodes = above("", roots, known, 0, 1);
        nodes = joined(nodes, above(Tags.BATCH_ROOT, roots, known, 1, 3));
        nodes = joined(nodes, above(Tags.INNER_ROOT, roots, known, 3, posts));
        return Opening(slices, joined(nodes, above("", roots, known, posts, tensors.length)));
    }

    function open(uint32[][] memory tensors, Slice memory only) internal pure returns (Opening memory) {
        Slice[] memory slices = new Slice[](1);
        slices[0] = only;
        return open(tensors, slices);
    }

    function pack(Opening memory opening) internal pure returns (bytes memory) {
        (bytes memory runs, bytes memory leaves, bytes memory nodes) = ("", "", "");
        for (uint256 i = 0; i < opening.slices.length; ++i) {
            Slice memory some = opening.slices[i];
            runs = abi.encodePacked(runs, some.tensor, some.elements, some.first, some.count);
            leaves = bytes.concat(leaves, some.leaves);
            nodes = abi.encodePacked(nodes, some.nodes);
        }
        bytes memory counts = abi.encodePacked(uint16(opening.slices.length), uint16(leaves.length / 256));
        return abi.encodePacked(counts, runs, leaves, nodes, opening.nodes);
    }

    /// What known tensors of a section lack; if none is known and the section has a tag, its root.
    function above(bytes8 tag, bytes32[] memory roots, bool[] memory known, uint256 begin, uint256 end)
        internal
        pure
        returns (bytes32[] memory nodes)
    {
        bool[] memory here = new bool[](end - begin);
        bool any = false;
        for (uint256 i = begin; i < end; ++i) {
            here[i - begin] = known[i];
            any = any || known[i];
        }
        if (any) return lacking(States.levels(Tags.LIST_NODE, cut(roots, begin, end)), here);
        nodes = new bytes32[](tag == "" ? 0 : 1);
        if (tag != "") nodes[0] = listRoot(tag, cut(roots, begin, end));
    }

    function siblings(bytes32[][] memory rows, uint256 index) internal pure returns (bytes32[] memory) {
        bool[] memory known = new bool[](rows[0].length);
        known[index] = true;
        return lacking(rows, known);
    }

    /// What some leaves lack: level by level from below, from left to right, nodes that are not known, of which the
    /// sibling is.
    function lacking(bytes32[][] memory rows, bool[] memory known) internal pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](rows.length * rows[0].length);
        uint256 used = 0;
        for (uint256 d = 0; d + 1 < rows.length; ++d) {
            bool[] memory next = new bool[]((known.length + 1) / 2);
            for (uint256 i = 0; i < known.length; ++i) {
                bool sibling = (i ^ 1) < known.length && known[i ^ 1];
                if (!known[i] && sibling) nodes[used++] = rows[d][i];
                next[i / 2] = next[i / 2] || known[i];
            }
            known = next;
        }
        return cut(nodes, 0, used);
    }

    function joined(bytes32[] memory a, bytes32[] memory b) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](a.length + b.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i < a.length ? a[i] : b[i - a.length];
        }
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
