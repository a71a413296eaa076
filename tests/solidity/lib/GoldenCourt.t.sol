// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Bounties} from "../../../contracts/Bounties.sol";
import {Demands} from "../../../contracts/Demands.sol";
import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {Claim, SegmentEntry, SegmentStep, SumNode} from "../../../contracts/interfaces/ICourt.sol";
import {Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IExplanations} from "../../../contracts/interfaces/IExplanations.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {AccuracyTree} from "../../../contracts/lib/AccuracyTree.sol";
import {Float32} from "../../../contracts/lib/Float32.sol";
import {Merkle} from "../../../contracts/lib/Merkle.sol";
import {Segments} from "../../../contracts/lib/Segments.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {Run} from "../../../contracts/lib/Operands.sol";
import {TensorTree} from "../../../contracts/lib/TensorTree.sol";
import {Sections, Trace} from "../../../contracts/lib/Trace.sol";
import {EvidenceKind, Header, Tree} from "../../../contracts/Types.sol";
import {States} from "../fixtures/States.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Pitfall 14, two implementations drift apart: what evidence opens, and the ids under which it is shown,
/// against tests/golden/court.json, which the Python tests read too.
contract GoldenCourtTest {
    string private json;

    // what lib/Segments.sol asks the registry for
    uint256 public trainingSteps;
    bytes32 public initialRoot;
    bytes32 public constant genesisId = "genesis";

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
            Tree tree = Tree(number(key, ".tree"));
            Claim memory claim;
            claim.stateRoot = word(key, tree == Tree.After ? ".post_root" : ".pre_root");
            if (tree == Tree.Step) claim.postRoot = word(key, ".post_root");
            (bytes32 batch, bytes32 inner) = (word(key, ".batch_root"), word(key, ".inner_root"));
            vm.assertEq(Trace.root(claim, batch, inner), word(key, ".trace_root"), "trace root");
        }
    }

    function test_pitfall_14_openings() public view {
        for (uint256 i = 0; i < 5; ++i) {
            string memory key = item(".openings", i);
            Claim memory claim = Claim(word(key, ".pre_root"), word(key, ".post_root"), word(key, ".trace_root"));
            bytes memory opening = vm.parseJsonBytes(json, string.concat(key, ".opening"));
            // reverts unless it is this root
            Run[] memory runs = this.open(claim, opening);
            vm.assertEq(runs.length, uint16(bytes2(opening)), "runs");
        }
    }

    /// Every step of every list, with what shows it, makes the trace root that it should; the test is the registry.
    function test_pitfall_14_lists_of_segments() public {
        for (uint256 i = 0; i < 5; ++i) {
            string memory key = item(".segments", i);
            trainingSteps = number(key, ".steps");
            initialRoot = word(key, ".start");
            bytes32[] memory states = words(key, ".state_roots");
            Header memory header;
            (header.parent, header.preRoot) = (genesisId, states[states.length - 1]);
            header.segmentRoot = word(key, ".segment_root");
            vm.assertEq(Segments.root(words(key, ".hashes")), header.segmentRoot, "segment root");
            for (uint256 step = 0; step < trainingSteps; ++step) {
                Claim memory claim = this.claimOf(header, step, shown(key, step));
                vm.assertEq(claim.stateRoot, step == 0 ? initialRoot : states[step - 1], "state before");
                vm.assertEq(claim.postRoot, states[step], "state after");
                vm.assertEq(claim.traceRoot, words(key, ".trace_roots")[step], "trace root");
            }
        }
    }

    function test_pitfall_14_accuracy_roots() public view {
        for (uint256 i = 0; i < 7; ++i) {
            string memory key = item(".accuracy", i);
            bytes32[] memory flat = words(key, ".words");
            bytes32[2][] memory pairs = new bytes32[2][](flat.length / 2);
            for (uint256 j = 0; j < pairs.length; ++j) {
                pairs[j] = [flat[2 * j], flat[2 * j + 1]];
            }
            vm.assertEq(pairs.length, AccuracyTree.leavesOf(number(key, ".samples")), "leaves");
            SumNode memory root = this.accuracyRoot(pairs);
            vm.assertEq(root.hash, word(key, ".eval_root"), "eval root");
            vm.assertEq(root.before, number(key, ".correct_before"), "before");
            vm.assertEq(root.afterwards, number(key, ".correct_after"), "afterwards");
        }
    }

    function test_pitfall_14_demand_ids() public {
        Demands demands = new Demands(
            IPoLRegistry(address(0)),
            IBondVault(address(0)),
            IBounties(address(0)),
            IExplanations(address(0)),
            address(0)
        );
        for (uint256 i = 0; i < 5; ++i) {
            string memory key = item(".demands", i);
            uint256[] memory p = vm.parseJsonUintArray(json, string.concat(key, ".position"));
            bytes32 about = word(key, ".explanation");
            Position memory position = Position(Item(p[0]), Tree(p[1]), uint32(p[2]), uint32(p[3]), uint32(p[4]), about);
            bytes32 id = demands.demandIdOf(word(key, ".block_id"), position);
            vm.assertEq(id, word(key, ".demand_id"), "demand id");
        }
    }

    /// Bounties finds the commitment by what is shown: it is only of too late a block.
    function test_pitfall_14_commitments() public {
        Bounties bounties = new Bounties(IPoLRegistry(address(0)), address(this), address(0), address(0));
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

    function open(Claim memory claim, bytes calldata opening) external view returns (Run[] memory) {
        uint256[] memory s = vm.parseJsonUintArray(json, ".program.sections");
        return Trace.open(claim, Tree.Step, Sections(s[0], s[1], s[2], s[3], s[4]), opening);
    }

    function claimOf(Header calldata header, uint256 step, SegmentStep calldata segment)
        external
        view
        returns (Claim memory)
    {
        return Segments.claimOf(IPoLRegistry(address(this)), header, step, segment);
    }

    function accuracyRoot(bytes32[2][] calldata words_) external pure returns (SumNode memory) {
        return AccuracyTree.rootOf(words_);
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

    /// What shows a step of a list to the contracts.
    function shown(string memory key, uint256 step) private view returns (SegmentStep memory segment) {
        uint256 first = step == 0 ? 0 : step - 1;
        segment.entries = new SegmentEntry[](step + 1 - first);
        for (uint256 i = first; i <= step; ++i) {
            segment.entries[i - first] = SegmentEntry(
                words(key, ".batch_roots")[i], words(key, ".inner_roots")[i], words(key, ".state_roots")[i]
            );
        }
        bytes memory path = vm.parseJsonBytes(json, item(string.concat(key, ".paths"), step));
        segment.path = new bytes32[](path.length / 32);
        for (uint256 i = 0; i < segment.path.length; ++i) {
            bytes32 node;
            assembly ("memory-safe") {
                node := mload(add(path, mul(32, add(i, 1))))
            }
            segment.path[i] = node;
        }
    }

    function words(string memory key, string memory field) private view returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(json, string.concat(key, field));
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
