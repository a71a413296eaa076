// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDemands} from "../../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Header, Role, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

contract FinalizeTest is Fixture {
    bytes32 private genesis;
    bytes32 private id;
    Header private header;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
        header = makeHeader(genesis, MINER, 1);
        id = propose(header);
    }

    function test_mints_the_reward_frees_the_bond_and_moves_the_tip() public {
        attestAll(id);
        pass(WINDOW);

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockFinalized(id, MINER, MINER_REWARD - 2 * ATTESTER_REWARD);
        registry.finalize(id, id);

        assertStatus(id, Status.Finalized, "status");
        assertEq(registry.finalizedTip(), id, "tip");
        assertEq(token.balanceOf(MINER), MINER_REWARD - 2 * ATTESTER_REWARD, "reward");
        assertEq(locked(MINER, Role.Miner), 0, "locked");
        assertEq(free(MINER, Role.Miner), 50 ether, "free");
    }

    function test_twice_is_refused() public {
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id, id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Finalized));
        registry.finalize(id, id);
    }

    /// Pitfall 11: the last second of the window belongs to verifiers, the next one to finality.
    function test_pitfall_11_boundary_of_the_challenge_window() public {
        attestAll(id);
        uint256 end = block.timestamp + WINDOW;

        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WindowOpen.selector, id, end, end - 1));
        registry.finalize(id, id);

        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, end, end));
        demandBits(VERA, id);
        registry.finalize(id, id);
        assertStatus(id, Status.Finalized, "finalized");
    }

    function test_pitfall_11_a_demand_in_the_last_second_holds_finality_up() public {
        attestAll(id);
        vm.warp(block.timestamp + WINDOW - 1);
        demandBits(VERA, id);

        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.DemandsOpen.selector, id, 1));
        registry.finalize(id, id);
    }

    /// Pitfall 11: an answer at the end of the window still leaves time to use it.
    function test_pitfall_11_an_answer_holds_the_block_for_an_answer_window() public {
        attestAll(id);
        vm.warp(block.timestamp + WINDOW - 1);
        demandBits(VERA, id);
        pass(1);
        answerBits(MINER, header);
        uint256 until = block.timestamp + ANSWER;
        assertEq(registry.blocks(id).heldUntil, until, "held until");

        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.BlockHeld.selector, id, until, until - 1));
        registry.finalize(id, id);
        vm.warp(until);
        registry.finalize(id, id);
        assertStatus(id, Status.Finalized, "finalized");
    }

    function test_quorum_is_needed() public {
        attest(id, VERA);
        pass(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.QuorumNotReached.selector, id, 2, 1));
        registry.finalize(id, id);
    }

    function test_parent_must_be_the_finalized_tip() public {
        bytes32 child = proposeOn(id, MINER, 2);
        attestAll(child);
        pass(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.ParentNotFinal.selector, child, id, genesis));
        registry.finalize(child, child);
    }

    function test_must_be_on_the_heads_branch() public {
        bytes32 rival = proposeOn(genesis, RIVAL, 1);
        attestAll(rival);
        pass(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotOnHeadBranch.selector, rival, id));
        registry.finalize(rival, rival);
    }

    function test_unknown_block_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        registry.finalize("nothing", "nothing");
    }

    function test_slashed_block_is_refused() public {
        attestAll(id);
        slashAsBounties(id);
        pass(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        registry.finalize(id, id);
    }

    /// Pitfall 15: no verifier online is a pause, not an end.
    function test_pitfall_15_a_chain_that_waited_long_for_verifiers_goes_on() public {
        bytes32 second = proposeOn(id, MINER, 2);
        bytes32 third = proposeOn(second, RIVAL, 3);
        pass(365 days);
        attestAll(id);
        attestAll(second);
        attestAll(third);
        registry.finalize(id, id);
        registry.finalize(second, second);
        registry.finalize(third, third);
        assertEq(registry.finalizedTip(), third, "tip");
    }
}
