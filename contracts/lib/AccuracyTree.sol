// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SumNode} from "../interfaces/ICourt.sol";
import {Tags} from "./Tags.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The Merkle sum tree over the test set; mirror of pol_oracle/canonical/commitments/accuracy.py.
/// @dev A leaf holds two words of 256 bits: which samples W and W' classify correctly, the first sample in the most
/// significant bit, zeros beyond the last one. A node hashes its children and the sums below each. Where there is no
/// right child it is bytes32(0), with sums of 0.
library AccuracyTree {
    uint256 internal constant LEAF_SAMPLES = 256;

    function leavesOf(uint256 samples) internal pure returns (uint256) {
        return Math.ceilDiv(samples, LEAF_SAMPLES);
    }

    /// @notice Levels above the leaves.
    function depthOf(uint256 samples) internal pure returns (uint256) {
        return Math.log2(leavesOf(samples), Math.Rounding.Ceil);
    }

    /// @notice The leaf of two words, with what it really sums to.
    function leaf(bytes32[2] memory words) internal pure returns (SumNode memory) {
        return SumNode(keccak256(abi.encodePacked(Tags.EVAL_LEAF, words[0], words[1])), ones(words[0]), ones(words[1]));
    }

    /// @notice The parent of two nodes, with the sum of what they claim.
    function parent(SumNode memory left, SumNode memory right) internal pure returns (SumNode memory) {
        return SumNode(
            keccak256(
                abi.encodePacked(
                    Tags.EVAL_NODE, left.hash, left.before, left.afterwards, right.hash, right.before, right.afterwards
                )
            ),
            left.before + right.before,
            left.afterwards + right.afterwards
        );
    }

    /// @notice The root above a node. Its sums are those claimed if every sum on the way is right.
    function climb(SumNode memory node, uint256 index, SumNode[] calldata siblings)
        internal
        pure
        returns (SumNode memory)
    {
        for (uint256 level = 0; level < siblings.length; ++level) {
            SumNode memory sibling = siblings[level];
            node = (index >> level) & 1 == 0 ? parent(node, sibling) : parent(sibling, node);
        }
        return node;
    }

    /// @notice The root over all leaves.
    function rootOf(bytes32[2][] calldata words) internal pure returns (SumNode memory) {
        uint256 count = words.length;
        SumNode[] memory nodes = new SumNode[](count + 1);
        for (uint256 i = 0; i < count; ++i) {
            nodes[i] = leaf(words[i]);
        }
        for (; count > 1; count = (count + 1) / 2) {
            if (count & 1 == 1) nodes[count] = SumNode(bytes32(0), 0, 0);
            for (uint256 i = 0; i < count; i += 2) {
                nodes[i / 2] = parent(nodes[i], nodes[i + 1]);
            }
        }
        return nodes[0];
    }

    /// @notice Whether leaf number `index` sets a bit beyond the last sample.
    function beyond(bytes32[2] memory words, uint256 index, uint256 samples) internal pure returns (bool) {
        uint256 here = samples - index * LEAF_SAMPLES;
        if (here >= LEAF_SAMPLES) return false;
        return (uint256(words[0]) | uint256(words[1])) << here != 0;
    }

    /// @notice Set bits of a word: sums of ever wider parts of it, side by side. It costs the same for every word,
    /// since the bits of a whole test set must be counted in one transaction.
    function ones(bytes32 word) internal pure returns (uint32 count) {
        uint256 two = type(uint256).max / 3; // 0101...: every other bit
        uint256 four = type(uint256).max / 5; // 0011...: every other pair
        uint256 eight = type(uint256).max / 17;
        uint256 sixteen = type(uint256).max / 257;
        uint256 each = type(uint256).max / 65535; // 1 in every 16 bits
        unchecked {
            uint256 sums = uint256(word);
            sums = (sums & two) + ((sums >> 1) & two);
            sums = (sums & four) + ((sums >> 2) & four);
            sums = (sums & eight) + ((sums >> 4) & eight);
            sums = (sums & sixteen) + ((sums >> 8) & sixteen);
            // forge-lint: disable-next-line(unsafe-typecast): at most 256, in the uppermost of the 16 parts
            return uint32((sums * each) >> 240);
        }
    }
}
