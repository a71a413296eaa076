// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Parameters, Role, RuleSet, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

contract OrphanTest is Fixture {
    bytes32 private winner;
    bytes32 private loser;

    function setUp() public override {
        super.setUp();
        winner = proposeOn(registry.genesisId(), MINER, 1);
        loser = proposeOn(registry.genesisId(), RIVAL, 1);
    }

    function test_a_lost_race_costs_nothing() public {
        finalizeWinner();

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockOrphaned(loser, RIVAL, 0);
        registry.orphan(loser);

        assertStatus(loser, Status.Orphaned, "status");
        assertEq(free(RIVAL, Role.Miner), 50 ether, "free");
        assertEq(locked(RIVAL, Role.Miner), 0, "locked");
    }

    /// What lies above a wrong block cannot be judged: half of each bond is burned, however far above.
    function test_descendants_of_a_slashed_block_lose_half_of_their_bonds_one_by_one() public {
        bytes32 child = proposeOn(loser, RIVAL, 2);
        bytes32 grandchild = proposeOn(child, MINER, 3);
        slashAsBounties(loser);
        pass(WINDOW);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.StillLive.selector, grandchild));
        registry.orphan(grandchild);
        uint256 balance = address(vault).balance;
        expectHalf(child, RIVAL);
        registry.orphan(child);
        expectHalf(grandchild, MINER);
        registry.orphan(grandchild);

        assertTrue(registry.blocks(child).aboveSlashed && registry.blocks(grandchild).aboveSlashed, "remembered");
        assertEq(vault.burned(), MINER_BOND, "burned");
        assertEq(address(vault).balance, balance - MINER_BOND, "gone");
        assertEq(free(RIVAL, Role.Miner), 50 ether - 3 * MINER_BOND / 2, "rival: a slashed bond, and half of another");
        assertEq(free(MINER, Role.Miner), 50 ether - 3 * MINER_BOND / 2, "miner: a live bond, and half of another");
        assertEq(locked(MINER, Role.Miner), MINER_BOND, "only the live block's bond is locked");
    }

    /// A block that lost its race, and was slashed before that was said, costs its children too.
    function test_a_lost_race_saves_no_bond_above_a_slashed_block() public {
        bytes32 child = proposeOn(loser, RIVAL, 2);
        bytes32 second = proposeOn(winner, MINER, 2);
        bytes32 next = proposeOn(second, MINER, 3);
        attestAll(winner);
        attestAll(second);
        pass(WINDOW);
        registry.finalize(winner, next); // the rivals' branch is lighter than that
        registry.finalize(second, next);

        // a rival of the child's is final, but the child's fate is its parent's
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.StillLive.selector, child));
        registry.orphan(child);
        slashAsBounties(loser);
        expectHalf(child, RIVAL);
        registry.orphan(child);
    }

    /// Of an odd amount the burned part is the larger one.
    function test_a_bond_of_one_wei_is_burned_whole() public {
        Parameters memory parameters = defaultParameters();
        parameters.minerBond = 1;
        deploy(defaultTask(RuleSet.Hardened), parameters);
        bond(MINER, Role.Miner, 2);
        bytes32 bad = proposeOn(registry.genesisId(), MINER, 1);
        bytes32 child = proposeOn(bad, MINER, 2);
        slashAsBounties(bad);
        pass(WINDOW);
        registry.orphan(child);
        assertEq(vault.burned(), 1, "burned");
        assertEq(free(MINER, Role.Miner), 0, "free");
    }

    function test_descendants_of_an_orphaned_block_are_orphaned() public {
        bytes32 child = proposeOn(loser, RIVAL, 2);
        bytes32 next = proposeOn(proposeOn(winner, MINER, 2), MINER, 3); // the winner's branch has more work
        attestAll(winner);
        pass(WINDOW);
        registry.finalize(winner, next);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.StillLive.selector, child));
        registry.orphan(child);
        registry.orphan(loser);
        registry.orphan(child);
        assertEq(locked(RIVAL, Role.Miner), 0, "locked");
        assertEq(free(RIVAL, Role.Miner), 50 ether, "nothing below was wrong");
    }

    function test_twice_is_refused() public {
        finalizeWinner();
        registry.orphan(loser);
        vm.expectRevert(
            abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, loser, Status.Pending, Status.Orphaned)
        );
        registry.orphan(loser);
    }

    function test_live_blocks_are_refused() public {
        pass(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.StillLive.selector, loser));
        registry.orphan(loser);
    }

    /// Pitfall 9: a bad block is not saved by losing a race before anyone could judge it.
    function test_pitfall_09_losing_a_race_saves_no_bond_before_the_window_is_over() public {
        pass(WINDOW - 1);
        bytes32 late = proposeOn(registry.genesisId(), RIVAL, 2);
        uint256 end = block.timestamp + WINDOW;
        attestAll(winner);
        pass(1);
        registry.finalize(winner, winner);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WindowOpen.selector, late, end, block.timestamp));
        registry.orphan(late);
    }

    function test_pitfall_09_nor_while_a_demand_is_open() public {
        pass(WINDOW - 2);
        demandBits(VERA, loser);
        attestAll(winner);
        pass(2);
        registry.finalize(winner, winner);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.DemandsOpen.selector, loser, 1));
        registry.orphan(loser);

        pass(ANSWER);
        demands.expire(loser, bitsPosition());
        assertStatus(loser, Status.Slashed, "slashed though it had lost");
    }

    function expectHalf(bytes32 id, address miner) internal {
        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockOrphaned(id, miner, MINER_BOND / 2);
        vm.expectEmit(address(vault));
        emit IBondVault.Forfeited(miner, Role.Miner, MINER_BOND / 2, MINER_BOND / 2);
        vm.expectEmit(address(vault));
        emit IBondVault.Unlocked(miner, Role.Miner, MINER_BOND / 2);
    }

    function finalizeWinner() internal {
        attestAll(winner);
        pass(WINDOW);
        registry.finalize(winner, winner);
    }
}
