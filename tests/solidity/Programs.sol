// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Tags} from "../../contracts/lib/Tags.sol";
import {Tree} from "../../contracts/Types.sol";

/// @notice The smallest program there is, and answers about it: for tests of demands, which need some that pass. A step
/// of one state tensor, two inputs, one inner tensor and one new state tensor; an evaluation of the first four.
library Programs {
    uint256 internal constant STEP = 5;
    uint256 internal constant EVALUATION = 4;
    uint64 internal constant ELEMENTS = 70; // of every tensor: two leaves

    function sections() internal pure returns (bytes memory) {
        return abi.encodePacked(uint32(1), uint32(2), uint32(STEP), uint32(1), uint32(EVALUATION));
    }

    function root() internal pure returns (bytes32) {
        return root(ELEMENTS);
    }

    /// Of the program whose tensors have so many elements.
    function root(uint64 elements) internal pure returns (bytes32) {
        bytes32[] memory row = leaves(elements);
        while (row.length > 1) row = above(row);
        return keccak256(abi.encodePacked(Tags.PROGRAM_ROOT, sections(), row[0]));
    }

    function open(Tree tree, uint32 tensor) internal pure returns (bytes memory) {
        return open(tree, tensor, ELEMENTS);
    }

    function open(Tree tree, uint32 tensor, uint64 elements) internal pure returns (bytes memory program) {
        bytes memory described = descriptor(elements);
        program = abi.encodePacked(sections(), uint16(described.length), described);
        uint256 index = (tree == Tree.Step || tree == Tree.Segment ? 0 : STEP) + tensor;
        for (bytes32[] memory row = leaves(elements); row.length > 1; row = above(row)) {
            if ((index ^ 1) < row.length) program = abi.encodePacked(program, row[index ^ 1]);
            index >>= 1;
        }
    }

    function descriptor(uint64 elements) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0), elements); // an input
    }

    /// Roots of an evaluation's inputs and inner tensors.
    function evaluation(uint256 version) internal pure returns (bytes32[] memory roots) {
        roots = new bytes32[](3);
        for (uint256 i = 0; i < 3; ++i) {
            roots[i] = keccak256(abi.encode("evaluation", version, i));
        }
    }

    /// Root of the trace that starts from this state and has these roots: of two inputs and one inner tensor.
    function evaluationRoot(bytes32 stateRoot, uint256 version) internal pure returns (bytes32) {
        bytes32[] memory roots = evaluation(version);
        bytes32 batch = keccak256(abi.encodePacked(Tags.LIST_NODE, roots[0], roots[1]));
        batch = keccak256(abi.encodePacked(Tags.BATCH_ROOT, uint64(2), batch));
        bytes32 inner = keccak256(abi.encodePacked(Tags.INNER_ROOT, uint64(1), roots[2]));
        return keccak256(abi.encodePacked(Tags.TRACE_ROOT, stateRoot, batch, inner, bytes32(0)));
    }

    /// Root of the accuracy tree over pairs of words, whose number is a power of two.
    function evalRoot(bytes32[2][] memory words) internal pure returns (bytes32) {
        bytes32[] memory row = new bytes32[](words.length);
        uint32[2][] memory sums = new uint32[2][](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            row[i] = keccak256(abi.encodePacked(Tags.EVAL_LEAF, words[i][0], words[i][1]));
            sums[i] = [ones(words[i][0]), ones(words[i][1])];
        }
        for (uint256 width = words.length; width > 1; width /= 2) {
            for (uint256 i = 0; i < width; i += 2) {
                bytes memory left = abi.encodePacked(row[i], sums[i][0], sums[i][1]);
                bytes memory right = abi.encodePacked(row[i + 1], sums[i + 1][0], sums[i + 1][1]);
                row[i / 2] = keccak256(abi.encodePacked(Tags.EVAL_NODE, left, right));
                sums[i / 2] = [sums[i][0] + sums[i + 1][0], sums[i][1] + sums[i + 1][1]];
            }
        }
        return row[0];
    }

    function ones(bytes32 word) private pure returns (uint32 count) {
        for (uint256 rest = uint256(word); rest > 0; rest &= rest - 1) {
            ++count;
        }
    }

    function leaves(uint64 elements) private pure returns (bytes32[] memory row) {
        row = new bytes32[](STEP + EVALUATION);
        for (uint256 i = 0; i < row.length; ++i) {
            row[i] = keccak256(abi.encodePacked(Tags.PROGRAM_LEAF, descriptor(elements)));
        }
    }

    function above(bytes32[] memory row) private pure returns (bytes32[] memory next) {
        next = new bytes32[]((row.length + 1) / 2);
        for (uint256 i = 0; i < next.length; ++i) {
            bytes32 right = 2 * i + 1 < row.length ? row[2 * i + 1] : bytes32(0);
            next[i] = keccak256(abi.encodePacked(Tags.PROGRAM_NODE, row[2 * i], right));
        }
    }
}
