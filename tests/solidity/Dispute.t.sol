// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../contracts/interfaces/IBondVault.sol";
import {ICommittee} from "../../contracts/interfaces/ICommittee.sol";
import {ICourt, RequirementEvidence} from "../../contracts/interfaces/ICourt.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Outcome, Role, Status} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice openDispute, settleDispute and the Committee.
contract DisputeTest is Fixture {
    bytes32 private genesis;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
        id = proposeOn(genesis, MINER, 1);
    }

    // -- opening

    function test_opens_locks_the_bond_and_holds_finality_up() public {
        commit(VERA, id, EvidenceKind.Step, 0);
        pass(1);
        vm.expectEmit(address(court));
        uint256 expected = registry.blocks(id).proposedAt + WINDOW + VOTE;
        emit ICourt.DisputeOpened(id, EvidenceKind.Step, VERA, expected);
        vm.prank(VERA);
        court.openDispute(id, EvidenceKind.Step, SALT);

        assertEq(locked(VERA, Role.Verifier), CHALLENGE_BOND, "locked");
        assertEq(registry.blocks(id).openDisputes, 1, "open disputes");
        (address challenger, uint256 deadline, Outcome outcome) = court.disputeOf(id, EvidenceKind.Step);
        assertEq(challenger, VERA, "challenger");
        assertEq(deadline, expected, "deadline");
        assertTrue(outcome == Outcome.Open, "outcome");
    }

    function test_requirements_are_not_for_the_committee() public {
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotDisputable.selector, EvidenceKind.Requirement));
        vm.prank(VERA);
        court.openDispute(id, EvidenceKind.Requirement, SALT);
    }

    function test_once_per_block_and_kind() public {
        dispute(VERA, id, EvidenceKind.Step);
        commit(VICTOR, id, EvidenceKind.Step, 0);
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.AlreadyDisputed.selector, id, EvidenceKind.Step));
        vm.prank(VICTOR);
        court.openDispute(id, EvidenceKind.Step, SALT);
        dispute(VICTOR, id, EvidenceKind.Accuracy);
        dispute(VICTOR, id, EvidenceKind.Withheld);
        assertEq(registry.blocks(id).openDisputes, 3, "open disputes");
    }

    function test_needs_an_earlier_commitment() public {
        bytes32 missing = commitmentTo(VERA, id, EvidenceKind.Step, 0);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotCommitted.selector, VERA, missing));
        vm.prank(VERA);
        court.openDispute(id, EvidenceKind.Step, SALT);

        commit(VERA, id, EvidenceKind.Step, 0);
        vm.expectRevert(abi.encodeWithSelector(ICourt.RevealTooEarly.selector, block.number, block.number));
        vm.prank(VERA);
        court.openDispute(id, EvidenceKind.Step, SALT);
    }

    function test_needs_a_bond() public {
        commit(RIVAL, id, EvidenceKind.Step, 0);
        pass(1);
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, RIVAL, Role.Verifier, 0, CHALLENGE_BOND)
        );
        vm.prank(RIVAL);
        court.openDispute(id, EvidenceKind.Step, SALT);
    }

    function test_final_blocks_are_refused() public {
        slashAsCourt(id);
        commit(VERA, id, EvidenceKind.Step, 0);
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        vm.prank(VERA);
        court.openDispute(id, EvidenceKind.Step, SALT);
    }

    // -- settling

    /// Pitfall 3: data that is never served, decided by vote.
    function test_pitfall_03_withheld_data_is_slashed_by_vote() public {
        settledAs(EvidenceKind.Withheld, true);
        assertStatus(id, Status.Slashed, "slashed");
        assertEq(free(VERA, Role.Verifier), 10 ether, "bond back");
        pass(REVEAL);
        registry.forfeitBond(id);
        assertEq(vault.creditOf(VERA), MINER_BOND / 2, "bounty");
    }

    /// Pitfall 3: data that was served in the end: nobody lied.
    function test_pitfall_03_withheld_data_served_late_costs_nobody() public {
        settledAs(EvidenceKind.Withheld, false);
        assertStatus(id, Status.Pending, "pending");
        assertEq(free(VERA, Role.Verifier), 10 ether, "bond back");
        assertEq(registry.blocks(id).openDisputes, 0, "open disputes");
    }

    function test_not_guilty_pays_the_miner_half_of_the_bond() public {
        settledAs(EvidenceKind.Step, false);
        assertStatus(id, Status.Pending, "pending");
        assertEq(vault.stakeOf(VERA), 10 ether - CHALLENGE_BOND, "forfeited");
        assertEq(vault.creditOf(MINER), CHALLENGE_BOND / 2, "credit");
        assertEq(vault.burned(), CHALLENGE_BOND / 2, "burned");
    }

    function test_undecided_gives_the_bond_back_and_lets_the_block_go_on() public {
        dispute(VERA, id, EvidenceKind.Step);
        (, uint256 deadline,) = court.disputeOf(id, EvidenceKind.Step);
        vote(VERA, id, EvidenceKind.Step, true);
        vm.expectRevert(abi.encodeWithSelector(ICourt.DisputeRunning.selector, id, EvidenceKind.Step, deadline));
        court.settleDispute(id, EvidenceKind.Step);
        pass(WINDOW + VOTE);

        vm.expectEmit(address(court));
        emit ICourt.DisputeSettled(id, EvidenceKind.Step, Outcome.Undecided);
        court.settleDispute(id, EvidenceKind.Step);

        assertEq(free(VERA, Role.Verifier), 10 ether, "bond back");
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id);
        assertStatus(id, Status.Finalized, "finalized");
    }

    function test_settling_twice_or_nothing_is_refused() public {
        settledAs(EvidenceKind.Step, true);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoDispute.selector, id, EvidenceKind.Step));
        court.settleDispute(id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoDispute.selector, id, EvidenceKind.Accuracy));
        court.settleDispute(id, EvidenceKind.Accuracy);
    }

    /// Two disputes about one block: the second guilty verdict must settle too.
    function test_second_guilty_dispute_settles_and_moves_the_bounty_if_committed_earlier() public {
        commit(VERA, id, EvidenceKind.Accuracy, 0);
        dispute(VICTOR, id, EvidenceKind.Step);
        vm.prank(VERA);
        court.openDispute(id, EvidenceKind.Accuracy, SALT);
        decide(EvidenceKind.Step, true);
        decide(EvidenceKind.Accuracy, true);
        court.settleDispute(id, EvidenceKind.Step);
        court.settleDispute(id, EvidenceKind.Accuracy);

        pass(REVEAL);
        assertEq(court.bountyWinner(id), VERA, "earlier commitment");
        assertEq(free(VERA, Role.Verifier) + free(VICTOR, Role.Verifier), 20 ether, "bonds back");
    }

    function test_later_guilty_dispute_settles_without_the_bounty() public {
        dispute(VERA, id, EvidenceKind.Step);
        dispute(VICTOR, id, EvidenceKind.Accuracy);
        decide(EvidenceKind.Step, true);
        decide(EvidenceKind.Accuracy, true);
        court.settleDispute(id, EvidenceKind.Step);
        pass(REVEAL);
        court.settleDispute(id, EvidenceKind.Accuracy);
        assertEq(court.bountyWinner(id), VERA, "winner");
        assertEq(registry.blocks(id).openDisputes, 0, "open disputes");
    }

    /// A requirement proof while a dispute runs: the dispute still settles, and its challenger keeps its bond.
    function test_dispute_settles_after_a_proof_slashed_the_block() public {
        (Header memory header, uint32[][] memory afterwards) = makeForged(genesis, MINER, 5, 0, 0);
        id = propose(header);
        dispute(VICTOR, id, EvidenceKind.Step);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        commitTo(VERA, id, evidence);
        pass(1);
        prove(VERA, header, evidence);
        pass(WINDOW + VOTE);
        court.settleDispute(id, EvidenceKind.Step);
        assertEq(free(VICTOR, Role.Verifier), 10 ether, "bond back");
    }

    // -- voting

    function test_majority_of_stake_decides_before_the_deadline() public {
        dispute(VERA, id, EvidenceKind.Step);
        bytes32 disputeId = court.disputeId(id, EvidenceKind.Step);
        vm.expectEmit(address(committee));
        emit ICommittee.Voted(disputeId, VERA, true, 10 ether);
        vote(VERA, id, EvidenceKind.Step, true);
        assertTrue(committee.outcome(disputeId) == Outcome.Open, "a third is not enough");
        vote(VICTOR, id, EvidenceKind.Step, true);
        assertTrue(committee.outcome(disputeId) == Outcome.Guilty, "two thirds are");
    }

    function test_exactly_half_decides_nothing() public {
        bond(address(0x1004), Role.Verifier, 10 ether);
        pass(1);
        dispute(VERA, id, EvidenceKind.Step);
        vote(VERA, id, EvidenceKind.Step, true);
        vote(VICTOR, id, EvidenceKind.Step, true);
        vote(VIOLA, id, EvidenceKind.Step, false);
        vote(address(0x1004), id, EvidenceKind.Step, false);
        bytes32 disputeId = court.disputeId(id, EvidenceKind.Step);
        assertTrue(committee.outcome(disputeId) == Outcome.Open, "open");
        pass(WINDOW + VOTE);
        assertTrue(committee.outcome(disputeId) == Outcome.Undecided, "undecided");
    }

    /// Pitfall 11: a vote and the deadline in the same second: the vote is too late.
    function test_pitfall_11_boundary_of_the_vote_window() public {
        dispute(VERA, id, EvidenceKind.Step);
        (, uint256 deadline,) = court.disputeOf(id, EvidenceKind.Step);
        bytes32 disputeId = court.disputeId(id, EvidenceKind.Step);
        vm.warp(deadline - 1);
        vote(VERA, id, EvidenceKind.Step, true);
        assertTrue(committee.outcome(disputeId) == Outcome.Open, "open in the last second");
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.VotingClosed.selector, disputeId, deadline));
        vm.prank(VICTOR);
        committee.vote(disputeId, true);
        assertTrue(committee.outcome(disputeId) == Outcome.Undecided, "undecided");
    }

    function test_one_vote_each_and_only_with_stake() public {
        dispute(VERA, id, EvidenceKind.Step);
        bytes32 disputeId = court.disputeId(id, EvidenceKind.Step);
        vote(VERA, id, EvidenceKind.Step, true);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.AlreadyVoted.selector, disputeId, VERA));
        vm.prank(VERA);
        committee.vote(disputeId, false);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NoStake.selector, MINER));
        vm.prank(MINER);
        committee.vote(disputeId, false);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NoSuchDispute.selector, bytes32("none")));
        vm.prank(VERA);
        committee.vote("none", false);
    }

    /// Nobody can buy a verdict after the fact: new stake has no vote, and does not dilute those who have.
    function test_stake_bonded_after_the_opening_does_not_count() public {
        dispute(VERA, id, EvidenceKind.Step);
        bytes32 disputeId = court.disputeId(id, EvidenceKind.Step);
        uint256 openedAt = block.timestamp;
        address whale = address(0x3141E);
        bond(whale, Role.Verifier, 1000 ether);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.StakeTooNew.selector, whale, openedAt, openedAt));
        vm.prank(whale);
        committee.vote(disputeId, false);

        vote(VERA, id, EvidenceKind.Step, true);
        vote(VICTOR, id, EvidenceKind.Step, true);
        assertTrue(committee.outcome(disputeId) == Outcome.Guilty, "guilty");
    }

    /// The same stake cannot vote twice under two names.
    function test_stake_that_voted_stays_bonded_until_the_deadline() public {
        dispute(VERA, id, EvidenceKind.Step);
        vote(VICTOR, id, EvidenceKind.Step, false);
        (, uint256 deadline,) = court.disputeOf(id, EvidenceKind.Step);
        assertEq(vault.frozenUntil(VICTOR), deadline, "frozen");
        vm.warp(deadline - 1);
        vm.expectRevert(abi.encodeWithSelector(IBondVault.BondFrozen.selector, VICTOR, deadline));
        vm.prank(VICTOR);
        vault.unbond(Role.Verifier, 1);
        vm.warp(deadline);
        vm.prank(VICTOR);
        vault.unbond(Role.Verifier, 1);
    }

    function test_only_the_court_opens_votes() public {
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NotCourt.selector, VERA));
        vm.prank(VERA);
        committee.open("dispute", block.timestamp + 1);
    }

    // -- helpers

    function decide(EvidenceKind kind, bool guilty) internal {
        vote(VERA, id, kind, guilty);
        vote(VICTOR, id, kind, guilty);
    }

    function settledAs(EvidenceKind kind, bool guilty) internal {
        dispute(VERA, id, kind);
        vote(VICTOR, id, kind, guilty);
        vote(VIOLA, id, kind, guilty);
        court.settleDispute(id, kind);
    }
}
