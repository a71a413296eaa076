// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDemands} from "../interfaces/IDemands.sol";
import {IPoLRegistry} from "../interfaces/IPoLRegistry.sol";
import {Status} from "../Types.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Until when something can be demanded, and until when it must be shown; mirror of
/// pol_oracle/protocol/positions.py.
/// @dev A flood of demands lengthens the time to answer instead of overwhelming the honest, and only while it lasts:
/// what counts is what is open now, of all blocks together, since the same few answer for all of them.
library Deadlines {
    using SafeCast for uint256;

    /// Every other open demand adds this part of the answer window: the time to send one answer.
    uint256 internal constant QUEUE_SHARE = 16;

    /// @notice Deadline of what is demanded now.
    function next(IPoLRegistry registry) internal view returns (uint40) {
        return _after(registry.answerWindow(), registry.openDemands());
    }

    /// @notice Deadline of what is open about a pending block, had it been demanded now.
    function again(IPoLRegistry registry, bytes32 blockId) internal view returns (uint40) {
        (Status status,,) = registry.fateOf(blockId);
        require(status == Status.Pending, IPoLRegistry.WrongStatus(blockId, Status.Pending, status));
        return _after(registry.answerWindow(), registry.openDemands() - 1);
    }

    /// @notice Reverts if it is too late to demand a part of a block: its challenge window is over, and the answer, if
    /// the part hangs on one, is too old.
    /// @param shownAt when what it hangs on was shown; 0 if it hangs on the header.
    function checkTime(IPoLRegistry registry, bytes32 blockId, uint256 shownAt) internal view {
        (Status status,, uint256 closedAt) = registry.fateOf(blockId);
        require(status != Status.None, IPoLRegistry.UnknownBlock(blockId));
        if (shownAt > 0) closedAt = Math.max(closedAt, shownAt + registry.answerWindow());
        require(block.timestamp < closedAt, IDemands.TooLateToDemand(blockId, closedAt, block.timestamp));
    }

    function _after(uint256 answerWindow, uint256 others) private view returns (uint40) {
        uint256 share = Math.max(answerWindow / QUEUE_SHARE, 1);
        return (block.timestamp + answerWindow + share * others).toUint40();
    }
}
