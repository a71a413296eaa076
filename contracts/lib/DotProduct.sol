// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Float32} from "./Float32.sol";

/// @title Sums of products in chunks of 64 terms, as docs/arithmetic.md defines them ("blk64").
/// @dev An operand is an array of words of eight binary32, the first in the highest bits; the last word is filled up
/// with +0, which changes no sum. Assembly is used for speed here and nowhere else: an element of a wide layer has
/// 4,608 terms, at 275 gas each instead of 1,800.
///
/// The fast way takes moderate numbers: ±0 and 2^-63 ≤ |x| < 2^32, so that no product is subnormal and all are below
/// 2^64. For other numbers the element is computed the plain way. While sums are added up they are integers, in units
/// of 2^-173. A float is a multiple of 2^-149, so the sum of two is exactly the integers' sum, rounded to its 24
/// leading bits; the unit leaves room for the 24 bits that may go. 2^15 products of moderate numbers are below 2^252
/// units.
library DotProduct {
    uint256 private constant CHUNK_WORDS = 8;
    int256 private constant UNIT_EXPONENT = -173;
    uint256 private constant MAX_WORDS = 4096;
    uint256 private constant NO_FACTORS = 0; // in place of an address

    /// @dev A 1 for each float of a word.
    uint256 private constant EACH = 0x0000000100000001000000010000000100000001000000010000000100000001;
    /// @dev A 1 for every other float of a word. Masks are multiples of it, made when needed: with few optimizer runs
    /// a constant of 32 bytes would be copied from the code each time, at four times the price.
    uint256 private constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001;
    /// @dev Shifted right by the number of leading zeros: half the unit of a number's 24 leading bits, less 1.
    uint256 private constant HALF = 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffff;

    /// @notice The blk64 sum of the products of two operands with equally many words.
    function dot(uint256[] memory a, uint256[] memory b) internal pure returns (uint256) {
        (uint256 total, bool moderate) = _fast(a, _locate(b, 0));
        return moderate ? total : _plain(a, b);
    }

    /// @notice The blk64 sum of an operand: each term times 1 is the term.
    function sum(uint256[] memory a) internal pure returns (uint256) {
        (uint256 total, bool moderate) = _fast(a, NO_FACTORS);
        if (moderate) return total;

        uint256[] memory ones = new uint256[](a.length);
        for (uint256 word = 0; word < ones.length; ++word) {
            ones[word] = Float32.ONE * EACH;
        }
        return _plain(a, ones);
    }

    /// @dev Multiplies by the words at address `b`, if it is one; false if a number is not moderate, or there are too
    /// many.
    function _fast(uint256[] memory a, uint256 b) private pure returns (uint256, bool) {
        unchecked {
            if (a.length > MAX_WORDS) return (0, false);

            int256 total = 0;
            for (uint256 word = 0; word < a.length; word += CHUNK_WORDS) {
                uint256 words = a.length - word < CHUNK_WORDS ? a.length - word : CHUNK_WORDS;
                (int256 chunk, bool moderate) =
                    b == NO_FACTORS ? _chunkOfTerms(_locate(a, word), words) : _chunk(_locate(a, word), b, words);
                if (!moderate) return (0, false);
                total = _round(total + chunk);
                if (b != NO_FACTORS) b += 32 * CHUNK_WORDS;
            }
            return (_toFloat(total), true);
        }
    }

    /// @dev What `dot` is, for any numbers.
    function _plain(uint256[] memory a, uint256[] memory b) private pure returns (uint256 total) {
        unchecked {
            uint256 chunk = 0;
            for (uint256 word = 0; word < a.length; ++word) {
                (uint256 x, uint256 y) = (a[word], b[word]);
                for (uint256 term = 0; term < 8; ++term) {
                    chunk = Float32.add(chunk, Float32.mul(x >> 224, y >> 224));
                    x <<= 32;
                    y <<= 32;
                }
                if (word % CHUNK_WORDS == CHUNK_WORDS - 1) (total, chunk) = (Float32.add(total, chunk), 0);
            }
            total = Float32.add(total, chunk);
        }
    }

    /// @dev Sum, in units, of the products of some words at the addresses `a` and `b`.
    function _chunk(uint256 a, uint256 b, uint256 words) private pure returns (int256 units, bool moderate) {
        unchecked {
            uint256 ones = ONES;
            for (uint256 end = a + 32 * words; a < end; a += 32) {
                (uint256 odd, uint256 even, uint256 shifts) = _multiply(a, b, ones);
                if (shifts == 0) return (0, false);
                units = _accumulate(units, odd, even, shifts);
                b += 32;
            }
            return (units, true);
        }
    }

    /// @dev What `_chunk` returns if all factors are 1.
    function _chunkOfTerms(uint256 a, uint256 words) private pure returns (int256 units, bool moderate) {
        unchecked {
            uint256 ones = ONES;
            for (uint256 end = a + 32 * words; a < end; a += 32) {
                (uint256 odd, uint256 even, uint256 shifts) = _take(a, ones);
                if (shifts == 0) return (0, false);
                units = _accumulate(units, odd, even, shifts);
            }
            return (units, true);
        }
    }

    /// @dev The eight products of two words, rounded: signed integers of 64 bits, the first, third, … in `odd`, the
    /// others in `even`. In place of each float, the bits 23..31 of `shifts` say how far its product is to be shifted
    /// left to be in units. `shifts` is 0 if a float is not moderate; also if all eight products are the least there
    /// are, for which the plain way is as good. Variables serve twice because the stack has no room for more, and
    /// expressions are nested because the optimizer leaves a block of this size as it is: an assignment costs as much
    /// as two additions.
    function _multiply(uint256 a, uint256 b, uint256 ones)
        private
        pure
        returns (uint256 odd, uint256 even, uint256 shifts)
    {
        assembly ("memory-safe") {
            let each := or(ones, shl(32, ones))
            a := mload(a)
            b := mload(b)
            let signs := xor(a, b)
            let mask := sub(shl(31, each), each)
            let x := and(a, mask)
            let y := and(b, mask)
            // the exponent's field less 64; bit 31 is set if it was 64 or more
            a := mul(each, 0x60000000)
            b := add(y, a)
            a := add(x, a)
            // bit 31: not 0 but less than 64; or 159 and more
            shifts := or(and(add(x, mask), not(a)), and(add(y, mask), not(b)))
            mask := mul(each, 0x30800000)
            shifts := or(shifts, or(add(x, mask), add(y, mask)))
            mask := shl(31, each)
            switch and(shifts, mask)
            case 0 {
                // a product with 0 has no sign
                signs := and(signs, and(a, b))
                // both exponents + 128 − 300, + 173; with a 0 any that fits in 9 bits will do
                shifts := mul(each, 0x7f800000)
                shifts := add(add(and(a, shifts), and(b, shifts)), mul(each, 0x00800000))
                // significands, with the hidden bit of what is not 0
                each := mul(each, 0x7fffff)
                x := add(and(x, each), shr(8, and(a, mask)))
                y := add(and(y, each), shr(8, and(b, mask)))
                // four products next to each other, of 47 or 48 bits; those of 47 are doubled and shifted less
                even := add(
                    add(
                        mul(and(x, 0xffffff), and(y, 0xffffff)),
                        mul(and(x, 0xffffff0000000000000000), and(shr(64, y), 0xffffff))
                    ),
                    add(
                        mul(and(x, 0xffffff00000000000000000000000000000000), and(shr(128, y), 0xffffff)),
                        mul(
                            and(x, 0xffffff000000000000000000000000000000000000000000000000),
                            and(shr(192, y), 0xffffff)
                        )
                    )
                )
                mask := and(not(shr(47, even)), ones)
                shifts := sub(shifts, shl(23, mask))
                even := add(even, and(even, mul(mask, 0xffffffffffff)))
                // to nearest: + half a unit − 1, + 1 if the result were odd; of 48 bits, or 49, the upper 24, or 25,
                // stay; then two's complement of the negative ones
                mask := and(shr(31, signs), ones)
                even := add(
                    xor(
                        and(add(add(even, mul(0x7fffff, ones)), and(shr(24, even), ones)), mul(0x1ffffff000000, ones)),
                        sub(shl(64, mask), mask)
                    ),
                    mask
                )
                // the same for the other four
                x := shr(32, x)
                y := shr(32, y)
                odd := add(
                    add(
                        mul(and(x, 0xffffff), and(y, 0xffffff)),
                        mul(and(x, 0xffffff0000000000000000), and(shr(64, y), 0xffffff))
                    ),
                    add(
                        mul(and(x, 0xffffff00000000000000000000000000000000), and(shr(128, y), 0xffffff)),
                        mul(
                            and(x, 0xffffff000000000000000000000000000000000000000000000000),
                            and(shr(192, y), 0xffffff)
                        )
                    )
                )
                mask := and(not(shr(47, odd)), ones)
                shifts := sub(shifts, shl(55, mask))
                odd := add(odd, and(odd, mul(mask, 0xffffffffffff)))
                mask := and(shr(63, signs), ones)
                odd := add(
                    xor(
                        and(add(add(odd, mul(0x7fffff, ones)), and(shr(24, odd), ones)), mul(0x1ffffff000000, ones)),
                        sub(shl(64, mask), mask)
                    ),
                    mask
                )
            }
            default { shifts := 0 }
        }
    }

    /// @dev What `_multiply` returns if all eight factors are 1.
    function _take(uint256 a, uint256 ones) private pure returns (uint256 odd, uint256 even, uint256 shifts) {
        assembly ("memory-safe") {
            let each := or(ones, shl(32, ones))
            a := mload(a)
            let mask := sub(shl(31, each), each)
            let x := and(a, mask)
            // the exponent's field less 64; bit 31 is set if it was 64 or more
            let fields := add(x, mul(each, 0x60000000))
            // bit 31: not 0 but less than 64; or 159 and more
            shifts := or(and(add(x, mask), not(fields)), add(x, mul(each, 0x30800000)))
            mask := shl(31, each)
            switch and(shifts, mask)
            case 0 {
                // the exponent + 127 + 128 − 300, + 173, − 1, since the product has 47 bits; a 0 has no sign
                let signs := and(a, fields)
                shifts := add(and(fields, mul(each, 0x7f800000)), mul(each, 0x1f800000))
                // significands, with the hidden bit of what is not 0, as the leading ones of 48 bits
                x := add(and(x, mul(each, 0x7fffff)), shr(8, and(fields, mask)))
                let lanes := mul(0xffffff000000, ones)
                mask := and(shr(31, signs), ones)
                even := add(xor(and(shl(24, x), lanes), sub(shl(64, mask), mask)), mask)
                mask := and(shr(63, signs), ones)
                odd := add(xor(and(shr(8, x), lanes), sub(shl(64, mask), mask)), mask)
            }
            default { shifts := 0 }
        }
    }

    /// @dev Adds eight products and rounds the sum after each.
    function _accumulate(int256 start, uint256 odd, uint256 even, uint256 shifts) private pure returns (int256 units) {
        assembly ("memory-safe") {
            units := start
            shifts := shl(1, shifts) // a byte for each; the ninth bit is only set where the product is 0
            let zeros
            let drop
            // add; find the leading bit, of a negative number the first 0; round as `_round` does
            units := add(units, shl(byte(0, shifts), sar(192, odd)))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(byte(4, shifts), sar(192, even)))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(byte(8, shifts), sar(192, shl(64, odd))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(byte(12, shifts), sar(192, shl(64, even))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(byte(16, shifts), sar(192, shl(128, odd))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(byte(20, shifts), sar(192, shl(128, even))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(byte(24, shifts), sar(192, shl(192, odd))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(byte(28, shifts), sar(192, shl(192, even))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
        }
    }

    /// @dev Rounds to 24 leading bits, to nearest, ties to even; a negative number in the same way, its ties being the
    /// same.
    function _round(int256 units) private pure returns (int256 rounded) {
        assembly ("memory-safe") {
            let zeros := clz(xor(units, sar(255, units)))
            let drop := sub(232, zeros)
            rounded := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
        }
    }

    /// @dev The units hold a float already.
    function _toFloat(int256 units) private pure returns (uint256) {
        unchecked {
            if (units == 0) return 0;
            return units > 0
                ? Float32.round(0, uint256(units), UNIT_EXPONENT)
                : Float32.round(Float32.SIGN, uint256(-units), UNIT_EXPONENT);
        }
    }

    /// @dev Address of a word.
    function _locate(uint256[] memory words, uint256 index) private pure returns (uint256 location) {
        assembly ("memory-safe") {
            location := add(add(words, 32), shl(5, index))
        }
    }
}
