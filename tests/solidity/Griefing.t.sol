// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../contracts/interfaces/IBondVault.sol";
import {RequirementEvidence} from "../../contracts/interfaces/ICourt.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Outcome, Role} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice Borrowed stake, riskless attestations, selective serving and badly timed disputes gain nothing.
contract GriefingTest is Fixture {
    address private constant WHALE = address(0x3A1E);

    /// Pitfall 13: stake borrowed for one transaction would dilute a vote; it cannot be given back in time.
    function test_pitfall_13_borrowed_stake_cannot_leave_before_the_votes_it_dilutes() public {
        uint256 until = block.timestamp + WINDOW + VOTE;
        bond(WHALE, Role.Verifier, 1000 ether);
        vm.expectRevert(abi.encodeWithSelector(IBondVault.BondFrozen.selector, WHALE, until));
        vm.prank(WHALE);
        vault.unbond(Role.Verifier, 1000 ether);

        pass(WINDOW + VOTE);
        vm.prank(WHALE);
        vault.unbond(Role.Verifier, 1000 ether);
        assertEq(vault.creditOf(WHALE), 1000 ether, "credit");
    }

    /// Pitfall 8: attesting when disputes are nearly over fills a quorum, but takes nobody's pay.
    function test_pitfall_08_late_attestations_are_not_paid() public {
        bytes32 id = proposeOn(registry.genesisId(), MINER, 1);
        attest(id, VERA);
        pass(WINDOW / 2);
        attest(id, VICTOR);
        assertEq(registry.blocks(id).attestations, 2, "both count for the quorum");
        pass(WINDOW);
        registry.finalize(id);
        registry.settleAttestation(id, VERA);
        registry.settleAttestation(id, VICTOR);

        assertEq(token.balanceOf(VERA), ATTESTER_REWARD, "all of the pay");
        assertEq(token.balanceOf(VICTOR), 0, "no pay");
        assertEq(locked(VICTOR, Role.Verifier), 0, "bond back");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotAttested.selector, id, VICTOR));
        registry.settleAttestation(id, VICTOR);
    }

    /// Pitfall 3: a miner that serves one verifier and withholds from the others cannot take the one's bond.
    function test_pitfall_03_selective_serving_does_not_cost_who_was_served() public {
        bytes32 id = proposeOn(registry.genesisId(), MINER, 1);
        attest(id, VERA);
        dispute(VIOLA, id, EvidenceKind.Withheld);
        vote(VICTOR, id, EvidenceKind.Withheld, true);
        vote(VIOLA, id, EvidenceKind.Withheld, true);
        court.settleDispute(id, EvidenceKind.Withheld);
        registry.settleAttestation(id, VERA);

        assertEq(free(VERA, Role.Verifier), 10 ether, "bond back");
    }

    /// Pitfall 10: the miner cannot prove something small against itself while an earlier dispute is being voted on.
    function test_pitfall_10_an_earlier_dispute_takes_the_bounty_of_a_self_slash() public {
        (Header memory header, uint32[][] memory afterwards) = makeForged(registry.genesisId(), MINER, 5, 0, 0);
        bytes32 id = propose(header);
        dispute(VERA, id, EvidenceKind.Step);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        commitTo(MINER, id, evidence);
        pass(1);
        prove(MINER, header, evidence);
        pass(REVEAL);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.DisputeUnsettled.selector, id, 1));
        registry.forfeitBond(id);

        vote(VERA, id, EvidenceKind.Step, true);
        vote(VICTOR, id, EvidenceKind.Step, true);
        court.settleDispute(id, EvidenceKind.Step);
        assertEq(court.bountyWinner(id), VERA, "who committed first");
    }

    /// Pitfall 11: a dispute opened at once leaves the voters as much time as one opened at the last second.
    function test_pitfall_11_an_early_dispute_does_not_shorten_the_vote() public {
        bytes32 id = proposeOn(registry.genesisId(), MINER, 1);
        uint256 end = block.timestamp + WINDOW + VOTE;
        dispute(VERA, id, EvidenceKind.Step);
        (, uint256 early,) = court.disputeOf(id, EvidenceKind.Step);
        pass(WINDOW - 10);
        dispute(VERA, id, EvidenceKind.Accuracy);
        (, uint256 late, Outcome outcome) = court.disputeOf(id, EvidenceKind.Accuracy);
        assertEq(early, end, "opened early");
        assertEq(late, end, "opened late");
        assertTrue(outcome == Outcome.Open, "open");
    }
}
