// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Opening} from "../interfaces/ICourt.sol";
import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Run} from "./Operands.sol";
import {Tags} from "./Tags.sol";

/// @title Lists of tensors (states, batches, inner tensors): Merkle trees over tensor roots, each over leaves of 64
/// binary32. Mirror of pol_oracle/canonical/trees.py.
/// @dev An opening is read from front to back: first all tensors of which it gives leaves, then one list after the
/// other. Whoever reads one ends with `close`: what nothing was done with would be no part of any root.
library TensorTree {
    uint256 internal constant LEAF_ELEMENTS = 64;
    uint256 internal constant LEAF_BYTES = 4 * LEAF_ELEMENTS;
    uint256 internal constant RUN_BYTES = 16;

    /// @notice Tensors whose roots follow from an opening.
    struct Opened {
        Run[] runs; // elements of them
        uint256[] tensors; // numbers, ascending
        bytes32[] roots;
        uint256 count; // of tensors; the arrays may have room for more
        uint256 done; // tensors that lie in the lists read so far
        uint256 next; // where in the calldata the next node lies
        uint256 end; // of the nodes
        uint256[] places; // room for the nodes of one tree
        bytes32[] hashes;
    }

    /// @notice A run as an opening gives it.
    function run(uint256 tensor, uint256 elements, uint256 first, uint256 count) internal pure returns (bytes16) {
        return bytes16(uint128(tensor << 96 | elements << 48 | first << 16 | count));
    }

    /// @notice Computes the roots of the tensors that leaves are given of.
    function open(Opening calldata opening) internal pure returns (Opened memory opened) {
        (bytes calldata runs, bytes calldata leaves) = (opening.runs, opening.leaves);
        uint256 count = runs.length / RUN_BYTES;
        uint256 given = leaves.length / LEAF_BYTES;
        Check.equal(runs.length, count * RUN_BYTES);
        Check.equal(leaves.length, given * LEAF_BYTES);
        opened.runs = new Run[](count);
        opened.tensors = new uint256[](count);
        opened.roots = new bytes32[](count);
        opened.places = new uint256[](given);
        opened.hashes = new bytes32[](given);
        (opened.next, opened.end) = Merkle.bounds(opening.nodes);
        uint256 data;
        assembly ("memory-safe") {
            data := leaves.offset
        }
        uint256 end = data + leaves.length;
        for (uint256 i = 0; i < count;) {
            (i, data) = _openTensor(opened, runs, i, data, end);
        }
        Check.equal(data, end);
    }

    /// @notice What there is to a tensor whose root is known: siblings in lists are the words of `path`.
    function only(uint256 tensor, bytes32 root, bytes32[] calldata path) internal pure returns (Opened memory opened) {
        opened.tensors = new uint256[](1);
        opened.roots = new bytes32[](1);
        opened.places = new uint256[](1);
        opened.hashes = new bytes32[](1);
        (opened.tensors[0], opened.roots[0], opened.count) = (tensor, root, 1);
        (opened.next, opened.end) = Merkle.bounds(path);
    }

    /// @notice True if the next list is to be computed: a tensor of it, which ends before number `end`, is opened.
    function reaches(Opened memory opened, uint256 end) internal pure returns (bool) {
        return opened.done < opened.count && opened.tensors[opened.done] < end;
    }

    /// @notice Root of the list of the tensors `first` to `end`, exclusive. Lists must be read in ascending order.
    function list(Opened memory opened, bytes8 tag, uint256 first, uint256 end) internal pure returns (bytes32) {
        uint256 known = 0;
        while (reaches(opened, end)) {
            opened.places[known] = opened.tensors[opened.done] - first;
            opened.hashes[known++] = opened.roots[opened.done++];
        }
        bytes32 top;
        (top, opened.next) = Merkle.rise(Tags.LIST_NODE, opened.places, opened.hashes, known, end - first, opened.next);
        return listRoot(tag, end - first, top);
    }

    /// @notice The next node, in place of the root of a list of which nothing is opened.
    function skip(Opened memory opened) internal pure returns (bytes32 root) {
        uint256 next = opened.next;
        assembly ("memory-safe") {
            root := calldataload(next)
        }
        opened.next = next + 32;
    }

    /// @notice Reverts if a tensor was opened that lies in no list, or if nodes are left, or lacked.
    function close(Opened memory opened) internal pure {
        Check.equal(opened.done, opened.count);
        Check.equal(opened.next, opened.end);
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

    /// @dev Opens the tensor that run number `i` is of, from all its runs, whose leaves begin at `data` and must not go
    /// beyond `end`; returns the next run, and where its leaves begin. Tensors must ascend, and a tensor's runs, so that
    /// nothing is given twice.
    function _openTensor(Opened memory opened, bytes calldata runs, uint256 i, uint256 data, uint256 end)
        private
        pure
        returns (uint256, uint256)
    {
        uint256 given = _runAt(runs, i);
        uint256 same = given >> 48; // tensor and elements
        uint256 known = 0;
        uint256 free = 0; // first place that the next run may begin at
        do {
            uint256 first = uint32(given >> 16);
            Check.below(free, first + 1);
            Check.below(0, uint16(given));
            free = first + uint16(given);
            _addRun(opened.runs[i], same, first, free, data);
            Check.below(data + LEAF_BYTES * (free - first), end + 1); // or there would be no room
            data = _hashLeaves(opened, known, first, free, data);
            known += free - first;
            given = ++i < opened.runs.length ? _runAt(runs, i) : type(uint256).max;
        } while (given >> 48 == same);

        _addTensor(opened, same >> 48, uint48(same), known);
        return (i, data);
    }

    function _addRun(Run memory added, uint256 tensorAndElements, uint256 first, uint256 end, uint256 data)
        private
        pure
    {
        uint256 elements = uint48(tensorAndElements);
        added.tensor = tensorAndElements >> 48;
        added.first = LEAF_ELEMENTS * first;
        added.end = LEAF_ELEMENTS * end < elements ? LEAF_ELEMENTS * end : elements;
        added.data = data;
    }

    /// @dev The first `known` places and hashes are the tensor's.
    function _addTensor(Opened memory opened, uint256 tensor, uint256 elements, uint256 known) private pure {
        uint256 count = opened.count;
        if (count > 0) Check.below(opened.tensors[count - 1], tensor);
        (bytes32 top, uint256 next) =
            Merkle.rise(Tags.TENSOR_NODE, opened.places, opened.hashes, known, leavesOf(elements), opened.next);
        opened.next = next;
        opened.tensors[count] = tensor;
        opened.roots[count] = tensorRoot(elements, top);
        opened.count = count + 1;
    }

    /// @dev Fills in places and hashes from position `known` on; returns where the leaves end.
    /// In assembly for the same reason as Merkle: one place behind the free memory pointer serves all leaves.
    function _hashLeaves(Opened memory opened, uint256 known, uint256 first, uint256 end, uint256 data)
        private
        pure
        returns (uint256)
    {
        (uint256[] memory places, bytes32[] memory hashes) = (opened.places, opened.hashes);
        bytes8 tag = Tags.TENSOR_LEAF;
        assembly ("memory-safe") {
            let leaf := mload(0x40)
            mstore(leaf, tag)
            let offset := shl(5, add(known, 1))
            for {} lt(first, end) { first := add(first, 1) } {
                calldatacopy(add(leaf, 8), data, 256)
                mstore(add(places, offset), first)
                mstore(add(hashes, offset), keccak256(leaf, 264))
                offset := add(offset, 32)
                data := add(data, 256)
            }
        }
        return data;
    }

    function _runAt(bytes calldata runs, uint256 i) private pure returns (uint256 given) {
        assembly ("memory-safe") {
            given := shr(128, calldataload(add(runs.offset, shl(4, i))))
        }
    }
}
