// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

contract SettleAttestationTest is Fixture {
    bytes32 private genesis;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
        bond(RIVAL, Role.Verifier, DEMAND_FEE);
    }

    function test_finalized_pays_a_share_and_frees_the_bond() public {
        bytes32 id = finalizedOn(genesis, MINER, 1);

        vm.expectEmit(address(registry));
        emit IPoLRegistry.AttestationSettled(id, VERA, Status.Finalized, ATTESTER_REWARD, 0);
        registry.settleAttestation(id, VERA);

        assertEq(token.balanceOf(VERA), ATTESTER_REWARD, "reward");
        assertEq(locked(VERA, Role.Verifier), 0, "locked");
        assertEq(registry.attestationOf(id, VERA), 2, "settled");
    }

    /// Pitfall 8: attesting without replaying is a losing bet.
    function test_pitfall_08_slashed_takes_the_bond() public {
        bytes32 bad = proposeOn(genesis, MINER, 1);
        attest(bad, VICTOR);
        commitAndProve(VERA, bad, EvidenceKind.Step);
        uint256 settlesAt = block.timestamp + REVEAL;

        vm.expectRevert(abi.encodeWithSelector(IBounties.BountyUnsettled.selector, bad, settlesAt));
        registry.settleAttestation(bad, VICTOR);
        pass(REVEAL);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.AttestationSettled(bad, VICTOR, Status.Slashed, 0, ATTEST_BOND);
        registry.settleAttestation(bad, VICTOR);

        assertEq(free(VICTOR, Role.Verifier), 10 ether - ATTEST_BOND, "free");
        assertEq(locked(VICTOR, Role.Verifier), 0, "locked");
        assertEq(vault.creditOf(VERA), ATTEST_BOND / 2, "credit");
    }

    /// Pitfall 25: a right block whose miner wants it slashed takes its attesters' bonds along, but nobody gets them:
    /// they are burned, from 5 attesters as from 20.
    function test_pitfall_25_sacrifice_a_lapse_pays_nobody() public {
        for (uint160 attesters = 5; attesters <= 20; attesters += 5) {
            bytes32 right = proposeOn(genesis, MINER, uint64(attesters));
            for (uint160 i = 0; i < attesters; ++i) {
                bond(address(0x5000 + i), Role.Verifier, ATTEST_BOND);
                attest(right, address(0x5000 + i));
            }
            demandBits(RIVAL, right); // the accomplice
            uint256 before = vault.burned();
            pass(ANSWER);
            demands.expire(right, bitsPosition());
            pass(REVEAL);
            for (uint160 i = 0; i < attesters; ++i) {
                vm.expectEmit(address(registry));
                emit IPoLRegistry.AttestationSettled(right, address(0x5000 + i), Status.Slashed, 0, ATTEST_BOND);
                registry.settleAttestation(right, address(0x5000 + i));
                assertEq(locked(address(0x5000 + i), Role.Verifier), 0, "all of it");
            }
            assertEq(vault.burned() - before, attesters * ATTEST_BOND, "burned");
            assertEq(vault.creditOf(RIVAL), 0, "the accomplice gets none of it");
            registry.forfeitBond(right);
            demands.settle(right, bitsPosition());
            assertEq(vault.creditOf(RIVAL), DEMAND_FEE, "of the miner's bond no more than a fee");
            vm.prank(RIVAL);
            vault.collect();
        }
    }

    /// Pitfall 8: whoever attested could have explained, too.
    function test_pitfall_08_unexplained_takes_the_bond() public {
        Header memory header = makeHeader(genesis, MINER, 1);
        bytes32 bad = propose(header);
        attest(bad, VICTOR);
        showBits(bad, header);
        demandExplanation(VERA, header, Tree.Before, 7);
        pass(ANSWER);
        explanations.expire(bad, Tree.Before, 7);
        vm.expectPartialRevert(IBounties.BountyUnsettled.selector);
        registry.settleAttestation(bad, VICTOR);
        pass(REVEAL);
        registry.settleAttestation(bad, VICTOR);
        assertEq(free(VICTOR, Role.Verifier), 10 ether - ATTEST_BOND, "free");
        assertEq(vault.burned(), ATTEST_BOND, "burned");
    }

    function test_orphaned_gives_the_bond_back() public {
        bytes32 winner = proposeOn(genesis, MINER, 1);
        bytes32 loser = proposeOn(genesis, RIVAL, 1);
        attest(loser, VIOLA);
        attestAll(winner);
        pass(WINDOW);
        registry.finalize(winner, winner);
        registry.orphan(loser);

        registry.settleAttestation(loser, VIOLA);
        assertEq(free(VIOLA, Role.Verifier), 10 ether, "free");
        assertEq(token.balanceOf(VIOLA), 0, "no reward");
    }

    function test_once_only_and_only_for_attesters() public {
        bytes32 id = finalizedOn(genesis, MINER, 1);
        registry.settleAttestation(id, VERA);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotAttested.selector, id, VERA));
        registry.settleAttestation(id, VERA);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotAttested.selector, id, VIOLA));
        registry.settleAttestation(id, VIOLA);
    }

    function test_pending_is_refused() public {
        bytes32 id = proposeOn(genesis, MINER, 1);
        attest(id, VERA);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Finalized, Status.Pending));
        registry.settleAttestation(id, VERA);
    }

    /// Pitfall 13: miner and attesters share one reward: together they never get more, and all of it while there are
    /// few. forge-config: default.fuzz.runs = 40
    function test_pitfall_13_rounding_never_mints_more_than_the_reward(uint8 attesters) public {
        uint256 count = bound(attesters, 2, 120);
        attestedBy(count);
        assertTrue(token.totalSupply() <= MINER_REWARD, "too much");
        assertTrue(count > 40 || token.totalSupply() == MINER_REWARD, "too little");
    }

    /// A miner pays its own sybil attesters out of its own reward, and more than forty of them get less together
    /// than forty do.
    function test_attesting_ones_own_block_under_many_names_does_not_pay() public {
        uint256 last = type(uint256).max;
        for (uint256 count = 20; count <= 100; count += 20) {
            uint256 before = token.totalSupply();
            attestedBy(count);
            uint256 all = token.totalSupply() - before;
            assertTrue(all <= MINER_REWARD && all <= last, "no more than with fewer");
            assertTrue(count <= 40 ? all == MINER_REWARD : all < last, "less with more than forty");
            last = all;
        }
    }

    /// Finalizes and settles a block that so many attested to in time.
    function attestedBy(uint256 count) internal {
        bytes32 id = proposeOn(registry.finalizedTip(), MINER, uint64(count));
        for (uint160 i = 0; i < count; ++i) {
            bond(address(0x5000 + i), Role.Verifier, ATTEST_BOND);
            attest(id, address(0x5000 + i));
        }
        pass(WINDOW);
        registry.finalize(id, id);
        for (uint160 i = 0; i < count; ++i) {
            registry.settleAttestation(id, address(0x5000 + i));
        }
    }
}
