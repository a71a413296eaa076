// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RuleSet} from "../Types.sol";

/// @title Comparing binary32 weights; mirror of `satisfies` in pol_oracle/protocol/rules.py.
/// @dev Arithmetic is absent: only the order of two bit patterns is needed.
library Weights {
    uint32 private constant MAGNITUDE = 0x7fffffff;
    uint32 private constant INFINITY = 0x7f800000;

    /// @notice Whether a required weight moved its way. A NaN or an infinity never satisfies, and -0 equals +0, so a
    /// change of sign of zero is no movement.
    function satisfies(RuleSet rules, uint32 before, uint32 afterwards, bool up) internal pure returns (bool) {
        if (!isFinite(before) || !isFinite(afterwards)) return false;

        (int256 from, int256 to) = (order(before), order(afterwards));
        if (from == to) return rules == RuleSet.Paper;
        return up ? to > from : to < from;
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
