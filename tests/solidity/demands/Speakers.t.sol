// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDemands, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IExplanations, SpeakerState} from "../../../contracts/interfaces/IExplanations.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {BlockFixture} from "../fixtures/BlockFixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice One bond for all that an account explains of a block: what it answers for, and what its fall ends.
contract SpeakersTest is BlockFixture {
    /// A flood of demands takes capital from those who demand alone.
    function test_one_bond_answers_for_all_that_one_explains_of_a_block() public {
        showBits(id, header);
        for (uint32 i = 0; i < 20; ++i) {
            explained(VIOLA, header, Tree.Before, i, 1);
        }
        assertEq(locked(VIOLA, Role.Verifier), ATTEST_BOND, "one bond");
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NothingToRelease.selector, id, VIOLA));
        explanations.release(id, VIOLA);
        Header memory other = makeHeader(id, MINER, 2);
        showBits(propose(other), other);
        explained(VIOLA, other, Tree.Before, 0, 1);
        assertEq(locked(VIOLA, Role.Verifier), 2 * ATTEST_BOND, "another one for another block");

        attest(id, VERA);
        attest(id, VICTOR);
        pass(WINDOW);
        registry.finalize(id, id);
        for (uint32 i = 0; i < 20; ++i) {
            explanations.settle(id, Tree.Before, i);
        }
        assertEq(vault.creditOf(VIOLA), 20 * DEMAND_FEE, "the fees pay for the gas");
        explanations.release(id, VIOLA);
        assertEq(locked(VIOLA, Role.Verifier), ATTEST_BOND, "bond back");
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NothingToRelease.selector, id, VIOLA));
        explanations.release(id, VIOLA);
    }

    /// Whoever was refuted once is no speaker for this block any more, and what else it explained can be opened again.
    function test_what_a_fallen_author_explained_can_be_reopened() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, 2 * ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        explained(RIVAL, header, Tree.After, RIGHT, 2);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotFallen.selector, id, RIVAL));
        explanations.reopen(id, Tree.After, RIGHT);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.SpeakerFallen.selector, id, RIVAL));
        explain(RIVAL, header, Tree.Before, RIGHT, 1);

        vm.expectEmit(address(explanations));
        emit IExplanations.ExplanationRefuted(
            id, Tree.After, RIGHT, RIVAL, address(0), block.timestamp + ANSWER + SHARE
        );
        vm.prank(VERA); // open to everyone
        explanations.reopen(id, Tree.After, RIGHT);
        assertEq(vault.burned(), ATTEST_BOND / 2, "one bond");
        assertEq(locked(RIVAL, Role.Verifier), 0, "no more than that");
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        explain(VIOLA, header, Tree.After, RIGHT, 1);
        (SpeakerState state, Role role) = explanations.speakerOf(id, RIVAL);
        assertTrue(state == SpeakerState.Fallen && role == Role.Verifier, "fallen");
    }

    /// A fallen author's explanations are ended at once or never, by a proof too: else each of them would hold the
    /// block up in turn, the next one a moment before it would be judged.
    function test_pitfall_24_explanations_of_a_fallen_author_do_not_hold_a_block_up_one_by_one() public {
        attestAll(id);
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        for (uint32 sample = 0; sample < 4; ++sample) {
            explained(RIVAL, header, Tree.Before, sample, 2);
        }
        vm.warp(block.timestamp + WINDOW);
        commitAndRefute(VICTOR, id, Tree.Before, 0);
        explain(VIOLA, header, Tree.Before, 0, 1);
        uint256 closedAt = block.timestamp + ANSWER;
        vm.warp(closedAt - 2);
        explanations.reopen(id, Tree.Before, 1);
        explain(VIOLA, header, Tree.Before, 1, 1);
        commitAndRefute(VICTOR, id, Tree.Before, 2); // in the last second
        explain(VIOLA, header, Tree.Before, 2, 1);
        commitToRefute(VICTOR, id, Tree.Before, 3);
        bytes memory late = abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, closedAt, closedAt);
        vm.expectRevert(late);
        refute(VICTOR, id, Tree.Before, 3);
        vm.expectRevert(late);
        explanations.reopen(id, Tree.Before, 3);
        vm.warp(closedAt - 1 + ANSWER);
        registry.finalize(id, id);
    }

    /// A second refutation of somebody who has nothing more to lose begins no time anew.
    function test_pitfall_24_an_author_falls_once() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        for (uint32 sample = 0; sample < 3; ++sample) {
            explained(RIVAL, header, Tree.Before, sample, 2);
        }
        vm.warp(block.timestamp + WINDOW);
        commitAndRefute(VICTOR, id, Tree.Before, 0);
        uint256 closedAt = block.timestamp + ANSWER;
        vm.warp(closedAt - 2);
        commitAndRefute(VICTOR, id, Tree.Before, 1);
        vm.warp(closedAt);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, closedAt, closedAt));
        explanations.reopen(id, Tree.Before, 2);
        commitToRefute(VICTOR, id, Tree.Before, 2);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, closedAt, closedAt + 1));
        refute(VICTOR, id, Tree.Before, 2);
    }

    /// The limit saves no wrong block: whoever walks down what a fallen author explained of it ends that in time,
    /// however long after the window the author fell, and the block falls as nobody can explain it better.
    function test_a_wrong_block_falls_though_its_author_fell_over_something_else_at_the_last() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        bytes32 traceRoot = explained(RIVAL, header, Tree.After, RIGHT, 2);
        Position memory position = Position(Item.Nodes, Tree.After, RIGHT, 3, 0, traceRoot);
        vm.warp(block.timestamp + WINDOW - 1);
        demand(VICTOR, id, position);
        pass(ANSWER - 2);
        commitAndRefute(VERA, id, Tree.Before, RIGHT); // an accomplice's
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        demands.expire(id, position);
        pass(ANSWER - 1);
        vm.expectPartialRevert(IPoLRegistry.BlockHeld.selector);
        registry.finalize(id, id);
        explanations.reopen(id, Tree.After, RIGHT);
        pass(ANSWER);
        explanations.expire(id, Tree.After, RIGHT);
        assertStatus(id, Status.Slashed, "slashed");
    }

    /// Each further explanation of a fallen author can still be proven wrong, for nothing; its bond is taken once.
    function test_a_fallen_authors_bond_is_taken_once() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, 2 * ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        explained(RIVAL, header, Tree.After, RIGHT, 2);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        commitAndRefute(VICTOR, id, Tree.After, RIGHT);
        assertEq(vault.creditOf(VICTOR), ATTEST_BOND / 2, "once");
        assertEq(free(RIVAL, Role.Verifier), ATTEST_BOND, "what was not locked is not taken");
        slashAsBounties(id);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NothingToRelease.selector, id, RIVAL));
        explanations.release(id, RIVAL);
    }

    /// Nothing more is demanded of what a fallen author explained: it could not be answered.
    function test_nothing_is_demanded_of_what_a_fallen_author_explained() public {
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        bytes32 traceRoot = explained(RIVAL, header, Tree.After, RIGHT, 2);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(IExplanations.NotStanding.selector, id, Tree.After, RIGHT));
        demand(VICTOR, id, Position(Item.Nodes, Tree.After, RIGHT, 3, 0, traceRoot));
    }

    /// What a fallen author explained and nobody reopened earns it no fee.
    function test_a_fallen_author_earns_no_fee() public {
        attestAll(id);
        showBits(id, header);
        bond(RIVAL, Role.Verifier, ATTEST_BOND);
        explained(RIVAL, header, Tree.Before, RIGHT, 2);
        explained(RIVAL, header, Tree.After, RIGHT, 2);
        commitAndRefute(VICTOR, id, Tree.Before, RIGHT);
        explain(VIOLA, header, Tree.Before, RIGHT, 1);
        pass(WINDOW);
        registry.finalize(id, id);
        explanations.settle(id, Tree.After, RIGHT);
        assertEq(vault.creditOf(RIVAL), 0, "no fee");
    }
}
