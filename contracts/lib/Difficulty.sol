// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Tags} from "./Tags.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Difficulty: what it demands of a block, and how it follows the chain's pace; mirror of
/// pol_oracle/protocol/difficulty.py, which says why the rules are these.
/// @dev Difficulties are in 1/1024 bit; b means such a number divided by 1024.
library Difficulty {
    uint256 internal constant BIT = 1024;
    uint256 internal constant MAX = 63 * BIT;

    uint256 private constant ONE = 1 << 16; // of the fixed point behind 2^x

    error DifficultyOutOfRange(uint256 difficulty, uint256 max);

    /// @notice Expected number of tries behind a block: 2^b, rounded down.
    function work(uint256 difficulty) internal pure returns (uint96) {
        require(difficulty <= MAX, DifficultyOutOfRange(difficulty, MAX));

        // forge-lint: disable-next-line(unsafe-typecast): at most 2**63
        return uint96((_power(difficulty % BIT) << wholeBits(difficulty)) / ONE);
    }

    /// @notice How many requirements every block must satisfy: floor(b).
    function wholeBits(uint256 difficulty) internal pure returns (uint256) {
        return difficulty / BIT;
    }

    /// @notice How many requirements a block must satisfy: floor(b), or one more.
    /// @param seed of its requirements.
    /// @param postRoot of W'. With the seed alone a miner would skip the nonces that need one more, for a hash each.
    function neededBits(uint256 difficulty, bytes32 seed, bytes32 postRoot) internal pure returns (uint256) {
        uint256 power = _power(difficulty % BIT);
        uint256 threshold = (power - ONE) * (1 << 65) / power;
        uint256 drawn = uint256(keccak256(abi.encodePacked(Tags.EXTRA, seed, postRoot))) >> 192;
        return wholeBits(difficulty) + (drawn < threshold ? 1 : 0);
    }

    /// @notice How many requirements a block may have to satisfy: ceil(b).
    function mostBits(uint256 difficulty) internal pure returns (uint256) {
        return Math.ceilDiv(difficulty, BIT);
    }

    /// @notice Difficulty of a block's children.
    /// @param difficulty the block's own.
    /// @param elapsed seconds of L1 from the parent's proposal to the block's.
    /// @param targetInterval in seconds; 0 keeps every block at its parent's difficulty.
    /// @param halfLife seconds of delay that make a block half as hard, which is the most; more than 0 unless
    /// targetInterval is.
    function retarget(
        uint256 difficulty,
        uint256 elapsed,
        uint256 targetInterval,
        uint256 halfLife,
        uint256 minimum,
        uint256 maximum
    ) internal pure returns (uint256) {
        if (targetInterval == 0) return difficulty;
        uint256 early = Math.saturatingSub(targetInterval + halfLife, elapsed);
        uint256 moved = Math.saturatingSub(difficulty + early * BIT / halfLife, BIT); // what a half-life gives
        return Math.min(Math.max(moved, minimum), maximum);
    }

    /// @dev 2^(fraction / 1024) in 16 binary places, for fractions below 1024: 65,536 .. 131,071. Nothing overflows.
    function _power(uint256 fraction) private pure returns (uint256) {
        unchecked {
            uint256 x = fraction * (ONE / BIT);
            return ONE + ((195766423245049 * x + 971821376 * x * x + 5127 * x * x * x + (1 << 47)) >> 48);
        }
    }
}
