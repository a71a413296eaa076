// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Header, Role, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
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

/// @notice Finality that garbage cannot buy: rivals of the head, contest, and the witness that must outweigh them.
contract RivalsTest is Fixture {
    bytes32 private genesis;
    uint64 private nonce = 1000;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
        bond(RIVAL, Role.Miner, 200 ether);
        bond(MINER, Role.Miner, 200 ether);
    }

    // -- what decides

    function test_a_chain_without_rivals_is_its_own_witness() public {
        bytes32 first = proposeOn(genesis, MINER, 1);
        bytes32 second = proposeOn(first, RIVAL, 2);
        attestAll(first);
        attestAll(second);
        pass(WINDOW);
        registry.finalize(first, first);
        registry.finalize(second, second);
        assertEq(registry.finalizedTip(), second, "final");
    }

    /// A truly heavier branch wins as soon as so much of it is judged as outweighs what it displaced.
    function test_a_heavier_branch_wins_once_it_is_judged() public {
        bytes32 both = proposeOn(genesis, MINER, 1);
        bytes32 light = proposeOn(both, RIVAL, 1);
        bytes32 heavy = proposeOn(both, MINER, 2);
        pass(WINDOW);
        bytes32 tip = proposeOn(heavy, MINER, 3);
        uint256 judgedAt = block.timestamp + WINDOW;
        attestAll(both);
        attestAll(heavy);
        registry.finalize(both, both); // light stands on it too

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.Contested.selector, heavy, light));
        registry.finalize(heavy, heavy); // of the same work, but later
        vm.warp(judgedAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WindowOpen.selector, tip, judgedAt, judgedAt - 1));
        registry.finalize(heavy, tip);
        vm.warp(judgedAt);
        registry.finalize(heavy, tip);
        registry.orphan(light);
        assertEq(registry.finalizedTip(), heavy, "final");
    }

    function test_the_witness_stands_on_the_block() public {
        bytes32 first = proposeOn(genesis, MINER, 1);
        bytes32 other = proposeOn(genesis, RIVAL, 1);
        attestAll(first);
        pass(WINDOW);
        vm.expectRevert(
            abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, genesis, Status.Pending, Status.Finalized)
        );
        registry.finalize(first, other);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        registry.finalize(first, "nothing");
    }

    /// What is demanded of a witness, and an answer that is fresh, keep it from being judged.
    function test_an_open_demand_keeps_a_witness_from_being_judged() public {
        bytes32 light = proposeOn(genesis, RIVAL, 1);
        bytes32 heavy = proposeOn(genesis, MINER, 1);
        Header memory header = makeHeader(heavy, MINER, 2);
        bytes32 witness = propose(header);
        attestAll(heavy);
        pass(WINDOW - 1);
        demandBits(VIOLA, witness);
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.DemandsOpen.selector, witness, 1));
        registry.finalize(heavy, witness);
        answerBits(MINER, header);
        uint256 until = block.timestamp + ANSWER;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.BlockHeld.selector, witness, until, block.timestamp));
        registry.finalize(heavy, witness);
        vm.warp(until);
        registry.finalize(heavy, witness);
        registry.orphan(light);
    }

    // -- piles

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

    // -- contest

    function test_contest_takes_live_blocks_beside_the_head_once() public {
        bytes32 good = grow(genesis, MINER, 2);
        bytes32 side = grow(genesis, RIVAL, 1);
        registry.contest(side);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.AlreadyContested.selector, side));
        registry.contest(side);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.OnHeadBranch.selector, good, good));
        registry.contest(good);
        bytes32 below = registry.blocks(good).parent;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.OnHeadBranch.selector, below, good));
        registry.contest(below);
        bytes32 above = grow(side, RIVAL, 1);
        slashAsBounties(side);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.SlashedAncestor.selector, above, side));
        registry.contest(above);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, side, Status.Pending, Status.Slashed));
        registry.contest(side);
        vm.expectRevert(
            abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, genesis, Status.Pending, Status.Finalized)
        );
        registry.contest(genesis);
    }

    /// Rivals are kept in order, however they come: those lighter than the witness are not looked at, no heavier one
    /// missed. forge-config: default.fuzz.runs = 24
    function test_rivals_are_kept_in_order(uint256 seed) public {
        bytes32 good = proposeOn(genesis, MINER, 1);
        attestAll(good);
        bytes32 tip = grow(good, MINER, 9);
        bytes32[] memory side = new bytes32[](8); // on one branch each, of height 1 to 8
        for (uint256 i = 0; i < 8; ++i) {
            side[i] = grow(genesis, RIVAL, 1 + i);
        }
        for (uint256 i = 0; i < 8; ++i) {
            uint256 pick = uint256(keccak256(abi.encode(seed, i))) % (8 - i);
            registry.contest(side[pick]);
            side[pick] = side[7 - i];
        }
        pass(WINDOW);
        for (uint32 height = 1; height < 9; ++height) {
            bytes32 witness = ancestorAt(tip, height);
            if (height >= 8) break;
            vm.expectPartialRevert(IPoLRegistry.Contested.selector);
            registry.finalize(good, witness);
        }
        registry.finalize(good, ancestorAt(tip, 8)); // of the work of the best one, and earlier
    }

    /// A rival that saw more slashes than the slash of the head checks comes back by claimHead, and counts meanwhile.
    function test_a_rival_with_too_much_to_check_comes_back_by_claimHead() public {
        (bytes32 base, bytes32 honest) = inferior(3);
        bytes32 pile = proposeOn(base, RIVAL, ++nonce);
        grow(pile, RIVAL, 3);
        for (uint256 i = 0; i < 70; ++i) {
            slashAsBounties(grow(genesis, RIVAL, 1));
        }
        slashAsBounties(pile);
        assertEq(registry.head(), base, "fell back");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.Contested.selector, base, honest));
        registry.finalize(base, base);
        registry.claimHead(honest);
        assertEq(registry.head(), honest, "back");
    }

    // -- dismiss

    function test_dismiss_takes_off_what_is_no_rival_any_more() public {
        (bytes32 base, bytes32 honest) = inferior(3);
        bytes32 pile = proposeOn(base, RIVAL, ++nonce);
        bytes32 low = grow(pile, RIVAL, 1);
        bytes32 top = grow(low, RIVAL, 1);
        bytes32[3] memory expected = [low, honest, top]; // in order of work, however they came
        assertEq(registry.head(), top, "leads");
        grow(honest, MINER, 2); // and takes the lead back
        registry.contest(low);
        assertEq(registry.rivalCount(), 3, "rivals");
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(registry.rivalAt(i), expected[i], "place");
        }
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.RivalLives.selector, low));
        registry.dismiss(0, low, 9);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NoSuchRival.selector, 2, low));
        registry.dismiss(2, low, 9);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NoSuchRival.selector, 3, bytes32(0)));
        registry.dismiss(3, 0, 9);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.RivalDismissed(honest);
        registry.dismiss(1, honest, 0); // on the head's branch
        slashAsBounties(pile);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.RivalDismissed(top);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadContested(base); // what is left of it
        registry.dismiss(1, top, 9);
        assertEq(registry.rivalCount(), 2, "one off, one on");
        registry.dismiss(1, low, 9);
        assertEq(registry.rivalCount(), 1, "its rest is there already");
        assertEq(registry.rivalAt(0), base, "lives");
    }

    /// The slash log can be read in pieces, by anybody.
    function test_dismiss_goes_on_where_it_stopped() public {
        (bytes32 base, bytes32 honest) = inferior(2);
        bytes32 pile = grow(base, RIVAL, 2);
        grow(honest, MINER, 3);
        for (uint256 i = 0; i < 5; ++i) {
            slashAsBounties(grow(genesis, RIVAL, 1));
        }
        slashAsBounties(registry.blocks(pile).parent);
        uint256 place = registry.rivalCount() - 1;
        registry.dismiss(place, pile, 3);
        assertEq(registry.rivalAt(place), pile, "not known yet");
        registry.dismiss(place, pile, 3);
        assertTrue(registry.rivalAt(place) != pile || registry.rivalCount() == place, "off");
    }

    // -- catchUp

    /// A block on a fork that saw thousands of slashes stays affordable: its check is split up.
    function test_catchUp_splits_the_check_of_a_block() public {
        bytes32 good = proposeOn(genesis, MINER, 1);
        bytes32 fork = proposeOn(genesis, RIVAL, 1);
        for (uint256 i = 0; i < 10; ++i) {
            slashAsBounties(grow(good, RIVAL, 1));
        }
        registry.catchUp(fork, 4);
        assertEq(registry.blocks(fork).slashesSeen, 4, "so far");
        registry.catchUp(fork, 4);
        registry.catchUp(fork, type(uint256).max);
        assertEq(registry.blocks(fork).slashesSeen, 10, "all");
        slashAsBounties(fork);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, fork, Status.Pending, Status.Slashed));
        registry.catchUp(fork, 1);
    }

    function test_catchUp_refuses_dead_blocks() public {
        proposeOn(genesis, MINER, 1);
        bytes32 bad = proposeOn(genesis, RIVAL, 1);
        bytes32 child = proposeOn(bad, RIVAL, 2);
        slashAsBounties(bad);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.SlashedAncestor.selector, child, bad));
        registry.catchUp(child, 1);
    }

    // -- helpers

    /// A valid block that is judged and attested to, and so many honest ones beside it, that lead.
    function inferior(uint256 honestBlocks) private returns (bytes32 base, bytes32 honest) {
        bytes32 first = proposeOn(genesis, MINER, 1);
        base = proposeOn(genesis, RIVAL, 1);
        attestAll(base);
        honest = grow(first, MINER, honestBlocks - 1);
        pass(WINDOW);
    }

    /// So many blocks in a row; returns the last.
    function grow(bytes32 parent, address miner, uint256 count) private returns (bytes32 tip) {
        tip = parent;
        for (uint256 i = 0; i < count; ++i) {
            tip = proposeOn(tip, miner, ++nonce);
        }
    }

    /// The block at this height on the branch that ends in `tip`.
    function ancestorAt(bytes32 tip, uint32 height) private view returns (bytes32) {
        while (registry.blocks(tip).height > height) tip = registry.blocks(tip).parent;
        return tip;
    }
}

