// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {SegmentStep, SumNode} from "../../../contracts/interfaces/ICourt.sol";
import {Demand, DemandState, IDemands, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {IReveals} from "../../../contracts/interfaces/IReveals.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {Programs} from "../fixtures/Programs.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice demand, hasten, reveal*, expire and settle, rule by rule. What content passes is tested with
/// lib/Answers.sol, how walks go down in Walks.t.sol.
contract DemandsTest is Fixture {
    Header private header;
    bytes32 private id;
    SegmentStep private none;

    function setUp() public override {
        super.setUp();
        header = makeHeader(registry.genesisId(), MINER, 1);
        id = propose(header);
    }

    // -- demand

    function test_demand_locks_the_fee_and_holds_finality_up() public {
        bytes32 expected = keccak256(abi.encode(id, bitsPosition()));
        vm.expectEmit(address(demands));
        emit IDemands.Demanded(id, expected, VERA, bitsPosition(), block.timestamp + ANSWER, 1);
        bytes32 demandId = demandBits(VERA, id);

        assertEq(demandId, expected, "id");
        assertEq(locked(VERA, Role.Verifier), DEMAND_FEE, "locked");
        assertEq(registry.blocks(id).openDemands, 1, "open demands");
        Demand memory made = demands.demands(demandId);
        assertEq(made.demander, VERA, "demander");
        assertEq(made.deadline, block.timestamp + ANSWER, "deadline");
        assertEq(made.order, 1, "order");
        assertEq(registry.openDemands(), 1, "of all blocks");
        assertTrue(made.state == DemandState.Open, "state");
    }

    function test_demand_needs_a_bond() public {
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, RIVAL, Role.Verifier, 0, DEMAND_FEE)
        );
        demandBits(RIVAL, id);
    }

    /// A position is demanded and answered once, for all.
    function test_each_position_is_demanded_once() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VICTOR, id);
        answerBits(MINER, header);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VICTOR, id);
        demand(VERA, id, stepsPosition());
        assertEq(registry.blocks(id).openDemands, 1, "open demands");
    }

    /// A walk goes step by step: the next demand needs the answer to the last.
    function test_an_account_has_one_demand_open_per_block() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.WalkUnderWay.selector, demandId));
        demand(VERA, id, stepsPosition());
        demand(VERA, proposeOn(id, MINER, 2), stepsPosition()); // of another block
        demand(VICTOR, id, stepsPosition());
        answerBits(MINER, header);
        demand(VERA, id, rootsPosition(Tree.Step, 0));
    }

    /// What means nothing for an item must be zero: nothing can be demanded under two names.
    function test_positions_that_do_not_exist_are_refused() public {
        Position[18] memory absent = [
            Position(Item.Roots, Tree.Step, 0, 1, 0, 0),
            Position(Item.Roots, Tree.Step, 0, 0, 1, 0),
            Position(Item.Roots, Tree.Step, 1, 0, 0, 0),
            Position(Item.Roots, Tree.Step, 0, 0, 0, "explanation"),
            Position(Item.Roots, Tree.Before, 7, 0, 0, "explanation"), // those an explanation shows
            Position(Item.Nodes, Tree.Step, 0, 0, 1, 0),
            Position(Item.Nodes, Tree.Step, 1, 0, 0, 0),
            Position(Item.Nodes, Tree.Segment, 0, 0, 0, "explanation"),
            Position(Item.Leaves, Tree.After, 4096, 0, 0, "explanation"),
            Position(Item.Bits, Tree.Before, 0, 0, 0, 0),
            Position(Item.Bits, Tree.Step, 1, 0, 0, 0),
            Position(Item.Bits, Tree.Step, 0, 1, 0, 0),
            Position(Item.Bits, Tree.Step, 0, 0, 1, 0),
            Position(Item.Roots, Tree.Segment, STEPS, 0, 0, 0),
            Position(Item.Leaves, Tree.Segment, STEPS, 0, 0, 0),
            Position(Item.Steps, Tree.Segment, 0, 0, 0, 0),
            Position(Item.Steps, Tree.Step, 1, 0, 0, 0),
            Position(Item.Steps, Tree.Step, 0, 0, 1, 0)
        ];
        for (uint256 i = 0; i < absent.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IDemands.NoSuchPosition.selector, absent[i]));
            vm.prank(VERA);
            demands.demand(id, absent[i], Programs.open(Tree.Step, 0));
        }
    }

    /// Pitfall 3, turned round: what no miner could show cannot be demanded of it.
    function test_pitfall_03_tensors_and_groups_that_do_not_exist_cannot_be_demanded() public {
        Position[3] memory absent = [
            Position(Item.Nodes, Tree.Step, 0, 5, 0, 0),
            Position(Item.Leaves, Tree.Step, 0, 0, 1, 0),
            Position(Item.Leaves, Tree.Step, 0, type(uint32).max, type(uint32).max, 0)
        ];
        for (uint256 i = 0; i < absent.length; ++i) {
            for (uint32 tensor = 0; tensor < 6; ++tensor) {
                bytes memory program = Programs.open(Tree.Step, tensor);
                vm.expectRevert();
                vm.prank(VERA);
                demands.demand(id, absent[i], program);
            }
        }
        // what does exist only waits for its parent
        vm.expectPartialRevert(IDemands.NotYetShown.selector);
        demand(VERA, id, Position(Item.Nodes, Tree.Step, 0, 4, 0, 0));
    }

    function test_only_pending_blocks() public {
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        demandBits(VERA, "nothing");
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        demandBits(VERA, id);
    }

    // -- deadlines

    /// Pitfall 9: a flood lengthens the deadlines, by the time to send an answer each: that of all blocks and miners.
    function test_pitfall_09_exhaustion_a_flood_lengthens_the_deadlines() public {
        bytes32 parent = id;
        for (uint64 i = 0; i < 20; ++i) {
            bytes32 demandId = demandBits(VERA, parent);
            assertEq(demands.demands(demandId).deadline, block.timestamp + ANSWER + i * SHARE, "deadline");
            parent = proposeOn(parent, i % 2 == 0 ? RIVAL : MINER, 2 + i);
        }
        assertEq(registry.openDemands(), 20, "open");
    }

    /// Pitfall 24: 1,000 demands about a sacrificed block hold nobody up any more once it is slashed.
    function test_pitfall_24_a_flood_that_is_gone_lengthens_no_deadline() public {
        Header memory sacrifice = makeHeader(id, RIVAL, 2);
        bytes32 sacrificed = propose(sacrifice);
        showBits(sacrificed, sacrifice);
        flood(sacrifice, 1000);
        bytes32 meanwhile = demandBits(VERA, id);
        uint256 stretched = block.timestamp + ANSWER + 1000 * SHARE;
        assertEq(demands.demands(meanwhile).deadline, stretched, "stretched");

        commitAndProve(VICTOR, sacrificed, EvidenceKind.Step);
        assertEq(registry.openDemands(), 1, "those of the slashed block are gone");
        bytes32 next = demand(VERA, proposeOn(id, MINER, 3), bitsPosition());
        assertEq(demands.demands(next).deadline, block.timestamp + ANSWER + SHARE, "ordinary again");

        vm.expectEmit(address(demands));
        emit IDemands.DeadlineMoved(id, meanwhile, block.timestamp + ANSWER + SHARE);
        vm.prank(VIOLA); // open to everyone
        demands.hasten(id, bitsPosition());
        assertEq(demands.demands(meanwhile).deadline, block.timestamp + ANSWER + SHARE, "hastened");
    }

    /// Pitfall 24: so do answers and closed demands shorten them, one by one.
    function test_pitfall_24_answers_shorten_deadlines() public {
        demand(VICTOR, id, stepsPosition());
        bytes32 demandId = demand(VERA, id, rootsPosition(Tree.Step, 0));
        demandBits(VIOLA, id);
        vm.expectRevert(
            abi.encodeWithSelector(IDemands.DeadlineStands.selector, demandId, block.timestamp + ANSWER + SHARE)
        );
        demands.hasten(id, rootsPosition(Tree.Step, 0));
        answerBits(MINER, header);
        bytes32 last = demandBits(VIOLA, proposeOn(id, MINER, 2));
        assertEq(demands.demands(last).deadline, block.timestamp + ANSWER + 2 * SHARE, "two others");
    }

    /// Pitfall 11: whoever is hastened has a whole answer window.
    function test_pitfall_11_clocks_hastening_leaves_the_time_to_answer() public {
        showBits(id, header);
        flood(header, 10);
        bytes32 other = proposeOn(id, MINER, 2);
        bytes32 demandId = demandBits(VERA, other);
        slashAsBounties(other);
        vm.expectRevert(
            abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, other, Status.Pending, Status.Slashed)
        );
        demands.hasten(other, bitsPosition());
        assertTrue(demands.demands(demandId).deadline > block.timestamp + ANSWER, "not of a slashed block");
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demands.demandIdOf(id, bitsPosition())));
        demands.hasten(id, bitsPosition());
    }

    /// Pitfall 9: friends of the miner who demand everything first keep nobody from having it shown.
    function test_pitfall_09_exhaustion_a_colluders_demand_serves_the_honest() public {
        bytes32 demandId = demandBits(VICTOR, id); // the colluder's
        pass(ANSWER);
        demands.expire(id, bitsPosition()); // by anybody
        assertStatus(id, Status.Slashed, "slashed");
        assertTrue(demands.demands(demandId).state == DemandState.Expired, "for that demand");
    }

    /// Pitfall 11: the last second of the window, and the next one.
    function test_pitfall_11_clocks_a_demand_in_the_last_second() public {
        uint256 end = block.timestamp + WINDOW;
        vm.warp(end - 1);
        bytes32 demandId = demandBits(VERA, id);
        assertEq(demands.demands(demandId).deadline, end - 1 + ANSWER, "the whole time to answer");
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, end, end));
        demand(VICTOR, id, stepsPosition());
    }

    /// Pitfall 11: an answer and a time-out are never both possible, in whatever order one L1 block has them.
    function test_pitfall_11_clocks_answer_and_time_out_in_one_l1_block() public {
        bytes32 demandId = demandBits(VERA, id);
        uint256 deadline = demands.demands(demandId).deadline;
        vm.warp(deadline - 1);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DeadlineAhead.selector, demandId, deadline, deadline - 1));
        demands.expire(id, bitsPosition());
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DeadlinePassed.selector, demandId, deadline, deadline));
        answerBits(MINER, header);
        demands.expire(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        answerBits(MINER, header);
    }

    // -- reveal

    function test_anybody_answers() public {
        bytes32 demandId = demandBits(VERA, id);
        bytes memory answer = abi.encode(bits());
        vm.expectEmit(address(reveals));
        emit IReveals.Revealed(id, demandId, VIOLA, answer);
        answerBits(VIOLA, header);

        Demand memory made = demands.demands(demandId);
        assertTrue(made.state == DemandState.Answered, "state");
        assertEq(made.responder, VIOLA, "responder");
        assertEq(registry.blocks(id).openDemands, 0, "open demands");
        assertEq(registry.openDemands(), 0, "of all blocks");
        assertEq(registry.blocks(id).heldUntil, block.timestamp + ANSWER, "held until");
        assertEq(demands.answeredAt(demandId), block.timestamp, "answered at");
    }

    /// An earlier hold that ends later stays.
    function test_the_latest_answer_holds_the_block() public {
        showBits(id, header);
        uint256 until = block.timestamp + ANSWER;
        pass(10);
        demand(VICTOR, id, stepsPosition());
        vm.prank(address(demands));
        registry.closeDemand(id, false); // needed no more: that holds nothing up
        assertEq(registry.blocks(id).heldUntil, until, "not moved");
        vm.startPrank(address(demands));
        registry.openDemand(id);
        registry.closeDemand(id, true);
        vm.stopPrank();
        assertEq(registry.blocks(id).heldUntil, block.timestamp + ANSWER, "later");
    }

    function test_what_was_not_demanded_cannot_be_answered() public {
        bytes32 missing = demands.demandIdOf(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, missing));
        answerBits(MINER, header);
        demandBits(VERA, id);
        Header memory other = makeHeader(id, MINER, 2);
        missing = demands.demandIdOf(propose(other), bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, missing));
        answerBits(MINER, other);
        answerBits(MINER, header);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demands.demandIdOf(id, bitsPosition())));
        answerBits(MINER, header); // twice
    }

    function test_wrong_answers_are_refused() public {
        demandBits(VERA, id);
        bytes32[2][] memory words = bits();
        words[2][0] ^= bytes32(uint256(1));
        vm.expectRevert();
        vm.prank(MINER);
        reveals.revealBits(header, bitsPosition(), words);
        vm.expectRevert(abi.encodeWithSelector(IReveals.WrongItem.selector, Item.Roots, Item.Bits));
        vm.prank(MINER);
        reveals.revealRoots(header, bitsPosition(), Programs.open(Tree.Step, 0), Programs.evaluation(1), none);
    }

    function test_a_slashed_block_needs_no_answer() public {
        demandBits(VERA, id);
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        answerBits(MINER, header);
    }

    // -- expire

    /// Pitfall 3: what is not shown in time costs the block, and pays whoever asked.
    function test_pitfall_03_withheld_data_is_slashed() public {
        bytes32 demandId = demandBits(VERA, id);
        pass(ANSWER);
        vm.expectEmit(address(demands));
        emit IDemands.DemandExpired(id, demandId, VERA);
        vm.expectEmit(address(bounties));
        emit IBounties.BountyAssigned(id, VERA, EvidenceKind.Withheld, 1);
        vm.prank(VIOLA); // open to everyone
        demands.expire(id, bitsPosition());
        assertStatus(id, Status.Slashed, "slashed");

        pass(REVEAL);
        registry.forfeitBond(id);
        demands.settle(id, bitsPosition());
        assertEq(vault.creditOf(VERA), DEMAND_FEE, "what it cost, and not more");
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
    }

    function test_expire_needs_an_open_demand() public {
        bytes32 demandId = demands.demandIdOf(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, bitsPosition());
        demandBits(VERA, id);
        answerBits(MINER, header);
        pass(ANSWER);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, bitsPosition());
    }

    /// Pitfall 2: a copied demand comes too late: the position has been demanded.
    function test_pitfall_02_challenge_theft_a_copied_demand_is_refused() public {
        demandBits(VERA, id);
        vm.expectPartialRevert(IDemands.DemandedBefore.selector);
        demandBits(VIOLA, id);
    }

    function test_expire_moves_no_bounty_after_the_reveal_window() public {
        demandBits(VERA, id);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        uint256 settlesAt = block.timestamp + REVEAL;
        pass(ANSWER);
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountySettled.selector, id, settlesAt));
        demands.expire(id, bitsPosition());
    }

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

    /// Pitfall 16: a demand keeps the deadline it was born with, unless it comes nearer; later ones push it nowhere.
    function test_pitfall_16_a_running_demand_keeps_its_deadline() public {
        bytes32 demandId = demandBits(VERA, id);
        uint256 deadline = demands.demands(demandId).deadline;
        Header memory other = makeHeader(id, RIVAL, 2);
        showBits(propose(other), other);
        flood(other, 10);
        assertEq(demands.demands(demandId).deadline, deadline, "deadline");
        vm.expectPartialRevert(IDemands.DeadlineStands.selector);
        demands.hasten(id, bitsPosition());
    }

    /// Pitfall 18: the same key run twice demands, answers and times out once.
    function test_pitfall_18_the_same_key_run_twice() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VERA, id);
        assertEq(locked(VERA, Role.Verifier), DEMAND_FEE, "one fee");
        pass(ANSWER);
        demands.expire(id, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, bitsPosition());
    }

    // -- helpers

    /// So many open demands about a block whose bits were shown, by as many accounts.
    function flood(Header memory about, uint32 count) internal {
        bytes32[2] memory words;
        SumNode[] memory siblings;
        for (uint32 i = 0; i < count; ++i) {
            if (i % 512 == 0) (words, siblings) = (bits()[i / 512], bitSiblings(i / 512)); // another leaf
            address sybil = address(uint160(0x5000 + i));
            bond(sybil, Role.Verifier, DEMAND_FEE);
            vm.prank(sybil);
            explanations.demand(about, i % 2 == 0 ? Tree.Before : Tree.After, i / 2, words, siblings);
        }
    }

    function finalizedNow() internal {
        attest(id, VICTOR);
        attest(id, VIOLA);
        pass(WINDOW + ANSWER);
        registry.finalize(id, id);
    }
}
