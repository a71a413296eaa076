// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header} from "../Types.sol";
import {Check} from "./Check.sol";

/// @title What follows from a header alone; mirror of pol_oracle/protocol/header.py.
library Headers {
    /// Bytes of a header's fields, a word each; its indices follow them.
    uint256 private constant FIELDS = 352;

    /// @notice Id of the block: keccak256(abi.encode(taskId, header)).
    /// @dev Hashed as it lies in the calldata, which must be as abi.encode would write it. Superfluous bits of a field
    /// make another id, under which nobody can propose: whoever reads the field sees them.
    function idOf(bytes32 taskId, Header calldata header) internal pure returns (bytes32 id) {
        uint256 indices;
        assembly ("memory-safe") {
            indices := calldataload(add(header, 96))
        }
        Check.equal(indices, FIELDS);
        uint256 count = header.indices.length;
        assembly ("memory-safe") {
            let size := add(add(FIELDS, 32), shl(5, count))
            let free := mload(0x40)
            mstore(free, taskId)
            mstore(add(free, 32), 64) // where the header begins
            calldatacopy(add(free, 64), header, size)
            id := keccak256(free, add(64, size))
        }
    }
}
