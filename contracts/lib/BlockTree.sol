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
    /// A head displaced by a heavier branch, which is not judged yet.
    struct Displaced {
        bytes32 head;
        bytes32 fork; // the last block that both branches have
        uint40 since; // its switchedAt, before
    }

    struct Tree {
        mapping(bytes32 id => Block) blocks;
        Displaced[] displaced; // the last one on top
        uint80[1 << 32] slashLog; // height << 40 | sequence of each slashed block: three share a slot
        bytes32 head;
        bytes32 finalizedTip;
        // one slot: what a proposal reads and writes
        uint96 headWork;
        uint32 headSequence;
        uint32 finalizedHeight;
        uint32 proposals;
        uint32 slashes; // length of the slash log
    }

    /// Slots of the slash log that the deployment pays for, so that the proof against a bad block need not: a third of
    /// the slashes after the first 96 cost 17,100 gas more.
    uint256 private constant PREPAID = 32;
    /// Entries of the slash log that a slash checks before it brings a displaced head back: some 10,000 gas each.
    uint256 private constant MAX_CHECKED = 64;

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
        _setHead(self, id);
    }

    /// @notice Makes the block the head if it has more work than the head, or the same and was proposed earlier.
    function offer(Tree storage self, bytes32 id) internal returns (bool better) {
        better = _isBetter(self, id);
        if (!better) return false;
        bytes32 head = self.head;
        if (self.blocks[id].parent != head) _displace(self, head, id);
        _setHead(self, id);
    }

    /// @notice Moves the finalized tip one block up. Its branch must have been the head's for so many seconds, unless it
    /// displaced none: whatever is piled on a block in order to outweigh another has been judged then.
    /// @dev What counts is a switch at the tip itself: one further down held up the blocks from there to the tip, which are
    /// final, and what is final has no more rivals.
    function advance(Tree storage self, bytes32 id, bytes32 parent, uint256 switchWindow) internal {
        bytes32 tip = self.finalizedTip;
        require(parent == tip, IPoLRegistry.ParentNotFinal(id, parent, tip));
        bytes32 head = self.head;
        require(isAncestor(self, id, head), IPoLRegistry.NotOnHeadBranch(id, head));
        uint256 until = self.blocks[tip].switchedAt + switchWindow;
        require(block.timestamp >= until, IPoLRegistry.HeadTooFresh(id, until, block.timestamp));

        self.finalizedTip = id;
        self.finalizedHeight += 1;
    }

    /// @notice Records a slashed block. If the head stood on it, the head falls back to its parent, which is live, or, if
    /// that is better, to a head that was displaced.
    function cut(Tree storage self, bytes32 id) internal {
        Block storage dead = self.blocks[id];
        self.slashLog[self.slashes++] = (uint80(dead.height) << 40) | dead.sequence;

        if (!isAncestor(self, id, self.head)) return;
        _setHead(self, dead.parent);
        _restore(self);
    }

    /// @notice Reverts unless the block is live, as far as so many further entries of the slash log tell. Remembers how far it
    /// was checked.
    function requireLive(Tree storage self, bytes32 id, uint256 entries) internal {
        if (id == self.head) return;
        bytes32 tip = self.finalizedTip;
        require(isAncestor(self, tip, id), IPoLRegistry.OffFinalizedBranch(id, tip));
        (bytes32 met,) = _check(self, id, entries);
        require(met == bytes32(0), IPoLRegistry.SlashedAncestor(id, met));
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

    /// @notice The last block that two branches have in common.
    function forkOf(Tree storage self, bytes32 a, bytes32 b) internal view returns (bytes32) {
        a = ancestorAt(self, a, self.blocks[b].height);
        b = ancestorAt(self, b, self.blocks[a].height);
        while (a != b) {
            // at the same height both jump equally far: over the fork if they land on one block, short of it if not
            (bytes32 up, bytes32 other) = (self.blocks[a].jump, self.blocks[b].jump);
            bool past = up == other;
            (a, b) = past ? (self.blocks[a].parent, self.blocks[b].parent) : (up, other);
        }
        return a;
    }

    /// @dev The head gives way to a block of another branch: from here on that has to last. The old one is remembered, in case
    /// it was only displaced by garbage.
    function _displace(Tree storage self, bytes32 head, bytes32 id) private {
        bytes32 fork = forkOf(self, head, id);
        if (fork == head) return; // the branch goes on
        self.blocks[head].slashesSeen = self.slashes; // the head is live
        self.displaced.push(Displaced(head, fork, self.blocks[fork].switchedAt));
        _setClock(self, fork, uint40(block.timestamp));
    }

    /// @dev After a slash the head has fallen back. The last displaced head that is live and better takes its place, in the
    /// same transaction and with its old clock, so that garbage delays it no longer than it lives. If there is none, the
    /// clock starts where the head fell to: what stands on that next has not been the head's before. It starts too if too much is
    /// left to check: claimHead brings such a head back.
    function _restore(Tree storage self) private {
        uint256 left = MAX_CHECKED;
        bytes32 fork = self.head;
        for (uint256 i = self.displaced.length; i > 0; --i) {
            Displaced memory made = self.displaced[i - 1];
            bytes32 id;
            (id, left) = _survivor(self, made.head, left);
            if (_isBetter(self, id)) {
                if (self.blocks[id].slashesSeen == self.slashes) return _bringBack(self, id, made, i - 1);
                fork = made.fork;
                break;
            }
            if (id == made.head) break; // those below are lighter still
            self.displaced[i - 1].head = id;
        }
        _setClock(self, fork, uint40(block.timestamp));
    }

    function _bringBack(Tree storage self, bytes32 id, Displaced memory made, uint256 below) private {
        while (self.displaced.length > below) self.displaced.pop();
        _setHead(self, id);
        _setClock(self, made.fork, made.since);
    }

    /// @dev Of a displaced head what is left of it if blocks of its branch were slashed: the highest one that is live, or that
    /// was not checked further. As soon as it is no better than the head nothing is checked any more.
    function _survivor(Tree storage self, bytes32 id, uint256 entries) private returns (bytes32, uint256 left) {
        left = entries;
        bytes32 met = id;
        while (met != bytes32(0) && _isBetter(self, id) && isAncestor(self, self.finalizedTip, id)) {
            (met, left) = _check(self, id, left);
            if (met != bytes32(0)) id = self.blocks[met].parent;
        }
        return (id, left);
    }

    /// @dev Looks for the block's ancestors in so many further entries of the slash log. Returns the first that it meets, and
    /// how many entries it did not look at.
    function _check(Tree storage self, bytes32 id, uint256 entries) private returns (bytes32 met, uint256 left) {
        Block storage checked = self.blocks[id];
        (uint256 seen, uint256 slashes) = (checked.slashesSeen, self.slashes);
        if (seen == slashes) return (bytes32(0), entries);
        for (left = entries; seen < slashes && left > 0; (++seen, --left)) {
            uint80 dead = self.slashLog[seen];
            // below the finalized tip everything is final, and so not slashed
            if (dead >> 40 <= self.finalizedHeight) continue;
            met = ancestorAt(self, id, dead >> 40);
            if (self.blocks[met].sequence == uint40(dead)) return (met, left - 1);
        }
        // forge-lint: disable-next-line(unsafe-typecast): at most the length of the log
        checked.slashesSeen = uint32(seen);
        return (bytes32(0), left);
    }

    function _setHead(Tree storage self, bytes32 id) private {
        (uint96 work, uint32 sequence) = (self.blocks[id].totalWork, self.blocks[id].sequence);
        self.head = id;
        self.headWork = work;
        self.headSequence = sequence;

        emit IPoLRegistry.HeadChanged(id, work);
    }

    function _setClock(Tree storage self, bytes32 fork, uint40 since) private {
        self.blocks[fork].switchedAt = since;

        emit IPoLRegistry.HeadSwitched(fork, since);
    }

    function _isBetter(Tree storage self, bytes32 id) private view returns (bool) {
        (uint96 work, uint32 sequence) = (self.blocks[id].totalWork, self.blocks[id].sequence);
        return work > self.headWork || (work == self.headWork && sequence < self.headSequence);
    }
}
