// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RuleSet} from "../Types.sol";
import {Tags} from "./Tags.sol";

/// @title From a seed to the requirements R and the batch P, and to a segment's batches; mirror of
/// pol_oracle/protocol/derivation.py.
/// @dev One generator serves all: keccak256(tag, seed, uint64 counter) gives eight big-endian uint32 words. A word at
/// or above the largest multiple of the bound is thrown away, so that no value is likelier than another; so is a value
/// whose identity was drawn before.
library Derivation {
    uint256 private constant WORD_RANGE = 1 << 32;
    uint256 private constant LEAF_WEIGHTS = 64;

    error CannotDraw(uint256 count, uint256 bound);

    /// @notice Seed of R and, under hardened rules, of P. The paper's rules bind only the parent.
    function seed(RuleSet rules, bytes32 taskId, bytes32 parent, address miner, uint64 nonce)
        internal
        pure
        returns (bytes32)
    {
        if (rules == RuleSet.Paper) (miner, nonce) = (address(0), 0);

        return keccak256(abi.encode(Tags.SEED, taskId, parent, miner, nonce));
    }

    /// @notice Seed of the batch of one step of the segment after a block.
    function segmentSeed(bytes32 taskId, bytes32 blockId, uint32 step) internal pure returns (bytes32) {
        return keccak256(abi.encode(Tags.SEGMENT, taskId, blockId, step));
    }

    /// @notice R as drawn: value v names eligible leaf v >> 1 (paper: weight), of whose masked weights an odd number
    /// must rise if v is even, else an even number.
    function requirements(bytes32 seed_, uint256 bits, uint256 eligibleCount) internal pure returns (uint32[] memory) {
        return draw(Tags.REQUIREMENTS, seed_, bits, 2 * eligibleCount, 1);
    }

    /// @notice Which weights of its leaf a requirement counts: bit i stands for weight i. The bytes of keccak256(tag,
    /// seed, uint32 requirement, uint32 counter) name them by their low six bits; the first `size` different ones
    /// count.
    function mask(bytes32 seed_, uint32 requirement, uint256 size) internal pure returns (uint64 found) {
        bytes8 tag = Tags.MASK;
        assembly ("memory-safe") {
            // tag ‖ seed ‖ number ‖ counter, 48 bytes, lie behind the free memory pointer, which stays where it is
            let content := mload(0x40)
            mstore(content, tag)
            mstore(add(content, 8), seed_)
            for { let last := shl(224, requirement) } size { last := add(last, shl(192, 1)) } {
                mstore(add(content, 40), last)
                let digest := keccak256(content, 48)
                // two at a time, the second one only if more are wanted
                for { let place := 0 } mul(size, lt(place, 32)) { place := add(place, 2) } {
                    let more := or(found, shl(and(byte(place, digest), 63), 1))
                    size := sub(size, gt(more, found)) // unless its bit was set
                    found := or(more, shl(and(byte(add(place, 1), digest), 63), gt(size, 0)))
                    size := sub(size, gt(found, more))
                }
            }
        }
    }

    /// @notice The leaf, within its tensor, and the mask over it, of a requirement whose eligible number lies at
    /// `place`.
    function within(RuleSet rules, uint256 place, uint64 mask_) internal pure returns (uint256 leaf, uint64 over) {
        if (rules == RuleSet.Hardened) return (place, mask_);
        return (place / LEAF_WEIGHTS, uint64(1) << uint64(place % LEAF_WEIGHTS));
    }

    /// @notice P: indices of the step's training samples, all different.
    function batch(bytes32 seed_, uint256 batchSize, uint256 trainCount) internal pure returns (uint32[] memory) {
        return draw(Tags.BATCH, seed_, batchSize, trainCount, 0);
    }

    /// @notice Reverts unless `count` values below `bound` with different `value >> shift` exist.
    function checkDrawable(uint256 count, uint256 bound, uint256 shift) internal pure {
        unchecked {
            require(bound > 0 && bound <= WORD_RANGE && count <= ((bound - 1) >> shift) + 1, CannotDraw(count, bound));
        }
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
        unchecked {
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
    }

    function _seen(uint32[] memory values, uint256 found, uint256 identity, uint256 shift) private pure returns (bool) {
        unchecked {
            for (uint256 i = 0; i < found; ++i) {
                if (values[i] >> shift == identity) return true;
            }
        }
        return false;
    }
}
