// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../contracts/interfaces/IBounties.sol";
import {SegmentStep} from "../../contracts/interfaces/ICourt.sol";
import {Demand, DemandState, IDemands, Item, Position} from "../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../contracts/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Programs} from "./Programs.sol";
import {vm} from "./Vm.sol";

/// @notice demand, reveal*, expire and settle, rule by rule. What content passes is tested with lib/Answers.sol.
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
        bytes32 expected = keccak256(abi.encode(id, VERA, bitsPosition()));
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
        assertEq(made.blockId, id, "block");
        assertTrue(made.state == DemandState.Open, "state");
    }

    function test_demand_needs_a_bond() public {
        vm.expectRevert(
            abi.encodeWithSelector(IBondVault.InsufficientBond.selector, RIVAL, Role.Verifier, 0, DEMAND_FEE)
        );
        demandBits(RIVAL, id);
    }

    function test_each_verifier_demands_each_position_once() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VERA, id);
        answerBits(MINER, header, VERA);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VERA, id);
        demand(VERA, id, rootsPosition(Tree.After, 4095));
        demandBits(VICTOR, id);
        assertEq(registry.blocks(id).openDemands, 2, "open demands");
    }

    /// What means nothing for an item must be zero: nothing can be demanded under two names.
    function test_positions_that_do_not_exist_are_refused() public {
        Position[16] memory absent = [
            Position(Item.Roots, Tree.Step, 0, 1, 0),
            Position(Item.Roots, Tree.Step, 0, 0, 1),
            Position(Item.Roots, Tree.Step, 1, 0, 0),
            Position(Item.Roots, Tree.Before, 4096, 0, 0),
            Position(Item.Nodes, Tree.Step, 0, 0, 1),
            Position(Item.Nodes, Tree.Step, 1, 0, 0),
            Position(Item.Leaves, Tree.After, 4096, 0, 0),
            Position(Item.Bits, Tree.Before, 0, 0, 0),
            Position(Item.Bits, Tree.Step, 1, 0, 0),
            Position(Item.Bits, Tree.Step, 0, 1, 0),
            Position(Item.Bits, Tree.Step, 0, 0, 1),
            Position(Item.Roots, Tree.Segment, STEPS, 0, 0),
            Position(Item.Leaves, Tree.Segment, STEPS, 0, 0),
            Position(Item.Steps, Tree.Segment, 0, 0, 0),
            Position(Item.Steps, Tree.Step, 1, 0, 0),
            Position(Item.Steps, Tree.Step, 0, 0, 1)
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
            Position(Item.Nodes, Tree.Step, 0, 5, 0),
            Position(Item.Leaves, Tree.Step, 0, 0, 1),
            Position(Item.Leaves, Tree.Step, 0, type(uint32).max, type(uint32).max)
        ];
        for (uint256 i = 0; i < absent.length; ++i) {
            for (uint32 tensor = 0; tensor < 6; ++tensor) {
                vm.expectRevert();
                vm.prank(VERA);
                demands.demand(id, absent[i], Programs.open(Tree.Step, tensor));
            }
        }
        demand(VERA, id, Position(Item.Nodes, Tree.Step, 0, 4, 0));
        demand(VERA, id, Position(Item.Leaves, Tree.Step, 0, 4, 0));
    }

    /// Nothing lies below an evaluation until its miner has said what it was.
    function test_tensors_of_an_evaluation_come_after_its_roots() public {
        Position memory leaves = Position(Item.Leaves, Tree.Before, 7, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NotYetExplained.selector, id, Tree.Before, 7));
        demand(VERA, id, leaves);
        explained(VERA, rootsPosition(Tree.Before, 7));
        demand(VICTOR, id, leaves);
        leaves.tree = Tree.After;
        vm.expectRevert(abi.encodeWithSelector(IDemands.NotYetExplained.selector, id, Tree.After, 7));
        demand(VERA, id, leaves);
    }

    function test_only_pending_blocks() public {
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, bytes32("nothing")));
        demandBits(VERA, "nothing");
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        demandBits(VERA, id);
    }

    // -- deadlines

    /// Pitfall 9: a flood lengthens the deadlines, by the time to send an answer each.
    function test_pitfall_09_exhaustion_a_flood_lengthens_the_deadlines() public {
        uint256 start = block.timestamp + ANSWER;
        for (uint32 i = 0; i < 20; ++i) {
            bytes32 demandId = demand(VERA, id, rootsPosition(Tree.Before, i));
            assertEq(demands.demands(demandId).deadline, start + i * (ANSWER / 16), "deadline");
        }
        assertEq(demands.queueEnd(MINER), start + 19 * (ANSWER / 16), "queue");

        // all blocks of a miner share its time; another's do not
        bytes32 second = proposeOn(id, MINER, 2);
        bytes32 third = proposeOn(id, RIVAL, 2);
        assertEq(demands.demands(demandBits(VICTOR, second)).deadline, start + 20 * (ANSWER / 16), "same miner");
        assertEq(demands.demands(demandBits(VICTOR, third)).deadline, start, "another miner");

        // and an old queue is forgotten
        pass(2 * ANSWER);
        bytes32 fourth = proposeOn(id, MINER, 3);
        assertEq(demands.demands(demandBits(VICTOR, fourth)).deadline, block.timestamp + ANSWER, "later");
    }

    /// Pitfall 9: a miner that answers loses nothing but time: every answer is paid for.
    function test_pitfall_09_exhaustion_answers_are_paid() public {
        bytes32[] memory made = new bytes32[](10);
        for (uint32 i = 0; i < 10; ++i) {
            made[i] = demand(VERA, id, rootsPosition(Tree.Before, i));
        }
        for (uint32 i = 0; i < 10; ++i) {
            explain(MINER, header, VERA, rootsPosition(Tree.Before, i), i);
        }
        finalizedNow();
        for (uint32 i = 0; i < 10; ++i) {
            demands.settle(made[i]);
        }
        assertEq(vault.creditOf(MINER), 10 * DEMAND_FEE, "paid");
        assertEq(free(VERA, Role.Verifier), 10 ether - 10 * DEMAND_FEE, "who asked pays");
        assertEq(locked(VERA, Role.Verifier), 0, "locked");
    }

    /// Pitfall 9: friends of the miner who demand everything first, and are answered, keep nobody from asking.
    function test_pitfall_09_exhaustion_colluders_demands_do_not_block_an_honest_one() public {
        demandBits(VICTOR, id);
        demandBits(VIOLA, id);
        answerBits(MINER, header, VICTOR);
        bytes32 demandId = demandBits(VERA, id);
        answerBits(VICTOR, header, VIOLA);
        uint256 deadline = demands.demands(demandId).deadline;
        assertEq(deadline, block.timestamp + ANSWER + 2 * (ANSWER / 16), "deadline");
        vm.warp(deadline);
        demands.expire(id, VERA, bitsPosition());
        assertStatus(id, Status.Slashed, "slashed");
    }

    /// Pitfall 11: the last second of the window, and the next one.
    function test_pitfall_11_clocks_a_demand_in_the_last_second() public {
        uint256 end = block.timestamp + WINDOW;
        vm.warp(end - 1);
        bytes32 demandId = demandBits(VERA, id);
        assertEq(demands.demands(demandId).deadline, end - 1 + ANSWER, "the whole time to answer");
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, end, end));
        demandBits(VICTOR, id);
    }

    /// Pitfall 11: an answer and a time-out are never both possible, in whatever order one L1 block has them.
    function test_pitfall_11_clocks_answer_and_time_out_in_one_l1_block() public {
        bytes32 demandId = demandBits(VERA, id);
        uint256 deadline = demands.demands(demandId).deadline;
        vm.warp(deadline - 1);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DeadlineAhead.selector, demandId, deadline, deadline - 1));
        demands.expire(id, VERA, bitsPosition());
        demandBits(VICTOR, id);
        answerBits(MINER, header, VERA);

        demandId = demands.demandIdOf(id, VICTOR, bitsPosition());
        deadline = demands.demands(demandId).deadline;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DeadlinePassed.selector, demandId, deadline, deadline));
        answerBits(MINER, header, VICTOR);
        demands.expire(id, VICTOR, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        answerBits(MINER, header, VICTOR);
    }

    /// Pitfall 11: an answer leaves time for the next demand, but not for ever.
    function test_pitfall_11_clocks_late_follow_ups_are_bounded() public {
        vm.warp(block.timestamp + WINDOW - 1);
        explained(VERA, rootsPosition(Tree.Before, 0));
        pass(1);
        uint32 late = uint32(demands.MAX_LATE());
        for (uint32 i = 1; i <= late; ++i) {
            pass(ANSWER - 2); // just before the time for the next demand ends
            explained(VERA, rootsPosition(Tree.Before, i));
        }
        (, uint256 counted) = demands.followUps(id, VERA);
        assertEq(counted, late, "counted");
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooManyLateDemands.selector, id, VERA, late));
        demandBits(VERA, id);

        uint256 until = block.timestamp + ANSWER;
        attestAll(id);
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.BlockHeld.selector, id, until, until - 1));
        registry.finalize(id);
        vm.warp(until);
        registry.finalize(id);
    }

    /// Pitfall 11: only who was answered may follow up, and only as long as the answer is fresh.
    function test_pitfall_11_clocks_follow_ups_end_with_the_hold() public {
        vm.warp(block.timestamp + WINDOW - 1);
        explained(VERA, rootsPosition(Tree.Before, 0));
        demandBits(VICTOR, id);
        uint256 end = block.timestamp + 1;
        uint256 until = block.timestamp + ANSWER;
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, end, until - 1));
        demand(VICTOR, id, rootsPosition(Tree.Before, 1)); // was not answered
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, until, until));
        demandBits(VERA, id);
    }

    // -- reveal

    function test_anybody_answers() public {
        bytes32 demandId = demandBits(VERA, id);
        bytes memory answer = abi.encode(bits());
        vm.expectEmit(address(demands));
        emit IDemands.Revealed(id, demandId, VIOLA, answer);
        answerBits(VIOLA, header, VERA);

        Demand memory made = demands.demands(demandId);
        assertTrue(made.state == DemandState.Answered, "state");
        assertEq(made.responder, VIOLA, "responder");
        assertEq(registry.blocks(id).openDemands, 0, "open demands");
        assertEq(registry.blocks(id).heldUntil, block.timestamp + ANSWER, "held until");
        (uint256 answeredAt, uint256 late) = demands.followUps(id, VERA);
        assertEq(answeredAt, block.timestamp, "answered at");
        assertEq(late, 0, "late");
    }

    /// An earlier hold that ends later stays.
    function test_the_latest_answer_holds_the_block() public {
        demandBits(VERA, id);
        demandBits(VICTOR, id);
        answerBits(MINER, header, VERA);
        pass(10);
        answerBits(MINER, header, VICTOR);
        assertEq(registry.blocks(id).heldUntil, block.timestamp + ANSWER, "later");
        demandBits(VIOLA, id);
        vm.prank(address(demands));
        registry.closeDemand(id, 1);
        assertEq(registry.blocks(id).heldUntil, block.timestamp + ANSWER, "not moved back");
    }

    function test_what_was_not_demanded_cannot_be_answered() public {
        bytes32 missing = demands.demandIdOf(id, VERA, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, missing));
        answerBits(MINER, header, VERA);
        demandBits(VERA, id);
        Header memory other = makeHeader(id, MINER, 2);
        missing = demands.demandIdOf(propose(other), VERA, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, missing));
        answerBits(MINER, other, VERA);
        answerBits(MINER, header, VERA);
        vm.expectRevert(
            abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demands.demandIdOf(id, VERA, bitsPosition()))
        );
        answerBits(MINER, header, VERA); // twice
    }

    function test_wrong_answers_are_refused() public {
        demandBits(VERA, id);
        bytes32[2][] memory words = bits();
        words[2][0] ^= bytes32(uint256(1));
        vm.expectRevert();
        vm.prank(MINER);
        demands.revealBits(header, VERA, bitsPosition(), words);
        vm.expectRevert(abi.encodeWithSelector(IDemands.WrongItem.selector, Item.Roots, Item.Bits));
        vm.prank(MINER);
        demands.revealRoots(header, VERA, bitsPosition(), Programs.open(Tree.Step, 0), Programs.evaluation(1), none);
    }

    /// An evaluation is the miner's word: nobody else gives it, and it is given once.
    function test_only_the_miner_explains_and_only_once() public {
        Position memory position = rootsPosition(Tree.Before, 7);
        demand(VERA, id, position);
        demand(VICTOR, id, position);
        demand(VIOLA, id, position);
        vm.expectRevert(abi.encodeWithSelector(IDemands.OnlyMinerExplains.selector, MINER, VICTOR));
        explain(VICTOR, header, VERA, position, 1);
        assertEq(demands.evaluationRoot(id, Tree.Before, 7), bytes32(0), "nothing yet");

        explain(MINER, header, VERA, position, 1);
        bytes32 root = demands.evaluationRoot(id, Tree.Before, 7);
        assertTrue(root != bytes32(0), "stored");
        vm.expectPartialRevert(IDemands.WrongAnswer.selector);
        explain(MINER, header, VICTOR, position, 2);
        explain(MINER, header, VICTOR, position, 1);
        assertEq(demands.evaluationRoot(id, Tree.Before, 7), root, "the same");
        assertEq(demands.evaluationRoot(id, Tree.After, 7), bytes32(0), "of this tree only");
        assertEq(demands.evaluationRoot(id, Tree.Before, 8), bytes32(0), "of this sample only");
    }

    function test_a_slashed_block_needs_no_answer() public {
        demandBits(VERA, id);
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.WrongStatus.selector, id, Status.Pending, Status.Slashed));
        answerBits(MINER, header, VERA);
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
        demands.expire(id, VERA, bitsPosition());
        assertStatus(id, Status.Slashed, "slashed");

        pass(REVEAL);
        registry.forfeitBond(id);
        demands.settle(demandId);
        assertEq(vault.creditOf(VERA), MINER_BOND / 2, "bounty");
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
    }

    function test_an_unexplained_evaluation_is_a_kind_of_its_own() public {
        demand(VERA, id, rootsPosition(Tree.After, 1));
        pass(ANSWER);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(id, MINER, EvidenceKind.Unexplained);
        demands.expire(id, VERA, rootsPosition(Tree.After, 1));

        id = proposeOn(registry.genesisId(), MINER, 2);
        demand(VERA, id, rootsPosition(Tree.Step, 0));
        pass(ANSWER);
        vm.expectEmit(address(registry));
        emit IPoLRegistry.BlockSlashed(id, MINER, EvidenceKind.Withheld);
        demands.expire(id, VERA, rootsPosition(Tree.Step, 0));
    }

    function test_expire_needs_an_open_demand() public {
        bytes32 demandId = demands.demandIdOf(id, VERA, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, VERA, bitsPosition());
        demandBits(VERA, id);
        answerBits(MINER, header, VERA);
        pass(ANSWER);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, VERA, bitsPosition());
    }

    /// Pitfall 2: whoever copies a demand comes after it, and gets nothing though mined first at the end.
    function test_pitfall_02_challenge_theft_a_copied_demand_comes_later() public {
        demandBits(VERA, id);
        demandBits(VIOLA, id);
        pass(2 * ANSWER);
        demands.expire(id, VIOLA, bitsPosition());
        demands.expire(id, VERA, bitsPosition());
        pass(REVEAL);
        (address first, address prover) = bounties.winners(id);
        assertEq(first, VERA, "first");
        assertEq(prover, VIOLA, "carried out by whoever came first");
    }

    function test_expire_moves_no_bounty_after_the_reveal_window() public {
        demandBits(VERA, id);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        uint256 settlesAt = block.timestamp + REVEAL;
        pass(ANSWER);
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountySettled.selector, id, settlesAt));
        demands.expire(id, VERA, bitsPosition());
    }

    // -- settle

    function test_settle_pays_whoever_answered() public {
        bytes32 demandId = demandBits(VERA, id);
        answerBits(VIOLA, header, VERA);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandUnsettled.selector, demandId));
        demands.settle(demandId);
        finalizedNow();

        vm.expectEmit(address(demands));
        emit IDemands.DemandSettled(id, demandId, VIOLA, DEMAND_FEE);
        vm.expectEmit(address(vault));
        emit IBondVault.Awarded(VERA, Role.Verifier, VIOLA, DEMAND_FEE);
        demands.settle(demandId);
        assertEq(vault.creditOf(VIOLA), DEMAND_FEE, "credit");
        assertEq(locked(VERA, Role.Verifier), 0, "locked");
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.settle(demandId);
    }

    function test_settle_pays_for_orphans_too() public {
        Header memory lost = makeHeader(registry.genesisId(), RIVAL, 1);
        bytes32 loser = propose(lost);
        bytes32 demandId = demandBits(VERA, loser);
        answerBits(RIVAL, lost, VERA);
        finalizedNow();
        registry.orphan(loser);
        demands.settle(demandId);
        assertEq(vault.creditOf(RIVAL), DEMAND_FEE, "credit");
    }

    function test_settle_gives_the_fee_back_if_the_block_was_slashed() public {
        bytes32 demandId = demandBits(VERA, id);
        answerBits(MINER, header, VERA);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        vm.expectEmit(address(demands));
        emit IDemands.DemandSettled(id, demandId, VERA, DEMAND_FEE);
        demands.settle(demandId);
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
        assertEq(vault.creditOf(MINER), 0, "a bad block earns nothing");
    }

    /// Nobody settles a demand away that may still take the bounty.
    function test_an_open_demand_about_a_slashed_block_settles_after_the_reveal_window() public {
        bytes32 demandId = demandBits(VERA, id);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        uint256 settlesAt = block.timestamp + REVEAL;
        vm.expectRevert(abi.encodeWithSelector(IBounties.BountyUnsettled.selector, id, settlesAt));
        demands.settle(demandId);
        pass(REVEAL);
        demands.settle(demandId);
        assertEq(free(VERA, Role.Verifier), 10 ether, "fee back");
    }

    function test_settle_needs_a_demand() public {
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, bytes32("nothing")));
        demands.settle("nothing");
    }

    // -- more pitfalls

    /// Pitfall 10: a miner that demands of itself and stays silent gets back half of its bond, and its fee.
    function test_pitfall_10_self_demand_loses_at_least_half() public {
        bond(MINER, Role.Verifier, DEMAND_FEE);
        bytes32 demandId = demandBits(MINER, id);
        pass(ANSWER);
        demands.expire(id, MINER, bitsPosition());
        pass(REVEAL);
        registry.forfeitBond(id);
        demands.settle(demandId);
        assertEq(vault.creditOf(MINER), MINER_BOND / 2, "half");
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
        demands.expire(id, MINER, bitsPosition());
        pass(REVEAL);
        registry.forfeitBond(id);
        assertEq(vault.creditOf(VERA), MINER_BOND / 4, "prover");
        assertEq(vault.creditOf(MINER), MINER_BOND / 4, "first");
    }

    /// Pitfall 13: fees and bonds of everything that can happen to a demand add up to the vault's balance.
    function test_pitfall_13_solvency_with_fees() public {
        bytes32 second = proposeOn(id, MINER, 2);
        bytes32[3] memory made = [demandBits(VERA, id), demandBits(VICTOR, id), demandBits(VIOLA, second)];
        answerBits(VIOLA, header, VERA);
        answerBits(MINER, header, VICTOR);
        pass(ANSWER + ANSWER / 8);
        demands.expire(second, VIOLA, bitsPosition());
        finalizedNow();
        for (uint256 i = 0; i < 3; ++i) {
            demands.settle(made[i]);
        }
        registry.forfeitBond(second);

        uint256 owed = 0;
        address[5] memory all = [MINER, RIVAL, VERA, VICTOR, VIOLA];
        for (uint256 i = 0; i < 5; ++i) {
            owed += vault.creditOf(all[i]) + free(all[i], Role.Miner) + free(all[i], Role.Verifier);
            owed += locked(all[i], Role.Miner) + locked(all[i], Role.Verifier);
        }
        assertEq(owed, address(vault).balance, "credits + bonds = balance");
        assertEq(vault.burned(), MINER_BOND / 2, "burned");
    }

    /// Pitfall 16: a demand keeps the deadline it was born with, whatever comes after it.
    function test_pitfall_16_a_running_demand_keeps_its_deadline() public {
        bytes32 demandId = demandBits(VERA, id);
        uint256 deadline = demands.demands(demandId).deadline;
        for (uint32 i = 0; i < 10; ++i) {
            demand(VIOLA, id, rootsPosition(Tree.Before, i));
        }
        explain(MINER, header, VIOLA, rootsPosition(Tree.Before, 0), 1);
        assertEq(demands.demands(demandId).deadline, deadline, "deadline");
    }

    /// Pitfall 18: the same key run twice demands, answers and times out once.
    function test_pitfall_18_the_same_key_run_twice() public {
        bytes32 demandId = demandBits(VERA, id);
        vm.expectRevert(abi.encodeWithSelector(IDemands.DemandedBefore.selector, demandId));
        demandBits(VERA, id);
        assertEq(locked(VERA, Role.Verifier), DEMAND_FEE, "one fee");
        pass(ANSWER);
        demands.expire(id, VERA, bitsPosition());
        vm.expectRevert(abi.encodeWithSelector(IDemands.NoOpenDemand.selector, demandId));
        demands.expire(id, VERA, bitsPosition());
    }

    // -- helpers

    function explained(address demander, Position memory position) internal {
        demand(demander, id, position);
        explain(MINER, header, demander, position, 1);
    }

    function finalizedNow() internal {
        attest(id, VICTOR);
        attest(id, VIOLA);
        pass(WINDOW + ANSWER);
        registry.finalize(id);
    }
}
