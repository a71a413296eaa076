// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../interfaces/IPoLRegistry.sol";
import {Block, Status} from "../Types.sol";

/// @title The tree of blocks: ancestry, liveness and fork choice.
/// @dev A block is live if it descends from the finalized tip (or is it) and has no slashed ancestor. The head is always
/// live, so blocks built on it need no look-up. Nothing here loops over depth: ancestors are found over skew-binary jump
/// pointers (Myers, "An applicative random-access stack", 1983) in O(log height), and of the slash log each block skips
/// what was checked before. Walking down to descendants is absent: they are dead by being looked at.
library BlockTree {
    struct Tree {
        mapping(bytes32 id => Block) blocks;
        uint80[1 << 32] slashLog; // height << 40 | sequence of each slashed block: three share a slot
        bytes32 head;
        bytes32 finalizedTip;
        // one slot: what a proposal reads and writes
        uint96 headWork;
        uint40 headSequence;
        uint40 finalizedHeight;
        uint40 proposals;
        uint32 slashes; // length of the slash log
    }

    /// Slots of the slash log that the deployment pays for, so that the proof against a bad block need not: a third of
    /// the slashes after the first 96 cost 17,100 gas more.
    uint256 private constant PREPAID = 32;

    /// @notice Stores the genesis block, finalized at birth. Its children are born with this difficulty.
    function plant(Tree storage self, bytes32 id, uint16 difficulty) internal {
        Block storage genesis = self.blocks[id];
        genesis.status = Status.Finalized;
        genesis.proposedAt = uint40(block.timestamp);
        genesis.jump = id;
        genesis.childDifficulty = difficulty;
        self.finalizedTip = id;
        self.proposals = 1;
        for (uint256 i = 0; i < PREPAID; ++i) {
            self.slashLog[3 * i] = 1; // places from the end of the log on are never read
        }
        _setHead(self, id, 0, 0);
    }

    /// @notice Makes the block the head if it has more work than the head, or the same and was proposed earlier.
    function offer(Tree storage self, bytes32 id) internal returns (bool better) {
        (uint96 work, uint40 sequence) = (self.blocks[id].totalWork, self.blocks[id].sequence);
        better = work > self.headWork || (work == self.headWork && sequence < self.headSequence);
        if (better) _setHead(self, id, work, sequence);
    }

    /// @notice Moves the finalized tip one block up.
    function advance(Tree storage self, bytes32 id, bytes32 parent) internal {
        bytes32 tip = self.finalizedTip;
        require(parent == tip, IPoLRegistry.ParentNotFinal(id, parent, tip));
        bytes32 head = self.head;
        require(isAncestor(self, id, head), IPoLRegistry.NotOnHeadBranch(id, head));

        self.finalizedTip = id;
        self.finalizedHeight += 1;
    }

    /// @notice Records a slashed block. If the head stood on it, the head falls back to its parent, which is live.
    function cut(Tree storage self, bytes32 id) internal {
        Block storage dead = self.blocks[id];
        self.slashLog[self.slashes++] = (uint80(dead.height) << 40) | dead.sequence;

        if (!isAncestor(self, id, self.head)) return;
        bytes32 parent = dead.parent;
        _setHead(self, parent, self.blocks[parent].totalWork, self.blocks[parent].sequence);
    }

    /// @notice Reverts unless the block is live. Remembers how far the slash log was checked.
    function requireLive(Tree storage self, bytes32 id) internal {
        if (id == self.head) return;
        bytes32 tip = self.finalizedTip;
        require(isAncestor(self, tip, id), IPoLRegistry.OffFinalizedBranch(id, tip));

        Block storage checked = self.blocks[id];
        (uint256 seen, uint256 slashes) = (checked.slashesSeen, self.slashes);
        if (seen == slashes) return;
        for (; seen < slashes; ++seen) {
            uint80 dead = self.slashLog[seen];
            // below the finalized tip everything is final, and so not slashed
            if (dead >> 40 <= self.finalizedHeight) continue;
            bytes32 met = ancestorAt(self, id, dead >> 40);
            require(self.blocks[met].sequence != uint40(dead), IPoLRegistry.SlashedAncestor(id, met));
        }
        checked.slashesSeen = uint32(slashes);
    }

    /// @notice Whether `ancestor` is `descendant` or lies below it. Both must be known.
    function isAncestor(Tree storage self, bytes32 ancestor, bytes32 descendant) internal view returns (bool) {
        return ancestor == descendant || ancestor == ancestorAt(self, descendant, self.blocks[ancestor].height);
    }

    /// @notice The block at height `target` on the branch that ends in `id`; `id` itself if it lies below.
    function ancestorAt(Tree storage self, bytes32 id, uint256 target) internal view returns (bytes32) {
        uint256 height = self.blocks[id].height;
        while (height > target) {
            uint256 landing = jumpHeight(height);
            if (landing >= target) {
                (id, height) = (self.blocks[id].jump, landing);
            } else {
                (id, height) = (self.blocks[id].parent, height - 1);
            }
        }
        return id;
    }

    /// @notice The jump pointer of a block on `parent`, which is at `parentHeight`.
    function jumpFrom(Tree storage self, bytes32 parent, uint256 parentHeight) internal view returns (bytes32) {
        if (jumpHeight(parentHeight + 1) == parentHeight) return parent;
        return self.blocks[self.blocks[parent].jump].jump;
    }

    /// @notice Height that a block at `height` jumps to: the least digit of its skew-binary form dropped (digits are
    /// 1, 3, 7, 15, ..., taken greedily from above).
    function jumpHeight(uint256 height) internal pure returns (uint256) {
        uint256 rest = height;
        uint256 digit = 0;
        while (rest > 0) {
            assembly ("memory-safe") {
                digit := sub(shl(sub(255, clz(add(rest, 1))), 1), 1)
                rest := sub(rest, digit)
            }
        }
        return height - digit;
    }

    function _setHead(Tree storage self, bytes32 id, uint96 work, uint40 sequence) private {
        self.head = id;
        self.headWork = work;
        self.headSequence = sequence;

        emit IPoLRegistry.HeadChanged(id, work);
    }
}
