// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RuleSet} from "../Types.sol";
import {Operands, Run} from "./Operands.sol";

/// @title Comparing binary32 weights; mirror of `satisfies` in pol_oracle/protocol/rules.py.
/// @dev Arithmetic is absent: only the order of two bit patterns is needed.
library Weights {
    uint32 private constant MAGNITUDE = 0x7fffffff;
    uint32 private constant INFINITY = 0x7f800000;
    uint256 private constant LEAF_WEIGHTS = 64;

    /// @notice Whether a requirement is met: whether the number of its weights that strictly rose is odd, or even. A NaN or
    /// an infinity never satisfies, and -0 equals +0, so a change of sign of zero is no movement. By the paper's rules
    /// weights of which none moved pass.
    function satisfies(RuleSet rules, uint32[] memory before, uint32[] memory afterwards, bool odd)
        internal
        pure
        returns (bool)
    {
        bool moved = false;
        bool rises = false; // an odd number of times
        for (uint256 i = 0; i < before.length; ++i) {
            if (!isFinite(before[i]) || !isFinite(afterwards[i])) return false;
            (int256 from, int256 to) = (order(before[i]), order(afterwards[i]));
            if (to != from) moved = true;
            if (to > from) rises = !rises;
        }
        if (!moved && rules == RuleSet.Paper) return true;
        return rises == odd;
    }

    /// @notice The opened weights of a leaf that a mask names: bit i stands for weight i.
    function masked(Run[] memory runs, uint256 tensor, uint256 leaf, uint64 mask)
        internal
        pure
        returns (uint32[] memory some)
    {
        some = new uint32[](LEAF_WEIGHTS);
        uint256 count = 0;
        for (uint256 i = 0; i < LEAF_WEIGHTS; ++i) {
            if ((mask >> i) & 1 == 1) some[count++] = uint32(Operands.read(runs, tensor, LEAF_WEIGHTS * leaf + i));
        }
        assembly ("memory-safe") {
            mstore(some, count)
        }
    }

    function isFinite(uint32 bits) internal pure returns (bool) {
        return bits & MAGNITUDE < INFINITY;
    }

    /// @notice An integer that orders as the finite number does. Binary32 is sign and magnitude.
    function order(uint32 bits) internal pure returns (int256) {
        int256 magnitude = int256(uint256(bits & MAGNITUDE));
        return bits > MAGNITUDE ? -magnitude : magnitude;
    }
}
