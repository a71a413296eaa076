// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {IDemands} from "../../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Role} from "../../../contracts/Types.sol";
import {BlockFixture} from "../fixtures/BlockFixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice settle: who gets the fee of a demand, and what an answer is paid from.
contract FeesTest is BlockFixture {
    // -- settle

    function test_settle_pays_whoever_answered() public {
        bytes32 demandId = demandBits(VERA, id);
        answerBits(VIOLA, header);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandUnsettled.selector, demandId));
        demands.settle(id, bitsPosition());
        finalizedNow();

        vm.expectEmit(address(demands));
        emit IDemands.DemandSettled(id, demandId, VIOLA, DEMAND_FEE);
        vm.expectEmit(address(vault));
        emit IBondVault.Awarded(VERA, Role.Verifier, VIOLA, DEMAND_FEE);
        demands.settle(id, bitsPosition());
        assertEq(vault.creditOf(VIOLA), DEMAND_FEE, "credit");
        assertEq(locked(VERA, Role.Verifier), 0, "locked");
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.settle(id, bitsPosition());
    }

    function test_settle_pays_for_orphans_too() public {
        Header memory lost = makeHeader(registry.genesisId(), RIVAL, 1);
        bytes32 loser = propose(lost);
        demandBits(VERA, loser);
        answerBits(RIVAL, lost);
        finalizedNow();
        registry.orphan(loser);
        demands.settle(loser, bitsPosition());
        assertEq(vault.creditOf(RIVAL), DEMAND_FEE, "credit");
    }

    function test_settle_gives_the_fee_back_if_the_block_was_slashed() public {
        bytes32 demandId = showBits(id, header);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        vm.expectEmit(address(demands));
        emit IDemands.DemandSettled(id, demandId, VERA, DEMAND_FEE);
        demands.settle(id, bitsPosition());
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
        assertEq(vault.creditOf(MINER), 0, "a bad block earns nothing");
        assertEq(demands.answersPay(id), 0, "its own answers do not count");
        pass(REVEAL);
        registry.forfeitBond(id);
        assertEq(locked(MINER, Role.Miner), 0, "nothing is left of the bond");
    }

    /// Pitfall 24: whoever is diligent for a block that is slashed in the end is paid, from the bond of its miner.
    function test_pitfall_24_answers_about_a_slashed_block_are_paid_from_its_bond() public {
        demandBits(VERA, id);
        answerBits(VIOLA, header);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        assertEq(demands.answersPay(id), DEMAND_FEE, "pay");
        pass(REVEAL);

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BondForfeited(id, MINER, VICTOR, VICTOR, MINER_BOND - DEMAND_FEE);
        registry.forfeitBond(id);
        assertEq(locked(MINER, Role.Miner), DEMAND_FEE, "kept for the answer");
        vm.expectEmit(address(vault));
        emit IBondVault.Awarded(MINER, Role.Miner, VIOLA, DEMAND_FEE);
        demands.settle(id, bitsPosition());
        assertEq(vault.creditOf(VIOLA), DEMAND_FEE, "paid");
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
        assertEq(locked(MINER, Role.Miner), 0, "nothing is left of the bond");
    }

    /// Nobody settles a demand away that may still take the bounty.
    function test_an_open_demand_about_a_slashed_block_settles_after_the_reveal_window() public {
        demandBits(VERA, id);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        uint256 settlesAt = block.timestamp + REVEAL;
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountyUnsettled.selector, id, settlesAt));
        demands.settle(id, bitsPosition());
        pass(REVEAL);
        demands.settle(id, bitsPosition());
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
    }

    function test_settle_needs_a_demand() public {
        bytes32 demandId = demands.demandIdOf(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.settle(id, bitsPosition());
    }

    // -- more pitfalls

    /// Pitfall 10: a miner that demands of itself and stays silent gets back half of its bond, and its fee.
    function test_pitfall_10_self_demand_loses_at_least_half() public {
        bond(MINER, Role.Verifier, DEMAND_FEE);
        demandBits(MINER, id);
        pass(ANSWER);
        demands.expire(id, bitsPosition());
        pass(REVEAL);
        registry.forfeitBond(id);
        demands.settle(id, bitsPosition());
        assertEq(vault.creditOf(MINER), DEMAND_FEE, "a fee");
        assertEq(free(MINER, Role.Verifier), DEMAND_FEE, "fee");
        assertEq(free(MINER, Role.Miner), 50 ether - MINER_BOND, "bond");
    }

    /// Pitfall 10: a miner that had demanded of itself in advance leaves its challenger a quarter, and burns half.
    function test_pitfall_10_self_demand_in_advance_does_not_take_the_provers_share() public {
        bond(MINER, Role.Verifier, DEMAND_FEE);
        demandBits(MINER, id);
        pass(ANSWER - 2);
        commitAndProve(VERA, id, EvidenceKind.Step);
        pass(1);
        demands.expire(id, bitsPosition());
        pass(REVEAL);
        registry.forfeitBond(id);
        assertEq(vault.creditOf(VERA), MINER_BOND / 4, "prover");
        assertEq(vault.creditOf(MINER), MINER_BOND / 4, "first");
    }

    /// Pitfall 13: fees and bonds of everything that can happen to a demand add up to the vault's balance.
    function test_pitfall_13_solvency_with_fees() public {
        bytes32 second = proposeOn(id, MINER, 2);
        demandBits(VERA, id);
        demand(VICTOR, id, stepsPosition());
        demandBits(VIOLA, second);
        answerBits(VIOLA, header);
        pass(ANSWER + 2 * SHARE);
        demands.expire(second, bitsPosition());
        demands.expire(id, stepsPosition());
        pass(REVEAL);
        demands.settle(id, bitsPosition());
        demands.settle(id, stepsPosition());
        demands.settle(second, bitsPosition());
        registry.forfeitBond(id);
        registry.forfeitBond(second);

        uint256 owed = 0;
        address[5] memory all = [MINER, RIVAL, VERA, VICTOR, VIOLA];
        for (uint256 i = 0; i < 5; ++i) {
            owed += vault.creditOf(all[i]) + free(all[i], Role.Miner) + free(all[i], Role.Verifier);
            owed += locked(all[i], Role.Miner) + locked(all[i], Role.Verifier);
        }
        assertEq(owed, address(vault).balance, "credits + bonds = balance");
        assertEq(vault.burned(), 2 * MINER_BOND - 3 * DEMAND_FEE, "all but a fee for each lapse and one for an answer");
    }

    // -- helpers

    function finalizedNow() private {
        attest(id, VICTOR);
        attest(id, VIOLA);
        pass(WINDOW + ANSWER);
        registry.finalize(id, id);
    }
}
