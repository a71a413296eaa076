// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Float32} from "./Float32.sol";

/// @title The postfix code of maps and tails; mirror of pol_oracle/canonical/expressions.py.
library Expressions {
    uint256 private constant OPERANDS = 0x06; // codes below push the operand of that number
    uint256 private constant CONSTANT = 0x10;
    uint256 private constant COORDINATE = 0x11;
    uint256 private constant ADD = 0x20;
    uint256 private constant SUB = 0x21;
    uint256 private constant MUL = 0x22;
    uint256 private constant DIV = 0x23;
    uint256 private constant SQRT = 0x24;
    uint256 private constant GREATER = 0x30;
    uint256 private constant EQUAL = 0x31;
    uint256 private constant SELECT = 0x32;
    uint256 private constant RELU = 0x33;
    uint256 private constant EXP = 0x40;

    error UnknownInstruction(uint256 code);

    /// @notice Value of an expression.
    /// @param place Coordinates of the element that is computed.
    function evaluate(bytes calldata code, uint256[] memory operands, uint256[] memory place)
        internal
        pure
        returns (uint256)
    {
        uint256[] memory stack = new uint256[](code.length); // no instruction pushes more than one value
        uint256 top = 0;
        for (uint256 i = 0; i < code.length; ++i) {
            uint256 instruction = uint8(code[i]);
            if (instruction < OPERANDS) {
                stack[top++] = operands[instruction];
            } else if (instruction == CONSTANT) {
                stack[top++] = uint32(bytes4(code[i + 1:i + 5]));
                i += 4;
            } else if (instruction == COORDINATE) {
                stack[top++] = Float32.fromUint(place[uint8(code[++i])]);
            } else if (instruction == SELECT) {
                top -= 2;
                stack[top - 1] = Float32.isZero(stack[top - 1]) ? stack[top + 1] : stack[top];
            } else if (isUnary(instruction)) {
                stack[top - 1] = unary(instruction, stack[top - 1]);
            } else {
                --top;
                stack[top - 1] = binary(instruction, stack[top - 1], stack[top]);
            }
        }
        return stack[0];
    }

    function isUnary(uint256 instruction) internal pure returns (bool) {
        return instruction == SQRT || instruction == RELU || instruction == EXP;
    }

    /// @notice One instruction of one argument.
    function unary(uint256 instruction, uint256 a) internal pure returns (uint256) {
        if (instruction == SQRT) return Float32.sqrt(a);
        if (instruction == RELU) return Float32.relu(a);
        return Float32.exp(a);
    }

    /// @notice One instruction of two arguments.
    function binary(uint256 instruction, uint256 a, uint256 b) internal pure returns (uint256) {
        if (instruction == ADD) return Float32.add(a, b);
        if (instruction == SUB) return Float32.sub(a, b);
        if (instruction == MUL) return Float32.mul(a, b);
        if (instruction == DIV) return Float32.div(a, b);
        if (instruction == GREATER) return Float32.gt(a, b) ? Float32.ONE : 0;
        if (instruction == EQUAL) return Float32.eq(a, b) ? Float32.ONE : 0;
        revert UnknownInstruction(instruction);
    }
}
