// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../interfaces/IPoLRegistry.sol";
import {Block, Status} from "../Types.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title The tree of blocks: ancestry, liveness and fork choice.
/// @dev A block is live if it descends from the finalized tip (or is it) and has no slashed ancestor. The head is
/// always live, so blocks built on it need no look-up. Nothing here loops over depth: ancestors are found over
/// skew-binary jump pointers (Myers, "An applicative random-access stack", 1983) in O(log height), and of the slash log
/// each block skips what was checked before. Walking down to descendants is absent: they are dead by being looked at.
///
/// Work that nobody has judged yet leads, but makes nothing final: whatever it takes the lead from is a rival from then
/// on, and what is to be final must outweigh its rivals by judged work alone. Garbage falls before it is judged,
/// however slowly that goes, since an open demand, or a fresh answer, keeps it from being judged; so it delays finality
/// while it lives, and no more.
library BlockTree {
    struct Tree {
        mapping(bytes32 id => Block) blocks;
        mapping(uint256 place => bytes32 id) rivals; // of the head: the best one last
        uint80[1 << 32] slashLog; // height << 40 | sequence of each slashed block: three share a slot
        bytes32 head;
        bytes32 finalizedTip;
        // one slot: what a proposal reads and writes
        uint96 headWork;
        uint32 headSequence;
        uint32 finalizedHeight;
        uint32 proposals;
        uint32 slashes; // length of the slash log
        uint32 rivalCount;
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
        genesis.proposedAt = SafeCast.toUint40(block.timestamp);
        genesis.jump = id;
        genesis.childDifficulty = difficulty;
        self.finalizedTip = id;
        self.proposals = 1;
        for (uint256 i = 0; i < PREPAID; ++i) {
            self.slashLog[3 * i] = 1; // places from the end of the log on are never read
        }
        _setHead(self, id);
    }

    /// @notice Makes the block the head if it has more work than the head, or the same and was proposed earlier. A head
    /// that it does not descend from becomes its rival.
    function offer(Tree storage self, bytes32 id) internal returns (bool better) {
        (uint96 work, uint32 sequence) = (self.blocks[id].totalWork, self.blocks[id].sequence);
        better = work > self.headWork || (work == self.headWork && sequence < self.headSequence);
        if (!better) return false;
        bytes32 head = self.head;
        if (self.blocks[id].parent != head && !isAncestor(self, head, id)) {
            self.blocks[head].slashesSeen = self.slashes; // the head is live
            _addRival(self, head);
        }
        _setHead(self, id);
    }

    /// @notice Makes a live block a rival of the head.
    function contest(Tree storage self, bytes32 id) internal {
        bytes32 head = self.head;
        require(!isAncestor(self, id, head), IPoLRegistry.OnHeadBranch(id, head));
        require(_addRival(self, id), IPoLRegistry.AlreadyContested(id));
    }

    /// @notice Takes a rival off that is none any more: off the finalized branch, on the head's, or dead as far as so
    /// many further entries of the slash log tell; what slashes have left of it is one then. Reverts if it lives.
    function dismiss(Tree storage self, uint256 place, bytes32 id, uint256 entries) internal {
        require(place < self.rivalCount && self.rivals[place] == id, IPoLRegistry.NoSuchRival(place, id));
        bytes32 met;
        if (isAncestor(self, self.finalizedTip, id) && !isAncestor(self, id, self.head)) {
            (met,) = _check(self, id, entries);
            bool unknown = self.blocks[id].slashesSeen < self.slashes;
            require(met != bytes32(0) || unknown, IPoLRegistry.RivalLives(id));
            if (met == bytes32(0)) return; // the next call goes on from there
        }
        _removeRival(self, place, met);
    }

    /// @notice Moves the finalized tip one block up, to one on the head's branch. No live rival beside it may be better
    /// than the witness, which stands on it (or is it) and is judged: whatever else is piled on it counts for nothing.
    function advance(Tree storage self, bytes32 id, bytes32 parent, bytes32 witness) internal {
        bytes32 tip = self.finalizedTip;
        require(parent == tip, IPoLRegistry.ParentNotFinal(id, parent, tip));
        bytes32 head = self.head;
        require(isAncestor(self, id, head), IPoLRegistry.NotOnHeadBranch(id, head));
        for (uint256 i = self.rivalCount; i > 0; --i) {
            bytes32 rival = self.rivals[i - 1];
            if (!_isBetter(self, rival, witness)) break; // nor are those before it
            _requireBeaten(self, rival, id, witness);
        }

        self.finalizedTip = id;
        self.finalizedHeight += 1;
    }

    /// @notice Records a slashed block. If the head stood on it, the head falls back to its parent, which is live, or,
    /// if one is better, to a rival.
    function cut(Tree storage self, bytes32 id) internal {
        Block storage dead = self.blocks[id];
        self.slashLog[self.slashes++] = (uint80(dead.height) << 40) | dead.sequence;

        if (!isAncestor(self, id, self.head)) return;
        _setHead(self, dead.parent);
        if (self.rivalCount > 0) _restore(self);
    }

    /// @notice Reverts unless the block is live, as far as so many further entries of the slash log tell. Remembers how
    /// far it was checked.
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

    /// @dev In the transaction of a slash the best rival becomes the head, if it is better than what the slash left: so
    /// garbage leads no longer than it lives. Too much to check is left to claimHead; what may become final does not
    /// hang on it.
    function _restore(Tree storage self) private {
        uint256 left = MAX_CHECKED;
        while (self.rivalCount > 0 && left > 0) {
            bytes32 rival = self.rivals[self.rivalCount - 1];
            if (!_isBetter(self, rival, self.head)) return;
            bytes32 met;
            bool descends = isAncestor(self, self.finalizedTip, rival);
            (met, left) = descends ? _check(self, rival, left) : (bytes32(0), left - 1);
            if (descends && met == bytes32(0) && self.blocks[rival].slashesSeen < self.slashes) return;

            _removeRival(self, self.rivalCount - 1, met);
            if (descends && met == bytes32(0)) offer(self, rival);
        }
    }

    /// @dev Puts a block into the order of rivals: false if it is there already.
    function _addRival(Tree storage self, bytes32 id) private returns (bool) {
        uint256 count = self.rivalCount;
        uint256 place = count;
        while (place > 0 && _isBetter(self, self.rivals[place - 1], id)) --place;
        if (place > 0 && self.rivals[place - 1] == id) return false;

        for (uint256 i = count; i > place; --i) {
            self.rivals[i] = self.rivals[i - 1];
        }
        self.rivals[place] = id;
        self.rivalCount += 1;

        emit IPoLRegistry.HeadContested(id);
        return true;
    }

    /// @dev If it was found dead because of a slashed block, what that has left of it is a rival, unless the head
    /// stands on it.
    function _removeRival(Tree storage self, uint256 place, bytes32 slashed) private {
        emit IPoLRegistry.RivalDismissed(self.rivals[place]);

        uint256 last = --self.rivalCount;
        for (uint256 i = place; i < last; ++i) {
            self.rivals[i] = self.rivals[i + 1];
        }
        bytes32 left = self.blocks[slashed].parent;
        if (slashed != bytes32(0) && !isAncestor(self, left, self.head)) _addRival(self, left);
    }

    /// @dev Reverts if the rival, or what slashes have left of it, is beside the block and better than the witness.
    function _requireBeaten(Tree storage self, bytes32 rival, bytes32 id, bytes32 witness) private {
        while (_isBetter(self, rival, witness)) {
            if (!isAncestor(self, self.finalizedTip, rival) || isAncestor(self, id, rival)) return;
            (bytes32 met,) = _check(self, rival, type(uint256).max);
            require(met != bytes32(0), IPoLRegistry.Contested(id, rival));
            rival = self.blocks[met].parent;
        }
    }

    /// @dev Looks for the block's ancestors in so many further entries of the slash log. Returns the first that it
    /// meets, and how many entries it did not look at.
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

    /// @dev More work, or the same and proposed earlier.
    function _isBetter(Tree storage self, bytes32 id, bytes32 other) private view returns (bool) {
        (uint96 work, uint96 others) = (self.blocks[id].totalWork, self.blocks[other].totalWork);
        return work > others || (work == others && self.blocks[id].sequence < self.blocks[other].sequence);
    }
}
