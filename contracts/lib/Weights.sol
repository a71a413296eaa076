// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RuleSet} from "../Types.sol";
import {Operands, Run} from "./Operands.sol";

/// @notice Some weights of a leaf: bit i of the mask, which is not zero, stands for the leaf's weight i.
struct Masked {
    uint256 tensor;
    uint256 leaf;
    uint64 mask;
}

/// @title Comparing binary32 weights; mirror of `satisfies` in pol_oracle/protocol/rules.py.
/// @dev Arithmetic is absent: only the order of two bit patterns is needed.
library Weights {
    uint32 private constant MAGNITUDE = 0x7fffffff;
    uint32 private constant INFINITY = 0x7f800000;
    uint256 private constant LEAF_WEIGHTS = 64;
    // in the uppermost 32 bits of a word
    uint256 private constant HIGHEST = 0x8000000000000000000000000000000000000000000000000000000000000000;
    uint256 private constant MAGNITUDES = 0x7fffffff00000000000000000000000000000000000000000000000000000000;
    uint256 private constant EXPONENT = 0x0080000000000000000000000000000000000000000000000000000000000000; // the lowest bit

    /// @notice Whether a requirement is met: whether the number of its weights that strictly rose is odd, or even. A
    /// NaN or an infinity never satisfies, and -0 equals +0, so a change of sign of zero is no movement. By the paper's
    /// rules weights of which none moved pass.
    /// @param runs opened leaves, of W and of W'
    /// @param beyond how much higher the tensors of W' are numbered than those of W
    function satisfies(RuleSet rules, Run[] memory runs, Masked memory weights, uint256 beyond, bool odd)
        internal
        pure
        returns (bool)
    {
        uint256 mask = weights.mask;
        uint256 last;
        assembly ("memory-safe") {
            last := sub(255, clz(mask))
        }
        uint256 before;
        uint256 afterwards;
        unchecked {
            // with the last one all are opened: runs begin with a leaf
            uint256 element = LEAF_WEIGHTS * weights.leaf + last;
            before = Operands.locate(runs, weights.tensor, element);
            afterwards = Operands.locate(runs, weights.tensor + beyond, element);
        }
        (bool finite, bool moved, bool rises) = _compare(before, afterwards, mask);
        if (!finite) return false;
        if (!moved && rules == RuleSet.Paper) return true;
        return rises == odd;
    }

    function isFinite(uint32 bits) internal pure returns (bool) {
        return bits & MAGNITUDE < INFINITY;
    }

    /// @dev Whether all weights are finite, whether any moved, and whether an odd number of them rose; from the last
    /// weight of the mask, which lies at these places, to the first. A weight is looked at as the uppermost 32 bits of
    /// a word. Binary32 is sign and magnitude: as two's complements finite numbers keep their order, and zeros are
    /// equal.
    function _compare(uint256 before, uint256 afterwards, uint256 mask)
        private
        pure
        returns (bool finite, bool moved, bool rises)
    {
        assembly ("memory-safe") {
            let skipped := shl(2, clz(mask))
            before := add(before, skipped) // where weight 255 would lie
            afterwards := add(afterwards, skipped)
            let exponents := 0 // one that is all ones carries into the uppermost bit
            let moves := 0
            for {} mask {} {
                let zeros := clz(mask)
                mask := xor(mask, shr(zeros, HIGHEST))
                let back := shl(2, zeros)
                let from := calldataload(sub(before, back))
                let to := calldataload(sub(afterwards, back))
                let sign := sar(255, from)
                from := and(from, MAGNITUDES)
                exponents := or(exponents, add(from, EXPONENT))
                from := sub(xor(from, sign), sign)
                sign := sar(255, to)
                to := and(to, MAGNITUDES)
                exponents := or(exponents, add(to, EXPONENT))
                to := sub(xor(to, sign), sign)
                moves := or(moves, xor(from, to))
                rises := xor(rises, sgt(to, from))
            }
            finite := lt(exponents, HIGHEST)
            moved := gt(moves, 0)
        }
    }
}
