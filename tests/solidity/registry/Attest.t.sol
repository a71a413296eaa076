// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Role, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

contract AttestTest is Fixture {
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        id = proposeOn(registry.genesisId(), MINER, 1);
    }

    function test_counts_and_locks_the_bond() public {
        vm.expectEmit(address(registry));
        emit IPoLRegistry.Attested(id, VERA);
        attest(id, VERA);

        assertEq(registry.blocks(id).attestations, 1, "attestations");
        assertEq(registry.attestationOf(id, VERA), 1, "recorded");
        assertEq(locked(VERA, Role.Verifier), ATTEST_BOND, "locked");
    }

    /// The challenge window bounds demands, not attestations.
    function test_late_attestations_count_while_pending() public {
        pass(10 * WINDOW);
        attestAll(id);
        registry.finalize(id, id);
        assertStatus(id, Status.Finalized, "finalized");
    }

    /// Pitfall 18: the same key run twice.
    function test_pitfall_18_the_same_attestation_twice_is_refused() public {
        attest(id, VERA);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.AlreadyAttested.selector, id, VERA));
        attest(id, VERA);
    }

    /// Pitfall 12: L1 may move a parent to another second, and a block needs a requirement more than when it was
    /// replayed.
    function test_pitfall_12_block_that_is_harder_than_it_was_checked_at_is_not_attested_to() public {
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.HarderThanChecked.selector, id, DIFFICULTY, DIFFICULTY - 1));
        vm.prank(VERA);
        registry.attest(id, DIFFICULTY - 1);

        vm.prank(VERA);
        registry.attest(id, DIFFICULTY);
        assertEq(registry.blocks(id).attestations, 1, "attestations");
    }

    function test_own_block_is_refused() public {
        bond(MINER, Role.Verifier, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.OwnBlock.selector, id, MINER));
        attest(id, MINER);
    }

    /// Bonds of miners are not stake of verifiers.
    function test_without_verifier_bond_no_attestation() public {
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, RIVAL, Role.Verifier, 0, ATTEST_BOND)
        );
        attest(id, RIVAL);
    }

    function test_unknown_block_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        attest("nothing", VERA);
    }

    function test_final_blocks_are_refused() public {
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id, id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Finalized));
        attest(id, VIOLA);
    }
}
