// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Check} from "./Check.sol";

/// @title Binary trees of tagged nodes: keccak256(tag, left, right).
/// @dev A level of odd length is padded with bytes32(0). The roots that use these trees hash the count of leaves, which
/// fixes the depth, so a node can never pass for a leaf. Mirror of pol_oracle/canonical/trees.py.
library Merkle {
    /// @notice Hash of a node. The scratch space would be too short for 72 bytes, so they lie behind the free memory
    /// pointer, which stays: a proof hashes hundreds of nodes, and abi.encodePacked would grow memory with each.
    function node(bytes8 tag, bytes32 left, bytes32 right) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, tag)
            mstore(add(free, 8), left)
            mstore(add(free, 40), right)
            hash := keccak256(free, 72)
        }
    }

    /// @notice Top of a tree of `count` leaves that has `hash` at position `index` of its bottom level. The path holds
    /// the siblings that there are; the others are bytes32(0), so a tree padded with anything else cannot be opened.
    function climb(bytes8 tag, bytes32 hash, uint256 index, uint256 count, bytes32[] calldata path)
        internal
        pure
        returns (bytes32)
    {
        Check.below(index, count);
        uint256 used = 0;
        for (uint256 width = count; width > 1; width = (width + 1) / 2) {
            if (index & 1 == 1) hash = node(tag, path[used++], hash);
            else hash = node(tag, hash, index + 1 < width ? path[used++] : bytes32(0));
            index >>= 1;
        }
        Check.equal(used, path.length);
        return hash;
    }

    /// @notice Top of the tree over all of `hashes`, which are overwritten.
    function top(bytes8 tag, bytes32[] memory hashes) internal pure returns (bytes32) {
        uint256 count = hashes.length;
        for (; count > 1; count = (count + 1) / 2) {
            for (uint256 i = 0; i < count; i += 2) {
                hashes[i / 2] = node(tag, hashes[i], i + 1 < count ? hashes[i + 1] : bytes32(0));
            }
        }
        return hashes[0];
    }
}
