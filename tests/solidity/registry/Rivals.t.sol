// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Header, Role, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {RivalsFixture} from "../fixtures/RivalsFixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Finality that garbage cannot buy: rivals of the head, contest, and the witness that must outweigh them.
contract RivalsTest is RivalsFixture {
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
