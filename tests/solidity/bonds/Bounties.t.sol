// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Parameters, Role, RuleSet, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice commit, convict, convictSilent, winners and lapsed, under a court that believes everything.
contract BountiesTest is Fixture {
    bytes32 private genesis;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
        id = proposeOn(genesis, MINER, 1);
    }

    // -- commit

    function test_commit_numbers_commitments_in_order() public {
        vm.expectEmit(address(bounties));
        emit IBounties.ChallengeCommitted(VERA, "first", 1);
        vm.prank(VERA);
        bounties.commit("first");
        vm.prank(VICTOR);
        bounties.commit("first");
        (uint256 order, uint256 l1Block) = bounties.commitmentOf(VICTOR, "first");
        assertEq(order, 2, "order");
        assertEq(l1Block, block.number, "l1 block");
    }

    function test_commit_twice_is_refused() public {
        vm.startPrank(VERA);
        bounties.commit("first");
        vm.expectRevert(abi.encodeWithSelector(IBounties.AlreadyCommitted.selector, VERA, bytes32("first")));
        bounties.commit("first");
        vm.stopPrank();
    }

    /// One order for both: whoever asked first was first to know.
    function test_demands_are_numbered_with_the_commitments() public {
        commitTo(VERA, id, EvidenceKind.Step);
        bytes32 demandId = demandBits(VICTOR, id);
        commitTo(VIOLA, id, EvidenceKind.Step);
        assertEq(demands.demands(demandId).order, 2, "demand");
        (uint256 order,) = bounties.commitmentOf(VIOLA, commitmentTo(VIOLA, id, EvidenceKind.Step));
        assertEq(order, 3, "commitment after it");
    }

    // -- convict

    function test_only_the_court_demands_and_explanations_judge(address sender) public {
        vm.assume(sender != address(court) && sender != address(demands) && sender != address(explanations));
        vm.startPrank(sender);
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotJudge.selector, sender));
        bounties.convict(id, EvidenceKind.Step, sender, 0);
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotJudge.selector, sender));
        bounties.convictSilent(id, EvidenceKind.Withheld, sender, 1);
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotJudge.selector, sender));
        bounties.takeOrder();
        vm.stopPrank();
    }

    function test_neither_judge_does_the_others_work() public {
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotJudge.selector, address(demands)));
        vm.prank(address(demands));
        bounties.convict(id, EvidenceKind.Step, VERA, 0);
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotJudge.selector, address(court)));
        vm.prank(address(court));
        bounties.convictSilent(id, EvidenceKind.Withheld, VERA, 1);
    }

    function test_proof_slashes_at_once() public {
        commitTo(VERA, id, EvidenceKind.Accuracy);
        pass(1);

        vm.expectEmit(address(bounties));
        emit IBounties.BountyAssigned(id, VERA, EvidenceKind.Accuracy, 1);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(id, MINER, EvidenceKind.Accuracy);
        prove(VERA, id, EvidenceKind.Accuracy);

        assertStatus(id, Status.Slashed, "status");
    }

    function test_needs_a_commitment_of_an_earlier_l1_block() public {
        bytes32 missing = commitmentTo(VERA, id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotCommitted.selector, VERA, missing));
        prove(VERA, id, EvidenceKind.Step);

        commitTo(VERA, id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(IBounties.RevealTooEarly.selector, block.number, block.number));
        prove(VERA, id, EvidenceKind.Step);
        vm.roll(block.number + 1);
        prove(VERA, id, EvidenceKind.Step);
    }

    /// The whole call is committed to: not another block, not another kind, not another salt.
    function test_commitment_covers_the_whole_call() public {
        bytes32 other = proposeOn(genesis, RIVAL, 1);
        commitTo(VERA, id, EvidenceKind.Step);
        pass(1);
        vm.startPrank(VERA);
        vm.expectPartialRevert(IBounties.NotCommitted.selector);
        court.prove(other, EvidenceKind.Step, SALT);
        vm.expectPartialRevert(IBounties.NotCommitted.selector);
        court.prove(id, EvidenceKind.Accuracy, SALT);
        vm.expectPartialRevert(IBounties.NotCommitted.selector);
        court.prove(id, EvidenceKind.Step, "pepper");
        vm.stopPrank();
    }

    function test_proof_counts_after_the_window_and_not_after_finality() public {
        bytes32 late = proposeOn(genesis, RIVAL, 1);
        commitTo(VERA, id, EvidenceKind.Step);
        attestAll(id);
        pass(10 * WINDOW);
        registry.finalize(id, id);
        commitAndProve(VERA, late, EvidenceKind.Step);
        assertStatus(late, Status.Slashed, "slashed after its window");

        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Finalized));
        prove(VERA, id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotSlashed.selector, id));
        bounties.winners(id);
    }

    function test_unknown_blocks_are_refused() public {
        commitTo(VERA, "nothing", EvidenceKind.Step);
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        prove(VERA, "nothing", EvidenceKind.Step);
    }

    // -- who gets the bounty

    /// Pitfall 2: whoever copies a proof from the mempool has not committed to it.
    function test_pitfall_02_challenge_theft_copied_proof_does_not_take_the_bounty() public {
        commitTo(VERA, id, EvidenceKind.Step);
        pass(1);

        bytes32 his = commitmentTo(VIOLA, id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotCommitted.selector, VIOLA, his));
        prove(VIOLA, id, EvidenceKind.Step);
        commitTo(VIOLA, id, EvidenceKind.Step); // in the L1 block of the proof, ahead of it
        vm.expectRevert(abi.encodeWithSelector(IBounties.RevealTooEarly.selector, block.number, block.number));
        prove(VIOLA, id, EvidenceKind.Step);
        prove(VERA, id, EvidenceKind.Step);

        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IBounties.LaterCommitment.selector, id, 1, 2));
        prove(VIOLA, id, EvidenceKind.Step);
        pass(REVEAL);
        assertWinners(id, VERA, VERA);
    }

    /// Pitfall 2: a copied commitment is worthless, since it names its maker; nor does it keep its maker from it.
    function test_pitfall_02_challenge_theft_copied_commitment_is_worthless() public {
        bytes32 hers = commitmentTo(VERA, id, EvidenceKind.Step);
        vm.prank(VIOLA);
        bounties.commit(hers);
        commitTo(VERA, id, EvidenceKind.Step);
        pass(1);
        vm.expectPartialRevert(IBounties.NotCommitted.selector);
        prove(VIOLA, id, EvidenceKind.Step);
        prove(VERA, id, EvidenceKind.Step);
    }

    /// Pitfall 2: a thief who is mined first with a later commitment gives back what is not the prover's.
    function test_pitfall_02_challenge_theft_earlier_commitment_takes_the_bounty_back() public {
        commitTo(VERA, id, EvidenceKind.Step);
        commitTo(VIOLA, id, EvidenceKind.Step);
        pass(1);
        prove(VIOLA, id, EvidenceKind.Step);
        pass(REVEAL - 1);

        vm.expectEmit(address(bounties));
        emit IBounties.BountyAssigned(id, VERA, EvidenceKind.Step, 1);
        prove(VERA, id, EvidenceKind.Step);
        pass(1);
        assertWinners(id, VERA, VIOLA);
        assertEq(registry.blocks(proposeOn(genesis, RIVAL, 1)).slashesSeen, 1, "slashed once");
    }

    function test_the_prover_stays_however_often_the_bounty_moves() public {
        commitTo(VERA, id, EvidenceKind.Step);
        commitTo(VICTOR, id, EvidenceKind.Accuracy);
        commitTo(VIOLA, id, EvidenceKind.Requirement);
        pass(1);
        prove(VIOLA, id, EvidenceKind.Requirement);
        prove(VICTOR, id, EvidenceKind.Accuracy);
        prove(VERA, id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(IBounties.LaterCommitment.selector, id, 1, 1));
        prove(VERA, id, EvidenceKind.Step);
        pass(REVEAL);
        assertWinners(id, VERA, VIOLA);
        registry.forfeitBond(id);
        assertEq(vault.creditOf(VERA), MINER_BOND / 4, "first");
        assertEq(vault.creditOf(VIOLA), MINER_BOND / 4, "prover");
        assertEq(vault.creditOf(VICTOR), 0, "between");
    }

    /// Pitfall 11: the second in which the bounty settles is no longer one in which it moves.
    function test_pitfall_11_clocks_boundary_of_the_reveal_window() public {
        commitTo(VERA, id, EvidenceKind.Step);
        commitTo(VIOLA, id, EvidenceKind.Step);
        pass(1);
        prove(VIOLA, id, EvidenceKind.Step);
        uint256 settlesAt = block.timestamp + REVEAL;

        vm.warp(settlesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountyUnsettled.selector, id, settlesAt));
        bounties.winners(id);
        vm.warp(settlesAt);
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountySettled.selector, id, settlesAt));
        prove(VERA, id, EvidenceKind.Step);
        assertWinners(id, VIOLA, VIOLA);
    }

    // -- silence: then nobody gains what attesters lose

    function test_a_block_that_falls_by_silence_has_lapsed() public {
        demandBits(VERA, id);
        pass(ANSWER);
        demands.expire(id, bitsPosition());
        uint256 settlesAt = block.timestamp + REVEAL;
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountyUnsettled.selector, id, settlesAt));
        bounties.winners(id);
        vm.warp(settlesAt);
        assertTrue(lapsed(id), "lapsed");
        assertWinners(id, VERA, VERA);
    }

    function test_a_proof_lapses_nothing() public {
        commitAndProve(VERA, id, EvidenceKind.Step);
        pass(REVEAL);
        assertTrue(!lapsed(id), "proven");
    }

    /// What was wrong all the same was there to be seen: a proof takes over if it was committed to before the demand.
    function test_an_earlier_proof_takes_a_lapsed_block_over() public {
        commitTo(VICTOR, id, EvidenceKind.Step);
        demandBits(VERA, id);
        commitTo(VIOLA, id, EvidenceKind.Accuracy);
        pass(ANSWER);
        demands.expire(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IBounties.LaterCommitment.selector, id, 2, 3));
        prove(VIOLA, id, EvidenceKind.Accuracy);
        prove(VICTOR, id, EvidenceKind.Step);
        pass(REVEAL);
        assertTrue(!lapsed(id), "proven");
        assertWinners(id, VICTOR, VERA);
    }

    /// An earlier demand that lapses moves the bounty, but takes the proof back from nobody.
    function test_a_proven_block_does_not_lapse_afterwards() public {
        demandBits(VERA, id);
        pass(ANSWER - 2);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        pass(1);
        demands.expire(id, bitsPosition());
        pass(REVEAL);
        assertTrue(!lapsed(id), "proven");
        assertWinners(id, VERA, VICTOR);
    }

    function test_no_bounty_without_a_slash() public {
        vm.expectRevert(abi.encodeWithSelector(IBounties.NotSlashed.selector, id));
        bounties.winners(id);
    }

    /// Pitfall 10: a miner that proves its own block wrong gets back half, whoever else comes after.
    function test_pitfall_10_self_challenge_loses_at_least_half() public {
        commitAndProve(MINER, id, EvidenceKind.Step);
        commitTo(VERA, id, EvidenceKind.Step);
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IBounties.LaterCommitment.selector, id, 1, 2));
        prove(VERA, id, EvidenceKind.Step);
        pass(REVEAL);
        registry.forfeitBond(id);
        assertEq(vault.creditOf(MINER), MINER_BOND / 2, "half comes back");
        assertEq(free(MINER, Role.Miner) + locked(MINER, Role.Miner), 50 ether - MINER_BOND, "all was taken");
    }

    /// Pitfall 10: also if the bond is one wei.
    function test_pitfall_10_self_challenge_with_a_bond_of_one_wei_gets_nothing_back() public {
        Parameters memory parameters = defaultParameters();
        parameters.minerBond = 1;
        deploy(defaultTask(RuleSet.Hardened), parameters);
        bond(MINER, Role.Miner, 1);
        id = provenSlashed(registry.genesisId(), MINER, 1, MINER);
        pass(REVEAL);
        registry.forfeitBond(id);
        assertEq(vault.creditOf(MINER), 0, "nothing comes back");
        assertEq(vault.burned(), 1, "burned");
        assertEq(address(vault).balance, 0, "nothing is left");
    }

    /// A demand that was made first takes the bounty of a proof that came while it ran.
    function test_an_earlier_demand_takes_the_bounty_of_a_later_proof() public {
        demandBits(VERA, id);
        pass(ANSWER - 2);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        pass(1);
        demands.expire(id, bitsPosition());
        pass(REVEAL);
        assertWinners(id, VERA, VICTOR);
        demands.settle(id, bitsPosition());
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
    }

    function test_a_later_demand_does_not() public {
        commitTo(VICTOR, id, EvidenceKind.Step);
        demandBits(VERA, id);
        pass(ANSWER - 1);
        prove(VICTOR, id, EvidenceKind.Step);
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IBounties.LaterCommitment.selector, id, 1, 2));
        demands.expire(id, bitsPosition());
    }

    function lapsed(bytes32 about) internal view returns (bool silent) {
        (,, silent) = bounties.winners(about);
    }

    function assertWinners(bytes32 about, address first, address prover) internal view {
        (address first_, address prover_,) = bounties.winners(about);
        assertEq(first_, first, "first");
        assertEq(prover_, prover, "prover");
    }
}

/// @notice What is left of a proof's 150,000 gas: the slash and the bounty, cold.
/// forge-config: default.isolate = true
contract ConvictionGasTest is Fixture {
    function test_gas_of_a_conviction() public {
        bytes32 id = finalizedOn(registry.genesisId(), MINER, 1);
        id = proposeOn(id, MINER, 2);
        commitTo(VERA, id, EvidenceKind.Requirement);
        pass(1);
        prove(VERA, id, EvidenceKind.Requirement);
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        assertTrue(gas <= 90_000, string.concat("a conviction costs ", vm.toString(gas)));
    }
}
