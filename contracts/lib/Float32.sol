// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IEEE 754 binary32, rounded to nearest, ties to even, subnormals kept; mirror of docs/arithmetic.md.
/// @dev A float is a uint256 that holds its 32 bits and nothing above them. An operation splits its operands into
/// integers times powers of two, computes with integers, and rounds once. Every NaN that it makes is NAN.
library Float32 {
    uint256 internal constant ONE = 0x3f800000;
    uint256 internal constant INFINITY = 0x7f800000;
    uint256 internal constant NAN = 0x7fc00000;

    uint256 internal constant SIGN = 0x80000000;
    uint256 private constant MAGNITUDE = 0x7fffffff;
    uint256 private constant FRACTION = 0x7fffff;
    uint256 private constant HIDDEN = 0x800000; // the leading bit, which a normal float does not store
    int256 private constant LEAST_EXPONENT = -149; // of an integer significand

    /// @dev Zero bits put below a result: `round` wants something to round off, a quotient and a root need them.
    uint256 private constant SPARE = 24;
    /// @dev From this difference of exponents on, the smaller summand is less than a quarter of the greater one's unit.
    uint256 private constant NEGLIGIBLE = 27;

    // -- arithmetic

    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (magnitude(a) < magnitude(b)) (a, b) = (b, a);
            if (!isFinite(a)) return _addSpecial(a, b);

            (uint256 ma, int256 ea) = split(a);
            (uint256 mb, int256 eb) = split(b);
            uint256 shift = uint256(ea - eb);
            if (shift >= NEGLIGIBLE) return a;

            ma <<= shift;
            uint256 sum = (a ^ b) & SIGN == 0 ? ma + mb : ma - mb;
            if (sum == 0) return a & b & SIGN; // −0 only of two −0
            return round(a & SIGN, sum << SPARE, eb - int256(SPARE));
        }
    }

    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        return add(a, b ^ SIGN);
    }

    function mul(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 sign = (a ^ b) & SIGN;
            if (!isFinite(a) || !isFinite(b)) return _mulSpecial(a, b, sign);

            (uint256 ma, int256 ea) = split(a);
            (uint256 mb, int256 eb) = split(b);
            uint256 product = ma * mb;
            if (product == 0) return sign;
            return round(sign, product << SPARE, ea + eb - int256(SPARE));
        }
    }

    function div(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 sign = (a ^ b) & SIGN;
            if (!isFinite(a) || !isFinite(b) || isZero(b)) return _divSpecial(a, b, sign);

            (uint256 ma, int256 ea) = split(a);
            (uint256 mb, int256 eb) = split(b);
            if (ma == 0) return sign;
            ma <<= 2 * SPARE;
            uint256 quotient = 2 * (ma / mb);
            if (ma % mb != 0) ++quotient; // stands for what comes after
            return round(sign, quotient, ea - eb - 2 * int256(SPARE) - 1);
        }
    }

    function sqrt(uint256 a) internal pure returns (uint256) {
        unchecked {
            if (isZero(a) || a == INFINITY) return a;
            if (a > INFINITY) return NAN; // negative, or a NaN

            (uint256 m, int256 e) = split(a);
            int256 odd = e & 1;
            m <<= 2 * SPARE + uint256(odd);
            uint256 root = _root(m);
            uint256 doubled = 2 * root;
            if (root * root != m) ++doubled; // stands for what comes after
            return round(0, doubled, (e - odd) / 2 - int256(SPARE) - 1);
        }
    }

    /// @notice e^x by the polynomial of docs/arithmetic.md; outside −87..88 x is clamped.
    function exp(uint256 x) internal pure returns (uint256 y) {
        if (gt(0xc2ae0000, x)) x = 0xc2ae0000; // −87
        if (gt(x, 0x42b00000)) x = 0x42b00000; // 88

        uint256 shifted = add(mul(x, 0x3fb8aa3b), 0x4b400000); // x × log₂e + 1.5·2²³
        uint256 k = sub(shifted, 0x4b400000);
        uint256 r = sub(sub(x, mul(k, 0x3f318000)), mul(k, 0xb95e8083)); // x − k ln 2, in two parts

        y = 0x3ab60b61; // 1/720
        y = add(mul(y, r), 0x3c088889); // 1/120
        y = add(mul(y, r), 0x3d2aaaab); // 1/24
        y = add(mul(y, r), 0x3e2aaaab); // 1/6
        y = add(mul(y, r), 0x3f000000); // 1/2
        y = add(mul(y, r), ONE);
        y = add(mul(y, r), ONE);
        unchecked {
            y = mul(y, ((shifted - 0x4b400000 + 127) << 23) & 0xffffffff); // × 2^k
        }
    }

    // -- comparison and selection

    /// @notice a > b; false if one is a NaN.
    function gt(uint256 a, uint256 b) internal pure returns (bool) {
        return !_isNan(a) && !_isNan(b) && _order(a) > _order(b);
    }

    /// @notice a = b; false if one is a NaN, true for −0 and +0.
    function eq(uint256 a, uint256 b) internal pure returns (bool) {
        return !_isNan(a) && !_isNan(b) && _order(a) == _order(b);
    }

    /// @notice x if x > 0, else +0; a NaN stays.
    function relu(uint256 x) internal pure returns (uint256) {
        return x & SIGN == 0 || _isNan(x) ? x : 0;
    }

    function magnitude(uint256 x) internal pure returns (uint256) {
        return x & MAGNITUDE;
    }

    function isZero(uint256 x) internal pure returns (bool) {
        return x & MAGNITUDE == 0;
    }

    function isNegative(uint256 x) internal pure returns (bool) {
        return x & SIGN != 0;
    }

    function isFinite(uint256 x) internal pure returns (bool) {
        return x & INFINITY != INFINITY;
    }

    /// @notice The float of an integer below 2^200; exact below 2^24.
    function fromUint(uint256 value) internal pure returns (uint256) {
        return value == 0 ? 0 : round(0, value << SPARE, -int256(SPARE));
    }

    // -- between floats and integers times powers of two

    /// @notice A finite float, without its sign, as significand × 2^exponent; the significand has at most 24 bits.
    function split(uint256 x) internal pure returns (uint256 significand, int256 exponent) {
        unchecked {
            significand = x & FRACTION;
            uint256 field = (x >> 23) & 0xff;
            if (field == 0) return (significand, LEAST_EXPONENT);
            return (significand | HIDDEN, int256(field) - 150);
        }
    }

    /// @notice The float nearest to significand × 2^exponent, with the sign bit `sign`.
    /// @param significand Not 0, below 2^255, and either has more than 24 bits or ends below 2^-149.
    function round(uint256 sign, uint256 significand, int256 exponent) internal pure returns (uint256 bits) {
        unchecked {
            // the result's last bit: the 24th of the significand, but not below the unit of subnormals
            int256 last = exponent + int256(_length(significand)) - 24;
            if (last < LEAST_EXPONENT) last = LEAST_EXPONENT;

            uint256 drop = uint256(last - exponent);
            uint256 odd = (significand >> drop) & 1;
            bits = (significand + (1 << (drop - 1)) - 1 + odd) >> drop;
            // the hidden bit adds 1 to the exponent's field, and so does a carry out of the significand
            bits += uint256(last - LEAST_EXPONENT) << 23;
            if (bits > INFINITY) bits = INFINITY;
            bits |= sign;
        }
    }

    // -- details

    /// @dev Bits of a number without leading zeros.
    function _length(uint256 value) private pure returns (uint256 bits) {
        assembly ("memory-safe") {
            bits := sub(256, clz(value))
        }
    }

    /// @dev Integer part of a square root. Newton's iteration starts at most √2 times too high and stays above; five
    /// steps are enough for roots of 40 bits, but the last may still be 1 too high.
    function _root(uint256 value) private pure returns (uint256 root) {
        unchecked {
            root = 1 << ((_length(value) + 1) / 2);
            root = (root + value / root) / 2;
            root = (root + value / root) / 2;
            root = (root + value / root) / 2;
            root = (root + value / root) / 2;
            root = (root + value / root) / 2;
            if (root * root > value) --root;
        }
    }

    function _isNan(uint256 a) private pure returns (bool) {
        return a & MAGNITUDE > INFINITY;
    }

    /// @dev An integer that orders as the float does, if it is no NaN. Binary32 is sign and magnitude.
    function _order(uint256 a) private pure returns (int256) {
        int256 distance = int256(magnitude(a));
        return isNegative(a) ? -distance : distance;
    }

    /// @dev |a| is infinite or a NaN, and not less than |b|.
    function _addSpecial(uint256 a, uint256 b) private pure returns (uint256) {
        return _isNan(a) || a ^ b == SIGN ? NAN : a;
    }

    function _mulSpecial(uint256 a, uint256 b, uint256 sign) private pure returns (uint256) {
        if (_isNan(a) || _isNan(b) || isZero(a) || isZero(b)) return NAN;
        return sign | INFINITY;
    }

    /// @dev b is 0, or one of both is infinite or a NaN.
    function _divSpecial(uint256 a, uint256 b, uint256 sign) private pure returns (uint256) {
        if (_isNan(a) || _isNan(b)) return NAN;
        if (isFinite(b)) return isZero(a) && isZero(b) ? NAN : sign | INFINITY;
        return isFinite(a) ? sign : NAN;
    }
}
