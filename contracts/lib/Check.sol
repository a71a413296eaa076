// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt} from "../interfaces/ICourt.sol";

/// @title Comparisons that refuse an opening.
/// @dev Functions, because a custom error written out in forty places would not leave room for the Court's arithmetic.
library Check {
    function equal(uint256 actual, uint256 expected) internal pure {
        require(actual == expected, ICourt.BadOpening(actual, expected));
    }

    function below(uint256 index, uint256 count) internal pure {
        require(index < count, ICourt.BadOpening(index, count));
    }

    function sameRoot(bytes32 actual, bytes32 expected) internal pure {
        require(actual == expected, ICourt.WrongRoot(expected, actual));
    }
}
