// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a requirement may name: leaves of 64 weights or, under the paper's rules, single weights, both called
/// places; mirror of pol_oracle/protocol/eligible.py.
/// @dev A range is one word: tensor (uint32), start (uint64), run (uint32), stride (uint64), repeats (uint64), from the
/// most significant bits down. It names `repeats` runs of `run` places of a tensor, `stride` apart.
library Eligible {
    error NoSuchPlace(uint256 number, uint256 count);

    /// @notice What the task commits to.
    function hash(bytes32[] calldata ranges) internal pure returns (bytes32 hash_) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, ranges.offset, shl(5, ranges.length))
            hash_ := keccak256(free, shl(5, ranges.length))
        }
    }

    /// @notice Where eligible leaf or weight `number` lies in the state.
    function locate(bytes32[] calldata ranges, uint256 number) internal pure returns (uint256 tensor, uint256 place) {
        uint256 passed = 0;
        unchecked {
            // no field has more than 64 bits, and the rest is at least 0 while no range has held the number
            for (uint256 i = 0; i < ranges.length; ++i) {
                uint256 word;
                assembly ("memory-safe") {
                    word := calldataload(add(ranges.offset, shl(5, i)))
                }
                uint256 run = uint32(word >> 128);
                uint256 count = run * uint64(word);
                uint256 rest = number - passed;
                if (rest < count) {
                    uint256 start = uint64(word >> 160);
                    return (word >> 224, start + (rest / run) * uint64(word >> 64) + (rest % run));
                }
                passed += count;
            }
        }
        revert NoSuchPlace(number, passed);
    }
}
