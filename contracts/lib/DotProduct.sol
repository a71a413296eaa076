// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Float32} from "./Float32.sol";

/// @title Sums of products in chunks of 64 terms, as docs/arithmetic.md defines them ("blk64").
/// @dev An operand is an array of words of eight binary32, the first in the highest bits; the last word is filled up with
/// +0, which changes no sum. Assembly is used for speed here and nowhere else: an element of a wide layer has 4,608
/// terms, at less than 300 gas each instead of 1,600.
///
/// A word whose numbers are all moderate is added fast, any other term by term with Float32. Moderate are ±0 and
/// 2^-63 ≤ |x| < 2^32, so that no product is subnormal and none is greater than 2^64. While they are added up, sums are
/// integers in units of 2^-173. Adding floats never rounds below 2^-149, so the sum of two floats is exactly the sum of
/// the integers, rounded to its 24 leading bits; that unit leaves 24 more below, so that there is always a bit to round at.
library DotProduct {
    uint256 private constant CHUNK_WORDS = 8;
    uint256 private constant CHUNK_BYTES = 256;
    uint256 private constant EACH = 0x0000000100000001000000010000000100000001000000010000000100000001;

    int256 private constant UNIT = -173; // exponent
    /// @dev 2^63: a sum below it and the 64 products of a chunk stay below 2^71, which is 2^244 units.
    uint256 private constant MODERATE_SUM = 0x5f000000;

    /// @dev Shifted right by the number of leading zeros: half the unit of a number's 24 leading bits, less 1.
    uint256 private constant HALF = 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffff;
    /// @dev A 1 for every other float of a word. Masks are made from it with multiplications: with so few optimizer runs a
    /// constant of 32 bytes would be copied from the code each time, at four times the price.
    uint256 private constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001;

    /// @notice The blk64 sum of the products of two operands with equally many words.
    function dot(uint256[] memory a, uint256[] memory b) internal pure returns (uint256) {
        unchecked {
            (uint256 start, uint256 distance) = _locate(a, b);
            uint256 end = start + 32 * a.length;
            int256 total = 0;
            for (; start < end; start += CHUNK_BYTES) {
                uint256 next = start + CHUNK_BYTES < end ? start + CHUNK_BYTES : end;
                (int256 chunk, bool moderate) = _chunk(start, start + distance, next);
                if (!moderate) return _plain(a, b);
                total = _round(total + chunk);
            }
            return _toFloat(total);
        }
    }

    /// @notice The blk64 sum of an operand: each term times 1 is the term.
    function sum(uint256[] memory a) internal pure returns (uint256) {
        uint256[] memory ones = new uint256[](a.length);
        for (uint256 i = 0; i < ones.length; ++i) {
            ones[i] = Float32.ONE * EACH;
        }
        return dot(a, ones);
    }

    /// @dev The same as `dot`, written plainly, for all numbers.
    function _plain(uint256[] memory a, uint256[] memory b) private pure returns (uint256 total) {
        uint256 chunk = 0;
        for (uint256 word = 0; word < a.length; ++word) {
            for (uint256 shift = 256; shift > 0;) {
                shift -= 32;
                uint256 product = Float32.mul(uint32(a[word] >> shift), uint32(b[word] >> shift));
                chunk = Float32.add(chunk, product);
            }
            if ((word + 1) % CHUNK_WORDS == 0 || word + 1 == a.length) (total, chunk) = (Float32.add(total, chunk), 0);
        }
    }

    /// @dev Sum, in units, of the products of the words at `a` and `b`, up to `end`.
    function _chunk(uint256 a, uint256 b, uint256 end) private pure returns (int256 units, bool moderate) {
        unchecked {
            uint256 ones = ONES;
            for (; a < end; a += 32) {
                (uint256 x, uint256 y, uint256 signs, uint256 shifts) = _align(a, b, ones);
                if (shifts == 0) return (0, false);
                (uint256 even, uint256 halved) = _multiply(x, y, signs >> 31, ones);
                shifts -= halved << 23;
                uint256 odd;
                (odd, halved) = _multiply(x >> 32, y >> 32, signs >> 63, ones);
                units = _accumulate(units, odd, even, shifts - (halved << 55));
                b += 32;
            }
            return (units, true);
        }
    }

    /// @dev Splits two words of floats: significands of 24 bits, the products' signs in bit 31 of each float, and in its
    /// bits 23..31 by how much a product is to be shifted. `shifts` is 0 if a float is not moderate, else never.
    function _align(uint256 a, uint256 b, uint256 ones)
        private
        pure
        returns (uint256 x, uint256 y, uint256 signs, uint256 shifts)
    {
        assembly ("memory-safe") {
            let each := or(ones, shl(32, ones))
            a := mload(a)
            b := mload(b)
            signs := xor(a, b)
            // x and y: the magnitudes
            x := and(a, sub(shl(31, each), each))
            y := and(b, sub(shl(31, each), each))
            // a and b: with 64 less in the field of the exponent, and bit 31 set if it was 64 or more
            a := add(x, mul(each, 0x60000000))
            b := add(y, mul(each, 0x60000000))
            // not moderate, in bit 31: other than 0 (adding 2^31 − 1 sets it) but less than 64
            let mask := sub(shl(31, each), each)
            let refused := or(and(add(x, mask), not(a)), and(add(y, mask), not(b)))
            // or 159 and more
            mask := mul(each, 0x30800000)
            refused := or(refused, or(add(x, mask), add(y, mask)))
            mask := shl(31, each)
            if iszero(and(refused, mask)) {
                // what is not 0 gets its hidden bit; a product with 0 gets no sign
                signs := and(signs, and(a, b))
                x := add(and(x, mul(each, 0x7fffff)), shr(8, and(a, mask)))
                y := add(and(y, mul(each, 0x7fffff)), shr(8, and(b, mask)))
                // significands count units of 2^(exponent − 150), and the product loses 24 bits: with exponents 64 less,
                // the shift is their sum + 128 − 300 + 24 + 173. That of a 0 does not matter; it stays within 9 bits
                mask := mul(each, 0x7f800000)
                shifts := add(add(and(a, mask), and(b, mask)), mul(each, 0x0c800000))
            }
        }
    }

    /// @dev Multiplies every other float of two aligned words: four signed products of 64 bits, rounded to 24. A 1 in
    /// `halved` says that a product had 47 bits, not 48, and was doubled first.
    function _multiply(uint256 x, uint256 y, uint256 signs, uint256 ones)
        private
        pure
        returns (uint256 products, uint256 halved)
    {
        assembly ("memory-safe") {
            products := mul(and(shr(192, x), 0xffffff), and(shr(192, y), 0xffffff))
            products := add(shl(64, products), mul(and(shr(128, x), 0xffffff), and(shr(128, y), 0xffffff)))
            products := add(shl(64, products), mul(and(shr(64, x), 0xffffff), and(shr(64, y), 0xffffff)))
            products := add(shl(64, products), mul(and(x, 0xffffff), and(y, 0xffffff)))
            halved := and(not(shr(47, products)), ones)
            products := add(products, and(products, mul(halved, 0xffffffffffff)))
            // to nearest: half of the unit, less 1 unless the result would be odd; then the 24 bits go
            products := add(add(products, mul(0x7fffff, ones)), and(shr(24, products), ones))
            products := and(shr(24, products), mul(0x1ffffff, ones))
            // negative ones in two's complement
            signs := and(signs, ones)
            products := add(signs, xor(products, mul(signs, 0xffffffffffffffff)))
        }
    }

    /// @dev Adds eight products, shifted into place, and rounds the sum after each. The first is the highest of `odd`.
    function _accumulate(int256 start, uint256 odd, uint256 even, uint256 shifts) private pure returns (int256 units) {
        assembly ("memory-safe") {
            units := start
            let zeros
            let drop
            units := add(units, shl(shr(247, shifts), sar(192, odd)))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(shr(247, shl(32, shifts)), sar(192, even)))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(shr(247, shl(64, shifts)), sar(192, shl(64, odd))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(shr(247, shl(96, shifts)), sar(192, shl(64, even))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(shr(247, shl(128, shifts)), sar(192, shl(128, odd))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(shr(247, shl(160, shifts)), sar(192, shl(128, even))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(shr(247, shl(192, shifts)), sar(192, shl(192, odd))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
            units := add(units, shl(shr(247, shl(224, shifts)), sar(192, shl(192, even))))
            zeros := clz(xor(units, sar(255, units)))
            drop := sub(232, zeros)
            units := shl(drop, sar(drop, add(and(1, shr(drop, units)), add(units, shr(zeros, HALF)))))
        }
    }

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
                ? Float32.round(0, uint256(units), UNIT)
                : Float32.round(Float32.SIGN, uint256(-units), UNIT);
        }
    }

    function _locate(uint256[] memory a, uint256[] memory b) private pure returns (uint256 start, uint256 distance) {
        assembly ("memory-safe") {
            start := add(a, 32)
            distance := sub(b, a)
        }
    }
}
