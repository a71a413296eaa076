// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RuleSet} from "../Types.sol";
import {Tags} from "./Tags.sol";

/// @title From a seed to the requirements R and the batch P; mirror of pol_oracle/protocol/derivation.py.
/// @dev One generator serves both: keccak256(tag, seed, uint64 counter) gives eight big-endian uint32 words. A word at
/// or above the largest multiple of the bound is thrown away, so that no value is likelier than another; so is a value
/// whose identity was drawn before.
library Derivation {
    uint256 private constant WORD_RANGE = 1 << 32;

    error CannotDraw(uint256 count, uint256 bound);

    /// @notice Seed of R and, under hardened rules, of P. The paper's rules bind only the parent.
    function seed(RuleSet rules, bytes32 taskId, bytes32 parent, address miner, bytes32 preRoot, uint64 nonce)
        internal
        pure
        returns (bytes32)
    {
        if (rules == RuleSet.Paper) (miner, preRoot, nonce) = (address(0), bytes32(0), 0);

        return keccak256(abi.encode(Tags.SEED, taskId, parent, miner, preRoot, nonce));
    }

    /// @notice R as drawn: value v names eligible weight v >> 1, which must go up if v is even, else down.
    function requirements(bytes32 seed_, uint256 bits, uint256 eligibleCount) internal pure returns (uint32[] memory) {
        return draw(Tags.REQUIREMENTS, seed_, bits, 2 * eligibleCount, 1);
    }

    /// @notice P: indices of the step's training samples, all different.
    function batch(bytes32 seed_, uint256 batchSize, uint256 trainCount) internal pure returns (uint32[] memory) {
        return draw(Tags.BATCH, seed_, batchSize, trainCount, 0);
    }

    /// @notice Reverts unless `count` values below `bound` with different `value >> shift` exist.
    function checkDrawable(uint256 count, uint256 bound, uint256 shift) internal pure {
        require(bound > 0 && bound <= WORD_RANGE && count <= ((bound - 1) >> shift) + 1, CannotDraw(count, bound));
    }

    /// @notice Draws `count` values uniformly from [0, bound), no two with the same `value >> shift`.
    function draw(bytes8 tag, bytes32 seed_, uint256 count, uint256 bound, uint256 shift)
        internal
        pure
        returns (uint32[] memory values)
    {
        checkDrawable(count, bound, shift);

        values = new uint32[](count);
        uint256 limit = WORD_RANGE - (WORD_RANGE % bound);
        uint256 found = 0;
        for (uint64 counter = 0; found < count; ++counter) {
            uint256 digest = uint256(keccak256(abi.encodePacked(tag, seed_, counter)));
            for (uint256 shift_ = 0; shift_ < 256 && found < count; shift_ += 32) {
                uint256 word = (digest << shift_) >> 224;
                if (word >= limit) continue;
                uint256 value = word % bound;
                if (_seen(values, found, value >> shift, shift)) continue;
                // forge-lint: disable-next-line(unsafe-typecast): value < bound <= 2**32
                values[found++] = uint32(value);
            }
        }
    }

    function _seen(uint32[] memory values, uint256 found, uint256 identity, uint256 shift) private pure returns (bool) {
        for (uint256 i = 0; i < found; ++i) {
            if (values[i] >> shift == identity) return true;
        }
        return false;
    }
}
