// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claim, ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {Answers} from "../../../contracts/lib/Answers.sol";
import {Merkle} from "../../../contracts/lib/Merkle.sol";
import {Operands} from "../../../contracts/lib/Operands.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {TensorTree} from "../../../contracts/lib/TensorTree.sol";
import {Tree} from "../../../contracts/Types.sol";
import {States} from "../fixtures/States.sol";
import {Opening, Slice, Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Reads openings of a single list of tensors, and answers to demands, from the calldata.
contract Reader {
    using TensorTree for TensorTree.Opened;

    function root(bytes calldata opening, uint256 tensors) external pure returns (bytes32 root_) {
        TensorTree.Opened memory opened = TensorTree.open(opening);
        root_ = opened.list(Tags.STATE_ROOT, 0, tensors);
        opened.close();
    }

    function element(bytes calldata opening, uint256 tensor, uint256 index) external pure returns (uint256) {
        return Operands.read(TensorTree.open(opening).runs, tensor, index);
    }

    /// By the path of one tensor alone: the simple way.
    function climb(bytes32 tensorRoot, uint256 index, uint256 tensors, bytes calldata path)
        external
        pure
        returns (bytes32)
    {
        return TensorTree.listRoot(
            Tags.STATE_ROOT, tensors, Merkle.climb(Tags.LIST_NODE, tensorRoot, index, tensors, path)
        );
    }

    function checkNodes(
        Claim calldata claim,
        Position calldata position,
        bytes calldata program,
        bytes32[] calldata nodes,
        bytes calldata path
    ) external pure {
        Answers.checkNodes(claim, Traces.programRoot(), position, program, nodes, path);
    }

    function checkLeaves(
        Claim calldata claim,
        Position calldata position,
        bytes calldata program,
        bytes calldata opening
    ) external pure {
        Answers.checkLeaves(claim, Traces.programRoot(), position, program, opening);
    }
}

/// @notice What is opened together, against a plain implementation and against one path for each tensor.
contract OpeningsTest {
    Reader private reader = new Reader();

    /// forge-config: default.fuzz.runs = 96
    function test_what_is_opened_together_has_the_root_that_single_paths_have(bytes32 seed) public view {
        (uint32[][] memory tensors, bool[][] memory known) = drawn(seed);
        bytes32 expected = States.root(tensors);
        bytes memory opening = pack(tensors, known);
        vm.assertEq(reader.root(opening, tensors.length), expected, "together");

        bytes32[] memory roots = States.tensorRoots(tensors);
        bytes32[][] memory rows = States.levels(Tags.LIST_NODE, roots);
        for (uint256 t = 0; t < tensors.length; ++t) {
            bytes memory path = abi.encodePacked(Traces.siblings(rows, t));
            vm.assertEq(reader.climb(roots[t], t, tensors.length, path), expected, "alone");
            for (uint256 leaf = 0; leaf < known[t].length; ++leaf) {
                uint256 element = 64 * leaf + uint256(seed) % 64;
                if (!known[t][leaf] || element >= tensors[t].length) continue;
                vm.assertEq(reader.element(opening, t, element), tensors[t][element], "element");
            }
        }
    }

    /// Bytes beyond the counts that are not read by anything would not matter; there are none.
    /// forge-config: default.fuzz.runs = 96
    function test_any_other_byte_gives_another_root_or_none(bytes32 seed, uint256 which, uint8 change) public view {
        (uint32[][] memory tensors, bool[][] memory known) = drawn(seed);
        bytes memory opening = pack(tensors, known);
        opening[which % opening.length] ^= bytes1(change | 1);
        refused(opening, tensors);
    }

    /// Every bit of counts and runs: what is opened, and where.
    /// forge-config: default.fuzz.runs = 8
    function test_any_other_position_gives_another_root_or_none(bytes32 seed) public view {
        (uint32[][] memory tensors, bool[][] memory known) = drawn(seed);
        bytes memory opening = pack(tensors, known);
        uint256 end = TensorTree.HEAD_BYTES + TensorTree.RUN_BYTES * uint16(bytes2(opening));
        for (uint256 i = 0; i < 8 * end; ++i) {
            bytes1 bit = bytes1(uint8(1 << (i % 8)));
            opening[i / 8] ^= bit;
            refused(opening, tensors);
            opening[i / 8] ^= bit;
        }
    }

    /// forge-config: default.fuzz.runs = 32
    function test_another_count_of_tensors_gives_another_root_or_none(bytes32 seed, uint8 count) public view {
        (uint32[][] memory tensors, bool[][] memory known) = drawn(seed);
        if (count == tensors.length) return;
        try reader.root(pack(tensors, known), count) returns (bytes32 root) {
            vm.assertTrue(root != States.root(tensors), "root");
        } catch {}
    }

    // -- answers to demands

    function test_nodes_answer_for_their_tensor_alone() public {
        (Claim memory claim, uint32[][] memory tensors) = step();
        for (uint32 t = 0; t < Traces.STEP; ++t) {
            bytes32[] memory nodes = States.levels(Tags.TENSOR_NODE, States.leaves(tensors[t]))[0];
            bytes memory path = abi.encodePacked(Traces.open(tensors, Traces.slice(tensors, t, 0, 1)).nodes);
            Position memory position = Position(Item.Nodes, Tree.Step, 0, t, 0, 0);
            bytes memory program = Traces.pack(Traces.openProgram(Tree.Step, t));
            if (t == Traces.UNKNOWN) continue; // its descriptor says nothing but its extents
            reader.checkNodes(claim, position, program, nodes, path);
            nodes[3] ^= bytes32(uint256(1));
            vm.expectPartialRevert(ICourt.WrongRoot.selector);
            reader.checkNodes(claim, position, program, nodes, path);
            nodes[3] ^= bytes32(uint256(1));
            vm.expectPartialRevert(ICourt.BadOpening.selector);
            reader.checkNodes(claim, position, program, nodes, bytes.concat(path, bytes32(0)));
            vm.expectPartialRevert(ICourt.BadOpening.selector);
            reader.checkNodes(claim, position, program, Traces.cut(nodes, 0, 4), path);
            position.tensor = t == 0 ? 1 : 0;
            vm.expectPartialRevert(ICourt.WrongRoot.selector);
            reader.checkNodes(claim, position, program, nodes, path);
        }
    }

    function test_leaves_answer_if_they_are_the_whole_group_in_one_run() public {
        (Claim memory claim, uint32[][] memory tensors) = step();
        Position memory position = Position(Item.Leaves, Tree.Step, 0, Traces.DOUBLED, 0, 0);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Step, Traces.DOUBLED));
        Slice memory whole = Traces.slice(tensors, Traces.DOUBLED, 0, 5);
        bytes memory opening = Traces.pack(Traces.open(tensors, whole));
        reader.checkLeaves(claim, position, program, opening);

        Opening memory fewer = Traces.open(tensors, Traces.slice(tensors, Traces.DOUBLED, 0, 4));
        vm.expectPartialRevert(ICourt.BadOpening.selector);
        reader.checkLeaves(claim, position, program, Traces.pack(fewer));
        Slice[] memory slices = new Slice[](2);
        (slices[0], slices[1]) = (whole, Traces.slice(tensors, Traces.UNKNOWN, 0, 1));
        vm.expectPartialRevert(ICourt.BadOpening.selector);
        reader.checkLeaves(claim, position, program, Traces.pack(Traces.open(tensors, slices)));
        position.group = 1;
        vm.expectPartialRevert(ICourt.BadOpening.selector);
        reader.checkLeaves(claim, position, program, opening);
    }

    /// Any byte behind the last element but zero; the last byte of that element would only give another root.
    function test_what_fills_up_the_last_leaf_has_to_be_zero(uint256 which, uint8 filling) public {
        (Claim memory claim, uint32[][] memory tensors) = step();
        Position memory position = Position(Item.Leaves, Tree.Step, 0, Traces.DOUBLED, 0, 0);
        bytes memory program = Traces.pack(Traces.openProgram(Tree.Step, Traces.DOUBLED));
        bytes memory opening = Traces.pack(Traces.open(tensors, Traces.slice(tensors, Traces.DOUBLED, 0, 5)));
        uint256 behind = TensorTree.HEAD_BYTES + TensorTree.RUN_BYTES + 4 * Traces.ELEMENTS;
        uint256 padding = 5 * TensorTree.LEAF_BYTES - 4 * Traces.ELEMENTS;

        opening[behind + which % padding] = bytes1(filling | 1);
        vm.expectPartialRevert(ICourt.BadOpening.selector);
        reader.checkLeaves(claim, position, program, opening);
        opening[behind + which % padding] = 0;
        opening[behind - 1] ^= 0x01;
        vm.expectPartialRevert(ICourt.WrongRoot.selector);
        reader.checkLeaves(claim, position, program, opening);
    }

    // -- what is opened

    /// A few tensors, and which of their leaves are opened: at least one.
    function drawn(bytes32 seed) private pure returns (uint32[][] memory tensors, bool[][] memory known) {
        uint256 count = 1 + uint256(seed) % 9;
        (tensors, known) = (new uint32[][](count), new bool[][](count));
        for (uint256 t = 0; t < count; ++t) {
            uint256 draw = uint256(keccak256(abi.encode(seed, t)));
            tensors[t] = new uint32[](1 + draw % 450);
            for (uint256 i = 0; i < tensors[t].length; ++i) {
                tensors[t][i] = uint32(draw >> (i % 224));
            }
            known[t] = new bool[](TensorTree.leavesOf(tensors[t].length));
            for (uint256 leaf = 0; leaf < known[t].length; ++leaf) {
                known[t][leaf] = draw >> 250 < 32 && (draw >> (100 + leaf)) & 1 == 1;
            }
        }
        known[uint256(seed) % count][0] = true;
    }

    function pack(uint32[][] memory tensors, bool[][] memory known) private pure returns (bytes memory) {
        (bytes memory runs, bytes memory leaves, bytes memory nodes) = ("", "", "");
        bool[] memory opened = new bool[](tensors.length);
        for (uint256 t = 0; t < tensors.length; ++t) {
            for (uint256 leaf = 0; leaf < known[t].length; ++leaf) {
                if (!known[t][leaf]) continue;
                opened[t] = true;
                leaves = bytes.concat(leaves, States.leaf(tensors[t], leaf));
                if (leaf > 0 && known[t][leaf - 1]) continue;
                runs =
                    abi.encodePacked(runs, uint32(t), uint48(tensors[t].length), uint32(leaf), length(known[t], leaf));
            }
            if (!opened[t]) continue;
            bytes32[][] memory rows = States.levels(Tags.TENSOR_NODE, States.leaves(tensors[t]));
            nodes = abi.encodePacked(nodes, Traces.lacking(rows, known[t]));
        }
        bytes32[] memory above = Traces.lacking(States.levels(Tags.LIST_NODE, States.tensorRoots(tensors)), opened);
        bytes memory counts = abi.encodePacked(uint16(runs.length / 16), uint16(leaves.length / 256));
        return abi.encodePacked(counts, runs, leaves, nodes, above);
    }

    /// Leaves of the run that begins here.
    function length(bool[] memory known, uint256 leaf) private pure returns (uint16 count) {
        while (leaf + count < known.length && known[leaf + count]) ++count;
    }

    function refused(bytes memory opening, uint32[][] memory tensors) private view {
        try reader.root(opening, tensors.length) returns (bytes32 root) {
            vm.assertTrue(root != States.root(tensors), "root");
        } catch {}
    }

    /// The step of Traces.
    function step() private pure returns (Claim memory claim, uint32[][] memory tensors) {
        tensors = Traces.step();
        (claim.stateRoot, claim.postRoot) = (Traces.stateRoot(tensors[0]), Traces.stateRoot(tensors[5]));
        claim.traceRoot = Traces.traceRoot(claim.stateRoot, tensors, claim.postRoot);
    }
}
