// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, Slice} from "../interfaces/ICourt.sol";
import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Tags} from "./Tags.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

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

    /// @notice Bits of an element, which must lie in the slice's leaves.
    function read(Slice calldata slice, uint256 element) internal pure returns (uint32) {
        Check.below(element, slice.elements);
        uint256 leaf = element / LEAF_ELEMENTS;
        uint256 passed = 0;
        for (uint256 i = 0; i < slice.runs.length; ++i) {
            (uint256 first, uint256 count) = (slice.runs[i] >> 32, uint32(slice.runs[i]));
            if (leaf >= first && leaf < first + count) {
                uint256 offset = (passed + leaf - first) * LEAF_BYTES + 4 * (element % LEAF_ELEMENTS);
                return uint32(bytes4(slice.leaves[offset:offset + 4]));
            }
            passed += count;
        }
        revert ICourt.NotOpened(slice.tensor, element);
    }

    function tensorRoot(uint256 elements, bytes32 top) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(Tags.TENSOR_ROOT, uint64(elements), top));
    }

    function listRoot(bytes8 tag, uint256 count, bytes32 top) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(tag, uint64(count), top));
    }

    /// @notice Leaves of a tensor.
    function leavesOf(uint256 elements) internal pure returns (uint256) {
        return Math.ceilDiv(elements, LEAF_ELEMENTS);
    }

    /// @notice Top of the tensor's tree, from the slice's leaves and their siblings.
    /// @dev Runs must ascend, so that no leaf is given twice.
    function topOf(Slice calldata slice) internal pure returns (bytes32) {
        uint256 given = slice.leaves.length / LEAF_BYTES;
        Check.equal(slice.leaves.length, given * LEAF_BYTES);
        uint256[] memory places = new uint256[](given);
        bytes32[] memory hashes = new bytes32[](given);
        uint256 filled = 0;
        uint256 free = 0; // first place that the next run may begin at
        for (uint256 i = 0; i < slice.runs.length; ++i) {
            uint256 place = slice.runs[i] >> 32;
            Check.below(free, place + 1);
            free = place + uint32(slice.runs[i]);
            for (; place < free; ++place) {
                places[filled] = place;
                hashes[filled] = leafHash(slice.leaves, filled);
                ++filled;
            }
        }
        Check.equal(filled, given);
        return Merkle.rise(Tags.TENSOR_NODE, places, hashes, leavesOf(slice.elements), slice.nodes);
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
