// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockTree} from "../../../contracts/lib/BlockTree.sol";
import {Block} from "../../../contracts/Types.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice The tree as the registry calls it: a block is offered when it is proposed.
contract TreeHarness {
    using BlockTree for BlockTree.Tree;

    BlockTree.Tree private tree;

    constructor(bytes32 genesis) {
        tree.plant(genesis, 0);
    }

    function propose(bytes32 id, bytes32 parent, uint96 work) external {
        Block storage fresh = tree.blocks[id];
        uint32 below = tree.blocks[parent].height;
        (fresh.parent, fresh.jump, fresh.height) = (parent, tree.jumpFrom(parent, below), below + 1);
        (fresh.totalWork, fresh.sequence) = (work, tree.proposals++);
        tree.offer(id);
    }

    function cut(bytes32 id) external {
        tree.cut(id);
    }

    function advance(bytes32 id, bytes32 parent, bytes32 witness) external {
        tree.advance(id, parent, witness);
    }

    function get(bytes32 id) external view returns (Block memory) {
        return tree.blocks[id];
    }

    function head() external view returns (bytes32) {
        return tree.head;
    }

    function rivals() external view returns (bytes32[] memory ids) {
        ids = new bytes32[](tree.rivalCount);
        for (uint256 i = 0; i < ids.length; ++i) {
            ids[i] = tree.rivals[i];
        }
    }
}

/// @title What may become final, for all work that blocks may have and whichever of them is slashed.
/// @notice Two branches of two blocks on genesis, A with C and B with D, proposed in this order; their work is unknown,
/// as is which of them falls, if any does. Larger trees are a fuzzer's (Invariants.t.sol).
contract SymbolicFinality {
    bytes32 private constant GENESIS = bytes32(uint256(1));
    bytes32 private constant A = bytes32(uint256(2));
    bytes32 private constant B = bytes32(uint256(3));
    bytes32 private constant C = bytes32(uint256(4));
    bytes32 private constant D = bytes32(uint256(5));

    TreeHarness private tree;

    function setUp() public {
        tree = new TreeHarness(GENESIS);
    }

    /// Whatever led, or stands below what led, and lives is on the head's branch, or stays a rival, or is below one.
    function check_who_led_is_not_forgotten(uint64[4] memory work, uint256 fallen) external {
        bool[6] memory led = _play(work, fallen);

        bytes32[] memory rivals = tree.rivals();
        for (uint256 i = 2; i < 6; ++i) {
            if (!_contends(bytes32(i), led, fallen)) continue;
            bool known = _isBelow(bytes32(i), tree.head());
            for (uint256 j = 0; j < rivals.length; ++j) {
                known = known || _isBelow(bytes32(i), rivals[j]);
            }
            assert(known);
        }
    }

    /// Nothing becomes final beside such a block that is better than its witness.
    function check_finality_outweighs_whatever_led(uint64[4] memory work, uint256 fallen, uint8 chosen) external {
        bool[6] memory led = _play(work, fallen);
        bytes32 id = chosen < 2 ? A : B;
        bytes32 witness = chosen & 1 == 0 ? id : id == A ? C : D;

        tree.advance(id, GENESIS, witness);

        for (uint256 i = 2; i < 6; ++i) {
            if (!_contends(bytes32(i), led, fallen) || _isBelow(id, bytes32(i))) continue;
            assert(!_isBetter(bytes32(i), witness));
        }
    }

    /// Proposes all blocks, of which a child has more work than its parent; then one falls, or none. Returns who led.
    function _play(uint64[4] memory work, uint256 fallen) private returns (bool[6] memory led) {
        vm.assume(work[0] > 0 && work[1] > 0 && work[2] > work[0] && work[3] > work[1]);
        _propose(A, GENESIS, work[0], led);
        _propose(B, GENESIS, work[1], led);
        _propose(C, A, work[2], led);
        _propose(D, B, work[3], led);
        for (uint256 i = 2; i < 6; ++i) {
            if (i == fallen) tree.cut(bytes32(i));
        }
        led[uint256(tree.head())] = true;
    }

    function _propose(bytes32 id, bytes32 parent, uint96 work, bool[6] memory led) private {
        tree.propose(id, parent, work);
        led[uint256(tree.head())] = true;
    }

    function _contends(bytes32 id, bool[6] memory led, uint256 fallen) private pure returns (bool) {
        if (_isBelow(bytes32(fallen), id)) return false;
        return led[uint256(id)] || (id == A && led[uint256(C)]) || (id == B && led[uint256(D)]);
    }

    /// Whether a block other than genesis is another, or its parent.
    function _isBelow(bytes32 id, bytes32 other) private pure returns (bool) {
        return id == other || (id == A && other == C) || (id == B && other == D);
    }

    function _isBetter(bytes32 id, bytes32 other) private view returns (bool) {
        (Block memory one, Block memory two) = (tree.get(id), tree.get(other));
        return one.totalWork > two.totalWork || (one.totalWork == two.totalWork && one.sequence < two.sequence);
    }
}
