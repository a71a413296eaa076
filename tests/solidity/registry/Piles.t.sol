// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Header, Role} from "../../../contracts/Types.sol";
import {RivalsFixture} from "../fixtures/RivalsFixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Makes several calls in one transaction.
contract Piler {
    function run(address target, bytes[] calldata calls) external returns (bool done, bytes memory reason) {
        for (uint256 i = 0; i < calls.length; ++i) {
            (done, reason) = target.call(calls[i]);
            if (!done) return (done, reason);
        }
    }
}

/// @notice Garbage piled on an inferior block, which orphans nothing, and what is left of it once it falls.
contract PilesTest is RivalsFixture {
    /// Pitfall 22: empty blocks piled on a valid inferior block, and `finalize` in the same transaction, orphan
    /// nothing.
    function test_pitfall_22_unjudged_work_a_pile_does_not_finalize_in_its_transaction() public {
        (bytes32 base, bytes32 honest) = inferior(30);
        Piler piler = new Piler();
        bond(address(piler), Role.Miner, 31 * MINER_BOND);
        bytes[] memory calls = new bytes[](32);
        bytes32 tip = base;
        for (uint256 i = 0; i < 31; ++i) {
            Header memory header = makeHeader(tip, address(piler), ++nonce);
            calls[i] = abi.encodeCall(registry.propose, (header, ANY_DIFFICULTY));
            tip = registry.blockIdOf(header);
        }
        calls[31] = abi.encodeCall(registry.finalize, (base, base));
        uint256 snapshot = block.timestamp;
        (bool done, bytes memory reason) = piler.run(address(registry), calls);
        assertTrue(!done, "refused");
        assertEq(
            keccak256(reason), keccak256(abi.encodeWithSelector(IPoLRegistry.Contested.selector, base, honest)), "why"
        );

        assertEq(registry.head(), tip, "the pile is the head");
        uint256 open = snapshot + WINDOW;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WindowOpen.selector, tip, open, block.timestamp));
        registry.finalize(base, tip);
    }

    /// Pitfall 22: nor do piles that overlap, so that garbage holds the block under the head for as long as one likes.
    function test_pitfall_22_overlapping_piles_orphan_nothing() public {
        (bytes32 base, bytes32 honest) = inferior(6);
        bytes32 last;
        for (uint256 i = 0; i < 10; ++i) {
            bytes32 pile = proposeOn(base, RIVAL, ++nonce);
            grow(pile, RIVAL, 6 + i); // outweighs the last one
            if (i > 0) slashAsBounties(last); // garbage falls before it is judged
            last = pile;
            pass(WINDOW - 1);
            vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.Contested.selector, base, honest));
            registry.finalize(base, base);
        }
        slashAsBounties(last);
        assertEq(registry.head(), honest, "back");
        bytes32 first = ancestorAt(honest, 1);
        attestAll(first);
        registry.finalize(first, first);
        assertEq(registry.finalizedTip(), first, "not a second later than the garbage lived");
    }

    /// A slash brings the displaced head back in its transaction, however many piles were heaped on each other.
    function test_a_slash_brings_the_displaced_head_back() public {
        (bytes32 base, bytes32 honest) = inferior(6);
        bytes32[3] memory guilty;
        for (uint256 i = 0; i < 3; ++i) {
            guilty[i] = proposeOn(base, RIVAL, ++nonce);
            grow(guilty[i], RIVAL, 6 + i);
        }
        slashAsBounties(guilty[1]); // not the head's
        assertTrue(registry.head() != honest, "the third leads");
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadChanged(registry.blocks(guilty[0]).parent, registry.blocks(base).totalWork);
        slashAsBounties(guilty[2]);
        assertTrue(registry.head() != honest, "the first leads");
        slashAsBounties(guilty[0]);
        assertEq(registry.head(), honest, "back");
    }

    /// A proof against a block high up in the pile does it too, as soon as what is left is lighter.
    function test_the_displaced_head_is_back_as_soon_as_the_pile_is_lighter() public {
        (bytes32 base, bytes32 honest) = inferior(3);
        bytes32 low = grow(base, RIVAL, 3); // of height 4
        bytes32 high = proposeOn(low, RIVAL, ++nonce);
        slashAsBounties(high);
        assertEq(registry.head(), low, "still heavier");
        slashAsBounties(low);
        assertEq(registry.head(), honest, "of height 3, and earlier");
    }

    /// A bad block on top of a displaced branch takes nothing else of that from memory.
    function test_what_slashes_leave_of_a_rival_is_one() public {
        (bytes32 base, bytes32 honest) = inferior(4);
        bytes32 bad = grow(honest, RIVAL, 1);
        grow(bad, RIVAL, 1);
        bytes32 pile = proposeOn(base, RIVAL, ++nonce);
        grow(pile, RIVAL, 6);
        slashAsBounties(bad); // on the displaced branch
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.Contested.selector, base, honest));
        registry.finalize(base, base);
        slashAsBounties(pile);
        assertEq(registry.head(), honest, "without the bad block");
    }

    /// What a slash leaves of the head's branch is a rival too, where another one takes the lead from it.
    function test_what_a_slash_leaves_of_the_head_is_a_rival() public {
        bytes32 base = proposeOn(genesis, MINER, 1);
        bytes32 other = proposeOn(genesis, RIVAL, 1);
        attestAll(other);
        bytes32 real = grow(base, MINER, 3); // of height 4
        bytes32 bad = grow(real, RIVAL, 1);
        grow(bad, RIVAL, 5);
        bytes32 pile = grow(other, RIVAL, 5); // of height 6: less than what is bad
        registry.contest(pile);
        pass(WINDOW);
        slashAsBounties(bad);
        assertEq(registry.head(), pile, "the pile leads");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.Contested.selector, other, real));
        registry.finalize(other, other);
    }

    /// Pitfall 22: honest blocks that grow beside garbage from its first second never were the head: `contest` counts
    /// them.
    function test_pitfall_22_a_pile_after_a_sacrifice_does_not_get_past_a_contest() public {
        bytes32 sacrifice = grow(genesis, RIVAL, 1);
        grow(sacrifice, RIVAL, 9);
        bytes32 honest = grow(genesis, MINER, 1);
        bytes32 base = proposeOn(genesis, RIVAL, ++nonce); // valid, and later
        attestAll(base);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadContested(honest);
        vm.prank(VIOLA); // open to everyone
        registry.contest(honest);
        honest = grow(honest, MINER, 4);
        pass(WINDOW);
        slashAsBounties(sacrifice);
        grow(base, RIVAL, 8);
        vm.expectPartialRevert(IPoLRegistry.Contested.selector);
        registry.finalize(base, base);
    }

    /// Bad children of the head delay no block: they are gone with the slash.
    function test_bad_children_do_not_freeze_finality() public {
        bytes32 parent = genesis;
        for (uint256 i = 0; i < 6; ++i) {
            bytes32 good = grow(parent, MINER, 1);
            attestAll(good);
            pass(WINDOW - 1);
            bytes32 bad = grow(good, RIVAL, 2);
            slashAsBounties(registry.blocks(bad).parent);
            pass(1);
            registry.finalize(good, good); // as early as can be
            parent = good;
        }
    }

    /// Garbage that contests must outweigh the witness, costs its bonds, and delays for as long as it lives.
    function test_a_garbage_rival_delays_until_it_falls() public {
        bytes32 good = grow(genesis, MINER, 1);
        attestAll(good);
        grow(good, MINER, 3);
        bytes32 garbage = grow(genesis, RIVAL, 2);
        registry.contest(garbage);
        pass(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.Contested.selector, good, garbage));
        registry.finalize(good, good);
        registry.finalize(good, ancestorAt(registry.head(), 3)); // or take a better witness
        assertEq(registry.finalizedTip(), good, "final");
    }
}
