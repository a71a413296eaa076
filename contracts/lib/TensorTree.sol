// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, Slice} from "../interfaces/ICourt.sol";
import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Tags} from "./Tags.sol";

/// @title Lists of tensors (states, batches, inner tensors): Merkle trees over tensor roots, each over leaves of 64
/// binary32. Mirror of pol_oracle/canonical/trees.py.
library TensorTree {
    uint256 internal constant LEAF_ELEMENTS = 64;
    uint256 internal constant LEAF_BYTES = 4 * LEAF_ELEMENTS;

    /// @notice A list of tensors, and one of them.
    struct Place {
        bytes8 tag; // of the list's root
        bytes32 root;
        uint256 count; // tensors in the list
        uint256 index; // of the tensor
    }

    /// @notice Reverts unless the slice's leaves are those of the tensor at `place`.
    function check(Slice calldata slice, Place memory place) internal pure {
        checkTop(place, slice.elements, topOf(slice), slice.path);
    }

    /// @notice Reverts unless the tensor at `place` has this many elements and this top.
    function checkTop(Place memory place, uint256 elements, bytes32 top, bytes32[] calldata path) internal pure {
        bytes32 top_ = Merkle.climb(Tags.LIST_NODE, tensorRoot(elements, top), place.index, place.count, path);
        bytes32 root = listRoot(place.tag, place.count, top_);
        Check.sameRoot(root, place.root);
    }

    /// @notice Bits of an element, which must lie in the slice's leaves. They must have been checked.
    function read(Slice calldata slice, uint256 element) internal pure returns (uint32 bits) {
        Check.below(element, slice.elements);
        (bytes calldata leaves, uint64[] calldata runs) = (slice.leaves, slice.runs);
        uint256 leaf = element / LEAF_ELEMENTS;
        uint256 passed = 0;
        unchecked {
            for (uint256 i = 0; i < runs.length; ++i) {
                (uint256 first, uint256 count) = (runs[i] >> 32, uint32(runs[i]));
                if (leaf >= first && leaf < first + count) {
                    uint256 offset = (passed + leaf - first) * LEAF_BYTES + 4 * (element % LEAF_ELEMENTS);
                    assembly ("memory-safe") {
                        bits := shr(224, calldataload(add(leaves.offset, offset)))
                    }
                    return bits;
                }
                passed += count;
            }
        }
        revert ICourt.NotOpened(slice.tensor, element);
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

    /// @notice Top of the tensor's tree, from the slice's leaves and their siblings.
    /// @dev Runs must ascend, so that no leaf is given twice. Nothing can overflow: a run is two numbers of 32 bits.
    function topOf(Slice calldata slice) internal pure returns (bytes32) {
        (bytes calldata leaves, uint64[] calldata runs) = (slice.leaves, slice.runs);
        uint256 given = leaves.length / LEAF_BYTES;
        Check.equal(leaves.length, given * LEAF_BYTES);
        if (given == 1) return _topOverOne(slice, leaves, runs);
        uint256[] memory places = new uint256[](given);
        bytes32[] memory hashes = new bytes32[](given);
        uint256 filled = 0;
        uint256 free = 0; // first place that the next run may begin at
        unchecked {
            for (uint256 i = 0; i < runs.length; ++i) {
                uint256 place = runs[i] >> 32;
                Check.below(free, place + 1);
                free = place + uint32(runs[i]);
                for (; place < free; ++place) {
                    places[filled] = place;
                    hashes[filled] = leafHash(leaves, filled);
                    ++filled;
                }
            }
        }
        Check.equal(filled, given);
        return Merkle.rise(Tags.TENSOR_NODE, places, hashes, leavesOf(slice.elements), slice.nodes);
    }

    /// @dev The common case, at half the gas.
    function _topOverOne(Slice calldata slice, bytes calldata leaves, uint64[] calldata runs)
        private
        pure
        returns (bytes32)
    {
        Check.equal(runs.length, 1);
        uint256 run = runs[0];
        Check.equal(uint32(run), 1);
        bytes32 hash = leafHash(leaves, 0);
        return Merkle.climb(Tags.TENSOR_NODE, hash, run >> 32, leavesOf(slice.elements), slice.nodes);
    }

    /// @notice Hash of leaf number `i` of `leaves`.
    /// @dev In assembly for the same reason as Merkle.node: one place behind the free memory pointer serves all leaves.
    function leafHash(bytes calldata leaves, uint256 i) internal pure returns (bytes32 hash) {
        bytes8 tag = Tags.TENSOR_LEAF;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, tag)
            calldatacopy(add(free, 8), add(leaves.offset, mul(i, 256)), 256)
            hash := keccak256(free, 264)
        }
    }
}
