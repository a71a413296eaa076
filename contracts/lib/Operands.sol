// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Elements `first` to `end`, exclusive, of a tensor lie at offset `data` of the calldata, 4 big-endian bytes each.
struct Run {
    uint256 tensor;
    uint256 first;
    uint256 end;
    uint256 data;
}

/// @title Reading opened elements of tensors.
/// @dev Whoever makes a run vouches that its data lie within the calldata: what is read beyond would be zero.
library Operands {
    error NotOpened(uint256 tensor, uint256 element);

    /// @notice Bits of one element.
    function read(Run[] memory runs, uint256 tensor, uint256 element) internal pure returns (uint256 bits) {
        Run memory run = _covering(runs, tensor, element);
        uint256 data = run.data + 4 * (element - run.first);
        assembly ("memory-safe") {
            bits := shr(224, calldataload(data))
        }
    }

    /// @notice Copies `count` neighbouring elements into packed words, from term number `place` on.
    function copy(
        Run[] memory runs,
        uint256 tensor,
        uint256 element,
        uint256 count,
        uint256[] memory words,
        uint256 place
    ) internal pure {
        while (count > 0) {
            Run memory run = _covering(runs, tensor, element);
            uint256 some = run.end - element < count ? run.end - element : count;
            uint256 data = run.data + 4 * (element - run.first);
            assembly ("memory-safe") {
                calldatacopy(add(add(words, 32), shl(2, place)), data, shl(2, some))
            }
            element += some;
            place += some;
            count -= some;
        }
    }

    /// @notice A term of packed words: eight to a word, the first in the highest bits.
    function term(uint256[] memory words, uint256 index) internal pure returns (uint256 bits) {
        return uint32(words[index / 8] >> (224 - 32 * (index % 8)));
    }

    function _covering(Run[] memory runs, uint256 tensor, uint256 element) private pure returns (Run memory) {
        for (uint256 i = 0; i < runs.length; ++i) {
            Run memory run = runs[i];
            if (run.tensor == tensor && run.first <= element && element < run.end) return run;
        }
        revert NotOpened(tensor, element);
    }
}
