// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EvidenceKind, Header, Role, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice What attacks cost, in ETH: the claims of docs/economics.md that no test of a single rule shows.
contract EconomicsTest is Fixture {
    /// Pitfall 9: bad blocks cost their miner a bond each, however many there are; the verifier pays for none.
    function test_pitfall_09_a_flood_of_bad_blocks_costs_a_bond_each() public {
        bytes32 parent = registry.genesisId();
        bytes32[] memory bad = new bytes32[](10);
        for (uint64 i = 0; i < 10; ++i) {
            bad[i] = proposeOn(parent, MINER, i);
        }
        for (uint256 i = 0; i < 10; ++i) {
            commitAndProve(VERA, bad[i], EvidenceKind.Step);
        }
        pass(REVEAL);
        for (uint256 i = 0; i < 10; ++i) {
            registry.forfeitBond(bad[i]);
        }

        assertEq(free(MINER, Role.Miner) + locked(MINER, Role.Miner), 50 ether - 10 * MINER_BOND, "ten bonds");
        assertEq(vault.burned(), 5 * MINER_BOND, "half of each burned");
        assertEq(vault.creditOf(VERA), 5 * MINER_BOND, "half of each to the verifier");
        assertEq(free(VERA, Role.Verifier), 10 ether, "who risked nothing");
    }

    /// A known limit: a miner that demands of itself gets its fees back, so delaying its own block costs it gas alone.
    function test_a_miner_that_demands_of_itself_gets_its_fees_back() public {
        bond(MINER, Role.Verifier, DEMAND_FEE);
        Header memory header = makeHeader(registry.genesisId(), MINER, 1);
        bytes32 id = propose(header);
        attestAll(id);
        demandBits(MINER, id);
        answerBits(MINER, header);
        pass(WINDOW);
        registry.finalize(id, id);
        demands.settle(id, bitsPosition());

        assertEq(vault.creditOf(MINER), DEMAND_FEE, "fee");
        assertEq(free(MINER, Role.Miner), 50 ether, "bond");
    }

    /// Pitfall 8: who attests to everything loses a bond with every bad block, in ETH, and wins LEARN only.
    function test_pitfall_08_attesting_blindly_costs_a_bond_per_bad_block() public {
        bytes32 good = proposeOn(registry.genesisId(), MINER, 1);
        bytes32 bad = proposeOn(registry.genesisId(), RIVAL, 1);
        attest(good, VIOLA);
        attest(bad, VIOLA);
        attest(good, VICTOR);
        commitAndProve(VERA, bad, EvidenceKind.Step);
        pass(WINDOW);
        registry.finalize(good, good);
        registry.settleAttestation(good, VIOLA);
        registry.settleAttestation(bad, VIOLA);

        assertEq(free(VIOLA, Role.Verifier), 10 ether - ATTEST_BOND, "lost");
        assertEq(token.balanceOf(VIOLA), ATTESTER_REWARD, "won");
        assertEq(vault.creditOf(VERA), ATTEST_BOND / 2, "half to who proved it");
        assertEq(vault.burned(), ATTEST_BOND / 2, "half burned");
        assertStatus(bad, Status.Slashed, "bad");
    }
}
