// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Check} from "./Check.sol";

/// @title Binary trees of tagged nodes: keccak256(tag, left, right).
/// @dev A level of odd length is padded with bytes32(0). The roots that use these trees hash the count of leaves, which
/// fixes the depth, so a node can never pass for a leaf. Mirror of pol_oracle/canonical/commitments/trees.py. In
/// assembly, since a proof hashes hundreds of nodes: 200 gas each instead of a thousand.
library Merkle {
    /// @notice Top of a tree of `count` leaves that has `hash` at position `index` of its bottom level. `path` are the
    /// siblings, 32 bytes each. Those that do not exist are not given but taken for bytes32(0): so a tree padded with
    /// anything else cannot be opened.
    function climb(bytes8 tag, bytes32 hash, uint256 index, uint256 count, bytes calldata path)
        internal
        pure
        returns (bytes32 top_)
    {
        Check.below(index, count);
        (uint256 next, uint256 end) = bounds(path);
        (top_, next) = _climb(tag, hash, index, count, next);
        Check.equal(next, end);
    }

    /// @notice Top of a tree of `width` leaves of which some are known: pairs of a place and a hash, ascending, which
    /// lie in memory from `start` to `end`, and are overwritten. The siblings that are not known lie in the calldata
    /// from `next` on, level by level from below, from left to right; the caller must see to it that they end where
    /// they should.
    function rise(bytes8 tag, uint256 start, uint256 end, uint256 width, uint256 next)
        internal
        pure
        returns (bytes32 top_, uint256 next_)
    {
        Check.below(start, end);
        uint256 place;
        bytes32 hash;
        assembly ("memory-safe") {
            place := mload(sub(end, 64))
        }
        Check.below(place, width); // the greatest
        (width, next) = _parents(tag, start, end, width, next);
        assembly ("memory-safe") {
            place := mload(start)
            hash := mload(add(start, 32))
        }
        return _climb(tag, hash, place, width, next);
    }

    /// @notice Hash of a leaf: keccak256(tag, content).
    function leaf(bytes8 tag, bytes calldata content) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, tag)
            calldatacopy(add(free, 8), content.offset, content.length)
            hash := keccak256(free, add(content.length, 8))
        }
    }

    /// @notice Root that hashes a count of 64 bits beside the top: keccak256(tag, count, top).
    function counted(bytes8 tag, uint256 count, bytes32 top_) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, or(tag, shl(128, count)))
            mstore(add(free, 16), top_)
            hash := keccak256(free, 48)
        }
    }

    /// @notice Where some bytes of the calldata begin, and where they end.
    function bounds(bytes calldata data) internal pure returns (uint256 start, uint256 end) {
        assembly ("memory-safe") {
            start := data.offset
            end := add(start, data.length)
        }
    }

    /// @dev From one node to the top; siblings are read from the calldata at `next`.
    function _climb(bytes8 tag, bytes32 hash, uint256 place, uint256 width, uint256 next)
        private
        pure
        returns (bytes32 top_, uint256 next_)
    {
        assembly ("memory-safe") {
            // tag ‖ left ‖ right, 72 bytes, lie behind the free memory pointer, which stays where it is
            let node := mload(0x40)
            mstore(node, tag)
            let left := add(node, 8)
            let right := add(node, 40)
            for { let last := sub(width, 1) } last { last := shr(1, last) } {
                let sibling := 0
                if iszero(gt(or(place, 1), last)) {
                    // there is one: only the last place of an odd level has none
                    sibling := calldataload(next)
                    next := add(next, 32)
                }
                let side := shl(5, and(place, 1)) // 32 bytes further right for a right child
                mstore(add(left, side), hash)
                mstore(sub(right, side), sibling)
                hash := keccak256(node, 72)
                place := shr(1, place)
            }
            top_ := hash
            next_ := next
        }
    }

    /// @dev Puts the parents of the pairs in their place, until only one is left; `width` is then that of its level.
    function _parents(bytes8 tag, uint256 start, uint256 end, uint256 width, uint256 next)
        private
        pure
        returns (uint256 width_, uint256 next_)
    {
        assembly ("memory-safe") {
            // tag ‖ left ‖ right, 72 bytes, lie behind the free memory pointer, which stays where it is
            let node := mload(0x40)
            mstore(node, tag)
            let left := add(node, 8)
            let right := add(node, 40)
            let last := sub(width, 1)
            for {} gt(sub(end, start), 64) { last := shr(1, last) } {
                let parent := start
                for { let child := start } lt(child, end) { parent := add(parent, 64) } {
                    let place := mload(child)
                    let hash := mload(add(child, 32))
                    child := add(child, 64)
                    switch and(place, 1)
                    case 1 {
                        // a right child without its left one: that is given
                        mstore(left, calldataload(next))
                        next := add(next, 32)
                    }
                    default {
                        mstore(left, hash)
                        hash := 0
                        switch and(eq(mload(child), add(place, 1)), lt(child, end))
                        case 1 {
                            // both are known
                            hash := mload(add(child, 32))
                            child := add(child, 64)
                        }
                        default {
                            // the right one is given, if there is one
                            if lt(place, last) {
                                hash := calldataload(next)
                                next := add(next, 32)
                            }
                        }
                    }
                    mstore(right, hash)
                    mstore(parent, shr(1, place))
                    mstore(add(parent, 32), keccak256(node, 72))
                }
                end := parent
            }
            width_ := add(last, 1)
            next_ := next
        }
    }

    /// @notice Top of the tree over all of `hashes`, which are overwritten.
    function top(bytes8 tag, bytes32[] memory hashes) internal pure returns (bytes32 apex) {
        assembly ("memory-safe") {
            let node := mload(0x40)
            mstore(node, tag)
            let count := mload(hashes)
            hashes := add(hashes, 32)
            for {} gt(count, 1) { count := shr(1, add(count, 1)) } {
                let end := shl(5, count)
                for { let child := 0 } lt(child, end) { child := add(child, 64) } {
                    mstore(add(node, 8), mload(add(hashes, child)))
                    let sibling := 0
                    if lt(add(child, 32), end) { sibling := mload(add(hashes, add(child, 32))) }
                    mstore(add(node, 40), sibling)
                    mstore(add(hashes, shr(1, child)), keccak256(node, 72))
                }
            }
            apex := mload(hashes)
        }
    }
}
