// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {Role, Status} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

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
        emit IPoLRegistry.BlockOrphaned(loser, RIVAL);
        registry.orphan(loser);

        assertStatus(loser, Status.Orphaned, "status");
        assertEq(free(RIVAL, Role.Miner), 50 ether, "free");
        assertEq(locked(RIVAL, Role.Miner), 0, "locked");
    }

    function test_descendants_of_a_slashed_block_get_their_bonds_back_one_by_one() public {
        bytes32 child = proposeOn(loser, RIVAL, 2);
        bytes32 grandchild = proposeOn(child, MINER, 3);
        slashAsBounties(loser);
        pass(WINDOW);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.StillLive.selector, grandchild));
        registry.orphan(grandchild);
        registry.orphan(child);
        registry.orphan(grandchild);
        assertEq(locked(MINER, Role.Miner), MINER_BOND, "only the live block's bond is locked");
    }

    function test_descendants_of_an_orphaned_block_are_orphaned() public {
        bytes32 child = proposeOn(loser, RIVAL, 2);
        proposeOn(proposeOn(winner, MINER, 2), MINER, 3); // the winner's branch has more work
        finalizeWinner();

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.StillLive.selector, child));
        registry.orphan(child);
        registry.orphan(loser);
        registry.orphan(child);
        assertEq(locked(RIVAL, Role.Miner), 0, "locked");
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
        registry.finalize(winner);

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WindowOpen.selector, late, end, block.timestamp));
        registry.orphan(late);
    }

    function test_pitfall_09_nor_while_a_demand_is_open() public {
        pass(WINDOW - 2);
        demandBits(VERA, loser);
        attestAll(winner);
        pass(2);
        registry.finalize(winner);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.DemandsOpen.selector, loser, 1));
        registry.orphan(loser);

        pass(ANSWER);
        demands.expire(loser, VERA, bitsPosition());
        assertStatus(loser, Status.Slashed, "slashed though it had lost");
    }

    function finalizeWinner() internal {
        attestAll(winner);
        pass(WINDOW);
        registry.finalize(winner);
    }
}
