// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {ICourt, SumNode, TraceId} from "../../../contracts/interfaces/ICourt.sol";
import {IDemands} from "../../../contracts/interfaces/IDemands.sol";
import {Explanation, ExplanationState, IExplanations} from "../../../contracts/interfaces/IExplanations.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Role, Status, Tree} from "../../../contracts/Types.sol";
import {BlockFixture} from "../fixtures/BlockFixture.sol";
import {Programs} from "../fixtures/Programs.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice demand, hasten, explain, refute, expire and settle, under a court that believes everything. What falls with
/// an author is in Speakers.t.sol, what is demanded of an explanation in ExplanationDemands.t.sol.
contract ExplanationsTest is BlockFixture {
    uint32 private constant WRONG = 7; // a sample that neither W nor W' classifies correctly
    uint32 private constant IMPROVED = 612; // one that only W' does

    // -- demand

    function test_demand_locks_the_fee_and_holds_finality_up() public {
        showBits(id, header);
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationDemanded(id, Tree.Before, RIGHT, VICTOR, block.timestamp + ANSWER, 2, true);
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);

        assertEq(locked(VICTOR, Role.Verifier), DEMAND_FEE, "locked");
        assertEq(registry.blocks(id).openDemands, 1, "open demands");
        assertEq(registry.openDemands(), 1, "of all blocks");
        Explanation memory made = explanations.explanationOf(id, Tree.Before, RIGHT);
        assertEq(made.demander, VICTOR, "demander");
        assertEq(made.deadline, block.timestamp + ANSWER, "deadline");
        assertEq(made.order, 2, "order");
        assertTrue(made.state == ExplanationState.Open, "state");
    }

    function test_the_claimed_bit_is_kept() public {
        showBits(id, header);
        uint32[3] memory samples = [RIGHT, WRONG, IMPROVED];
        for (uint256 i = 0; i < 3; ++i) {
            explained(VIOLA, header, Tree.Before, samples[i], 1);
            explained(VIOLA, header, Tree.After, samples[i], 1);
            assertTrue(explanations.explanationOf(id, Tree.Before, samples[i]).bit == (i == 0), "before");
            assertTrue(explanations.explanationOf(id, Tree.After, samples[i]).bit == (i != 1), "after");
        }
    }

    function test_demand_needs_the_bits_shown() public {
        bytes32 parentId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NotYetShown.selector, parentId));
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
        answerBits(MINER, header);
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
    }

    function test_bits_that_are_not_the_blocks_are_refused() public {
        showBits(id, header);
        bytes32[2] memory words = bits()[2];
        SumNode[] memory siblings = bitSiblings(2);
        vm.expectPartialRevert(ICourt.WrongRoot.selector); // the words of another leaf
        explanations.demand(header, Tree.Before, WRONG, words, siblings);
        words[0] ^= bytes32(uint256(1));
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        explanations.demand(header, Tree.Before, RIGHT, words, siblings);
        words[0] ^= bytes32(uint256(1));
        siblings = new SumNode[](3);
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        explanations.demand(header, Tree.Before, RIGHT, words, siblings);
    }

    function test_evaluations_that_do_not_exist_are_refused() public {
        showBits(id, header);
        SumNode[] memory none;
        bytes32[2] memory words = bits()[0];
        for (uint32 i = 0; i < 3; ++i) {
            (Tree tree, uint32 sample) =
                i == 0 ? (Tree.Step, 0) : i == 1 ? (Tree.Segment, 0) : (Tree.After, uint32(4096));
            vm.expectRevert(abi.encodeWithSelector(IExplanations.NoSuchEvaluation.selector, tree, sample));
            explanations.demand(header, tree, sample, words, none);
        }
    }

    function test_each_evaluation_is_demanded_once_and_each_account_waits_for_its_last() public {
        showBits(id, header);
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
        vm.expectRevert(
            abi.encodeWithSelector(IExplanations.ExplanationDemandedBefore.selector, id, Tree.Before, RIGHT)
        );
        demandExplanation(VERA, header, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.ExplanationUnderWay.selector, id, Tree.Before, RIGHT));
        demandExplanation(VICTOR, header, Tree.After, RIGHT);
        demandExplanation(VERA, header, Tree.After, RIGHT);
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        demandExplanation(VICTOR, header, Tree.After, WRONG);
    }

    /// Pitfall 11: until the window ends, and long enough after the bits were shown.
    function test_pitfall_11_clocks_the_last_second_to_demand() public {
        vm.warp(block.timestamp + WINDOW - 1);
        uint256 closedAt = block.timestamp + ANSWER;
        showBits(id, header);
        vm.warp(closedAt);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, closedAt, closedAt));
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
        vm.warp(closedAt - 1);
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
    }

    function test_only_pending_blocks() public {
        showBits(id, header);
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        demandExplanation(VERA, header, Tree.After, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
    }

    function test_pitfall_24_a_deadline_comes_nearer_when_others_are_answered() public {
        demandBits(VERA, id);
        answerBits(MINER, header);
        demandBits(VIOLA, proposeOn(id, MINER, 2));
        demandExplanation(VICTOR, header, Tree.Before, RIGHT);
        uint256 deadline = block.timestamp + ANSWER + SHARE;
        assertEq(explanations.explanationOf(id, Tree.Before, RIGHT).deadline, deadline, "stretched");
        vm.expectRevert(abi.encodeWithSelector(IExplanations.ExplanationDeadlineStands.selector, id, deadline));
        explanations.hasten(id, Tree.Before, RIGHT);
        slashAsBounties(registry.head());
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationMoved(id, Tree.Before, RIGHT, deadline - SHARE);
        explanations.hasten(id, Tree.Before, RIGHT);
        assertEq(explanations.explanationOf(id, Tree.Before, RIGHT).deadline, deadline - SHARE, "nearer");
    }

    // -- explain

    /// A right block is explained by a third party while its miner is away, and lives; whoever spoke for it is paid.
    function test_a_third_party_saves_a_right_block_whose_miner_is_away() public {
        attest(id, VICTOR);
        attest(id, VIOLA);
        demandBits(VERA, id);
        answerBits(VICTOR, header);
        demandExplanation(VERA, header, Tree.After, IMPROVED);
        bytes memory told = abi.encode(Programs.open(Tree.After, 0), Programs.evaluation(1));
        bytes32 traceRoot = rootOf(Tree.After, 1);
        vm.expectEmit(address(explanations));
        emit IExplanations.Explained(id, Tree.After, IMPROVED, VIOLA, traceRoot, told);
        explain(VIOLA, header, Tree.After, IMPROVED, 1);

        assertEq(explanations.rootOf(id, Tree.After, IMPROVED), traceRoot, "stands");
        assertEq(locked(VIOLA, Role.Verifier), 2 * ATTEST_BOND, "answers for it");
        assertEq(registry.blocks(id).openDemands, 0, "open demands");
        uint256 until = block.timestamp + ANSWER;
        pass(WINDOW);
        assertEq(registry.blocks(id).heldUntil, until, "held while it is fresh");
        registry.finalize(id, id);
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationSettled(id, Tree.After, IMPROVED, VIOLA, DEMAND_FEE);
        explanations.settle(id, Tree.After, IMPROVED);
        registry.settleAttestation(id, VIOLA);
        vm.expectEmit(address(explanations));
        emit IExplanations.SpeakerReleased(id, VIOLA);
        explanations.release(id, VIOLA);
        assertEq(free(VIOLA, Role.Verifier), 10 ether, "bonds back");
        assertEq(vault.creditOf(VIOLA), DEMAND_FEE, "fee");
    }

    function test_only_what_is_open_is_explained_and_in_time() public {
        showBits(id, header);
        expectNoneOpen(Tree.Before, RIGHT);
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        demandExplanation(VERA, header, Tree.Before, RIGHT);
        uint256 deadline = block.timestamp + ANSWER;
        vm.warp(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(IExplanations.ExplanationTooLate.selector, id, deadline, block.timestamp)
        );
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        vm.warp(deadline - 1);
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        expectNoneOpen(Tree.Before, RIGHT);
        explain(VICTOR, header, Tree.Before, RIGHT, 2); // one stands
    }

    function test_explaining_needs_a_bond_in_the_role() public {
        showBits(id, header);
        demandExplanation(VERA, header, Tree.Before, RIGHT);
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, MINER, Role.Verifier, 0, ATTEST_BOND)
        );
        explain(MINER, header, Tree.Before, RIGHT, 1);
        bytes memory program = Programs.open(Tree.Before, 0);
        vm.prank(MINER);
        explanations.explain(header, Tree.Before, RIGHT, program, Programs.evaluation(1), Role.Miner);
        assertEq(locked(MINER, Role.Miner), MINER_BOND + ATTEST_BOND, "of its miner's bond");
        commitAndRefute(VERA, id, Tree.Before, RIGHT);
        assertEq(locked(MINER, Role.Miner), MINER_BOND, "taken from there");
    }

    function test_roots_of_another_number_are_refused() public {
        showBits(id, header);
        demandExplanation(VERA, header, Tree.Before, RIGHT);
        bytes memory program = Programs.open(Tree.Before, 0);
        bytes32[] memory roots = new bytes32[](4);
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadOpening.selector, 4, 3));
        explanations.explain(header, Tree.Before, RIGHT, program, roots, Role.Verifier);
    }

    // -- refute

    /// A false explanation costs its author alone, and the time for a true one begins anew.
    function test_a_false_explanation_costs_its_author_alone() public {
        attest(id, VICTOR);
        attest(id, VIOLA);
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 666); // frames the miner
        commitToRefute(VERA, id, Tree.Before, RIGHT);
        uint256 deadline = block.timestamp + ANSWER;
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationRefuted(id, Tree.Before, RIGHT, RIVAL, VERA, deadline);
        refute(VERA, id, Tree.Before, RIGHT);

        assertEq(locked(RIVAL, Role.Verifier) + free(RIVAL, Role.Verifier), 0, "its bond");
        assertEq(vault.creditOf(VERA), ATTEST_BOND / 2, "half to the challenger");
        assertEq(vault.burned(), ATTEST_BOND / 2, "half burned");
        assertEq(explanations.rootOf(id, Tree.Before, RIGHT), bytes32(0), "stands no more");
        assertStatus(id, Status.Pending, "the block lives");
        assertEq(registry.blocks(id).openDemands, 1, "and waits for the next one");

        vm.warp(deadline - 1);
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        pass(WINDOW);
        registry.finalize(id, id);
        explanations.settle(id, Tree.Before, RIGHT);
        assertEq(vault.creditOf(VIOLA), DEMAND_FEE, "the fee is for the one that stands");
        assertEq(locked(MINER, Role.Miner), 0, "the miner lost nothing");
    }

    /// However often it is refuted, the block falls only if none stands when the time is over; then for its own miner's
    /// bond.
    function test_the_block_falls_if_no_explanation_stands_at_the_deadline() public {
        attest(id, VIOLA);
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        bond(address(0x5A1), Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        explain(address(0x5A1), header, Tree.Before, RIGHT, 3);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        uint256 deadline = block.timestamp + ANSWER;
        vm.warp(deadline - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IExplanations.ExplanationTooEarly.selector, id, deadline, block.timestamp)
        );
        explanations.expire(id, Tree.Before, RIGHT);
        vm.warp(deadline);
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationExpired(id, Tree.Before, RIGHT);
        vm.expectEmit(address(bounties));
        emit IBounties.BountyAssigned(id, VERA, EvidenceKind.Unexplained, 2);
        vm.prank(VICTOR); // open to everyone
        explanations.expire(id, Tree.Before, RIGHT);

        assertStatus(id, Status.Slashed, "slashed");
        pass(REVEAL);
        (,, bool lapsed) = bounties.winners(id);
        assertTrue(lapsed, "for silence");
        registry.settleAttestation(id, VIOLA);
        registry.forfeitBond(id);
        explanations.settle(id, Tree.Before, RIGHT);
        assertEq(vault.creditOf(VERA), DEMAND_FEE, "what it cost whoever demanded");
        assertEq(
            vault.burned(),
            MINER_BOND - DEMAND_FEE + 2 * ATTEST_BOND,
            "of the miner, two explanations, and the attester"
        );
    }

    function test_only_the_court_and_demands_refute(address sender) public {
        vm.assume(sender != address(court) && sender != address(demands));
        vm.startPrank(sender);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotCourt.selector, sender));
        explanations.refute(id, TraceId(Tree.Before, RIGHT), sender, 0);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotDemands.selector, sender));
        explanations.refuteSilent(id, Tree.Before, RIGHT);
        vm.stopPrank();
    }

    /// Pitfall 2: a refutation is committed to in an earlier L1 block, and only what stands is refuted.
    function test_pitfall_02_challenge_theft_refuting_needs_a_commitment() public {
        showBits(id, header);
        explained(VIOLA, header, Tree.Before, RIGHT, 1);
        TraceId memory trace = TraceId(Tree.Before, RIGHT);
        vm.expectPartialRevert(IBounties.NotCommitted.selector);
        court.refute(id, trace, SALT);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotStanding.selector, id, Tree.Before, RIGHT));
        vm.prank(VICTOR);
        court.refute(id, trace, SALT);
    }

    function test_the_explanation_of_a_settled_block_is_not_refuted() public {
        showBits(id, header);
        explained(VIOLA, header, Tree.Before, RIGHT, 1);
        slashAsBounties(id);
        commitToRefute(VICTOR, id, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        refute(VICTOR, id, Tree.Before, RIGHT);
    }

    // -- settle

    function test_settle_of_a_slashed_block_gives_bond_and_fee_back() public {
        showBits(id, header);
        explained(VIOLA, header, Tree.Before, RIGHT, 1);
        demandExplanation(VICTOR, header, Tree.After, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.ExplanationUnsettled.selector, id, Tree.Before, RIGHT));
        explanations.settle(id, Tree.Before, RIGHT);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationSettled(id, Tree.Before, RIGHT, VERA, DEMAND_FEE);
        explanations.settle(id, Tree.Before, RIGHT);
        explanations.release(id, VIOLA);
        assertEq(free(VIOLA, Role.Verifier), 10 ether, "bond back");
        expectNoneOpen(Tree.Before, RIGHT);
        explanations.settle(id, Tree.Before, RIGHT); // twice

        // what may still take the bounty waits for it
        vm.expectPartialRevert(IBounties.BountyUnsettled.selector);
        explanations.settle(id, Tree.After, RIGHT);
        pass(REVEAL);
        explanations.settle(id, Tree.After, RIGHT);
        assertEq(free(VICTOR, Role.Verifier), 10 ether, "fee back");
        expectNoneOpen(Tree.After, WRONG);
        explanations.settle(id, Tree.After, WRONG);
    }

    /// An earlier demand for an explanation takes the bounty of a proof that came while it ran.
    function test_an_earlier_demand_takes_the_bounty_of_a_later_proof() public {
        showBits(id, header);
        demandExplanation(VERA, header, Tree.Before, RIGHT);
        pass(ANSWER - 2);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        pass(1);
        explanations.expire(id, Tree.Before, RIGHT);
        pass(REVEAL);
        (address first, address prover,) = bounties.winners(id);
        assertEq(first, VERA, "first");
        assertEq(prover, VICTOR, "prover");
    }

    // -- helpers

    function expectNoneOpen(Tree tree, uint32 sample) private {
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NoOpenExplanation.selector, id, tree, sample));
    }
}
