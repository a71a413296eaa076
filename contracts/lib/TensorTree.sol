// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, Opening} from "../interfaces/ICourt.sol";
import {Tags} from "./Tags.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Openings of states: Merkle trees of tensors, which are Merkle trees of leaves of 64 binary32.
/// @dev A level of odd length is padded with bytes32(0). The counts are hashed into the roots and fix the depths, so a
/// node can never pass for a leaf. Mirror of pol_oracle/canonical/trees.py.
library TensorTree {
    uint256 internal constant LEAF_ELEMENTS = 64;
    uint256 internal constant LEAF_BYTES = 4 * LEAF_ELEMENTS;

    /// @notice Bits of element `element` of tensor `tensor`, and the state root that they belong to.
    function open(Opening calldata opening, uint256 tensor, uint256 element)
        internal
        pure
        returns (bytes32 root, uint32 bits)
    {
        require(element < opening.elements, ICourt.BadOpening(element, opening.elements));
        require(tensor < opening.tensors, ICourt.BadOpening(tensor, opening.tensors));
        require(opening.leaf.length == LEAF_BYTES, ICourt.BadOpening(opening.leaf.length, LEAF_BYTES));

        bytes32 node = tensorRoot(opening, element / LEAF_ELEMENTS);
        _checkDepth(opening.statePath, opening.tensors);
        node = climb(Tags.LIST_NODE, node, tensor, opening.statePath);
        root = keccak256(abi.encodePacked(Tags.STATE_ROOT, opening.tensors, node));

        uint256 offset = 4 * (element % LEAF_ELEMENTS);
        bits = uint32(bytes4(opening.leaf[offset:offset + 4]));
    }

    /// @notice Root of the tensor whose leaf number `leafIndex` is opened.
    function tensorRoot(Opening calldata opening, uint256 leafIndex) internal pure returns (bytes32) {
        _checkDepth(opening.tensorPath, Math.ceilDiv(opening.elements, LEAF_ELEMENTS));
        bytes32 node = keccak256(abi.encodePacked(Tags.TENSOR_LEAF, opening.leaf));
        node = climb(Tags.TENSOR_NODE, node, leafIndex, opening.tensorPath);
        return keccak256(abi.encodePacked(Tags.TENSOR_ROOT, opening.elements, node));
    }

    /// @notice Top of a tree that has `node` at position `index` of its bottom level.
    function climb(bytes8 tag, bytes32 node, uint256 index, bytes32[] calldata path) internal pure returns (bytes32) {
        for (uint256 level = 0; level < path.length; ++level) {
            node = (index >> level) & 1 == 0
                ? keccak256(abi.encodePacked(tag, node, path[level]))
                : keccak256(abi.encodePacked(tag, path[level], node));
        }
        return node;
    }

    function _checkDepth(bytes32[] calldata path, uint256 leaves) private pure {
        uint256 depth = Math.log2(leaves, Math.Rounding.Ceil);
        require(path.length == depth, ICourt.BadOpening(path.length, depth));
    }
}
