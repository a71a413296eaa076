// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Operands, Run} from "./Operands.sol";
import {Tags} from "./Tags.sol";

/// @title Lists of tensors (states, batches, inner tensors): Merkle trees over tensor roots, each over leaves of 64
/// binary32. Mirror of pol_oracle/canonical/commitments/trees.py.
/// @dev An opening is read from front to back: first all tensors that it gives leaves of, then one list of them after
/// the other. Whoever reads one must end with `close`: what lies in no list that was read, is part of no root.
library TensorTree {
    uint256 internal constant LEAF_ELEMENTS = 64;
    uint256 internal constant LEAF_BYTES = 4 * LEAF_ELEMENTS;
    uint256 internal constant HEAD_BYTES = 4;
    uint256 internal constant RUN_BYTES = 16;
    /// @dev In memory, of a place in a tree and the hash there.
    uint256 private constant PAIR_BYTES = 64;

    /// @notice Tensors whose roots follow from an opening, as far as they are not read yet.
    struct Opened {
        Run[] runs;
        uint256 tensors; // where in memory the pairs of their numbers, ascending, and roots lie
        uint256 end; // of the pairs
        uint256 next; // where in the calldata the next node lies
        uint256 nodesEnd;
    }

    /// @dev Leaves that are still to be hashed: where in the calldata they lie, and room for the pairs of one tensor.
    struct Leaves {
        uint256 next;
        uint256 end;
        uint256 room;
    }

    /// @notice What an opening begins with if it has one run.
    function oneRun(uint256 tensor, uint256 elements, uint256 first, uint256 leaves) internal pure returns (bytes20) {
        return bytes20(uint160(1 << 144 | leaves << 128 | tensor << 96 | elements << 48 | first << 16 | leaves));
    }

    /// @notice Computes the roots of the tensors that leaves are given of.
    /// @dev Nothing lies beyond the opening's end: nodes are read after the leaves, and `close` sees where they end.
    function open(bytes calldata opening) internal pure returns (Opened memory opened) {
        unchecked {
            uint256 counts = uint32(bytes4(opening)); // runs and leaves
            uint256 runs;
            (runs, opened.nodesEnd) = Merkle.bounds(opening);
            runs += HEAD_BYTES;
            opened.runs = new Run[](counts >> 16);
            opened.tensors = opened.end = _allocate(counts >> 16);
            Leaves memory leaves;
            leaves.next = runs + RUN_BYTES * (counts >> 16);
            leaves.end = opened.next = leaves.next + LEAF_BYTES * uint16(counts);
            leaves.room = _allocate(uint16(counts));

            for (uint256 i = 0; i < opened.runs.length;) {
                i = _openTensor(opened, leaves, runs, i);
            }
            Check.equal(leaves.next, leaves.end);
        }
    }

    /// @notice A single tensor whose root is known; `path` are the nodes above it.
    function only(uint256 tensor, bytes32 root, bytes calldata path) internal pure returns (Opened memory opened) {
        opened.tensors = opened.end = _allocate(1);
        (opened.next, opened.nodesEnd) = Merkle.bounds(path);
        _addTensor(opened, tensor, root);
    }

    /// @notice True if something is opened of the next list, which ends before tensor number `end`.
    function reaches(Opened memory opened, uint256 end) internal pure returns (bool) {
        (uint256 next, uint256 tensor) = (opened.tensors, 0);
        assembly ("memory-safe") {
            tensor := mload(next)
        }
        return next < opened.end && tensor < end;
    }

    /// @notice Root of the list of the tensors `first` to `end`, exclusive. Lists must be read in ascending order.
    function list(Opened memory opened, bytes8 tag, uint256 first, uint256 end) internal pure returns (bytes32 root) {
        unchecked {
            uint256 start = opened.tensors;
            uint256 last = start;
            for (uint256 stop = opened.end; last < stop; last += PAIR_BYTES) {
                uint256 tensor;
                assembly ("memory-safe") {
                    tensor := mload(last)
                }
                if (tensor >= end) break;
                assembly ("memory-safe") {
                    mstore(last, sub(tensor, first))
                }
            }
            opened.tensors = last;
            (root, opened.next) = Merkle.rise(Tags.LIST_NODE, start, last, end - first, opened.next);
            return listRoot(tag, end - first, root);
        }
    }

    /// @notice The next node, given in place of the root of a list of which nothing is opened.
    function skip(Opened memory opened) internal pure returns (bytes32 root) {
        uint256 next = opened.next;
        assembly ("memory-safe") {
            root := calldataload(next)
        }
        opened.next = next + 32;
    }

    /// @notice Reverts if a tensor lies in none of the lists that were read, or if nodes are left, or lacked.
    function close(Opened memory opened) internal pure {
        Check.equal(opened.tensors, opened.end);
        Check.equal(opened.next, opened.nodesEnd);
    }

    function tensorRoot(uint256 elements, bytes32 top) internal pure returns (bytes32) {
        return Merkle.counted(Tags.TENSOR_ROOT, elements, top);
    }

    function listRoot(bytes8 tag, uint256 count, bytes32 top) internal pure returns (bytes32) {
        return Merkle.counted(tag, count, top);
    }

    /// @notice Leaves of a tensor.
    function leavesOf(uint256 elements) internal pure returns (uint256) {
        unchecked {
            return (elements + LEAF_ELEMENTS - 1) / LEAF_ELEMENTS; // counts of elements have 64 bits
        }
    }

    /// @dev Opens the tensor of run number `i` from all its runs; returns the number of the next one. The runs of a
    /// tensor must ascend, so that nothing is given twice. Nothing overflows: see how many bits a run has for what.
    function _openTensor(Opened memory opened, Leaves memory leaves, uint256 runs, uint256 i)
        private
        pure
        returns (uint256)
    {
        unchecked {
            uint256 given = _runAt(runs, i);
            uint256 same = given >> 48; // tensor and elements
            uint256 free = 0; // first leaf that the next run may begin at
            uint256 known = leaves.room; // end of the pairs that are filled in
            do {
                uint256 first = uint32(given >> 16);
                Check.below(free, first + 1);
                Check.below(0, uint16(given));
                free = first + uint16(given);
                opened.runs[i] = _toElements(same, first, free, leaves.next);
                known = _hash(leaves, known, first, free);
                given = ++i < opened.runs.length ? _runAt(runs, i) : type(uint256).max;
            } while (given >> 48 == same);

            _closeTensor(opened, same, leaves.room, known);
            return i;
        }
    }

    /// @dev Adds the tensor of the pairs of leaves that lie in memory from `start` to `end`.
    function _closeTensor(Opened memory opened, uint256 tensorAndElements, uint256 start, uint256 end) private pure {
        uint256 elements = uint48(tensorAndElements);
        (bytes32 top, uint256 next) = Merkle.rise(Tags.TENSOR_NODE, start, end, leavesOf(elements), opened.next);
        opened.next = next;
        _addTensor(opened, tensorAndElements >> 48, tensorRoot(elements, top));
    }

    /// @dev A run of leaves as one of elements, without the padding.
    function _toElements(uint256 tensorAndElements, uint256 first, uint256 end, uint256 data)
        private
        pure
        returns (Run)
    {
        unchecked {
            uint256 elements = uint48(tensorAndElements);
            uint256 last = LEAF_ELEMENTS * end < elements ? LEAF_ELEMENTS * end : elements;
            return Operands.run(tensorAndElements >> 48, LEAF_ELEMENTS * first, last, data);
        }
    }

    /// @dev Tensors must ascend, so that none is given twice.
    function _addTensor(Opened memory opened, uint256 tensor, bytes32 root) private pure {
        (uint256 start, uint256 end) = (opened.tensors, opened.end);
        uint256 before = 0; // number of the one before, + 1
        assembly ("memory-safe") {
            if gt(end, start) { before := add(mload(sub(end, 64)), 1) }
            mstore(end, tensor)
            mstore(add(end, 32), root)
        }
        Check.below(before, tensor + 1);
        opened.end = end + PAIR_BYTES;
    }

    /// @dev Hashes the next leaves, `first` to `end` of a tensor, into pairs from `known` on; returns where those end.
    /// In assembly for the same reason as Merkle: one place behind the free memory pointer serves all leaves.
    function _hash(Leaves memory leaves, uint256 known, uint256 first, uint256 end) private pure returns (uint256) {
        bytes8 tag = Tags.TENSOR_LEAF;
        uint256 next = leaves.next;
        Check.below(next + LEAF_BYTES * (end - first), leaves.end + 1); // or there would be no room
        assembly ("memory-safe") {
            let leaf := mload(0x40)
            mstore(leaf, tag)
            for {} lt(first, end) { first := add(first, 1) } {
                calldatacopy(add(leaf, 8), next, 256)
                mstore(known, first)
                mstore(add(known, 32), keccak256(leaf, 264))
                known := add(known, 64)
                next := add(next, 256)
            }
        }
        leaves.next = next;
        return known;
    }

    /// @dev Room for some pairs.
    function _allocate(uint256 pairs) private pure returns (uint256 room) {
        assembly ("memory-safe") {
            room := mload(0x40)
            mstore(0x40, add(room, shl(6, pairs)))
        }
    }

    function _runAt(uint256 runs, uint256 i) private pure returns (uint256 given) {
        assembly ("memory-safe") {
            given := shr(128, calldataload(add(runs, shl(4, i))))
        }
    }
}
