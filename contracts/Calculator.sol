// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Expressions} from "./lib/Expressions.sol";
import {Operands, Run} from "./lib/Operands.sol";
import {Operations} from "./lib/Operations.sol";

/// @notice Elements `first` to `end`, exclusive, of a tensor, at offset `data`.
struct Elements {
    uint256 tensor;
    uint256 first;
    uint256 end;
    uint256 data;
}

/// @title The court's arithmetic, for anyone to call. It has no state, and nothing depends on it.
/// @dev Floats are packed, 4 big-endian bytes each.
/// @custom:security-contact SECURITY.md of the repository
contract Calculator {
    error WrongLength(uint256 length, uint256 expected);

    /// @notice Carries out an instruction of one or two arguments, numbered as in docs/arithmetic.md, on each float of
    /// `a`, or on each and the one in the same place of `b`.
    function calculate(uint8 instruction, bytes calldata a, bytes calldata b)
        external
        pure
        returns (bytes memory results)
    {
        bool unary = Expressions.isUnary(instruction);
        require(a.length % 4 == 0, WrongLength(a.length, a.length & ~uint256(3)));
        require(b.length == (unary ? 0 : a.length), WrongLength(b.length, unary ? 0 : a.length));

        results = new bytes(a.length);
        for (uint256 i = 0; i < a.length; i += 4) {
            uint256 x = uint32(bytes4(a[i:i + 4]));
            uint256 result = unary
                ? Expressions.unary(instruction, x)
                : Expressions.binary(instruction, x, uint32(bytes4(b[i:i + 4])));
            assembly ("memory-safe") {
                let word := add(add(results, 4), i) // ends with this float
                mstore(word, or(mload(word), result)) // which is zero so far
            }
        }
    }

    /// @notice One element of an operation, from opened elements of its operands.
    /// @param given Ascending by tensor and first element.
    function evaluate(bytes calldata descriptor, uint256 element, Elements[] memory given, bytes calldata data)
        external
        pure
        returns (uint256 bits)
    {
        uint256 start;
        assembly ("memory-safe") {
            start := data.offset
        }
        Run[] memory runs = new Run[](given.length);
        for (uint256 i = 0; i < runs.length; ++i) {
            Elements memory some = given[i];
            uint256 end = some.data + 4 * (some.end - some.first);
            require(end <= data.length, WrongLength(data.length, end));

            runs[i] = Operands.run(some.tensor, some.first, some.end, start + some.data);
        }
        return Operations.evaluate(descriptor, element, runs);
    }

    /// @notice Elements of the tensor that an operation writes.
    function size(bytes calldata descriptor) external pure returns (uint256) {
        return Operations.size(descriptor);
    }
}
