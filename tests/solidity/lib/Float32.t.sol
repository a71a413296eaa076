// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Float32} from "../../../contracts/lib/Float32.sol";
import {Fixture} from "../fixtures/Fixture.sol";

/// @notice What binary32 must keep to; tests/court/test_arithmetic.py compares with numpy.
contract Float32Test is Fixture {
    uint256 private constant ONE = 0x3f800000;
    uint256 private constant TWO = 0x40000000;
    uint256 private constant MINUS_ZERO = 0x80000000;
    uint256 private constant LEAST = 0x00000001; // 2^-149
    uint256 private constant GREATEST = 0x7f7fffff;
    uint256 private constant INFINITY = 0x7f800000;
    uint256 private constant MINUS_INFINITY = 0xff800000;
    uint256 private constant NAN = 0x7fc00000;

    event GasOf(string what, uint256 gas);

    function setUp() public override {}

    function test_add() public pure {
        assertEq(Float32.add(0, MINUS_ZERO), 0, "0 + -0");
        assertEq(Float32.add(MINUS_ZERO, MINUS_ZERO), MINUS_ZERO, "-0 + -0");
        assertEq(Float32.add(ONE, 0xbf800000), 0, "1 - 1");
        assertEq(Float32.add(ONE, 0x33800000), ONE, "a tie goes to even, down");
        assertEq(Float32.add(0x3f800001, 0x33800000), 0x3f800002, "a tie goes to even, up");
        assertEq(Float32.add(ONE, 0x33800001), 0x3f800001, "above a tie");
        assertEq(Float32.add(ONE, 0xb3000000), ONE, "a tie below a power of two");
        assertEq(Float32.add(ONE, 0xb3000001), 0x3f7fffff, "beyond it");
        assertEq(Float32.add(0x007fffff, LEAST), 0x00800000, "subnormals carry");
        assertEq(Float32.add(GREATEST, 0x73000000), INFINITY, "overflow");
        assertEq(Float32.add(GREATEST, 0x72ffffff), GREATEST, "not yet");
        assertEq(Float32.add(INFINITY, MINUS_INFINITY), NAN, "infinities cancel");
        assertEq(Float32.sub(INFINITY, GREATEST), INFINITY, "infinity stays");
        assertEq(Float32.add(0xff800001, ONE), NAN, "any NaN");
    }

    function test_mul() public pure {
        assertEq(Float32.mul(MINUS_ZERO, ONE), MINUS_ZERO, "sign of 0");
        assertEq(Float32.mul(0x00800000, 0x3f000000), 0x00400000, "into the subnormals");
        assertEq(Float32.mul(LEAST, 0x3f000000), 0, "a tie below the least");
        assertEq(Float32.mul(LEAST, 0x3f000001), LEAST, "above it");
        assertEq(Float32.mul(LEAST, LEAST), 0, "far below");
        assertEq(Float32.mul(0x00ffffff, 0x3f000000), 0x00800000, "rounds up to the least normal");
        assertEq(Float32.mul(GREATEST, TWO), INFINITY, "overflow");
        assertEq(Float32.mul(0, MINUS_INFINITY), NAN, "0 times infinity");
        assertEq(Float32.mul(0xbf800000, INFINITY), MINUS_INFINITY, "-1 times infinity");
    }

    function test_div() public pure {
        assertEq(Float32.div(ONE, 0x40400000), 0x3eaaaaab, "1/3");
        assertEq(Float32.div(ONE, MINUS_ZERO), MINUS_INFINITY, "1 / -0");
        assertEq(Float32.div(0, MINUS_ZERO), NAN, "0 / 0");
        assertEq(Float32.div(INFINITY, INFINITY), NAN, "infinity / infinity");
        assertEq(Float32.div(ONE, MINUS_INFINITY), MINUS_ZERO, "1 / -infinity");
        assertEq(Float32.div(0x80800000, TWO), 0x80400000, "into the subnormals");
        assertEq(Float32.div(LEAST, GREATEST), 0, "underflow");
        assertEq(Float32.div(GREATEST, LEAST), INFINITY, "overflow");
    }

    function test_sqrt() public pure {
        assertEq(Float32.sqrt(0x40800000), TWO, "4");
        assertEq(Float32.sqrt(TWO), 0x3fb504f3, "2");
        assertEq(Float32.sqrt(LEAST), 0x1a3504f3, "2^-149");
        assertEq(Float32.sqrt(GREATEST), 0x5f7fffff, "greatest");
        assertEq(Float32.sqrt(MINUS_ZERO), MINUS_ZERO, "-0");
        assertEq(Float32.sqrt(INFINITY), INFINITY, "infinity");
        assertEq(Float32.sqrt(0xbf800000), NAN, "-1");
        assertEq(Float32.sqrt(NAN), NAN, "NaN");
    }

    function test_exp() public pure {
        assertEq(Float32.exp(0), ONE, "0");
        assertEq(Float32.exp(ONE), 0x402df854, "1");
        assertEq(Float32.exp(MINUS_INFINITY), Float32.exp(0xc2ae0000), "clamped at -87");
        assertEq(Float32.exp(GREATEST), Float32.exp(0x42b00000), "clamped at 88");
        assertEq(Float32.exp(NAN), NAN, "NaN");
    }

    function test_comparisons_and_relu() public pure {
        assertTrue(Float32.eq(0, MINUS_ZERO) && !Float32.gt(0, MINUS_ZERO), "zeros");
        assertTrue(Float32.gt(LEAST, MINUS_ZERO) && Float32.gt(0x80000001, 0xbf800000), "signs");
        assertTrue(!Float32.eq(NAN, NAN) && !Float32.gt(NAN, 0) && !Float32.gt(0, NAN), "NaN");
        assertTrue(Float32.isFinite(GREATEST) && !Float32.isFinite(INFINITY) && !Float32.isFinite(NAN), "finite");
        assertEq(Float32.relu(MINUS_ZERO), 0, "relu of -0");
        assertEq(Float32.relu(MINUS_INFINITY), 0, "relu of -infinity");
        assertEq(Float32.relu(0xffc00000), 0xffc00000, "relu of NaN");
        assertEq(Float32.relu(LEAST), LEAST, "relu of a positive number");
    }

    function test_integers_are_exact(uint24 value) public pure {
        uint256 bits = Float32.fromUint(value);
        (uint256 significand, int256 exponent) = Float32.split(bits);
        uint256 back = exponent < 0 ? significand >> uint256(-exponent) : significand << uint256(exponent);
        assertEq(back, value, "value");
    }

    function test_add_and_mul_commute(uint32 a, uint32 b) public pure {
        assertEq(Float32.add(a, b), Float32.add(b, a), "add");
        assertEq(Float32.mul(a, b), Float32.mul(b, a), "mul");
        assertTrue(!Float32.gt(a, b) || !Float32.gt(b, a), "gt");
    }

    function test_signs_are_symmetric(uint32 a, uint32 b) public pure {
        uint256 sum = Float32.add(a, b);
        if (sum != 0) same(Float32.add(a ^ 0x80000000, b ^ 0x80000000), sum ^ 0x80000000, "add"); // a - a is +0
        same(Float32.mul(a ^ 0x80000000, b), Float32.mul(a, b) ^ 0x80000000, "mul");
        same(Float32.div(a, b ^ 0x80000000), Float32.div(a, b) ^ 0x80000000, "div");
    }

    function test_neutral_operands(uint32 a) public pure {
        same(Float32.add(a, MINUS_ZERO), a, "a + -0");
        same(Float32.mul(a, ONE), a, "a x 1");
        same(Float32.div(a, ONE), a, "a / 1");
        same(Float32.add(a, a), Float32.mul(a, TWO), "a + a");
    }

    function test_addition_rounds_monotonically(uint32 a, uint32 b, uint32 c) public pure {
        if (!Float32.gt(a, b)) (a, b) = (b, a);
        assertTrue(!Float32.gt(Float32.add(b, c), Float32.add(a, c)), "order");
    }

    function test_gas() public {
        (uint256 a, uint256 b) = (0x3fa66666 + block.number, 0xbf99999a + block.number);
        uint256 gas = gasleft();
        Float32.add(a, b);
        emit GasOf("add", gas - gasleft());
        gas = gasleft();
        Float32.mul(a, b);
        emit GasOf("mul", gas - gasleft());
        gas = gasleft();
        Float32.div(a, b);
        emit GasOf("div", gas - gasleft());
        gas = gasleft();
        Float32.sqrt(a);
        emit GasOf("sqrt", gas - gasleft());
        gas = gasleft();
        Float32.exp(a);
        emit GasOf("exp", gas - gasleft());
    }

    function same(uint256 actual, uint256 expected, string memory what) private pure {
        bool nan = Float32.magnitude(actual) > INFINITY && Float32.magnitude(expected) > INFINITY;
        assertTrue(nan || actual == expected, what);
    }
}
