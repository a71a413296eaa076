// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt} from "../interfaces/ICourt.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice Elements `first` to `end`, exclusive, of a tensor lie at offset `data` of the calldata, 4 big-endian bytes each.
struct Run {
    uint256 tensor;
    uint256 first;
    uint256 end;
    uint256 data;
}

/// @notice Elements of a tensor, `stride` apart.
struct Line {
    uint256 tensor;
    int256 start;
    int256 stride;
    uint256 count;
}

/// @title Reading opened elements of tensors.
/// @dev Whoever makes a run vouches that its data lie within the calldata: what is read beyond would be zero.
library Operands {
    using SafeCast for int256;

    /// @notice Bits of one element.
    function read(Run[] memory runs, uint256 tensor, uint256 element) internal pure returns (uint256 bits) {
        Run memory run = _covering(runs, tensor, element);
        uint256 data = run.data + 4 * (element - run.first);
        assembly ("memory-safe") {
            bits := shr(224, calldataload(data))
        }
    }

    /// @notice Copies the elements of a line into packed words, from term number `place` on.
    function copy(Run[] memory runs, Line memory line, uint256[] memory words, uint256 place) internal pure {
        uint256 target;
        assembly ("memory-safe") {
            target := add(add(words, 32), shl(2, place))
        }
        uint256 done = 0;
        while (done < line.count) {
            uint256 element = (line.start + line.stride * int256(done)).toUint256();
            Run memory run = _covering(runs, line.tensor, element);
            uint256 some = _within(run, element, line.stride, line.count - done);
            _copy(run.data + 4 * (element - run.first), line.stride, some, target + 4 * done);
            done += some;
        }
    }

    /// @notice A term of packed words: eight to a word, the first in the highest bits.
    function term(uint256[] memory words, uint256 index) internal pure returns (uint256 bits) {
        return uint32(words[index / 8] >> (224 - 32 * (index % 8)));
    }

    /// @dev How many of `count` elements, from `element` on, lie within a run.
    function _within(Run memory run, uint256 element, int256 stride, uint256 count) private pure returns (uint256) {
        if (stride == 0) return count;
        uint256 room = stride > 0 ? (run.end - 1 - element) / uint256(stride) : (element - run.first) / uint256(-stride);
        return room < count ? room + 1 : count;
    }

    /// @dev Copies `count` floats from the calldata, `stride` floats apart, into memory, next to each other.
    function _copy(uint256 data, int256 stride, uint256 count, uint256 target) private pure {
        assembly ("memory-safe") {
            switch stride
            case 1 { calldatacopy(target, data, shl(2, count)) }
            default {
                for { let end := add(target, shl(2, count)) } lt(target, end) { target := add(target, 4) } {
                    calldatacopy(target, data, 4)
                    data := add(data, shl(2, stride))
                }
            }
        }
    }

    function _covering(Run[] memory runs, uint256 tensor, uint256 element) private pure returns (Run memory) {
        for (uint256 i = 0; i < runs.length; ++i) {
            Run memory run = runs[i];
            if (run.tensor == tensor && run.first <= element && element < run.end) return run;
        }
        revert ICourt.NotOpened(tensor, element);
    }
}
