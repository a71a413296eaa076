// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../interfaces/IPoLRegistry.sol";
import {Block, Status} from "../Types.sol";

/// @title Life of a block; mirror of pol_oracle/protocol/lifecycle.py.
///
///                   +---------> Finalized   parent is the finalized tip, on the head's branch, window over,
///                   |                       no open demand, not held, attestations >= quorum, better than its rivals
///  propose -> Pending ---------> Slashed    the Court saw proof, or a demand went unanswered
///                   |
///                   +---------> Orphaned    window over, no open demand, not held, and parent slashed or orphaned,
///                                           or a rival finalized beside it, on its parent
///
/// An open demand keeps a block pending until it is answered, and the answer holds it for some time longer, in which it
/// can be used.
///
/// @dev The only code that writes a status: one function per arrow, each with the conditions that concern the block
/// alone. Those about the tree are in the registry. There is no arrow out of a final state.
library BlockLifecycle {
    /// @notice Nothing -> Pending.
    function propose(Block storage self, Block memory fresh, bytes32 id) internal {
        require(self.status == Status.None, IPoLRegistry.AlreadyProposed(id));

        self.miner = fresh.miner;
        self.proposedAt = fresh.proposedAt;
        self.status = Status.Pending;
        self.difficulty = fresh.difficulty;
        self.attestations = 0;
        self.timely = 0;
        self.parent = fresh.parent;
        self.jump = fresh.jump;
        self.totalWork = fresh.totalWork;
        self.height = fresh.height;
        self.sequence = fresh.sequence;
        self.slashesSeen = fresh.slashesSeen;
        self.childDifficulty = fresh.childDifficulty;
    }

    /// @notice Pending -> Finalized.
    function finalize(Block storage self, bytes32 id, uint256 window, uint256 quorum) internal {
        requireJudged(self, id, window);
        require(self.attestations >= quorum, IPoLRegistry.QuorumNotReached(id, quorum, self.attestations));

        self.status = Status.Finalized;
    }

    /// @notice Pending -> Slashed. There is no time limit: proof counts until the block is final.
    function slash(Block storage self, bytes32 id) internal {
        requirePending(self, id);

        self.status = Status.Slashed;
    }

    /// @notice Pending -> Orphaned. The window holds here too: losing a race must not save a bad block from judgement.
    function orphan(Block storage self, bytes32 id, uint256 window, bool aboveSlashed) internal {
        requireJudged(self, id, window);

        self.status = Status.Orphaned;
        self.aboveSlashed = aboveSlashed;
    }

    function requirePending(Block storage self, bytes32 id) internal view {
        require(self.status != Status.None, IPoLRegistry.UnknownBlock(id));
        require(self.status == Status.Pending, IPoLRegistry.WrongStatus(id, Status.Pending, self.status));
    }

    /// @notice A demand about a pending block begins.
    function openDemand(Block storage self, bytes32 id) internal {
        requirePending(self, id);

        self.openDemands += 1;
    }

    /// @notice A demand about a pending block was answered; the block is not judged before `heldUntil`.
    function closeDemand(Block storage self, bytes32 id, uint40 heldUntil) internal {
        requirePending(self, id);

        self.openDemands -= 1;
        if (heldUntil > self.heldUntil) self.heldUntil = heldUntil;
    }

    /// @notice First second in which the block's challenge window is over.
    function windowEnd(Block storage self, uint256 window) internal view returns (uint256) {
        return self.proposedAt + window;
    }

    /// @notice Reverts unless whoever finds a pending block wrong has had the time to say so, and to show it.
    function requireJudged(Block storage self, bytes32 id, uint256 window) internal view {
        requirePending(self, id);
        uint256 end = windowEnd(self, window);
        require(block.timestamp >= end, IPoLRegistry.WindowOpen(id, end, block.timestamp));
        require(self.openDemands == 0, IPoLRegistry.DemandsOpen(id, self.openDemands));
        require(block.timestamp >= self.heldUntil, IPoLRegistry.BlockHeld(id, self.heldUntil, block.timestamp));
    }
}
