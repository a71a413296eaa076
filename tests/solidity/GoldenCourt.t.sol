// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Bounties} from "../../contracts/Bounties.sol";
import {Demands} from "../../contracts/Demands.sol";
import {IBondVault} from "../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../contracts/interfaces/IBounties.sol";
import {SumNode} from "../../contracts/interfaces/ICourt.sol";
import {Item, Position} from "../../contracts/interfaces/IDemands.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {AccuracyTree} from "../../contracts/lib/AccuracyTree.sol";
import {Float32} from "../../contracts/lib/Float32.sol";
import {Merkle} from "../../contracts/lib/Merkle.sol";
import {Tags} from "../../contracts/lib/Tags.sol";
import {Run} from "../../contracts/lib/Operands.sol";
import {TensorTree} from "../../contracts/lib/TensorTree.sol";
import {Sections, Trace} from "../../contracts/lib/Trace.sol";
import {EvidenceKind, Header, Tree} from "../../contracts/Types.sol";
import {States} from "./States.sol";
import {vm} from "./Vm.sol";

/// @notice Pitfall 14, two implementations drift apart: what evidence opens, and the ids under which it is shown,
/// against tests/golden/court.json, which the Python tests read too.
contract GoldenCourtTest {
    string private json;

    function setUp() public {
        json = vm.readFile("tests/golden/court.json");
    }

    function test_pitfall_14_tensor_roots() public view {
        uint256[] memory sizes = vm.parseJsonUintArray(json, ".tensors.sizes");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".tensors.roots");
        for (uint256 i = 0; i < sizes.length; ++i) {
            vm.assertEq(this.tensorRoot(wholeTensor(sizes[i])), roots[i], "tensor root");
        }
    }

    function test_pitfall_14_list_roots() public view {
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".tensors.roots");
        bytes32[] memory states = vm.parseJsonBytes32Array(json, ".lists.state_roots");
        bytes32[] memory batches = vm.parseJsonBytes32Array(json, ".lists.batch_roots");
        bytes32[] memory inners = vm.parseJsonBytes32Array(json, ".lists.inner_roots");
        vm.assertEq(states.length, roots.length, "lists");
        for (uint256 count = 1; count <= roots.length; ++count) {
            bytes32[] memory some = new bytes32[](count);
            for (uint256 i = 0; i < count; ++i) {
                some[i] = roots[i];
            }
            bytes32 top = Merkle.top(Tags.LIST_NODE, some);
            vm.assertEq(TensorTree.listRoot(Tags.STATE_ROOT, count, top), states[count - 1], "state");
            vm.assertEq(TensorTree.listRoot(Tags.BATCH_ROOT, count, top), batches[count - 1], "batch");
            vm.assertEq(TensorTree.listRoot(Tags.INNER_ROOT, count, top), inners[count - 1], "inner");
        }
    }

    function test_pitfall_14_program_root() public view {
        bytes32 root = vm.parseJsonBytes32(json, ".program.program_root");
        for (uint32 i = 0; i < 9; ++i) {
            bool step = i < 5;
            bytes memory program = vm.parseJsonBytes(json, item(".program.programs", i));
            // reverts unless it is this root
            this.checkProgram(program, root, step ? Tree.Step : Tree.After, step ? i : i - 5);
        }
    }

    function test_pitfall_14_trace_roots() public view {
        for (uint256 i = 0; i < 3; ++i) {
            string memory key = item(".traces", i);
            Header memory header;
            header.preRoot = word(key, ".pre_root");
            header.postRoot = word(key, ".post_root");
            (bytes32 batch, bytes32 inner) = (word(key, ".batch_root"), word(key, ".inner_root"));
            Tree tree = Tree(vm.parseJsonUint(json, string.concat(key, ".tree")));
            vm.assertEq(this.traceRoot(header, tree, batch, inner), word(key, ".trace_root"), "trace root");
        }
    }

    function test_pitfall_14_openings() public view {
        for (uint256 i = 0; i < 5; ++i) {
            string memory key = item(".openings", i);
            Header memory header;
            (header.preRoot, header.postRoot) = (word(key, ".pre_root"), word(key, ".post_root"));
            bytes memory opening = vm.parseJsonBytes(json, string.concat(key, ".opening"));
            // reverts unless it is this root
            Run[] memory runs = this.open(header, word(key, ".trace_root"), opening);
            vm.assertEq(runs.length, uint16(bytes2(opening)), "runs");
        }
    }

    function test_pitfall_14_accuracy_roots() public view {
        for (uint256 i = 0; i < 7; ++i) {
            string memory key = item(".accuracy", i);
            bytes32[] memory words = vm.parseJsonBytes32Array(json, string.concat(key, ".words"));
            bytes32[2][] memory pairs = new bytes32[2][](words.length / 2);
            for (uint256 j = 0; j < pairs.length; ++j) {
                pairs[j] = [words[2 * j], words[2 * j + 1]];
            }
            vm.assertEq(pairs.length, AccuracyTree.leavesOf(number(key, ".samples")), "leaves");
            SumNode memory root = this.accuracyRoot(pairs);
            vm.assertEq(root.hash, word(key, ".eval_root"), "eval root");
            vm.assertEq(root.before, number(key, ".correct_before"), "before");
            vm.assertEq(root.afterwards, number(key, ".correct_after"), "afterwards");
        }
    }

    function test_pitfall_14_demand_ids() public {
        Demands demands = new Demands(IPoLRegistry(address(0)), IBondVault(address(0)), IBounties(address(0)));
        for (uint256 i = 0; i < 4; ++i) {
            string memory key = item(".demands", i);
            uint256[] memory p = vm.parseJsonUintArray(json, string.concat(key, ".position"));
            Position memory position = Position(Item(p[0]), Tree(p[1]), uint32(p[2]), uint32(p[3]), uint32(p[4]));
            address demander = vm.parseJsonAddress(json, string.concat(key, ".demander"));
            bytes32 id = demands.demandIdOf(word(key, ".block_id"), demander, position);
            vm.assertEq(id, word(key, ".demand_id"), "demand id");
        }
    }

    /// Bounties finds the commitment by what is shown: it is only of too late a block.
    function test_pitfall_14_commitments() public {
        Bounties bounties = new Bounties(IPoLRegistry(address(0)), address(this), address(0));
        for (uint256 i = 0; i < 3; ++i) {
            string memory key = item(".commitments", i);
            address challenger = vm.parseJsonAddress(json, string.concat(key, ".challenger"));
            bytes memory call = vm.parseJsonBytes(json, string.concat(key, ".call"));
            vm.prank(challenger);
            bounties.commit(word(key, ".commitment"));
            vm.expectRevert(abi.encodeWithSelector(IBounties.RevealTooEarly.selector, block.number, block.number));
            bounties.convict(0, EvidenceKind.Step, challenger, keccak256(call));
        }
    }

    // -- the libraries take calldata

    /// Root of the only tensor that is opened.
    function tensorRoot(bytes calldata opening) external pure returns (bytes32 root) {
        TensorTree.Opened memory opened = TensorTree.open(opening);
        uint256 place = opened.tensors;
        assembly ("memory-safe") {
            root := mload(add(place, 32))
        }
    }

    function checkProgram(bytes calldata program, bytes32 root, Tree tree, uint256 tensor) external pure {
        Trace.checkProgram(program, root, tree, tensor);
    }

    function open(Header calldata header, bytes32 root, bytes calldata opening) external view returns (Run[] memory) {
        uint256[] memory s = vm.parseJsonUintArray(json, ".program.sections");
        return Trace.open(header, Tree.Step, root, Sections(s[0], s[1], s[2], s[3], s[4]), opening);
    }

    function traceRoot(Header calldata header, Tree tree, bytes32 batch, bytes32 inner)
        external
        pure
        returns (bytes32)
    {
        return Trace.root(header, tree, batch, inner);
    }

    function accuracyRoot(bytes32[2][] calldata words) external pure returns (SumNode memory) {
        return AccuracyTree.rootOf(words);
    }

    // -- reading

    /// All leaves of the tensor 0, 1, 2, ...
    function wholeTensor(uint256 size) private pure returns (bytes memory opening) {
        uint32[] memory values = new uint32[](size);
        for (uint256 i = 0; i < size; ++i) {
            values[i] = uint32(Float32.fromUint(i));
        }
        uint256 leaves = TensorTree.leavesOf(size);
        opening = abi.encodePacked(TensorTree.oneRun(0, size, 0, leaves));
        for (uint256 i = 0; i < leaves; ++i) {
            opening = bytes.concat(opening, States.leaf(values, i));
        }
    }

    function item(string memory key, uint256 index) private pure returns (string memory) {
        return string.concat(key, "[", vm.toString(index), "]");
    }

    function word(string memory key, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(key, field));
    }

    function number(string memory key, string memory field) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(key, field));
    }
}
