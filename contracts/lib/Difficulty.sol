// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Difficulty and work; mirror of pol_oracle/protocol/difficulty.py.
/// @dev Retargeting is absent: bits are fixed per deployment, and every block keeps the bits it was born with.
library Difficulty {
    uint256 internal constant MAX_BITS = 64;

    error DifficultyOutOfRange(uint256 bits, uint256 maxBits);

    /// @notice Expected number of tries behind a block of `bits` requirements.
    function work(uint256 bits) internal pure returns (uint96) {
        require(bits <= MAX_BITS, DifficultyOutOfRange(bits, MAX_BITS));

        return uint96(1 << bits);
    }
}
