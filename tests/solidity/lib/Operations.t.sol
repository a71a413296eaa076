// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Calculator, Elements} from "../../../contracts/Calculator.sol";
import {ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {Expressions} from "../../../contracts/lib/Expressions.sol";
import {Float32} from "../../../contracts/lib/Float32.sol";
import {Operations} from "../../../contracts/lib/Operations.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Operations on a tensor 5 whose element i is the float i, and what is refused.
contract OperationsTest is Fixture {
    bytes private constant NO_CODE = hex"0000";
    uint256 private constant TENSOR = 5;
    uint256 private constant ELEMENTS = 200;

    Calculator private calculator;

    function setUp() public override {
        calculator = new Calculator();
    }

    function test_size() public view {
        assertEq(calculator.size(abi.encodePacked(uint8(0), uint64(1 << 40))), 1 << 40, "input");
        assertEq(calculator.size(sum(3, 4, 1)), 3, "sum");
        assertEq(calculator.size(abi.encodePacked(uint8(4), uint8(2), uint32(6), uint32(7))), 42, "map");
    }

    function test_an_input_is_not_computed() public {
        vm.expectRevert(abi.encodeWithSelector(Operations.NotComputed.selector, 0));
        evaluate(abi.encodePacked(uint8(0), uint64(9)), 0);
        vm.expectRevert(abi.encodeWithSelector(Operations.NotComputed.selector, 7));
        evaluate(abi.encodePacked(uint8(7), uint8(1), uint32(9)), 0);
    }

    function test_elements_end() public {
        assertEq(evaluate(sum(3, 4, 1), 2), Float32.fromUint(8 + 9 + 10 + 11), "last");
        vm.expectRevert(abi.encodeWithSelector(Operations.NoSuchElement.selector, 3, 3));
        evaluate(sum(3, 4, 1), 3);
    }

    function test_strides() public {
        assertEq(evaluate(sum(3, 4, 0), 1), Float32.fromUint(16), "0");
        assertEq(evaluate(sum(3, 4, 7), 1), Float32.fromUint(4 + 11 + 18 + 25), "7");
        assertEq(evaluate(sum(3, 4, -1), 1), Float32.fromUint(4 + 3 + 2 + 1), "-1");
        vm.expectRevert(); // element -1
        evaluate(sum(3, 4, -1), 0);
    }

    /// Two rows of five, three apart: the chunks count over the whole reduction.
    function test_rows_with_gaps() public view {
        bytes memory shape = abi.encodePacked(uint8(1), uint32(1), uint8(2), uint32(2), uint32(5));
        bytes memory rows = abi.encodePacked(uint32(TENSOR), int32(10), int32(0), int32(8), int32(1));
        assertEq(evaluate(abi.encodePacked(uint8(3), shape, uint8(1), rows, NO_CODE), 0), Float32.fromUint(160), "sum");
        bytes memory dot = abi.encodePacked(uint8(2), shape, uint8(2), rows, rows, NO_CODE);
        assertEq(evaluate(dot, 0), Float32.fromUint(2740), "dot");
        bytes memory best = abi.encodePacked(shape, uint8(1), rows, NO_CODE);
        assertEq(evaluate(abi.encodePacked(uint8(5), best), 0), Float32.fromUint(22), "max");
        assertEq(evaluate(abi.encodePacked(uint8(6), best), 0), Float32.fromUint(9), "argmax");
    }

    function test_the_first_of_equals_and_a_tail() public view {
        bytes memory reduced = abi.encodePacked(uint32(TENSOR), int32(3), int32(0), int32(0));
        bytes memory other = abi.encodePacked(uint32(TENSOR), int32(0), int32(1));
        bytes memory shape = abi.encodePacked(uint8(1), uint32(9), uint8(1), uint32(4));
        // place of the maximum + other × coordinate
        bytes memory code = hex"000111002220";
        bytes memory descriptor = abi.encodePacked(uint8(6), shape, uint8(2), reduced, other, uint16(code.length), code);
        assertEq(evaluate(descriptor, 6), Float32.fromUint(36), "0 + 6 x 6");
    }

    function test_gather_pads_and_dilates() public view {
        // place c - 2, of every second one, of three: 0 0 a 0 b 0 c 0
        bytes memory axis = abi.encodePacked(int32(-2), uint32(2), uint32(3), uint32(10), int32(1));
        bytes memory descriptor = abi.encodePacked(uint8(1), uint8(1), uint32(9), uint32(TENSOR), uint8(1), axis);
        uint256[9] memory expected = [uint256(0), 0, 0, 0, 10, 0, 20, 0, 0];
        for (uint256 c = 0; c < 9; ++c) {
            assertEq(evaluate(descriptor, c), Float32.fromUint(expected[c]), "element");
        }
    }

    function test_what_is_not_opened_is_named() public {
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpened.selector, TENSOR, ELEMENTS));
        evaluate(sum(60, 4, 1), 50);
    }

    /// A line of terms may run from one run into the next.
    function test_runs_next_to_each_other() public view {
        Elements[] memory runs = new Elements[](3);
        runs[0] = Elements(TENSOR, 0, 6, 0);
        runs[1] = Elements(TENSOR, 6, ELEMENTS, 24);
        runs[2] = Elements(TENSOR + 1, 0, 6, 0);
        assertEq(calculator.evaluate(sum(3, 4, 1), 1, runs, floats()), Float32.fromUint(4 + 5 + 6 + 7), "sum");
        assertEq(calculator.evaluate(sum(3, 4, -2), 2, runs, floats()), Float32.fromUint(8 + 6 + 4 + 2), "down");
    }

    function test_data_must_be_there() public {
        Elements[] memory runs = new Elements[](1);
        runs[0] = Elements(TENSOR, 0, ELEMENTS, 4);
        vm.expectRevert(abi.encodeWithSelector(Calculator.WrongLength.selector, 4 * ELEMENTS, 4 * ELEMENTS + 4));
        calculator.evaluate(sum(3, 4, 1), 0, runs, floats());
    }

    function test_a_short_descriptor_is_refused_at_any_length() public {
        bytes memory whole = sum(3, 4, 1);
        for (uint256 length = 0; length < whole.length; ++length) {
            bytes memory part = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                part[i] = whole[i];
            }
            vm.expectRevert();
            evaluate(part, 0);
        }
    }

    function test_bad_code_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(Expressions.UnknownInstruction.selector, 0x41));
        evaluate(map(hex"000041"), 0);
        vm.expectRevert(); // an argument is missing
        evaluate(map(hex"0020"), 0);
        vm.expectRevert(); // an operand is missing
        evaluate(map(hex"01"), 0);
        vm.expectRevert(); // half a constant
        evaluate(map(hex"100000"), 0);
    }

    function evaluate(bytes memory descriptor, uint256 element) private view returns (uint256) {
        Elements[] memory runs = new Elements[](1);
        runs[0] = Elements(TENSOR, 0, ELEMENTS, 0);
        return calculator.evaluate(descriptor, element, runs, floats());
    }

    function floats() private pure returns (bytes memory packed) {
        for (uint256 i = 0; i < ELEMENTS; ++i) {
            packed = abi.encodePacked(packed, uint32(Float32.fromUint(i)));
        }
    }

    /// Sums of `terms` elements, `stride` apart; each starts `terms` after the one before.
    function sum(uint256 elements, uint256 terms, int256 stride) private pure returns (bytes memory) {
        bytes memory extents = abi.encodePacked(uint8(1), uint32(elements), uint8(1), uint32(terms));
        bytes memory view_ = abi.encodePacked(uint32(TENSOR), int32(0), int32(int256(terms)), int32(stride));
        return abi.encodePacked(uint8(3), extents, uint8(1), view_, NO_CODE);
    }

    function map(bytes memory code) private pure returns (bytes memory) {
        bytes memory extents = abi.encodePacked(uint8(1), uint32(4), uint8(0));
        bytes memory view_ = abi.encodePacked(uint32(TENSOR), int32(0), int32(1));
        return abi.encodePacked(uint8(4), extents, uint8(1), view_, uint16(code.length), code);
    }
}
