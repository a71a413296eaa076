// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Role, Status} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice slash, claimHead and forfeitBond.
contract SlashTest is Fixture {
    bytes32 private genesis;

    function setUp() public override {
        super.setUp();
        genesis = registry.genesisId();
    }

    function test_only_bounties_slash_and_only_demands_hold_up(address sender) public {
        vm.assume(sender != address(bounties) && sender != address(demands) && sender != address(explanations));
        bytes32 id = proposeOn(genesis, MINER, 1);
        vm.startPrank(sender);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotBounties.selector, sender));
        registry.slash(id, EvidenceKind.Step);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotDemands.selector, sender));
        registry.openDemand(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotDemands.selector, sender));
        registry.closeDemand(id, false);
        vm.stopPrank();
    }

    function test_head_falls_back_to_the_slashed_blocks_parent() public {
        bytes32 good = proposeOn(genesis, MINER, 1);
        bytes32 bad = proposeOn(good, RIVAL, 2);
        proposeOn(proposeOn(bad, MINER, 3), MINER, 4);

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(bad, RIVAL, EvidenceKind.Step);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadChanged(good, uint96(1) << BITS);
        slashAsBounties(bad);

        assertEq(registry.head(), good, "head");
        assertEq(registry.blocks(proposeOn(good, MINER, 9)).slashesSeen, 1, "slash log");
    }

    function test_head_stays_if_the_slashed_block_is_on_another_branch() public {
        bytes32 good = proposeOn(genesis, MINER, 1);
        bytes32 bad = proposeOn(genesis, RIVAL, 1);
        slashAsBounties(bad);
        assertEq(registry.head(), good, "head");
    }

    function test_final_blocks_are_refused() public {
        bytes32 id = finalizedOn(genesis, MINER, 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Finalized));
        slashAsBounties(id);
    }

    /// Pitfall 15: the head is slashed with many descendants. One proposal on a live block heals the chain.
    function test_pitfall_15_slashed_head_with_many_descendants_never_stalls() public {
        bytes32 good = proposeOn(genesis, MINER, 1);
        bytes32 bad = proposeOn(good, RIVAL, 2);
        bytes32 tip = bad;
        for (uint64 i = 0; i < 40; ++i) {
            tip = proposeOn(tip, RIVAL, 3 + i);
        }
        slashAsBounties(bad);

        bytes32 next = proposeOn(good, MINER, 2);
        assertEq(registry.head(), next, "an honest block is the head again");
        attestAll(good);
        attestAll(next);
        pass(WINDOW);
        registry.finalize(good, good);
        registry.finalize(next, next);
        assertEq(registry.finalizedTip(), next, "finality goes on");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.OffFinalizedBranch.selector, tip, next));
        registry.claimHead(tip);
    }

    function test_claimHead_takes_the_best_live_block_after_a_slash() public {
        bytes32 bad = proposeOn(genesis, RIVAL, 1);
        proposeOn(proposeOn(bad, RIVAL, 2), RIVAL, 3);
        bytes32 good = proposeOn(genesis, MINER, 1);
        bytes32 best = proposeOn(good, MINER, 2); // never was the head
        slashAsBounties(bad);
        assertEq(registry.head(), genesis, "fell back");

        vm.expectEmit(address(registry));
        emit IPoLRegistry.HeadChanged(good, uint96(1) << BITS);
        registry.claimHead(good);
        registry.claimHead(best);
        assertEq(registry.head(), best, "head");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotBetterHead.selector, good, best));
        registry.claimHead(good);
    }

    function test_the_first_seen_of_equal_work_leads() public {
        bytes32 first = proposeOn(genesis, MINER, 1);
        bytes32 second = proposeOn(genesis, RIVAL, 1);
        bytes32 bad = proposeOn(second, RIVAL, 2);
        slashAsBounties(bad);
        assertEq(registry.head(), first, "back to the first seen, not to the later one");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NotBetterHead.selector, second, first));
        registry.claimHead(second);
    }

    function test_claimHead_refuses_dead_blocks() public {
        bytes32 bad = proposeOn(genesis, RIVAL, 1);
        bytes32 child = proposeOn(bad, RIVAL, 2);
        slashAsBounties(bad);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.SlashedAncestor.selector, child, bad));
        registry.claimHead(child);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, bad, Status.Pending, Status.Slashed));
        registry.claimHead(bad);
    }

    /// The slash log is remembered per block, and a later slash is still seen.
    function test_slashes_after_a_check_are_seen() public {
        bytes32 a = proposeOn(genesis, MINER, 1);
        bytes32 b = proposeOn(a, MINER, 2);
        bytes32 elsewhere = proposeOn(genesis, RIVAL, 1);
        bytes32 other = proposeOn(elsewhere, RIVAL, 2);
        slashAsBounties(proposeOn(genesis, RIVAL, 9));
        proposeOn(other, RIVAL, 3); // checks `other` against the log: clean
        assertEq(registry.blocks(other).slashesSeen, 1, "checked");
        slashAsBounties(elsewhere);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.SlashedAncestor.selector, other, elsewhere));
        registry.claimHead(other);
        assertEq(registry.head(), b, "displaced, and back");
    }

    function test_forfeitBond_burns_half_and_credits_the_challenger() public {
        bytes32 bad = provenSlashed(genesis, MINER, 1, VERA);
        pass(REVEAL);

        vm.expectEmit(address(registry));
        emit IPoLRegistry.BondForfeited(bad, MINER, VERA, VERA, MINER_BOND);
        vm.expectEmit(address(vault));
        emit IBondVault.Forfeited(MINER, Role.Miner, MINER_BOND, MINER_BOND / 2);
        vm.expectEmit(address(vault));
        emit IBondVault.Credited(VERA, MINER_BOND / 2);
        registry.forfeitBond(bad);

        assertEq(vault.creditOf(VERA), MINER_BOND / 2, "credit");
        assertEq(vault.burned(), MINER_BOND / 2, "burned");
        assertEq(locked(MINER, Role.Miner), 0, "locked");
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.AlreadyForfeited.selector, bad));
        registry.forfeitBond(bad);
    }

    function test_forfeitBond_waits_for_the_bounty() public {
        bytes32 bad = provenSlashed(genesis, MINER, 1, VERA);
        uint256 settlesAt = block.timestamp + REVEAL;
        pass(REVEAL - 1);
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountyUnsettled.selector, bad, settlesAt));
        registry.forfeitBond(bad);
    }

    function test_forfeitBond_refuses_blocks_not_slashed() public {
        bytes32 id = proposeOn(genesis, MINER, 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Slashed, Status.Pending));
        registry.forfeitBond(id);
    }
}
