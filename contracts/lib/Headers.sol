// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header} from "../Types.sol";

/// @title What follows from a header alone; mirror of pol_oracle/protocol/header.py.
library Headers {
    /// @notice Id of the block.
    function idOf(bytes32 taskId, Header calldata header) internal pure returns (bytes32) {
        return keccak256(abi.encode(taskId, header));
    }
}
