// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Role} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Riskless attestations, selective serving and challenging oneself gain nothing.
contract GriefingTest is Fixture {
    /// Pitfall 8: attesting when the window is nearly over fills a quorum, but takes nobody's pay.
    function test_pitfall_08_late_attestations_are_not_paid() public {
        bytes32 id = proposeOn(registry.genesisId(), MINER, 1);
        attest(id, VERA);
        pass(WINDOW / 2);
        attest(id, VICTOR);
        assertEq(registry.blocks(id).attestations, 2, "both count for the quorum");
        pass(WINDOW);
        registry.finalize(id, id);
        registry.settleAttestation(id, VERA);
        registry.settleAttestation(id, VICTOR);

        assertEq(token.balanceOf(VERA), ATTESTER_REWARD, "all of the pay");
        assertEq(token.balanceOf(VICTOR), 0, "no pay");
        assertEq(locked(VICTOR, Role.Verifier), 0, "bond back");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotAttested.selector, id, VICTOR));
        registry.settleAttestation(id, VICTOR);
    }

    /// Pitfall 3: a miner that serves one verifier and withholds from the others cannot take the one's bond: anybody
    /// may answer, and is paid for it.
    function test_pitfall_03_selective_serving_does_not_cost_who_was_served() public {
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 id = propose(header);
        attest(id, VERA);
        attest(id, VICTOR);
        demandBits(VIOLA, id);
        answerBits(VERA, header);
        pass(WINDOW);
        registry.finalize(id, id);
        registry.settleAttestation(id, VERA);
        demands.settle(id, bitsPosition());

        assertEq(free(VERA, Role.Verifier), 10 ether, "bond back");
        assertEq(vault.creditOf(VERA), DEMAND_FEE, "fee");
    }

    /// Pitfall 10: a miner that had committed against its own block gets back a quarter, and who proved it the other.
    function test_pitfall_10_self_challenge_in_advance_does_not_take_the_provers_share() public {
        bytes32 id = proposeOn(registry.genesisId(), MINER, 1);
        commitTo(MINER, id, EvidenceKind.Requirement);
        commitTo(VERA, id, EvidenceKind.Step);
        pass(1);
        prove(VERA, id, EvidenceKind.Step);
        prove(MINER, id, EvidenceKind.Requirement);
        pass(REVEAL);
        registry.forfeitBond(id);

        assertEq(vault.creditOf(VERA), MINER_BOND / 4, "prover");
        assertEq(vault.creditOf(MINER), MINER_BOND / 4, "first");
        assertEq(vault.burned(), MINER_BOND / 2, "burned");
    }
}
