// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {Role} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

contract BondVaultTest is Fixture {
    address private constant ANN = address(0xA77);

    function setUp() public override {
        super.setUp();
        bond(ANN, Role.Verifier, 4 ether);
    }

    function test_deposit_adds_to_the_role_only() public {
        vm.deal(ANN, 3 ether);
        vm.expectEmit(address(vault));
        emit IBondVault.Deposited(ANN, Role.Miner, 3 ether);
        vm.prank(ANN);
        vault.deposit{value: 3 ether}(Role.Miner);

        assertEq(free(ANN, Role.Miner), 3 ether, "miner");
        assertEq(free(ANN, Role.Verifier), 4 ether, "verifier");
    }

    function test_a_deposit_for_another_is_the_others() public {
        address rich = address(0x51C4);
        vm.deal(rich, 3 ether);
        vm.expectEmit(address(vault));
        emit IBondVault.Deposited(ANN, Role.Verifier, 3 ether);
        vm.prank(rich);
        vault.depositFor{value: 3 ether}(ANN, Role.Verifier);

        assertEq(free(ANN, Role.Verifier), 7 ether, "the other's");
        assertEq(free(rich, Role.Verifier), 0, "the payer's");
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, rich, Role.Verifier, uint256(0), 1 ether)
        );
        vm.prank(rich);
        vault.unbond(Role.Verifier, 1 ether);
    }

    function test_zero_amounts_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IBondVault.ZeroAmount.selector));
        vault.depositFor(ANN, Role.Miner);
        vm.expectRevert(abi.encodeWithSelector(IBondVault.ZeroAmount.selector));
        vault.deposit(Role.Miner);
        vm.expectRevert(abi.encodeWithSelector(IBondVault.ZeroAmount.selector));
        vault.unbond(Role.Miner, 0);
    }

    function test_unbond_then_collect_pays_out() public {
        vm.expectEmit(address(vault));
        emit IBondVault.Unbonded(ANN, Role.Verifier, 1 ether);
        vm.prank(ANN);
        vault.unbond(Role.Verifier, 1 ether);
        assertEq(vault.creditOf(ANN), 1 ether, "credit");
        assertEq(free(ANN, Role.Verifier), 3 ether, "free");

        vm.expectEmit(address(vault));
        emit IBondVault.Collected(ANN, 1 ether);
        vm.prank(ANN);
        vault.collect();
        assertEq(ANN.balance, 1 ether, "balance");
        assertEq(vault.creditOf(ANN), 0, "credit spent");
        vm.expectRevert(abi.encodeWithSelector(IBondVault.NothingToCollect.selector, ANN));
        vm.prank(ANN);
        vault.collect();
    }

    function test_locked_bond_cannot_be_unbonded() public {
        vm.prank(address(registry));
        vault.lock(ANN, Role.Verifier, 3 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, ANN, Role.Verifier, 1 ether, 2 ether)
        );
        vm.prank(ANN);
        vault.unbond(Role.Verifier, 2 ether);
        assertEq(locked(ANN, Role.Verifier), 3 ether, "locked");
    }

    function test_only_operators_move_bonds(address sender) public {
        vm.assume(sender != address(registry) && sender != address(demands) && sender != address(explanations));
        bytes memory refused = abi.encodeWithSelector(IBondVault.NotOperator.selector, sender);
        vm.startPrank(sender);
        vm.expectRevert(refused);
        vault.lock(ANN, Role.Verifier, 1);
        vm.expectRevert(refused);
        vault.unlock(ANN, Role.Verifier, 1);
        vm.expectRevert(refused);
        vault.forfeit(ANN, Role.Verifier, 1, 1, sender, sender);
        vm.expectRevert(refused);
        vault.award(ANN, Role.Verifier, 1, sender);
        vm.expectRevert(refused);
        vault.burn(ANN, Role.Verifier, 1);
        vm.stopPrank();
    }

    /// Pitfall 10: of every forfeited bond at least half is gone, also of the smallest.
    function test_pitfall_10_at_least_half_is_burned(uint96 amount, uint256 bounty) public {
        bond(ANN, Role.Miner, uint256(amount) + 1);
        uint256 burnt = address(0).balance;
        uint256 balance = address(vault).balance;
        vm.prank(address(registry));
        vault.lock(ANN, Role.Miner, amount);
        vm.prank(address(registry));
        vault.forfeit(ANN, Role.Miner, amount, bounty, ANN, ANN);

        burnt = address(0).balance - burnt;
        assertTrue(2 * burnt >= amount, "at least half");
        assertTrue(vault.creditOf(ANN) <= bounty, "no more than the bounty");
        assertEq(vault.creditOf(ANN) + burnt, amount, "the rest is awarded");
        assertEq(vault.burned(), burnt, "counted");
        assertEq(balance - address(vault).balance, burnt, "left the vault");
        assertEq(free(ANN, Role.Miner), 1, "untouched");
    }

    /// Pitfall 10: whoever brings a block down is paid, whoever had committed before: half of the bounty, rounded up.
    function test_pitfall_10_first_and_prover_share_the_bounty(uint96 amount, uint96 bounty) public {
        bond(ANN, Role.Miner, uint256(amount) + 1);
        vm.prank(address(registry));
        vault.lock(ANN, Role.Miner, amount);
        vm.prank(address(registry));
        vault.forfeit(ANN, Role.Miner, amount, bounty, VERA, VICTOR);

        uint256 paid = bounty < amount / 2 ? bounty : amount / 2;
        assertEq(vault.creditOf(VERA) + vault.creditOf(VICTOR), paid, "shares");
        assertEq(vault.creditOf(VERA), paid / 2, "first");
        assertEq(vault.burned(), amount - paid, "burned");
        assertEq(locked(ANN, Role.Miner), 0, "locked");
    }

    function test_burning_takes_a_locked_bond_whole(uint96 amount) public {
        bond(ANN, Role.Miner, uint256(amount) + 1);
        uint256 balance = address(vault).balance;
        vm.prank(address(registry));
        vault.lock(ANN, Role.Miner, amount);
        vm.expectEmit(address(vault));
        emit IBondVault.Forfeited(ANN, Role.Miner, amount, amount);
        vm.prank(address(registry));
        vault.burn(ANN, Role.Miner, amount);

        assertEq(vault.burned(), amount, "burned");
        assertEq(balance - address(vault).balance, amount, "left the vault");
        assertEq(locked(ANN, Role.Miner), 0, "locked");
        assertEq(free(ANN, Role.Miner), 1, "untouched");
        vm.expectRevert();
        vm.prank(address(registry));
        vault.burn(ANN, Role.Miner, 1);
    }

    function test_award_turns_a_locked_bond_into_credit(uint96 amount) public {
        bond(ANN, Role.Miner, uint256(amount) + 1);
        vm.prank(address(demands));
        vault.lock(ANN, Role.Miner, amount);
        vm.expectEmit(address(vault));
        emit IBondVault.Awarded(ANN, Role.Miner, VERA, amount);
        vm.prank(address(demands));
        vault.award(ANN, Role.Miner, amount, VERA);

        assertEq(vault.creditOf(VERA), amount, "credit");
        assertEq(locked(ANN, Role.Miner), 0, "locked");
        assertEq(free(ANN, Role.Miner), 1, "untouched");
        vm.expectRevert();
        vm.prank(address(demands));
        vault.award(ANN, Role.Miner, 1, VERA);
    }

    function test_pitfall_10_one_wei_is_burned_whole() public {
        bond(ANN, Role.Miner, 1);
        vm.prank(address(registry));
        vault.lock(ANN, Role.Miner, 1);
        vm.prank(address(registry));
        vault.forfeit(ANN, Role.Miner, 1, 1, ANN, ANN);
        assertEq(vault.creditOf(ANN), 0, "nothing comes back");
        assertEq(vault.burned(), 1, "burned");
    }

    function test_what_was_locked_can_be_unlocked_and_no_more(uint96 amount) public {
        bond(ANN, Role.Miner, uint256(amount) + 1);
        vm.prank(address(demands));
        vault.lock(ANN, Role.Miner, amount);
        vm.expectRevert();
        vm.prank(address(demands));
        vault.unlock(ANN, Role.Miner, uint256(amount) + 1);
        vm.prank(address(demands));
        vault.unlock(ANN, Role.Miner, amount);
        assertEq(free(ANN, Role.Miner), uint256(amount) + 1, "free");
    }
}
