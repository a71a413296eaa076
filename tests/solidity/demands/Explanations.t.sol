// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {ICourt, SumNode, TraceId} from "../../../contracts/interfaces/ICourt.sol";
import {DemandState, IDemands, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {
    Explanation,
    ExplanationState,
    IExplanations,
    SpeakerState
} from "../../../contracts/interfaces/IExplanations.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {Programs} from "../fixtures/Programs.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice demand, hasten, explain, refute, expire and settle, under a court that believes everything.
contract ExplanationsTest is Fixture {
    uint32 private constant RIGHT = 600; // a sample that W and W' classify correctly
    uint32 private constant WRONG = 7; // one that neither does
    uint32 private constant IMPROVED = 612; // one that only W' does

    Header private header;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        header = makeHeader(registry.genesisId(), MINER, 1);
        id = propose(header);
    }

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

    // -- speakers: one bond for all that an account explains of a block

    /// A flood of demands takes capital from those who demand alone.
    function test_one_bond_answers_for_all_that_one_explains_of_a_block() public {
        showBits(id, header);
        for (uint32 i = 0; i < 20; ++i) {
            explained(VIOLA, header, Tree.Before, i, 1);
        }
        assertEq(locked(VIOLA, Role.Verifier), ATTEST_BOND, "one bond");
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NothingToRelease.selector, id, VIOLA));
        explanations.release(id, VIOLA);
        Header memory other = makeHeader(id, MINER, 2);
        showBits(propose(other), other);
        explained(VIOLA, other, Tree.Before, 0, 1);
        assertEq(locked(VIOLA, Role.Verifier), 2 * ATTEST_BOND, "another one for another block");

        attest(id, VERA);
        attest(id, VICTOR);
        pass(WINDOW);
        registry.finalize(id, id);
        for (uint32 i = 0; i < 20; ++i) {
            explanations.settle(id, Tree.Before, i);
        }
        assertEq(vault.creditOf(VIOLA), 20 * DEMAND_FEE, "the fees pay for the gas");
        explanations.release(id, VIOLA);
        assertEq(locked(VIOLA, Role.Verifier), ATTEST_BOND, "bond back");
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NothingToRelease.selector, id, VIOLA));
        explanations.release(id, VIOLA);
    }

    /// Whoever was refuted once is no speaker for this block any more, and what else it explained can be opened again.
    function test_what_a_fallen_author_explained_can_be_reopened() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, 2 * ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        explained(RIVAL, header, Tree.After, RIGHT, 2);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotFallen.selector, id, RIVAL));
        explanations.reopen(id, Tree.After, RIGHT);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.SpeakerFallen.selector, id, RIVAL));
        explain(RIVAL, header, Tree.Before, RIGHT, 1);

        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationRefuted(
            id, Tree.After, RIGHT, RIVAL, address(0), block.timestamp + ANSWER + SHARE
        );
        vm.prank(VERA); // open to everyone
        explanations.reopen(id, Tree.After, RIGHT);
        assertEq(vault.burned(), ATTEST_BOND / 2, "one bond");
        assertEq(locked(RIVAL, Role.Verifier), 0, "no more than that");
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        explain(VIOLA, header, Tree.After, RIGHT, 1);
        (SpeakerState state, Role role) = explanations.speakerOf(id, RIVAL);
        assertTrue(state == SpeakerState.Fallen && role == Role.Verifier, "fallen");
    }

    /// A fallen author's explanations are ended at once or never, by a proof too: else each of them would hold the
    /// block up in turn, the next one a moment before it would be judged.
    function test_pitfall_24_explanations_of_a_fallen_author_do_not_hold_a_block_up_one_by_one() public {
        attestAll(id);
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        for (uint32 sample = 0; sample < 4; ++sample) {
            explained(RIVAL, header, Tree.Before, sample, 2);
        }
        vm.warp(block.timestamp + WINDOW);
        commitAndRefute(VICTOR, id, Tree.Before, 0);
        explain(VIOLA, header, Tree.Before, 0, 1);
        uint256 closedAt = block.timestamp + ANSWER;
        vm.warp(closedAt - 2);
        explanations.reopen(id, Tree.Before, 1);
        explain(VIOLA, header, Tree.Before, 1, 1);
        commitAndRefute(VICTOR, id, Tree.Before, 2); // in the last second
        explain(VIOLA, header, Tree.Before, 2, 1);
        commitToRefute(VICTOR, id, Tree.Before, 3);
        bytes memory late = abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, closedAt, closedAt);
        vm.expectRevert(late);
        refute(VICTOR, id, Tree.Before, 3);
        vm.expectRevert(late);
        explanations.reopen(id, Tree.Before, 3);
        vm.warp(closedAt - 1 + ANSWER);
        registry.finalize(id, id);
    }

    /// A second refutation of somebody who has nothing more to lose begins no time anew.
    function test_pitfall_24_an_author_falls_once() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        for (uint32 sample = 0; sample < 3; ++sample) {
            explained(RIVAL, header, Tree.Before, sample, 2);
        }
        vm.warp(block.timestamp + WINDOW);
        commitAndRefute(VICTOR, id, Tree.Before, 0);
        uint256 closedAt = block.timestamp + ANSWER;
        vm.warp(closedAt - 2);
        commitAndRefute(VICTOR, id, Tree.Before, 1);
        vm.warp(closedAt);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, closedAt, closedAt));
        explanations.reopen(id, Tree.Before, 2);
        commitToRefute(VICTOR, id, Tree.Before, 2);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, closedAt, closedAt + 1));
        refute(VICTOR, id, Tree.Before, 2);
    }

    /// The limit saves no wrong block: whoever walks down what a fallen author explained of it ends that in time,
    /// however long after the window the author fell, and the block falls as nobody can explain it better.
    function test_a_wrong_block_falls_though_its_author_fell_over_something_else_at_the_last() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        bytes32 traceRoot = explained(RIVAL, header, Tree.After, RIGHT, 2);
        Position memory position = Position(Item.Nodes, Tree.After, RIGHT, 3, 0, traceRoot);
        vm.warp(block.timestamp + WINDOW - 1);
        demand(VICTOR, id, position);
        pass(ANSWER - 2);
        commitAndRefute(VERA, id, Tree.Before, RIGHT); // an accomplice's
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        demands.expire(id, position);
        pass(ANSWER - 1);
        vm.expectPartialRevert(IPoLRegistry.BlockHeld.selector);
        registry.finalize(id, id);
        explanations.reopen(id, Tree.After, RIGHT);
        pass(ANSWER);
        explanations.expire(id, Tree.After, RIGHT);
        assertStatus(id, Status.Slashed, "slashed");
    }

    /// Each further explanation of a fallen author can still be proven wrong, for nothing; its bond is taken once.
    function test_a_fallen_authors_bond_is_taken_once() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, 2 * ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        explained(RIVAL, header, Tree.After, RIGHT, 2);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        commitAndRefute(VICTOR, id, Tree.After, RIGHT);
        assertEq(vault.creditOf(VICTOR), ATTEST_BOND / 2, "once");
        assertEq(free(RIVAL, Role.Verifier), ATTEST_BOND, "what was not locked is not taken");
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NothingToRelease.selector, id, RIVAL));
        explanations.release(id, RIVAL);
    }

    /// Nothing more is demanded of what a fallen author explained: it could not be answered.
    function test_nothing_is_demanded_of_what_a_fallen_author_explained() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        bytes32 traceRoot = explained(RIVAL, header, Tree.After, RIGHT, 2);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotStanding.selector, id, Tree.After, RIGHT));
        demand(VICTOR, id, Position(Item.Nodes, Tree.After, RIGHT, 3, 0, traceRoot));
    }

    /// What a fallen author explained and nobody reopened earns it no fee.
    function test_a_fallen_author_earns_no_fee() public {
        attestAll(id);
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        explained(RIVAL, header, Tree.After, RIGHT, 2);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        pass(WINDOW);
        registry.finalize(id, id);
        explanations.settle(id, Tree.After, RIGHT);
        assertEq(vault.creditOf(RIVAL), 0, "no fee");
    }

    // -- demands about an explanation

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

    /// The trace root of the explanation with these roots.
    function rootOf(Tree tree, uint256 version) private view returns (bytes32) {
        return Programs.evaluationRoot(tree == Tree.Before ? header.preRoot : header.postRoot, version);
    }

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

    function expectNoneOpen(Tree tree, uint32 sample) private {
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NoOpenExplanation.selector, id, tree, sample));
    }
}
