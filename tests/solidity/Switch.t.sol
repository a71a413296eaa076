// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {Header, Role, Status} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice What a pile of proposals at once does to finality, if the calls are one transaction.
contract Piler {
    function run(address target, bytes[] calldata calls) external returns (bool done) {
        for (uint256 i = 0; i < calls.length; ++i) {
            (done,) = target.call(calls[i]);
            if (!done) return false;
        }
    }
}

/// @notice Finality that garbage cannot buy: clocks of head switches, and the displaced head that a slash brings back.
contract SwitchTest is Fixture {
    bytes32 private genesis;
    uint64 private nonce = 1000;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
        bond(RIVAL, Role.Miner, 50 ether);
    }

    // -- what waits

    function test_a_chain_without_rivals_waits_for_nothing_more() public {
        bytes32 first = proposeOn(genesis, MINER, 1);
        bytes32 second = proposeOn(first, RIVAL, 2);
        attestAll(first);
        attestAll(second);
        pass(WINDOW);
        registry.finalize(first);
        registry.finalize(second);
        assertEq(registry.blocks(genesis).switchedAt, 0, "no switch");
        assertEq(registry.switchWindow(), SWITCH, "window");
    }

    /// A truly heavier branch wins, one window after it took the lead. The blocks that both have wait for nothing.
    function test_a_heavier_branch_wins_after_the_window() public {
        bytes32 both = proposeOn(genesis, MINER, 1);
        bytes32 light = proposeOn(both, RIVAL, 1);
        pass(WINDOW);
        bytes32 heavy = proposeOn(both, MINER, 2);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadSwitched(both, uint40(block.timestamp));
        bytes32 tip = proposeOn(heavy, MINER, 3);
        uint256 until = block.timestamp + SWITCH;
        attestAll(both);
        attestAll(heavy);
        attestAll(tip);
        registry.finalize(both);

        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.HeadTooFresh.selector, heavy, until, until - 1));
        registry.finalize(heavy);
        vm.warp(until);
        registry.finalize(heavy);
        registry.finalize(tip); // the branch goes on: no second wait
        registry.orphan(light);
        assertEq(registry.finalizedTip(), tip, "final");
    }

    /// Pitfall 22: 18 empty blocks on a valid inferior block, and `finalize` in the same transaction, orphan nothing.
    function test_pitfall_22_unjudged_work_a_pile_does_not_finalize_in_its_transaction() public {
        bytes32 base = proposeOn(genesis, RIVAL, 1);
        attestAll(base);
        bytes32 honest = grow(genesis, MINER, 30);
        pass(WINDOW);
        Piler piler = new Piler();
        bytes[] memory calls = pileOn(base, address(piler), 31);
        calls[31] = abi.encodeCall(registry.finalize, (base));
        bond(address(piler), Role.Miner, 31 * MINER_BOND);
        assertTrue(!piler.run(address(registry), calls), "finalize fails");

        assertStatus(base, Status.Pending, "not final");
        assertTrue(registry.head() != honest, "the pile is the head");
        uint256 until = block.timestamp + SWITCH;
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.HeadTooFresh.selector, base, until, until - 1));
        registry.finalize(base);
    }

    /// Pitfall 22: a slash brings the displaced head back at once, with its old clock: the pile delays it no longer than it
    /// lives. Any number of piles in a row do not change that.
    function test_pitfall_22_a_slash_brings_the_displaced_head_back_with_its_clock() public {
        bytes32 base = proposeOn(genesis, RIVAL, 1);
        bytes32 first = proposeOn(genesis, MINER, 1);
        bytes32 honest = grow(first, MINER, 5); // took the lead from base: a switch
        uint40 since = registry.blocks(genesis).switchedAt;
        attestAll(first);
        attestAll(base);
        bytes32[3] memory guilty;
        for (uint256 pile = 0; pile < 3; ++pile) {
            pass(SWITCH / 4);
            guilty[pile] = proposeOn(base, RIVAL, ++nonce);
            grow(guilty[pile], RIVAL, 5 + pile); // each outweighs the last
            assertEq(registry.blocks(genesis).switchedAt, pile == 0 ? block.timestamp : since + SWITCH / 4, "clock");
        }
        for (uint256 pile = 3; pile > 0; --pile) {
            assertTrue(registry.head() != honest, "displaced");
            slashAsBounties(guilty[pile - 1]);
        }
        assertEq(registry.head(), honest, "back in the transaction of the slash");
        assertEq(registry.blocks(genesis).switchedAt, since, "with its clock");
        vm.warp(since + SWITCH);
        registry.finalize(first);
        registry.orphan(base);
    }

    /// A proof against a block high up in the pile does it too, as soon as what is left is lighter.
    function test_the_displaced_head_is_back_as_soon_as_the_pile_is_lighter() public {
        bytes32 base = proposeOn(genesis, RIVAL, 1);
        bytes32 honest = grow(genesis, MINER, 3);
        bytes32 low = grow(base, RIVAL, 3); // of height 4
        bytes32 high = proposeOn(low, RIVAL, ++nonce);
        slashAsBounties(high);
        assertEq(registry.head(), low, "still heavier");
        slashAsBounties(low);
        assertEq(registry.head(), honest, "of height 3, and earlier");
    }

    /// A bad block on top of the honest branch does not make the honest branch be forgotten.
    function test_what_is_left_of_a_displaced_head_comes_back() public {
        bytes32 base = proposeOn(genesis, RIVAL, 1);
        bytes32 honest = grow(genesis, MINER, 4);
        bytes32 bad = proposeOn(honest, RIVAL, ++nonce); // the head
        bytes32 worse = proposeOn(bad, RIVAL, ++nonce);
        uint40 since = registry.blocks(genesis).switchedAt;
        pass(10);
        bytes32 pile = proposeOn(base, RIVAL, ++nonce);
        grow(pile, RIVAL, 5);
        slashAsBounties(bad); // on the displaced branch
        assertTrue(registry.head() != worse, "the pile leads");
        slashAsBounties(pile);
        assertEq(registry.head(), honest, "without the bad block");
        assertEq(registry.blocks(genesis).switchedAt, since, "with its clock");
    }

    /// Pitfall 22: nor does a slash open a door: what stands on the block that the head falls back to is new there.
    function test_pitfall_22_a_pile_after_a_sacrifice_waits_too() public {
        bytes32 base = proposeOn(genesis, MINER, 1); // valid, inferior, long judged
        attestAll(base);
        bytes32 sacrifice = proposeOn(genesis, RIVAL, 1);
        grow(sacrifice, RIVAL, 9); // heavier than what the honest build beside it
        bytes32 honest = grow(genesis, MINER, 5);
        pass(SWITCH);
        slashAsBounties(sacrifice); // takes the lead away, and brings back what had it before: base
        assertEq(registry.head(), base, "displaced by the sacrifice");
        bytes32 tip = grow(base, RIVAL, 6);
        assertEq(registry.head(), tip, "the pile leads");
        registry.finalize(base); // it had the lead for long enough, and is right
        assertTrue(registry.head() != honest, "and so are the rules");
    }

    /// The same, where what the head fell to was never displaced: nothing is brought back, so the clock starts there.
    function test_a_retreat_starts_the_clock_where_the_head_falls_to() public {
        bytes32 sacrifice = grow(genesis, RIVAL, 1);
        grow(sacrifice, RIVAL, 9);
        bytes32 base = proposeOn(genesis, RIVAL, ++nonce); // later than the sacrifice: never the head
        attestAll(base);
        grow(genesis, MINER, 5);
        pass(SWITCH);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadSwitched(genesis, uint40(block.timestamp));
        slashAsBounties(sacrifice);
        grow(base, RIVAL, 6);
        uint256 until = block.timestamp + SWITCH;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.HeadTooFresh.selector, base, until, block.timestamp));
        registry.finalize(base);
    }

    /// One bad child in every window delays no block by more than one window: finality goes on at its pace.
    function test_one_bad_child_per_window_does_not_freeze_finality() public {
        bytes32 parent = genesis;
        bytes32[] memory chain = new bytes32[](6);
        uint256[] memory at = new uint256[](6);
        for (uint256 i = 0; i < 6; ++i) {
            chain[i] = proposeOn(parent, MINER, uint64(1 + i));
            at[i] = block.timestamp;
            attestAll(chain[i]);
            bytes32 bad = proposeOn(chain[i], RIVAL, ++nonce);
            pass(WINDOW);
            slashAsBounties(bad); // a retreat
            if (i > 0) registry.finalize(chain[i - 1]);
            pass(SWITCH - WINDOW);
            parent = chain[i];
        }
        assertEq(registry.finalizedTip(), chain[4], "all but the last");
        assertTrue(block.timestamp - at[5] <= SWITCH, "one window behind");
    }

    /// A displaced head that saw more slashes than one transaction checks comes back by claimHead; meanwhile nothing that
    /// took its place becomes final.
    function test_a_head_with_too_much_to_check_comes_back_by_claimHead() public {
        bytes32 base = proposeOn(genesis, RIVAL, 1);
        attestAll(base);
        bytes32 honest = grow(genesis, MINER, 3);
        bytes32 pile = proposeOn(base, RIVAL, ++nonce);
        grow(pile, RIVAL, 3);
        for (uint256 i = 0; i < 70; ++i) {
            bond(VIOLA, Role.Miner, MINER_BOND);
            slashAsBounties(proposeOn(genesis, VIOLA, ++nonce));
        }
        pass(SWITCH);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadSwitched(genesis, uint40(block.timestamp));
        slashAsBounties(pile);
        assertEq(registry.head(), base, "fell back");
        uint256 until = block.timestamp + SWITCH;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.HeadTooFresh.selector, base, until, block.timestamp));
        registry.finalize(base);
        registry.claimHead(honest);
        assertEq(registry.head(), honest, "back");
    }

    // -- catchUp

    /// A block on a fork that saw thousands of slashes stays affordable: its check is split up.
    function test_catchUp_splits_the_check_of_a_block() public {
        bytes32 good = proposeOn(genesis, MINER, 1);
        bytes32 fork = proposeOn(genesis, RIVAL, 1);
        for (uint256 i = 0; i < 10; ++i) {
            slashAsBounties(proposeOn(good, RIVAL, ++nonce));
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

    /// So many blocks in a row; returns the last.
    function grow(bytes32 parent, address miner, uint256 count) private returns (bytes32 tip) {
        tip = parent;
        for (uint256 i = 0; i < count; ++i) {
            tip = proposeOn(tip, miner, ++nonce);
        }
    }

    /// Calls that pile empty blocks on a block, with room for one more.
    function pileOn(bytes32 parent, address miner, uint256 count) private returns (bytes[] memory calls) {
        calls = new bytes[](count + 1);
        for (uint256 i = 0; i < count; ++i) {
            Header memory header = makeHeader(parent, miner, ++nonce);
            calls[i] = abi.encodeCall(registry.propose, (header, ANY_DIFFICULTY));
            parent = registry.blockIdOf(header);
        }
    }
}
