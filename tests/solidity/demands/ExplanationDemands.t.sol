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

    /// However many accomplices of a cheat explain its wrong bit one after the other, each time by another trace, they
    /// lock no more of a walker's bond than one does: nobody is owed the fees of what they answered, so they go back as
    /// each falls. The block falls in the end, and its demander has what it had.
    function test_pitfall_24_many_different_false_explanations_lock_the_fees_of_one_walk() public {
        demandBits(VICTOR, id);
        answerBits(MINER, header);
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
        for (uint160 i = 1; i <= 40; ++i) {
            address author = address(0xF00D00 + i);
            bond(author, Role.Verifier, ATTEST_BOND);
            explain(author, header, Tree.Before, RIGHT, i);
            bytes32 traceRoot = rootOf(Tree.Before, i);
            Position memory nodes = Position(Item.Nodes, Tree.Before, RIGHT, 3, 0, traceRoot);
            Position memory leaves = Position(Item.Leaves, Tree.Before, RIGHT, 3, 0, traceRoot);
            demand(VICTOR, id, nodes);
            answer(author, nodes);
            demand(VICTOR, id, leaves);
            answer(author, leaves);
            assertEq(locked(VICTOR, Role.Verifier), 4 * DEMAND_FEE, "a walk's");
            commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
            demands.settle(id, nodes);
            demands.settle(id, leaves);
            assertEq(locked(VICTOR, Role.Verifier), 2 * DEMAND_FEE, "for the bits, and for the next explanation");
        }
        pass(ANSWER);
        explanations.expire(id, Tree.Before, RIGHT);
        assertStatus(id, Status.Slashed, "status");
        demands.settle(id, bitsPosition());
        pass(REVEAL);
        explanations.settle(id, Tree.Before, RIGHT);
        assertEq(free(VICTOR, Role.Verifier), 10 ether, "all fees back");
    }

    /// A fee that goes back at once does so once, as soon as the explanation has fallen and no sooner, whoever asks.
    function test_pitfall_13_the_fee_of_an_answer_below_an_explanation_that_fell_goes_back_once() public {
        (Position memory position, bytes32 demandId) = demandedBelow();
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandUnsettled.selector, demandId));
        demands.settle(id, position); // open: it may still cost the author its bond
        answer(VIOLA, position);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandUnsettled.selector, demandId));
        demands.settle(id, position); // it stands: the fee may be its author's
        commitAndRefute(VERA, id, Tree.Before, RIGHT);

        vm.expectEmit(address(demands));
        emit IDemands.DemandSettled(id, demandId, VICTOR, DEMAND_FEE);
        vm.prank(RIVAL);
        demands.settle(id, position);
        assertEq(free(VICTOR, Role.Verifier), 10 ether, "fee back");
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.settle(id, position);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, position);
        commitAndProve(VERA, id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.settle(id, position);
        assertEq(free(VICTOR, Role.Verifier) + locked(VICTOR, Role.Verifier), 10 ether, "once");
        assertEq(registry.openDemands(), 0, "nothing is open");
    }

    /// The author of what fell over another sample answers for nothing any more, before anybody reopens it.
    function test_the_fee_of_an_answer_goes_back_when_its_author_falls_over_another_explanation() public {
        (Position memory position,) = demandedBelow();
        answer(VIOLA, position);
        explained(VIOLA, header, Tree.After, RIGHT, 2);
        commitAndRefute(VERA, id, Tree.After, RIGHT);
        demands.settle(id, position);
        assertEq(locked(VICTOR, Role.Verifier), 0, "fee back");
    }

    /// What was shown of an explanation that fell stays shown, though its fee went back: given again, it is walked on
    /// from there, inside an answer window from then, and nobody asks or pays for the same answer twice.
    function test_an_explanation_given_again_is_walked_on_from_what_was_shown_of_it() public {
        showBits(id, header);
        bytes32 traceRoot = explained(VIOLA, header, Tree.Before, RIGHT, 1);
        Position memory nodes = Position(Item.Nodes, Tree.Before, RIGHT, 3, 0, traceRoot);
        bytes32 demandId = demand(VICTOR, id, nodes);
        answer(VIOLA, nodes);
        commitAndRefute(VERA, id, Tree.Before, RIGHT);
        demands.settle(id, nodes);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        pass(ANSWER - 2);
        explain(RIVAL, header, Tree.Before, RIGHT, 1);

        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demand(VICTOR, id, nodes);
        assertTrue(demands.answeredAt(demandId) > 0, "shown");
        pass(ANSWER - 1);
        demand(VICTOR, id, Position(Item.Leaves, Tree.Before, RIGHT, 3, 0, traceRoot));
        assertEq(locked(VICTOR, Role.Verifier), DEMAND_FEE, "of one demand");
        pass(ANSWER);
        demands.expire(id, Position(Item.Leaves, Tree.Before, RIGHT, 3, 0, traceRoot));
        assertEq(locked(VICTOR, Role.Verifier), 0, "and none");
    }

    function test_answers_below_an_explanation_that_stands_are_paid() public {
        attestAll(id);
        (Position memory position, bytes32 demandId) = demandedBelow();
        answer(VIOLA, position);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandUnsettled.selector, demandId));
        demands.settle(id, position);
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
