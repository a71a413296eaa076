// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt} from "../interfaces/ICourt.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice Elements of a tensor that lie next to each other in the calldata, 4 big-endian bytes each: uint32 tensor ‖
/// uint64 first element ‖ uint64 end, exclusive ‖ uint96 offset in the calldata.
type Run is uint256;

/// @notice Elements of a tensor, `stride` apart.
struct Line {
    uint256 tensor;
    int256 start;
    int256 stride;
    uint256 count;
}

/// @title Reading opened elements of tensors.
/// @dev Whoever makes a run vouches that its data lie within the calldata: what is read beyond would be zero. In an
/// array runs ascend and do not overlap.
library Operands {
    using SafeCast for int256;

    function run(uint256 tensor, uint256 first, uint256 end, uint256 data) internal pure returns (Run) {
        return Run.wrap(tensor << 224 | first << 160 | end << 96 | data);
    }

    /// @notice Bits of one element.
    function read(Run[] memory runs, uint256 tensor, uint256 element) internal pure returns (uint256 bits) {
        uint256 data = locate(runs, tensor, element);
        assembly ("memory-safe") {
            bits := shr(224, calldataload(data))
        }
    }

    /// @notice Where in the calldata one element lies.
    function locate(Run[] memory runs, uint256 tensor, uint256 element) internal pure returns (uint256) {
        return _locate(_covering(runs, tensor, element), element);
    }

    /// @notice Copies the elements of a line into packed words, from term number `place` on.
    /// @dev Nothing overflows: whatever a descriptor says has 32 bits.
    function copy(Run[] memory runs, Line memory line, uint256[] memory words, uint256 place) internal pure {
        uint256 target;
        assembly ("memory-safe") {
            target := add(add(words, 32), shl(2, place))
        }
        unchecked {
            uint256 done = 0;
            while (done < line.count) {
                uint256 element = (line.start + line.stride * int256(done)).toUint256();
                Run covering = _covering(runs, line.tensor, element);
                uint256 some = _within(covering, element, line.stride, line.count - done);
                _copy(_locate(covering, element), line.stride, some, target + 4 * done);
                done += some;
            }
        }
    }

    /// @notice A term of packed words: eight to a word, the first in the highest bits.
    function term(uint256[] memory words, uint256 index) internal pure returns (uint256 bits) {
        return uint32(words[index / 8] >> (224 - 32 * (index % 8)));
    }

    /// @dev How many of `count` elements, from `element` on, lie within a run.
    function _within(Run run_, uint256 element, int256 stride, uint256 count) private pure returns (uint256) {
        unchecked {
            if (stride == 0) return count;
            uint256 room =
                stride > 0 ? (_end(run_) - 1 - element) / uint256(stride) : (element - _first(run_)) / uint256(-stride);
            return room < count ? room + 1 : count;
        }
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

    /// @dev The last run that does not begin later, if it reaches so far.
    function _covering(Run[] memory runs, uint256 tensor, uint256 element) private pure returns (Run covering) {
        uint256 last = (tensor << 64 | element) << 160 | type(uint160).max;
        assembly ("memory-safe") {
            let at := add(runs, shl(5, mload(runs)))
            for {} gt(at, runs) { at := sub(at, 32) } {
                covering := mload(at)
                if iszero(gt(covering, last)) { break }
            }
            covering := mul(covering, gt(at, runs))
        }
        bool found = Run.unwrap(covering) >> 224 == tensor && element < _end(covering);
        require(found, ICourt.NotOpened(tensor, element));
    }

    function _first(Run run_) private pure returns (uint256) {
        return uint64(Run.unwrap(run_) >> 160);
    }

    function _end(Run run_) private pure returns (uint256) {
        return uint64(Run.unwrap(run_) >> 96);
    }

    /// @dev Where in the calldata an element of the run lies.
    function _locate(Run run_, uint256 element) private pure returns (uint256) {
        unchecked {
            return uint96(Run.unwrap(run_)) + 4 * (element - _first(run_));
        }
    }
}
