// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {SegmentStep} from "../../../contracts/interfaces/ICourt.sol";
import {Demand, DemandState, IDemands, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {IReveals} from "../../../contracts/interfaces/IReveals.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {BlockFixture} from "../fixtures/BlockFixture.sol";
import {Programs} from "../fixtures/Programs.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice demand, reveal* and expire, rule by rule. Clocks are in Deadlines.t.sol, settle in Fees.t.sol, how walks go
/// down in Walks.t.sol; what content passes is tested with lib/Answers.sol.
contract DemandsTest is BlockFixture {
    SegmentStep private none;

    // -- demand

    function test_demand_locks_the_fee_and_holds_finality_up() public {
        bytes32 expected = keccak256(abi.encode(id, bitsPosition()));
        vm.expectEmit(address(demands));
        emit IDemands.Demanded(id, expected, VERA, bitsPosition(), block.timestamp + ANSWER, 1);
        bytes32 demandId = demandBits(VERA, id);

        assertEq(demandId, expected, "id");
        assertEq(locked(VERA, Role.Verifier), DEMAND_FEE, "locked");
        assertEq(registry.blocks(id).openDemands, 1, "open demands");
        Demand memory made = demands.demands(demandId);
        assertEq(made.demander, VERA, "demander");
        assertEq(made.deadline, block.timestamp + ANSWER, "deadline");
        assertEq(made.order, 1, "order");
        assertEq(registry.openDemands(), 1, "of all blocks");
        assertTrue(made.state == DemandState.Open, "state");
    }

    function test_demand_needs_a_bond() public {
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, RIVAL, Role.Verifier, 0, DEMAND_FEE)
        );
        demandBits(RIVAL, id);
    }

    /// A position is demanded and answered once, for all.
    function test_each_position_is_demanded_once() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VICTOR, id);
        answerBits(MINER, header);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VICTOR, id);
        demand(VERA, id, stepsPosition());
        assertEq(registry.blocks(id).openDemands, 1, "open demands");
    }

    /// A walk goes step by step: the next demand needs the answer to the last.
    function test_an_account_has_one_demand_open_per_block() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.WalkUnderWay.selector, demandId));
        demand(VERA, id, stepsPosition());
        demand(VERA, proposeOn(id, MINER, 2), stepsPosition()); // of another block
        demand(VICTOR, id, stepsPosition());
        answerBits(MINER, header);
        demand(VERA, id, rootsPosition(Tree.Step, 0));
    }

    /// What means nothing for an item must be zero: nothing can be demanded under two names.
    function test_positions_that_do_not_exist_are_refused() public {
        Position[18] memory absent = [
            Position(Item.Roots, Tree.Step, 0, 1, 0, 0),
            Position(Item.Roots, Tree.Step, 0, 0, 1, 0),
            Position(Item.Roots, Tree.Step, 1, 0, 0, 0),
            Position(Item.Roots, Tree.Step, 0, 0, 0, "explanation"),
            Position(Item.Roots, Tree.Before, 7, 0, 0, "explanation"), // those an explanation shows
            Position(Item.Nodes, Tree.Step, 0, 0, 1, 0),
            Position(Item.Nodes, Tree.Step, 1, 0, 0, 0),
            Position(Item.Nodes, Tree.Segment, 0, 0, 0, "explanation"),
            Position(Item.Leaves, Tree.After, 4096, 0, 0, "explanation"),
            Position(Item.Bits, Tree.Before, 0, 0, 0, 0),
            Position(Item.Bits, Tree.Step, 1, 0, 0, 0),
            Position(Item.Bits, Tree.Step, 0, 1, 0, 0),
            Position(Item.Bits, Tree.Step, 0, 0, 1, 0),
            Position(Item.Roots, Tree.Segment, STEPS, 0, 0, 0),
            Position(Item.Leaves, Tree.Segment, STEPS, 0, 0, 0),
            Position(Item.Steps, Tree.Segment, 0, 0, 0, 0),
            Position(Item.Steps, Tree.Step, 1, 0, 0, 0),
            Position(Item.Steps, Tree.Step, 0, 0, 1, 0)
        ];
        for (uint256 i = 0; i < absent.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IDemands.NoSuchPosition.selector, absent[i]));
            vm.prank(VERA);
            demands.demand(id, absent[i], Programs.open(Tree.Step, 0));
        }
    }

    /// Pitfall 3, turned round: what no miner could show cannot be demanded of it.
    function test_pitfall_03_tensors_and_groups_that_do_not_exist_cannot_be_demanded() public {
        Position[3] memory absent = [
            Position(Item.Nodes, Tree.Step, 0, 5, 0, 0),
            Position(Item.Leaves, Tree.Step, 0, 0, 1, 0),
            Position(Item.Leaves, Tree.Step, 0, type(uint32).max, type(uint32).max, 0)
        ];
        for (uint256 i = 0; i < absent.length; ++i) {
            for (uint32 tensor = 0; tensor < 6; ++tensor) {
                bytes memory program = Programs.open(Tree.Step, tensor);
                vm.expectRevert();
                vm.prank(VERA);
                demands.demand(id, absent[i], program);
            }
        }
        // what does exist only waits for its parent
        vm.expectPartialRevert(IDemands.NotYetShown.selector);
        demand(VERA, id, Position(Item.Nodes, Tree.Step, 0, 4, 0, 0));
    }

    function test_only_pending_blocks() public {
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        demandBits(VERA, "nothing");
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        demandBits(VERA, id);
    }

    // -- reveal

    function test_anybody_answers() public {
        bytes32 demandId = demandBits(VERA, id);
        bytes memory answer = abi.encode(bits());
        vm.expectEmit(address(reveals));
        emit IReveals.Revealed(id, demandId, VIOLA, answer);
        answerBits(VIOLA, header);

        Demand memory made = demands.demands(demandId);
        assertTrue(made.state == DemandState.Answered, "state");
        assertEq(made.responder, VIOLA, "responder");
        assertEq(registry.blocks(id).openDemands, 0, "open demands");
        assertEq(registry.openDemands(), 0, "of all blocks");
        assertEq(registry.blocks(id).heldUntil, block.timestamp + ANSWER, "held until");
        assertEq(demands.answeredAt(demandId), block.timestamp, "answered at");
    }

    /// An earlier hold that ends later stays.
    function test_the_latest_answer_holds_the_block() public {
        showBits(id, header);
        uint256 until = block.timestamp + ANSWER;
        pass(10);
        demand(VICTOR, id, stepsPosition());
        vm.prank(address(demands));
        registry.closeDemand(id, false); // needed no more: that holds nothing up
        assertEq(registry.blocks(id).heldUntil, until, "not moved");
        vm.startPrank(address(demands));
        registry.openDemand(id);
        registry.closeDemand(id, true);
        vm.stopPrank();
        assertEq(registry.blocks(id).heldUntil, block.timestamp + ANSWER, "later");
    }

    function test_what_was_not_demanded_cannot_be_answered() public {
        bytes32 missing = demands.demandIdOf(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, missing));
        answerBits(MINER, header);
        demandBits(VERA, id);
        Header memory other = makeHeader(id, MINER, 2);
        missing = demands.demandIdOf(propose(other), bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, missing));
        answerBits(MINER, other);
        answerBits(MINER, header);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demands.demandIdOf(id, bitsPosition())));
        answerBits(MINER, header); // twice
    }

    function test_wrong_answers_are_refused() public {
        demandBits(VERA, id);
        bytes32[2][] memory words = bits();
        words[2][0] ^= bytes32(uint256(1));
        vm.expectRevert();
        vm.prank(MINER);
        reveals.revealBits(header, bitsPosition(), words);
        vm.expectRevert(abi.encodeWithSelector(IReveals.WrongItem.selector, Item.Roots, Item.Bits));
        vm.prank(MINER);
        reveals.revealRoots(header, bitsPosition(), Programs.open(Tree.Step, 0), Programs.evaluation(1), none);
    }

    function test_a_slashed_block_needs_no_answer() public {
        demandBits(VERA, id);
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        answerBits(MINER, header);
    }

    // -- expire

    /// Pitfall 3: what is not shown in time costs the block, and pays whoever asked.
    function test_pitfall_03_withheld_data_is_slashed() public {
        bytes32 demandId = demandBits(VERA, id);
        pass(ANSWER);
        vm.expectEmit(address(demands));
        emit IDemands.DemandExpired(id, demandId, VERA);
        vm.expectEmit(address(bounties));
        emit IBounties.BountyAssigned(id, VERA, EvidenceKind.Withheld, 1);
        vm.prank(VIOLA); // open to everyone
        demands.expire(id, bitsPosition());
        assertStatus(id, Status.Slashed, "slashed");

        pass(REVEAL);
        registry.forfeitBond(id);
        demands.settle(id, bitsPosition());
        assertEq(vault.creditOf(VERA), DEMAND_FEE, "what it cost, and not more");
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
    }

    function test_expire_needs_an_open_demand() public {
        bytes32 demandId = demands.demandIdOf(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, bitsPosition());
        demandBits(VERA, id);
        answerBits(MINER, header);
        pass(ANSWER);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, bitsPosition());
    }

    /// Pitfall 2: a copied demand comes too late: the position has been demanded.
    function test_pitfall_02_challenge_theft_a_copied_demand_is_refused() public {
        demandBits(VERA, id);
        vm.expectPartialRevert(IDemands.DemandedBefore.selector);
        demandBits(VIOLA, id);
    }

    function test_expire_moves_no_bounty_after_the_reveal_window() public {
        demandBits(VERA, id);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        uint256 settlesAt = block.timestamp + REVEAL;
        pass(ANSWER);
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountySettled.selector, id, settlesAt));
        demands.expire(id, bitsPosition());
    }

    /// Pitfall 18: the same key run twice demands, answers and times out once.
    function test_pitfall_18_the_same_key_run_twice() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VERA, id);
        assertEq(locked(VERA, Role.Verifier), DEMAND_FEE, "one fee");
        pass(ANSWER);
        demands.expire(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, bitsPosition());
    }
}
