// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title TEMPORARY stand-in, until the operations are merged: a descriptor begins with the tensor's size.
library Operations {
    function size(bytes calldata descriptor) internal pure returns (uint256) {
        return uint256(bytes32(descriptor[:32]));
    }
}
