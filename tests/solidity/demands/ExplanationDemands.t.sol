// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DemandState, IDemands, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IExplanations} from "../../../contracts/interfaces/IExplanations.sol";
import {EvidenceKind, Role, Status, Tree} from "../../../contracts/Types.sol";
import {BlockFixture} from "../fixtures/BlockFixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Demands about an explanation: they are its author's to answer, and end with it.
contract ExplanationDemandsTest is BlockFixture {
    /// Silence about an explanation burns its author's bond, all of it; the block lives on with a fresh clock.
    function test_silence_about_an_explanation_burns_its_authors_bond() public {
        (Position memory position, bytes32 demandId) = demandedBelow();
        pass(ANSWER);
        vm.expectEmit(address(demands));
        emit IDemands.DemandExpired(id, demandId, VICTOR);
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationRefuted(id, Tree.Before, RIGHT, VIOLA, address(0), block.timestamp + ANSWER);
        demands.expire(id, position);

        assertStatus(id, Status.Pending, "the block lives");
        assertEq(registry.blocks(id).openDemands, 1, "and waits for the next one");
        assertEq(vault.burned(), ATTEST_BOND, "burned whole");
        assertEq(free(VIOLA, Role.Verifier) + locked(VIOLA, Role.Verifier), 10 ether - ATTEST_BOND, "its author's");
        assertEq(free(VICTOR, Role.Verifier), 10 ether, "the fee went back");
        assertEq(locked(VICTOR, Role.Verifier), 0, "at once");
    }

    /// A demand about an explanation that stands no more ends without waiting, and costs nobody.
    function test_stale_demands_about_a_refuted_explanation_are_closed() public {
        (Position memory position, bytes32 demandId) = demandedBelow();
        uint256 deadline = demands.demands(demandId).deadline;
        vm.expectRevert(abi.encodeWithSelector(IDemands.DeadlineAhead.selector, demandId, deadline, block.timestamp));
        demands.expire(id, position);
        commitAndRefute(VERA, id, Tree.Before, RIGHT);
        uint256 burned = vault.burned();
        assertEq(registry.blocks(id).openDemands, 2, "it and the next explanation");
        vm.expectEmit(address(demands));
        emit IDemands.DemandSettled(id, demandId, VICTOR, DEMAND_FEE);
        demands.expire(id, position);
        assertEq(registry.blocks(id).openDemands, 1, "closed");
        assertEq(free(VICTOR, Role.Verifier), 10 ether, "fee back");
        assertEq(vault.burned(), burned, "nobody pays");
        assertStatus(id, Status.Pending, "status");
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, position);
    }

    /// A root that fell can be given again. Then the same can be demanded again: nobody hides behind an old demand.
    function test_an_explanation_given_again_is_walked_down_again() public {
        (Position memory position, bytes32 demandId) = demandedBelow();
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        pass(ANSWER);
        demands.expire(id, position);
        pass(ANSWER - 1);
        vm.expectPartialRevert(IExplanations.NotStanding.selector);
        demand(VICTOR, id, position);
        explain(RIVAL, header, Tree.Before, RIGHT, 1);
        pass(ANSWER - 1); // long after the window
        assertEq(demand(VICTOR, id, position), demandId, "the same demand");
        assertTrue(demands.demands(demandId).state == DemandState.Open, "open");
    }

    /// A demand about an explanation that fell does not come due for whoever gives the same again: that one has a whole
    /// window, from a demand of its own.
    function test_pitfall_24_an_old_demand_does_not_fall_on_whoever_explains_the_same_again() public {
        (Position memory position, bytes32 demandId) = demandedBelow();
        commitAndRefute(VERA, id, Tree.Before, RIGHT);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        pass(demands.demands(demandId).deadline - block.timestamp - 1);
        explain(RIVAL, header, Tree.Before, RIGHT, 1);
        pass(1);
        uint256 burned = vault.burned();
        demands.expire(id, position);
        assertEq(vault.burned(), burned, "nobody pays");
        assertEq(locked(RIVAL, Role.Verifier), ATTEST_BOND, "its bond");
        assertTrue(explanations.rootOf(id, Tree.Before, RIGHT) == position.explanation, "stands");
        demand(VICTOR, id, position);
        pass(ANSWER);
        demands.expire(id, position);
        assertEq(vault.burned(), burned + ATTEST_BOND, "silence about a demand of its own");
    }

    /// A demand about an explanation ends with it, and can be made anew by another: that is that account's walk.
    function test_pitfall_24_a_stranger_who_makes_an_ended_demand_anew_stops_nobodys_walk() public {
        (Position memory position, bytes32 demandId) = demandedBelow();
        commitAndRefute(VERA, id, Tree.Before, RIGHT);
        demands.expire(id, position);
        bond(RIVAL, Role.Verifier, 2 * ATTEST_BOND);
        explain(RIVAL, header, Tree.Before, RIGHT, 1);
        demand(RIVAL, id, position);
        demand(VICTOR, id, stepsPosition());
        assertTrue(demands.demands(demandId).state == DemandState.Open, "both are open");
        bytes32 walk = demands.demandIdOf(id, stepsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.WalkUnderWay.selector, walk));
        demand(VICTOR, id, rootsPosition(Tree.Step, 0));
    }

    /// Whoever answers below a false explanation of a right block earns nothing by it, and who walked it down loses
    /// nothing: also where an accomplice of the liar refutes it first.
    function test_pitfall_24_answers_below_a_false_explanation_earn_no_fee() public {
        attestAll(id);
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        bytes32 traceRoot = explained(RIVAL, header, Tree.Before, RIGHT, 666);
        Position memory position = Position(Item.Nodes, Tree.Before, RIGHT, 3, 0, traceRoot);
        demand(VICTOR, id, position);
        answer(RIVAL, position);
        commitAndRefute(VIOLA, id, Tree.Before, RIGHT);
        explain(VERA, header, Tree.Before, RIGHT, 1);
        pass(WINDOW);
        registry.finalize(id, id);
        vm.expectEmit(address(demands));
        emit IDemands.DemandSettled(id, demands.demandIdOf(id, position), VICTOR, DEMAND_FEE);
        demands.settle(id, position);
        assertEq(vault.creditOf(RIVAL), 0, "nothing for the answer");
        assertEq(locked(VICTOR, Role.Verifier), ATTEST_BOND, "fee back");
    }

    function test_answers_below_an_explanation_that_stands_are_paid() public {
        attestAll(id);
        (Position memory position,) = demandedBelow();
        answer(VIOLA, position);
        pass(WINDOW);
        registry.finalize(id, id);
        demands.settle(id, position);
        assertEq(vault.creditOf(VIOLA), DEMAND_FEE, "fee");
    }

    function test_nobody_answers_below_an_explanation_that_fell() public {
        (Position memory position,) = demandedBelow();
        commitAndRefute(VERA, id, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotStanding.selector, id, Tree.Before, RIGHT));
        answer(VIOLA, position);
    }

    /// Accomplices of a miner get nothing of its bond by answering each other's demands about explanations of its wrong
    /// block.
    function test_answers_about_explanations_are_not_paid_from_the_bond_of_the_block() public {
        (Position memory position,) = demandedBelow();
        answer(VIOLA, position);
        commitAndProve(VERA, id, EvidenceKind.Step);
        pass(REVEAL);
        assertEq(demands.answersPay(id), 0, "pay");
        registry.forfeitBond(id);
        demands.settle(id, position);
        assertEq(locked(MINER, Role.Miner), 0, "nothing is left of the bond");
        assertEq(vault.creditOf(VIOLA), 0, "nothing for the answer");
    }

    function test_only_the_standing_explanation_is_demanded_more_of() public {
        showBits(id, header);
        bytes32 traceRoot = explained(VIOLA, header, Tree.Before, RIGHT, 1);
        Position memory position = Position(Item.Nodes, Tree.Before, RIGHT, 3, 0, rootOf(Tree.Before, 2));
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotStanding.selector, id, Tree.Before, RIGHT));
        demand(VICTOR, id, position);
        position.explanation = 0;
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotStanding.selector, id, Tree.Before, RIGHT));
        demand(VICTOR, id, position);
        (position.explanation, position.index) = (traceRoot, RIGHT + 1);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotStanding.selector, id, Tree.Before, RIGHT + 1));
        demand(VICTOR, id, position);
        uint256 closedAt = block.timestamp + WINDOW;
        vm.warp(closedAt);
        position.index = RIGHT;
        vm.expectPartialRevert(IDemands.TooLateToDemand.selector);
        demand(VICTOR, id, position);
        vm.warp(closedAt - 2);
        demand(VICTOR, id, position);
    }

    // -- helpers

    /// A demand of VICTOR's about an explanation of VIOLA's.
    function demandedBelow() private returns (Position memory position, bytes32 demandId) {
        showBits(id, header);
        bytes32 traceRoot = explained(VIOLA, header, Tree.Before, RIGHT, 1);
        position = Position(Item.Nodes, Tree.Before, RIGHT, 3, 0, traceRoot);
        demandId = demand(VICTOR, id, position);
    }

    /// Shows what was demanded; that it is what was demanded is the business of Reveals.
    function answer(address responder, Position memory position) private {
        vm.prank(address(reveals));
        demands.answer(id, position, responder);
    }
}
