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

    /// @dev Known nodes of one level of a tensor's tree, in ascending order; the arrays serve all levels.
    struct Level {
        uint256[] places;
        bytes32[] hashes;
        uint256 known; // how many
        uint256 width; // nodes of the level, known or not
        uint256 used; // siblings used so far
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
    function topOf(Slice calldata slice) internal pure returns (bytes32) {
        Level memory level = _leafLevel(slice);
        while (level.width > 1) _rise(level, slice.nodes);
        Check.equal(level.used, slice.nodes.length);
        return level.hashes[0];
    }

    /// @dev The slice's leaves. Runs must ascend, so that no leaf is given twice.
    function _leafLevel(Slice calldata slice) private pure returns (Level memory level) {
        uint256 given = slice.leaves.length / LEAF_BYTES;
        Check.equal(slice.leaves.length, given * LEAF_BYTES);
        Check.below(0, given);
        level = Level(new uint256[](given), new bytes32[](given), given, leavesOf(slice.elements), 0);
        uint256 filled = 0;
        uint256 free = 0; // first place that the next run may begin at
        for (uint256 i = 0; i < slice.runs.length; ++i) {
            uint256 first = slice.runs[i] >> 32;
            Check.below(free, first + 1);
            free = first + uint32(slice.runs[i]);
            for (uint256 place = first; place < free; ++place) {
                level.places[filled] = place;
                level.hashes[filled] = leafHash(slice.leaves, filled);
                ++filled;
            }
        }
        Check.equal(filled, given);
        Check.below(free, level.width + 1);
    }

    /// @dev From one level to the next: known nodes are paired with each other where they are neighbours, else with the
    /// next of `nodes`, or with bytes32(0) where there is no right sibling.
    function _rise(Level memory level, bytes32[] calldata nodes) private pure {
        (uint256[] memory places, bytes32[] memory hashes) = (level.places, level.hashes);
        uint256 known = level.known;
        uint256 next = 0;
        for (uint256 i = 0; i < known; ++next) {
            uint256 place = places[i];
            (bytes32 left, bytes32 right) = (hashes[i], bytes32(0));
            ++i;
            if (place & 1 == 1) (left, right) = (nodes[level.used++], left);
            else if (i < known && places[i] == place + 1) right = hashes[i++];
            else if (place + 1 < level.width) right = nodes[level.used++];
            places[next] = place >> 1;
            hashes[next] = Merkle.node(Tags.TENSOR_NODE, left, right);
        }
        level.known = next;
        level.width = (level.width + 1) / 2;
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
