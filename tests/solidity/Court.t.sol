// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt, RequirementEvidence} from "../../contracts/interfaces/ICourt.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, RuleSet, Role, Status} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {States} from "./States.sol";
import {vm} from "./Vm.sol";

/// @notice commit, proveRequirement and bountyWinner.
contract CourtTest is Fixture {
    bytes32 private genesis;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
    }

    // -- commit

    function test_commit_numbers_commitments_in_order() public {
        vm.expectEmit(address(court));
        emit ICourt.ChallengeCommitted(VERA, "first", 1);
        vm.prank(VERA);
        court.commit("first");
        vm.prank(VICTOR);
        court.commit("first");
        (uint256 order, uint256 l1Block) = court.commitmentOf(VICTOR, "first");
        assertEq(order, 2, "order");
        assertEq(l1Block, block.number, "l1 block");
    }

    function test_commit_twice_is_refused() public {
        vm.prank(VERA);
        court.commit("first");
        vm.expectRevert(abi.encodeWithSelector(ICourt.AlreadyCommitted.selector, VERA, bytes32("first")));
        vm.prank(VERA);
        court.commit("first");
    }

    // -- proveRequirement

    function test_proof_slashes_at_once() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 id = registry.blockIdOf(header);
        commitTo(VERA, id, evidence);
        pass(1);

        vm.expectEmit(address(court));
        emit ICourt.ChallengeProven(id, VERA, EvidenceKind.Requirement);
        vm.expectEmit(address(court));
        emit ICourt.BountyAssigned(id, VERA, 1);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(id, MINER, EvidenceKind.Requirement);
        prove(VERA, header, evidence);

        assertStatus(id, Status.Slashed, "status");
    }

    /// Whichever requirement is unmet, and wherever its weight lies.
    /// forge-config: default.fuzz.runs = 32
    function test_any_unmet_requirement_is_provable(uint64 nonce, uint8 which) public {
        uint256 number = bound(which, 0, BITS - 1);
        (Header memory header, uint32[][] memory afterwards) = makeForged(genesis, MINER, nonce, number, 0);
        bytes32 id = propose(header);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, number);
        commitTo(VERA, id, evidence);
        pass(1);
        prove(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "status");
    }

    /// forge-config: default.fuzz.runs = 32
    function test_no_met_requirement_can_be_disproven(uint64 nonce, uint8 which) public {
        uint256 number = bound(which, 0, BITS - 1);
        Header memory header = makeHeader(genesis, MINER, nonce);
        header.preRoot = States.root(weights());
        header.indices = derivedIndices(header);
        uint32[][] memory afterwards = steppedWeights(header);
        header.postRoot = States.root(afterwards);
        bytes32 id = propose(header);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, number);
        commitTo(VERA, id, evidence);
        pass(1);

        (uint256 tensor, uint256 element,) = demandOf(header, number);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICourt.RequirementMet.selector, number, weights()[tensor][element], afterwards[tensor][element]
            )
        );
        prove(VERA, header, evidence);
    }

    /// Pitfall 5: what never satisfies a requirement. Infinity would otherwise satisfy every "up".
    function test_pitfall_05_nan_and_infinity_never_satisfy_a_requirement() public {
        uint32[5] memory forged = [uint32(0x7fc00000), 0xffc00000, 0x7f800000, 0xff800000, 0x7f800001];
        for (uint64 i = 0; i < forged.length; ++i) {
            slashedFor(10 + i, forged[i]);
        }
    }

    /// Pitfall 5: an unchanged weight passes Algorithm 1 as written, and is slashed under hardened rules.
    function test_pitfall_05_unchanged_weight_never_satisfies_a_requirement() public {
        slashedFor(10, 0);
    }

    function test_pitfall_05_unchanged_weight_passes_under_paper_rules() public {
        deploy(defaultTask(RuleSet.Paper), defaultParameters());
        genesis = registry.genesisId();
        bond(MINER, Role.Miner, 10 ether);
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        commitTo(VERA, registry.blockIdOf(header), evidence);
        pass(1);
        (uint256 tensor, uint256 element,) = demandOf(header, 0);
        uint32 unchanged = weights()[tensor][element];
        vm.expectRevert(abi.encodeWithSelector(ICourt.RequirementMet.selector, 0, unchanged, unchanged));
        prove(VERA, header, evidence);
    }

    /// Pitfall 6: the eligible weights are the task's, not the challenger's.
    function test_pitfall_06_other_eligible_weights_are_refused() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 right = registry.task().eligibleHash;
        evidence.eligible[1] = packRange(1, 0, 10, 10, 1);
        bytes32 wrong = keccak256(abi.encodePacked(evidence.eligible));
        refused(header, evidence, abi.encodeWithSelector(ICourt.WrongEligible.selector, right, wrong));
    }

    function test_requirements_beyond_the_blocks_bits_are_refused() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        evidence.requirement = BITS;
        refused(header, evidence, abi.encodeWithSelector(ICourt.NoSuchRequirement.selector, BITS, BITS));
    }

    function test_another_requirements_weight_is_refused() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        evidence.requirement = 1; // opens requirement 0's weight
        pass(1);
        commitTo(VERA, registry.blockIdOf(header), evidence);
        pass(1);
        vm.expectRevert();
        prove(VERA, header, evidence);
    }

    function test_openings_of_other_states_are_refused() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        (uint256 tensor, uint256 element,) = demandOf(header, 0);
        uint32[][] memory other = weights();
        other[2][0] = 1;
        evidence.before = States.open(other, tensor, element);
        bytes memory expected = abi.encodeWithSelector(ICourt.WrongRoot.selector, header.preRoot, States.root(other));
        refused(header, evidence, expected);

        evidence.before = States.open(weights(), tensor, element);
        evidence.afterwards = States.open(other, tensor, element);
        expected = abi.encodeWithSelector(ICourt.WrongRoot.selector, header.postRoot, States.root(other));
        refused(header, evidence, expected);
    }

    function test_unknown_blocks_are_refused() public {
        (Header memory header, uint32[][] memory afterwards) = makeForged(genesis, MINER, 1, 0, 0);
        bytes memory expected = abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, registry.blockIdOf(header));
        refused(header, evidenceOf(header, afterwards, 0), expected);
    }

    function test_proof_counts_after_the_window() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 id = registry.blockIdOf(header);
        attestAll(id);
        pass(10 * WINDOW);
        commitTo(VERA, id, evidence);
        pass(1);
        prove(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "status");
    }

    function test_proof_comes_too_late_for_a_finalized_block() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 id = registry.blockIdOf(header);
        commitTo(VERA, id, evidence);
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Finalized));
        prove(VERA, header, evidence);
    }

    // -- commit-reveal

    /// Pitfall 2: whoever copies a reveal from the mempool has not committed.
    function test_pitfall_02_copied_reveal_does_not_take_the_bounty() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 id = registry.blockIdOf(header);
        commitTo(VERA, id, evidence);
        pass(1);

        bytes32 his = commitmentTo(VIOLA, id, EvidenceKind.Requirement, keccak256(abi.encode(evidence)));
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotCommitted.selector, VIOLA, his));
        prove(VIOLA, header, evidence);

        commitTo(VIOLA, id, evidence); // in the block of the reveal, ahead of it
        vm.expectRevert(abi.encodeWithSelector(ICourt.RevealTooEarly.selector, block.number, block.number));
        prove(VIOLA, header, evidence);
        prove(VERA, header, evidence);

        pass(1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.LaterCommitment.selector, id, 1, 2));
        prove(VIOLA, header, evidence);
        pass(REVEAL);
        assertEq(court.bountyWinner(id), VERA, "winner");
    }

    /// Pitfall 2: a copied commitment is worthless, since it names its maker.
    function test_pitfall_02_copied_commitment_reveals_nothing() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 id = registry.blockIdOf(header);
        bytes32 hers = commitmentTo(VERA, id, EvidenceKind.Requirement, keccak256(abi.encode(evidence)));
        vm.prank(VIOLA);
        court.commit(hers);
        pass(1);
        vm.expectRevert();
        prove(VIOLA, header, evidence);
    }

    /// Pitfall 2: a thief who is mined first with a later commitment loses the bounty again.
    function test_pitfall_02_earlier_commitment_takes_the_bounty_back() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 id = registry.blockIdOf(header);
        commitTo(VERA, id, evidence);
        commitTo(VIOLA, id, evidence);
        pass(1);
        prove(VIOLA, header, evidence);
        pass(REVEAL - 1);

        vm.expectEmit(address(court));
        emit ICourt.BountyAssigned(id, VERA, 1);
        prove(VERA, header, evidence);
        pass(1);
        assertEq(court.bountyWinner(id), VERA, "winner");
    }

    /// Pitfall 11: the second in which the bounty settles is no longer one in which it moves.
    function test_pitfall_11_boundary_of_the_reveal_window() public {
        (Header memory header, RequirementEvidence memory evidence) = badBlock(0, 0);
        bytes32 id = registry.blockIdOf(header);
        commitTo(VERA, id, evidence);
        commitTo(VIOLA, id, evidence);
        pass(1);
        prove(VIOLA, header, evidence);
        uint256 settlesAt = block.timestamp + REVEAL;

        vm.warp(settlesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.BountyUnsettled.selector, id, settlesAt));
        court.bountyWinner(id);
        vm.warp(settlesAt);
        vm.expectRevert(abi.encodeWithSelector(ICourt.BountySettled.selector, id, settlesAt));
        prove(VERA, header, evidence);
        assertEq(court.bountyWinner(id), VIOLA, "winner");
    }

    function test_no_bounty_without_a_slash() public {
        bytes32 id = proposeOn(genesis, MINER, 1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotSlashed.selector, id));
        court.bountyWinner(id);
    }

    /// Pitfall 10: a miner that proves its own block wrong gets back less than it loses.
    function test_pitfall_10_recycled_bonds_self_challenge_loses() public {
        bytes32 bad = provenSlashed(genesis, MINER, 1, MINER);
        pass(REVEAL);
        registry.forfeitBond(bad);
        assertEq(vault.creditOf(MINER), MINER_BOND / 2, "half comes back");
        assertEq(free(MINER, Role.Miner) + locked(MINER, Role.Miner), 50 ether - MINER_BOND, "all was taken");
    }

    // -- helpers

    /// A proposed block whose requirement `number` has the bits `forged` in W' (0: unchanged), and the proof of it.
    function badBlock(uint256 number, uint32 forged)
        internal
        returns (Header memory header, RequirementEvidence memory evidence)
    {
        uint32[][] memory afterwards;
        (header, afterwards) = makeForged(genesis, MINER, 1, number, forged);
        propose(header);
        evidence = evidenceOf(header, afterwards, number);
    }

    function slashedFor(uint64 nonce, uint32 forged) internal {
        (Header memory header, uint32[][] memory afterwards) = makeForged(genesis, MINER, nonce, 0, forged);
        bytes32 id = propose(header);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        commitTo(VERA, id, evidence);
        pass(1);
        prove(VERA, header, evidence);
        assertStatus(id, Status.Slashed, "slashed");
    }

    function refused(Header memory header, RequirementEvidence memory evidence, bytes memory expected) internal {
        commitTo(VERA, registry.blockIdOf(header), evidence);
        pass(1);
        vm.expectRevert(expected);
        prove(VERA, header, evidence);
    }
}
