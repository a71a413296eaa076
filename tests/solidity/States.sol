// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Tags} from "../../contracts/lib/Tags.sol";

/// @notice Builds the trees that lib/TensorTree.sol opens: a second, plain implementation.
library States {
    function root(uint32[][] memory tensors) internal pure returns (bytes32) {
        bytes32[][] memory rows = levels(Tags.LIST_NODE, tensorRoots(tensors));
        return keccak256(abi.encodePacked(Tags.STATE_ROOT, uint64(tensors.length), rows[rows.length - 1][0]));
    }

    function tensorRoots(uint32[][] memory tensors) internal pure returns (bytes32[] memory roots) {
        roots = new bytes32[](tensors.length);
        for (uint256 i = 0; i < tensors.length; ++i) {
            bytes32[][] memory rows = levels(Tags.TENSOR_NODE, leaves(tensors[i]));
            bytes32 top = rows[rows.length - 1][0];
            roots[i] = keccak256(abi.encodePacked(Tags.TENSOR_ROOT, uint64(tensors[i].length), top));
        }
    }

    function leaves(uint32[] memory values) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[]((values.length + 63) / 64);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encodePacked(Tags.TENSOR_LEAF, leaf(values, i)));
        }
    }

    function leaf(uint32[] memory values, uint256 index) internal pure returns (bytes memory data) {
        data = new bytes(256 + 32); // each value is written with zeros behind it
        for (uint256 i = 0; i < 64 && 64 * index + i < values.length; ++i) {
            uint256 value = values[64 * index + i];
            assembly ("memory-safe") {
                mstore(add(add(data, 32), mul(4, i)), shl(224, value))
            }
        }
        assembly ("memory-safe") {
            mstore(data, 256)
        }
    }

    function levels(bytes8 tag, bytes32[] memory bottom) internal pure returns (bytes32[][] memory rows) {
        uint256 depth = 0;
        while ((1 << depth) < bottom.length) ++depth;
        rows = new bytes32[][](depth + 1);
        rows[0] = bottom;
        for (uint256 d = 0; d < depth; ++d) {
            rows[d + 1] = new bytes32[]((rows[d].length + 1) / 2);
            for (uint256 i = 0; i < rows[d + 1].length; ++i) {
                bytes32 right = 2 * i + 1 < rows[d].length ? rows[d][2 * i + 1] : bytes32(0);
                rows[d + 1][i] = keccak256(abi.encodePacked(tag, rows[d][2 * i], right));
            }
        }
    }

    function path(bytes32[][] memory rows, uint256 index) internal pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](rows.length - 1);
        for (uint256 d = 0; d < siblings.length; ++d) {
            uint256 sibling = (index >> d) ^ 1;
            if (sibling < rows[d].length) siblings[d] = rows[d][sibling];
        }
    }
}
