// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DotProduct} from "./DotProduct.sol";
import {Expressions} from "./Expressions.sol";
import {Float32} from "./Float32.sol";
import {Line, Operands, Run} from "./Operands.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title One element of any operation, from its descriptor; mirror of pol_oracle/canonical/programs/reference.py.
/// @dev The task commits to the descriptors, so they are well-formed; reading beyond the end of one reverts. Which
/// descriptor it is that an element belongs to, and that the runs are what was committed, is for the caller to check.
library Operations {
    using SafeCast for int256;

    uint256 internal constant INPUT = 0; // a tensor that nothing computes: uint8 0 ‖ uint64 elements
    uint256 internal constant GATHER = 1;
    uint256 internal constant DOT = 2;
    uint256 internal constant SUM = 3;
    uint256 internal constant MAP = 4;
    uint256 internal constant MAX = 5;
    uint256 internal constant ARGMAX = 6;

    /// @dev How an operation reads a tensor, for one output element: where, and one stride per reduction dimension.
    struct View {
        uint256 tensor;
        int256 start;
        int256[] strides;
    }

    /// @dev All but a GATHER, decoded for one output element. The first `reduced` views are read over `reduction`.
    struct Reading {
        uint256 kind;
        uint256[] reduction;
        uint256 reduced;
        View[] views;
    }

    error NotComputed(uint256 kind);
    error NoSuchElement(uint256 element, uint256 size);

    function kind(bytes calldata descriptor) internal pure returns (uint256) {
        return uint8(descriptor[0]);
    }

    /// @notice Elements of the tensor.
    function size(bytes calldata descriptor) internal pure returns (uint256 elements) {
        if (kind(descriptor) == INPUT) return uint64(bytes8(descriptor[1:9]));

        (uint256[] memory shape,) = _extents(descriptor, 1);
        return _product(shape);
    }

    /// @notice Bits of one element, recomputed from what `runs` open of other tensors.
    function evaluate(bytes calldata descriptor, uint256 element, Run[] memory runs) internal pure returns (uint256) {
        uint256 kind_ = kind(descriptor);
        require(kind_ >= GATHER && kind_ <= ARGMAX, NotComputed(kind_));

        (uint256[] memory shape, uint256 cursor) = _extents(descriptor, 1);
        uint256[] memory place = _coordinates(element, shape);
        if (kind_ == GATHER) return _gather(descriptor, cursor, place, runs);

        (Reading memory reading, bytes calldata code) = _decode(descriptor, cursor, kind_, place);
        uint256[] memory operands = _operands(reading, runs);
        return code.length == 0 ? operands[0] : Expressions.evaluate(code, operands, place);
    }

    // -- kinds

    /// @dev uint32 source ‖ uint8 axes ‖ per axis: int32 base ‖ uint32 divisor ‖ uint32 size ‖ uint32 stride ‖ int32
    /// factors
    function _gather(bytes calldata descriptor, uint256 cursor, uint256[] memory place, Run[] memory runs)
        private
        pure
        returns (uint256)
    {
        uint256 source = _uint32(descriptor, cursor);
        uint256 axes = uint8(descriptor[cursor + 4]);
        uint256 element = 0;
        cursor += 5;
        descriptor[:cursor + axes * (16 + 4 * place.length)]; // reverts if that is beyond it
        for (uint256 i = 0; i < axes; ++i) {
            int256 position = _int32(descriptor, cursor) + _affine(descriptor, cursor + 16, place);
            int256 divisor = int256(_uint32(descriptor, cursor + 4));
            if (position < 0 || position % divisor != 0) return 0;

            uint256 coordinate = uint256(position / divisor);
            if (coordinate >= _uint32(descriptor, cursor + 8)) return 0;

            element += coordinate * _uint32(descriptor, cursor + 12);
            cursor += 16 + 4 * place.length;
        }
        return Operands.read(runs, source, element);
    }

    /// @dev The operands of an expression: the result of the reduction, if there is one, then what is not reduced.
    function _operands(Reading memory reading, Run[] memory runs) private pure returns (uint256[] memory operands) {
        uint256 results = reading.reduced == 0 ? 0 : 1;
        uint256 others = reading.views.length - reading.reduced;
        operands = new uint256[](results + others);
        if (results == 1) operands[0] = _reduce(reading, runs);
        for (uint256 i = 0; i < others; ++i) {
            View memory view_ = reading.views[reading.reduced + i];
            operands[results + i] = Operands.read(runs, view_.tensor, view_.start.toUint256());
        }
    }

    function _reduce(Reading memory reading, Run[] memory runs) private pure returns (uint256) {
        uint256[] memory terms = _terms(reading.views[0], reading.reduction, runs);
        if (reading.kind == DOT) return DotProduct.dot(terms, _terms(reading.views[1], reading.reduction, runs));
        if (reading.kind == SUM) return DotProduct.sum(terms);

        (uint256 greatest, uint256 place) = _greatest(terms, _product(reading.reduction));
        return reading.kind == MAX ? greatest : Float32.fromUint(place);
    }

    /// @dev The first term that no later one exceeds, and where it is.
    function _greatest(uint256[] memory terms, uint256 count) private pure returns (uint256 greatest, uint256 place) {
        greatest = Operands.term(terms, 0);
        for (uint256 k = 1; k < count; ++k) {
            uint256 bits = Operands.term(terms, k);
            if (Float32.gt(bits, greatest)) (greatest, place) = (bits, k);
        }
    }

    // -- reading over a reduction

    /// @dev All that a view reads, in order, packed for DotProduct.
    function _terms(View memory view_, uint256[] memory reduction, Run[] memory runs)
        private
        pure
        returns (uint256[] memory words)
    {
        uint256 count = _product(reduction);
        words = new uint256[]((count + 7) / 8);
        (uint256[] memory outer, uint256 inner, int256 stride) = _merge(reduction, view_.strides);
        Line memory line = Line(view_.tensor, 0, stride, inner);
        unchecked {
            for (uint256 k = 0; k < count; k += inner) {
                uint256[] memory place = _coordinates(k / inner, outer);
                int256 start = view_.start;
                for (uint256 i = 0; i < place.length; ++i) {
                    start += view_.strides[i] * int256(place[i]);
                }
                line.start = start;
                Operands.copy(runs, line, words, k);
            }
        }
    }

    /// @dev Takes as many of the last dimensions together as lie behind one another at one stride.
    function _merge(uint256[] memory extents, int256[] memory strides)
        private
        pure
        returns (uint256[] memory outer, uint256 inner, int256 stride)
    {
        uint256 rank = extents.length;
        inner = 1;
        stride = 1;
        while (rank > 0 && (inner == 1 || extents[rank - 1] == 1 || strides[rank - 1] == stride * int256(inner))) {
            --rank;
            if (extents[rank] == 1) continue;
            if (inner == 1) stride = strides[rank];
            inner *= extents[rank];
        }
        outer = new uint256[](rank);
        for (uint256 i = 0; i < rank; ++i) {
            outer[i] = extents[i];
        }
    }

    // -- decoding; all integers are big-endian

    /// @dev uint8 count ‖ uint32 extents
    function _extents(bytes calldata descriptor, uint256 cursor)
        private
        pure
        returns (uint256[] memory extents, uint256 end)
    {
        extents = new uint256[](uint8(descriptor[cursor]));
        end = cursor + 1;
        unchecked {
            for (uint256 i = 0; i < extents.length; ++i) {
                extents[i] = _uint32(descriptor, end);
                end += 4;
            }
        }
        descriptor[:end]; // reverts if that is beyond it
    }

    /// @dev uint8 rank ‖ uint32 reduction ‖ views ‖ uint16 length ‖ code
    function _decode(bytes calldata descriptor, uint256 cursor, uint256 kind_, uint256[] memory place)
        private
        pure
        returns (Reading memory reading, bytes calldata code)
    {
        reading.kind = kind_;
        reading.reduced = kind_ == MAP ? 0 : kind_ == DOT ? 2 : 1;
        (reading.reduction, cursor) = _extents(descriptor, cursor);
        (reading.views, cursor) = _views(descriptor, cursor, place, reading.reduced, reading.reduction.length);
        uint256 length = uint16(bytes2(descriptor[cursor:cursor + 2]));
        code = descriptor[cursor + 2:cursor + 2 + length];
    }

    /// @dev uint8 count ‖ per view: uint32 tensor ‖ int32 offset ‖ int32 output strides ‖ int32 reduction strides,
    /// which only the first `reduced` have
    function _views(bytes calldata descriptor, uint256 cursor, uint256[] memory place, uint256 reduced, uint256 rank)
        private
        pure
        returns (View[] memory views, uint256 end)
    {
        views = new View[](uint8(descriptor[cursor]));
        end = cursor + 1;
        for (uint256 i = 0; i < views.length; ++i) {
            views[i].tensor = _uint32(descriptor, end);
            views[i].start = _int32(descriptor, end + 4) + _affine(descriptor, end + 8, place);
            end += 8 + 4 * place.length;
            if (i >= reduced) continue;

            int256[] memory strides = new int256[](rank);
            unchecked {
                for (uint256 j = 0; j < rank; ++j) {
                    strides[j] = _int32(descriptor, end);
                    end += 4;
                }
            }
            views[i].strides = strides;
        }
    }

    /// @dev Sum of the coordinates, each times the int32 that stands for it.
    function _affine(bytes calldata descriptor, uint256 cursor, uint256[] memory place)
        private
        pure
        returns (int256 result)
    {
        assembly ("memory-safe") {
            let factor := add(descriptor.offset, cursor)
            for { let left := mload(place) } left { left := sub(left, 1) } {
                place := add(place, 32)
                result := add(result, mul(sar(224, calldataload(factor)), mload(place)))
                factor := add(factor, 4)
            }
        }
    }

    /// @dev Not checked here: every decoder ends with a slice up to where it has read.
    function _uint32(bytes calldata descriptor, uint256 cursor) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(224, calldataload(add(descriptor.offset, cursor)))
        }
    }

    function _int32(bytes calldata descriptor, uint256 cursor) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(224, calldataload(add(descriptor.offset, cursor)))
        }
    }

    // -- indices

    /// @dev Coordinates of a flat element of a row-major tensor.
    function _coordinates(uint256 element, uint256[] memory shape) private pure returns (uint256[] memory place) {
        place = new uint256[](shape.length);
        uint256 rest = element;
        unchecked {
            for (uint256 i = shape.length; i > 0;) {
                uint256 extent = shape[--i];
                place[i] = rest % extent;
                rest /= extent;
            }
        }
        require(rest == 0, NoSuchElement(element, _product(shape)));
    }

    function _product(uint256[] memory factors) private pure returns (uint256 product) {
        product = 1;
        unchecked {
            for (uint256 i = 0; i < factors.length; ++i) {
                product *= factors[i];
            }
        }
    }
}