/// @notice What many rivals cost, if all of them are garbage that has fallen.
/// @dev Isolation makes forge run every call as a transaction of its own, with cold storage.
/// forge-config: default.isolate = true
contract ManyRivalsTest is Fixture {
    uint256 private constant MANY = 300;

    /// Pitfall 9: each was heavier than what is to be final. They are taken off one by one, and finality costs what it
    /// did.
    function test_pitfall_09_exhaustion_dead_rivals_do_not_make_finality_dear() public {
        bond(MINER, Role.Miner, 3 * MANY * MINER_BOND);
        bytes32 genesis = registry.genesisId();
        bytes32 good = proposeOn(genesis, MINER, 1);
        attestAll(good);
        bytes32 first = proposeOn(genesis, RIVAL, 1);
        bytes32[] memory pile = grown(first, MANY);
        bytes32 other = proposeOn(genesis, RIVAL, 2);
        grown(other, MANY + 1); // leads
        for (uint256 i = 0; i < MANY; ++i) {
            if (registry.rivalAt(registry.rivalCount() - 1) != pile[i]) registry.contest(pile[i]);
        }
        pass(WINDOW);
        slashAsBounties(first);
        slashAsBounties(other);
        assertTrue(vm.lastCallGas().gasTotalUsed < 16_000_000, "the slash");
        if (registry.head() != good) registry.claimHead(good);
        bytes32 next = proposeOn(good, RIVAL, 3);
        attestAll(next);
        registry.finalize(good, good); // dear, but possible
        assertTrue(vm.lastCallGas().gasTotalUsed < 16_000_000, "finality meanwhile");
        while (registry.rivalCount() > 1) {
            uint256 last = registry.rivalCount() - 1;
            registry.dismiss(last, registry.rivalAt(last), type(uint256).max);
            assertTrue(vm.lastCallGas().gasTotalUsed < 200_000, "a dismissal");
        }
        pass(WINDOW);
        registry.finalize(next, next);
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        assertTrue(gas < 170_000, string.concat("finality costs ", vm.toString(gas)));
    }

    function grown(bytes32 tip, uint256 count) private returns (bytes32[] memory blocks) {
        blocks = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            tip = proposeOn(tip, MINER, uint64(1000 + i));
            blocks[i] = tip;
        }
    }
}
