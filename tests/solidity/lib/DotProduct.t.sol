// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DotProduct} from "../../../contracts/lib/DotProduct.sol";
import {Float32} from "../../../contracts/lib/Float32.sol";
import {Operands} from "../../../contracts/lib/Operands.sol";
import {Fixture} from "../fixtures/Fixture.sol";

/// @notice The fast way against the definition, term by term, where numbers are such that they may part.
contract DotProductTest is Fixture {
    event GasPerTerm(string what, uint256 terms, uint256 gas);

    /// The greatest and the least number that the fast way takes, and their neighbours, among others.
    uint256[24] private EDGES = [
        0,
        0x80000000,
        0x00000001,
        0x807fffff,
        0x00800000,
        0x1fffffff, // just below 2^-63
        0x20000000,
        0xa0000000,
        0x20000001,
        0x9fffffff,
        0x33800000, // 2^-24
        0xb3800001,
        0x3f800000,
        0xbf800000,
        0x3f800001,
        0xbf7fffff,
        0x4b7fffff,
        0x4f7fffff, // just below 2^32
        0xcf7fffff,
        0x4f800000,
        0xcf800000,
        0x7f7fffff,
        0x7f800000,
        0xff800000
    ];

    function setUp() public override {}

    /// forge-config: default.fuzz.runs = 64
    function test_ordinary_numbers(bytes32 seed, uint16 terms) public pure {
        compare(seed, terms % 300, 0x3a000000, 12);
    }

    /// Products of a wide range, so that most are lost in the sum, and some are ties.
    /// forge-config: default.fuzz.runs = 64
    function test_all_moderate_numbers(bytes32 seed, uint16 terms) public pure {
        compare(seed, terms % 300, 0x20000000, 95);
    }

    /// forge-config: default.fuzz.runs = 64
    function test_any_numbers(bytes32 seed, uint16 terms) public pure {
        compare(seed, terms % 200, 0, 256);
    }

    /// forge-config: default.fuzz.runs = 64
    function test_edges_among_ones(bytes32 seed) public view {
        uint256 count = 130;
        (uint256[] memory a, uint256[] memory b) = (new uint256[](17), new uint256[](17));
        for (uint256 k = 0; k < count; ++k) {
            uint256 draw = uint256(keccak256(abi.encode(seed, k)));
            uint256 limit = draw >> 250 < 3 ? 24 : 21; // what is not finite in a few only
            put(a, k, (draw >> 64) % 4 == 0 ? EDGES[(draw >> 8) % limit] : Float32.ONE);
            put(b, k, (draw >> 64) % 4 == 1 ? EDGES[(draw >> 16) % limit] : Float32.ONE);
        }
        assertEq(DotProduct.dot(a, b), plain(a, b, count), "dot");
    }

    /// Every edge times every other, between ones that keep the sum from being the product.
    function test_pairs_of_edges() public view {
        (uint256[] memory a, uint256[] memory b) = (new uint256[](1), new uint256[](1));
        for (uint256 i = 0; i < EDGES.length; ++i) {
            for (uint256 j = 0; j < EDGES.length; ++j) {
                (a[0], b[0]) = (0, 0);
                put(a, 1, EDGES[i]);
                put(b, 1, EDGES[j]);
                assertEq(DotProduct.dot(a, b), plain(a, b, 8), "alone");
                put(a, 0, 0xb3800000);
                put(b, 0, Float32.ONE);
                put(a, 2, Float32.ONE);
                put(b, 2, Float32.ONE);
                assertEq(DotProduct.dot(a, b), plain(a, b, 8), "between others");
            }
        }
    }

    function test_to_infinity_and_to_nan() public pure {
        (uint256[] memory a, uint256[] memory b) = (new uint256[](9), new uint256[](9));
        put(a, 3, 0x7f7fffff);
        put(b, 3, 0x40000000);
        assertEq(DotProduct.dot(a, b), Float32.INFINITY, "overflow");
        put(a, 70, 0xff7fffff);
        put(b, 70, 0x40000000);
        assertEq(DotProduct.dot(a, b), Float32.NAN, "infinity less infinity");
        put(b, 70, 0);
        put(a, 70, 0xff800000);
        assertEq(DotProduct.dot(a, b), Float32.NAN, "0 times infinity");
    }

    function test_none_and_zeros() public pure {
        assertEq(DotProduct.dot(new uint256[](0), new uint256[](0)), 0, "none");
        (uint256[] memory a, uint256[] memory b) = (new uint256[](1), new uint256[](1));
        put(a, 0, 0x80000000);
        put(b, 0, Float32.ONE);
        assertEq(DotProduct.dot(a, b), 0, "a sum starts at +0");
        put(a, 1, 0xbf800000);
        put(b, 1, Float32.ONE);
        put(a, 2, Float32.ONE);
        put(b, 2, Float32.ONE);
        assertEq(DotProduct.dot(a, b), 0, "1 - 1");
    }

    /// forge-config: default.fuzz.runs = 32
    function test_sums(bytes32 seed, uint16 terms) public pure {
        uint256 count = terms % 200;
        (uint256[] memory a, uint256[] memory ones) = (random(seed, count, 0x20000000, 120), random(seed, count, 0, 1));
        for (uint256 k = 0; k < count; ++k) {
            put(ones, k, Float32.ONE);
        }
        assertEq(DotProduct.sum(a), plain(a, ones, count), "sum");
    }

    /// Every edge after every other, and eight alike.
    function test_sums_of_edges() public view {
        (uint256[] memory a, uint256[] memory ones) = (new uint256[](1), new uint256[](1));
        for (uint256 k = 0; k < 8; ++k) {
            put(ones, k, Float32.ONE);
        }
        for (uint256 i = 0; i < EDGES.length; ++i) {
            for (uint256 j = 0; j < EDGES.length; ++j) {
                for (uint256 k = 0; k < 8; ++k) {
                    put(a, k, k == 1 ? EDGES[j] : EDGES[i]);
                }
                assertEq(DotProduct.sum(a), plain(a, ones, 8), "many");
                for (uint256 k = 2; k < 8; ++k) {
                    put(a, k, 0);
                }
                assertEq(DotProduct.sum(a), plain(a, ones, 8), "two");
            }
        }
    }

    function test_gas_per_term() public {
        uint256[3] memory counts = [uint256(64), 576, 4608];
        for (uint256 i = 0; i < 3; ++i) {
            measure("moderate", counts[i], 0x3a000000, 12);
            measure("any finite", counts[i], 0, 158);
        }
    }

    function measure(string memory what, uint256 terms, uint256 base, uint256 exponents) private {
        uint256[] memory a = random("a", terms, base, exponents);
        uint256[] memory b = random("b", terms, base, exponents);
        uint256 gas = gasleft();
        DotProduct.dot(a, b);
        emit GasPerTerm(what, terms, (gas - gasleft()) / terms);
    }

    function compare(bytes32 seed, uint256 terms, uint256 base, uint256 exponents) private pure {
        uint256[] memory a = random(keccak256(abi.encode(seed, "a")), terms, base, exponents);
        uint256[] memory b = random(keccak256(abi.encode(seed, "b")), terms, base, exponents);
        assertEq(DotProduct.dot(a, b), plain(a, b, terms), "dot");
    }

    /// Floats of random signs and significands; some with few bits, for ties, and some 0.
    function random(bytes32 seed, uint256 terms, uint256 base, uint256 exponents)
        private
        pure
        returns (uint256[] memory words)
    {
        words = new uint256[]((terms + 7) / 8);
        for (uint256 k = 0; k < terms; ++k) {
            uint256 bits = uint256(keccak256(abi.encode(seed, k)));
            uint256 mask = bits >> 255 == 0 ? 0x807fffff : 0x80600000;
            uint256 float = (bits & mask) | (base + (((bits >> 64) % exponents) << 23));
            put(words, k, (bits >> 128) % 8 == 0 ? bits & 0x80000000 : float);
        }
    }

    function put(uint256[] memory words, uint256 term, uint256 bits) private pure {
        uint256 shift = 224 - 32 * (term % 8);
        words[term / 8] = (words[term / 8] & ~(uint256(0xffffffff) << shift)) | (bits << shift);
    }

    /// docs/arithmetic.md, "Sums: blk64".
    function plain(uint256[] memory a, uint256[] memory b, uint256 terms) private pure returns (uint256 total) {
        for (uint256 c = 0; c < terms; c += 64) {
            uint256 chunk = 0;
            for (uint256 k = c; k < c + 64 && k < terms; ++k) {
                chunk = Float32.add(chunk, Float32.mul(Operands.term(a, k), Operands.term(b, k)));
            }
            total = Float32.add(total, chunk);
        }
    }
}
