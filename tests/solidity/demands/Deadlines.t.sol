// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SumNode} from "../../../contracts/interfaces/ICourt.sol";
import {DemandState, IDemands} from "../../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {BlockFixture} from "../fixtures/BlockFixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Until when one can demand, answer and hasten, and how a flood of demands moves that.
contract DeadlinesTest is BlockFixture {
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

    // -- helpers

    /// So many open demands about a block whose bits were shown, by as many accounts.
    function flood(Header memory about, uint32 count) private {
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
}
