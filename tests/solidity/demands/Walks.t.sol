// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SegmentStep} from "../../../contracts/interfaces/ICourt.sol";
import {IDemands, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {TensorTree} from "../../../contracts/lib/TensorTree.sol";
import {EvidenceKind, Header, Parameters, Role, RuleSet, Task, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {Programs} from "../fixtures/Programs.sol";
import {States} from "../fixtures/States.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Walks from the header down to a leaf: what hangs on what, and until when one can go on. The program is that
/// of Programs, with tensors of so many leaves that their nodes come first.
contract WalksTest is Fixture {
    uint64 private constant ELEMENTS = 64 * 300;
    uint32 private constant TENSOR = 3; // the inner one

    Header private header;
    bytes32 private id;
    bytes32[] private roots; // of the step's tensors
    bytes32[] private nodes; // leaves' hashes of the inner tensor
    SegmentStep private none;

    function setUp() public override {
        super.setUp();
        Task memory task = defaultTask(RuleSet.Hardened);
        task.programRoot = Programs.root(ELEMENTS);
        deployFor(task, defaultParameters());
    }

    /// Nothing is demanded before what it hangs on was shown.
    function test_a_walk_goes_down_step_by_step() public {
        refuse(position(Item.Nodes, 0), position(Item.Roots, 0));
        refuse(position(Item.Leaves, 1), position(Item.Nodes, 0));
        ask(VERA, position(Item.Roots, 0));
        refuse(position(Item.Nodes, 0), position(Item.Roots, 0)); // only demanded
        showRoots();
        refuse(position(Item.Leaves, 1), position(Item.Nodes, 0));
        ask(VERA, position(Item.Nodes, 0));
        showNodes();
        ask(VERA, position(Item.Leaves, 1));
        assertEq(registry.blocks(id).openDemands, 1, "open demands");
    }

    /// Whoever demanded, the answer is there for all to go on from.
    function test_anybody_goes_on_from_an_answer() public {
        ask(VICTOR, position(Item.Roots, 0));
        showRoots();
        ask(VERA, position(Item.Nodes, 0));
    }

    /// Roots of a segment's step hang on the list of steps.
    function test_segment_steps_come_after_the_list() public {
        refuse(rootsPosition(Tree.Segment, 2), stepsPosition());
    }

    /// Pitfall 11: a late demand is one for what hangs on a fresh answer, in the last second that this is fresh, and
    /// not later.
    function test_pitfall_11_clocks_late_demands_go_strictly_down() public {
        uint256 windowEnd = block.timestamp + WINDOW;
        vm.warp(windowEnd - 1);
        ask(VERA, position(Item.Roots, 0));
        vm.warp(windowEnd + ANSWER - 2); // the last moment for the answer
        showRoots();
        uint256 until = block.timestamp + ANSWER;
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, windowEnd, until - 1));
        ask(VERA, bitsPosition()); // hangs on the header
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IDemands.TooLateToDemand.selector, id, until, until));
        ask(VERA, position(Item.Nodes, 0));
        vm.warp(until - 1);
        ask(VERA, position(Item.Nodes, 0));
    }

    /// Pitfall 9: a griefer who begins in the last second and goes on as late as it may holds an honest block up for as
    /// many answers as the trees are deep, and pays a fee for each.
    function test_pitfall_09_holding_an_honest_block_up_is_bounded_and_paid() public {
        attest(id, VERA);
        attest(id, VICTOR);
        vm.warp(block.timestamp + WINDOW - 1);
        uint256 begun = block.timestamp;
        ask(VIOLA, position(Item.Roots, 0));
        pass(ANSWER - 1);
        showRoots();
        pass(ANSWER - 1);
        ask(VIOLA, position(Item.Nodes, 0));
        pass(ANSWER - 1);
        showNodes();
        pass(ANSWER - 1);
        ask(VIOLA, position(Item.Leaves, 1));
        pass(ANSWER - 1);
        showLeaves(MINER, 1);
        vm.expectPartialRevert(IDemands.TooLateToDemand.selector); // nothing hangs on leaves
        ask(VIOLA, position(Item.Leaves, 0));
        pass(ANSWER);
        registry.finalize(id, id);
        assertTrue(block.timestamp <= begun + 6 * ANSWER, "held for no longer");
        settle(position(Item.Roots, 0));
        settle(position(Item.Nodes, 0));
        settle(position(Item.Leaves, 1));
        assertEq(vault.creditOf(MINER), 3 * DEMAND_FEE, "the miner was paid for each");
        assertEq(free(VIOLA, Role.Verifier), 10 ether - 3 * DEMAND_FEE, "by the griefer");
    }

    /// Pitfall 10: however much is answered, at least 7/16 of the bond are burned, and the prover's least share is
    /// 7/32.
    function test_pitfall_10_answers_take_an_eighth_of_the_bond_at_most() public {
        Parameters memory parameters = defaultParameters();
        parameters.minerBond = 16 * DEMAND_FEE + 5;
        deployFor(registry.task(), parameters);
        ask(VERA, position(Item.Roots, 0));
        showRoots();
        ask(VERA, position(Item.Nodes, 0));
        showNodes();
        ask(VERA, position(Item.Leaves, 1));
        showLeaves(VIOLA, 1);
        assertEq(demands.answersPay(id), DEMAND_FEE, "one by another than the miner");
        ask(VERA, position(Item.Leaves, 0));
        showLeaves(VIOLA, 0);
        ask(VERA, bitsPosition());
        answerBits(VICTOR, header);
        commitTo(RIVAL, id, EvidenceKind.Accuracy);
        commitAndProve(VICTOR, id, EvidenceKind.Step);
        prove(RIVAL, id, EvidenceKind.Accuracy); // committed first: shares
        uint256 pay = demands.answersPay(id);
        assertEq(pay, (parameters.minerBond / 8 / 3) * 3, "an eighth, but for rounding");
        pass(REVEAL);
        registry.forfeitBond(id);
        assertTrue(vault.burned() * 2 >= parameters.minerBond, "half is burned");
        assertTrue(vault.creditOf(VICTOR) * 16 >= uint256(parameters.minerBond) * 3, "the prover's share");
        settle(position(Item.Leaves, 0));
        settle(position(Item.Leaves, 1));
        settle(bitsPosition());
        settle(position(Item.Roots, 0));
        assertEq(vault.creditOf(VIOLA), 2 * pay / 3, "paid");
        assertEq(locked(MINER, Role.Miner), 0, "nothing is left of the bond");
    }

    // -- helpers

    function deployFor(Task memory task, Parameters memory parameters) private {
        deploy(task, parameters);
        bond(MINER, Role.Miner, 50 ether);
        bond(VERA, Role.Verifier, 10 ether);
        bond(VICTOR, Role.Verifier, 10 ether);
        bond(VIOLA, Role.Verifier, 10 ether);
        pass(1);
        delete nodes;
        delete roots;
        for (uint256 i = 0; i < 300; ++i) {
            nodes.push(keccak256(abi.encodePacked(Tags.TENSOR_LEAF, new bytes(256))));
        }
        for (uint256 i = 0; i < Programs.STEP; ++i) {
            roots.push(keccak256(abi.encode("tensor", i)));
        }
        bytes32[][] memory rows = States.levels(Tags.TENSOR_NODE, nodes);
        roots[TENSOR] = TensorTree.tensorRoot(ELEMENTS, rows[rows.length - 1][0]);
        header = makeHeader(registry.genesisId(), MINER, 1);
        header.preRoot = list(Tags.STATE_ROOT, 1, roots[0]);
        header.postRoot = list(Tags.STATE_ROOT, 1, roots[4]);
        header.traceRoot = keccak256(
            abi.encodePacked(
                Tags.TRACE_ROOT, header.preRoot, batchRoot(), list(Tags.INNER_ROOT, 1, roots[3]), header.postRoot
            )
        );
        id = propose(header);
    }

    function list(bytes8 tag, uint64 count, bytes32 top) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(tag, count, top));
    }

    function batchRoot() private view returns (bytes32) {
        return list(Tags.BATCH_ROOT, 2, keccak256(abi.encodePacked(Tags.LIST_NODE, roots[1], roots[2])));
    }

    function position(Item item, uint32 group) private pure returns (Position memory) {
        return Position(item, Tree.Step, 0, item == Item.Roots ? 0 : TENSOR, group, 0);
    }

    function ask(address demander, Position memory what) private {
        bytes memory program = Programs.open(what.tree, what.tensor, ELEMENTS);
        vm.prank(demander);
        demands.demand(id, what, program);
    }

    function refuse(Position memory what, Position memory parent) private {
        bytes memory program = Programs.open(what.tree, what.tensor, ELEMENTS);
        vm.expectRevert(abi.encodeWithSelector(IDemands.NotYetShown.selector, demands.demandIdOf(id, parent)));
        vm.prank(VERA);
        demands.demand(id, what, program);
    }

    function showRoots() private {
        vm.prank(MINER);
        reveals.revealRoots(header, position(Item.Roots, 0), Programs.open(Tree.Step, 0, ELEMENTS), roots, none);
    }

    function showNodes() private {
        bytes memory program = Programs.open(Tree.Step, TENSOR, ELEMENTS);
        vm.prank(MINER);
        reveals.revealNodes(header, position(Item.Nodes, 0), program, nodes, abi.encodePacked(batchRoot()), none);
    }

    function showLeaves(address responder, uint32 group) private {
        uint256 count = group == 0 ? 256 : 44;
        bytes memory run = abi.encodePacked(TENSOR, uint48(ELEMENTS), group * 256, uint16(count));
        bytes memory opening = abi.encodePacked(uint16(1), uint16(count), run, new bytes(256 * count), above(group));
        bytes memory program = Programs.open(Tree.Step, TENSOR, ELEMENTS);
        vm.prank(responder);
        reveals.revealLeaves(header, position(Item.Leaves, group), program, opening, none);
    }

    /// What leads from a group of leaves to the trace's root.
    function above(uint32 group) private view returns (bytes memory) {
        bytes32[][] memory rows = States.levels(Tags.TENSOR_NODE, nodes);
        return abi.encodePacked(rows[8][group ^ 1], batchRoot());
    }

    function settle(Position memory what) private {
        demands.settle(id, what);
    }
}
