// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockTree} from "../../../contracts/lib/BlockTree.sol";
import {Derivation} from "../../../contracts/lib/Derivation.sol";
import {Difficulty} from "../../../contracts/lib/Difficulty.sol";
import {Eligible} from "../../../contracts/lib/Eligible.sol";
import {Merkle} from "../../../contracts/lib/Merkle.sol";
import {Operands, Run} from "../../../contracts/lib/Operands.sol";
import {Tags} from "../../../contracts/lib/Tags.sol";
import {TensorTree} from "../../../contracts/lib/TensorTree.sol";
import {Masked, Weights} from "../../../contracts/lib/Weights.sol";
import {Header, RuleSet, Task} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {States} from "../fixtures/States.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Pitfall 14, two implementations drift apart: the contracts against tests/golden/protocol.json, which the
/// Python tests read too. The type strings give the JSON's own field names, in the order of the Solidity structs.
contract GoldenTest is Fixture {
    string private constant TASK_TYPE =
        "JsonTask(uint8 rule_set,uint32 batch_size,uint32 train_count,uint32 test_count,uint32 training_steps,uint8 mask_size,uint32 learning_rate,uint64 eligible_count,bytes32 eligible_hash,bytes32 program_root,bytes32 train_root,bytes32 test_root,bytes32 initial_root)";
    string private constant HEADER_TYPE =
        "JsonHeader(bytes32 parent,address miner,uint64 nonce,uint32[] indices,bytes32 segment_root,bytes32 pre_root,bytes32 post_root,bytes32 trace_root,bytes32 eval_root,uint32 correct_before,uint32 correct_after)";
    string private constant IDS_TYPE =
        "JsonIds(bytes32 task_id,bytes32 genesis_id,bytes32 block_id,bytes32 seed,uint256 bits,uint256[] requirement_numbers,uint256[] requirement_masks,bool[] requirement_odds)";
    string private constant DRAW_TYPE =
        "JsonDraw(bytes tag,bytes32 seed,uint256 count,uint256 bound,uint256 shift,uint256[] values)";
    string private constant MOVE_TYPE =
        "JsonMove(uint32[] before,uint32[] after,bool hardened_odd,bool hardened_even,bool paper_odd,bool paper_even)";
    string private constant SEGMENT_TYPE =
        "JsonSegment(bytes32 task_id,bytes32 block_id,uint32 step,bytes32 seed,uint32[] batch)";

    struct Ids {
        bytes32 taskId;
        bytes32 genesisId;
        bytes32 blockId;
        bytes32 seed;
        uint256 bits;
        uint256[] numbers;
        uint256[] masks;
        bool[] odds;
    }

    struct Draw {
        bytes tag;
        bytes32 seed;
        uint256 count;
        uint256 limit;
        uint256 shift;
        uint256[] values;
    }

    struct Move {
        uint32[] before;
        uint32[] afterwards;
        bool hardenedOdd;
        bool hardenedEven;
        bool paperOdd;
        bool paperEven;
    }

    struct SegmentBatch {
        bytes32 taskId;
        bytes32 blockId;
        uint32 step;
        bytes32 seed;
        uint32[] batch;
    }

    struct Case {
        Task task;
        Header header;
        Ids ids;
    }

    function setUp() public override {}

    function test_pitfall_14_task_header_and_genesis_ids() public {
        string memory json = vectors();
        uint256 chainId = vm.parseJsonUint(json, ".chain_id");
        address registry_ = vm.parseJsonAddress(json, ".registry");
        for (uint256 i = 0; i < 4; ++i) {
            Case memory golden = readCase(json, i);
            deploy(golden.task, defaultParameters());
            bytes32 taskId = registry.taskId();
            assertEq(taskId, golden.ids.taskId, "task id");
            assertEq(registry.blockIdOf(golden.header), golden.ids.blockId, "block id");
            assertEq(genesisOf(taskId, chainId, registry_), golden.ids.genesisId, "genesis id");
            assertEq(registry.genesisId(), genesisOf(taskId, block.chainid, address(registry)), "own genesis id");
        }
    }

    function test_pitfall_14_seeds_requirements_and_batches() public view {
        string memory json = vectors();
        for (uint256 i = 0; i < 4; ++i) {
            Case memory golden = readCase(json, i);
            (Task memory task, Header memory header) = (golden.task, golden.header);
            bytes32 seed = Derivation.seed(task.rules, golden.ids.taskId, header.parent, header.miner, header.nonce);
            assertEq(seed, golden.ids.seed, "seed");
            uint32[] memory batch = Derivation.batch(seed, task.batchSize, task.trainCount);
            assertEq(keccak256(abi.encode(batch)), keccak256(abi.encode(header.indices)), "batch");

            uint32[] memory drawn = Derivation.requirements(seed, golden.ids.bits, task.eligibleCount);
            assertEq(drawn.length, golden.ids.numbers.length, "count");
            for (uint256 j = 0; j < drawn.length; ++j) {
                assertEq(drawn[j] >> 1, golden.ids.numbers[j], "leaf or weight");
                bool hardened = task.rules == RuleSet.Hardened;
                uint64 mask = hardened ? Derivation.mask(seed, uint32(j), task.maskSize) : 1;
                assertEq(mask, golden.ids.masks[j], "mask");
                assertTrue((drawn[j] & 1 == 0) == golden.ids.odds[j], "parity");
            }
        }
    }

    function test_pitfall_14_masks() public view {
        string memory json = vectors();
        bytes32[] memory seeds = vm.parseJsonBytes32Array(json, ".masks.seed");
        uint256[] memory numbers = vm.parseJsonUintArray(json, ".masks.number");
        uint256[] memory sizes = vm.parseJsonUintArray(json, ".masks.size");
        uint256[] memory masks = vm.parseJsonUintArray(json, ".masks.mask");
        assertTrue(masks.length >= 64, "masks");
        for (uint256 i = 0; i < masks.length; ++i) {
            assertEq(Derivation.mask(seeds[i], uint32(numbers[i]), sizes[i]), masks[i], "mask");
        }
    }

    function test_pitfall_14_seeds_and_batches_of_segments() public view {
        bytes memory encoded = vm.parseJsonTypeArray(vectors(), ".segment_seeds", SEGMENT_TYPE);
        SegmentBatch[] memory cases = abi.decode(encoded, (SegmentBatch[]));
        assertTrue(cases.length > 3, "cases");
        for (uint256 i = 0; i < cases.length; ++i) {
            SegmentBatch memory golden = cases[i];
            bytes32 seed = Derivation.segmentSeed(golden.taskId, golden.blockId, golden.step);
            assertEq(seed, golden.seed, "seed");
            uint32[] memory batch = Derivation.batch(seed, 4, 8192);
            assertEq(keccak256(abi.encode(batch)), keccak256(abi.encode(golden.batch)), "batch");
        }
    }

    function test_pitfall_14_draws() public view {
        Draw[] memory draws = abi.decode(vm.parseJsonTypeArray(vectors(), ".draws", DRAW_TYPE), (Draw[]));
        assertTrue(draws.length > 5, "draws");
        for (uint256 i = 0; i < draws.length; ++i) {
            Draw memory golden = draws[i];
            uint32[] memory values =
                Derivation.draw(bytes8(golden.tag), golden.seed, golden.count, golden.limit, golden.shift);
            assertEq(keccak256(abi.encode(values)), keccak256(abi.encode(golden.values)), "values");
        }
    }

    function test_pitfall_14_eligible_places() public {
        string memory json = vectors();
        bytes32[] memory words = vm.parseJsonBytes32Array(json, ".eligible.words");
        uint256[] memory numbers = vm.parseJsonUintArray(json, ".eligible.numbers");
        uint256[] memory tensors = vm.parseJsonUintArray(json, ".eligible.tensors");
        uint256[] memory places = vm.parseJsonUintArray(json, ".eligible.places");
        assertEq(this.hashOf(words), vm.parseJsonBytes32(json, ".eligible.hash"), "hash");
        for (uint256 i = 0; i < numbers.length; ++i) {
            (uint256 tensor, uint256 place) = this.locate(words, numbers[i]);
            assertEq(tensor, tensors[i], "tensor");
            assertEq(place, places[i], "place");
        }

        uint256 count = vm.parseJsonUint(json, ".eligible.count");
        vm.expectRevert(abi.encodeWithSelector(Eligible.NoSuchPlace.selector, count, count));
        this.locate(words, count);
    }

    function test_pitfall_14_work() public view {
        string memory json = vectors();
        uint256[] memory difficulties = vm.parseJsonUintArray(json, ".work.difficulty");
        uint256[] memory work = vm.parseJsonUintArray(json, ".work.work");
        for (uint256 i = 0; i < work.length; ++i) {
            assertEq(Difficulty.work(difficulties[i]), work[i], "work");
        }
    }

    function test_pitfall_14_needed_bits() public view {
        string memory json = vectors();
        uint256[] memory difficulties = vm.parseJsonUintArray(json, ".needed_bits.difficulty");
        bytes32[] memory seeds = vm.parseJsonBytes32Array(json, ".needed_bits.seed");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".needed_bits.post_root");
        uint256[] memory bits = vm.parseJsonUintArray(json, ".needed_bits.bits");
        assertTrue(bits.length >= 100, "cases");
        for (uint256 i = 0; i < bits.length; ++i) {
            assertEq(Difficulty.neededBits(difficulties[i], seeds[i], roots[i]), bits[i], "needed bits");
        }
    }

    function test_pitfall_14_retargeting() public view {
        string memory json = vectors();
        uint256[] memory given = vm.parseJsonUintArray(json, ".retarget.given"); // six numbers a case
        uint256[] memory expected = vm.parseJsonUintArray(json, ".retarget.difficulty");
        assertEq(given.length, 6 * expected.length, "cases");
        for (uint256 i = 0; i < expected.length; ++i) {
            uint256[] memory c = new uint256[](6);
            for (uint256 j = 0; j < 6; ++j) {
                c[j] = given[6 * i + j];
            }
            assertEq(Difficulty.retarget(c[0], c[1], c[2], c[3], c[4], c[5]), expected[i], "difficulty");
        }
    }

    function test_pitfall_14_jump_heights() public view {
        uint256[] memory heights = vm.parseJsonUintArray(vectors(), ".jump_heights");
        for (uint256 i = 0; i < heights.length; ++i) {
            assertEq(BlockTree.jumpHeight(i), heights[i], "jump height");
        }
    }

    function test_pitfall_05_satisfaction() public view {
        Move[] memory moves = abi.decode(vm.parseJsonTypeArray(vectors(), ".satisfaction", MOVE_TYPE), (Move[]));
        assertTrue(moves.length >= 200, "moves");
        for (uint256 i = 0; i < moves.length; ++i) {
            Move memory golden = moves[i];
            bytes memory leaves = bytes.concat(States.leaf(golden.before, 0), States.leaf(golden.afterwards, 0));
            uint64 mask = uint64((1 << golden.before.length) - 1);
            assertTrue(this.satisfies(RuleSet.Hardened, leaves, mask, true) == golden.hardenedOdd, "odd");
            assertTrue(this.satisfies(RuleSet.Hardened, leaves, mask, false) == golden.hardenedEven, "even");
            assertTrue(this.satisfies(RuleSet.Paper, leaves, mask, true) == golden.paperOdd, "paper odd");
            assertTrue(this.satisfies(RuleSet.Paper, leaves, mask, false) == golden.paperEven, "paper even");
        }
    }

    /// Of a leaf of W and one of W'.
    function satisfies(RuleSet rules, bytes calldata leaves, uint64 mask, bool odd) external pure returns (bool) {
        (uint256 data,) = Merkle.bounds(leaves);
        Run[] memory runs = new Run[](2);
        runs[0] = Operands.run(0, 0, 64, data);
        runs[1] = Operands.run(1, 0, 64, data + TensorTree.LEAF_BYTES);
        return Weights.satisfies(rules, runs, Masked(0, 0, mask), 1, odd);
    }

    /// The tests' own tree builder against the vectors.
    function test_pitfall_14_state_roots() public view {
        string memory json = vectors();
        bytes32 root = vm.parseJsonBytes32(json, ".state.state_root");
        uint32[][] memory tensors = new uint32[][](vm.parseJsonUintArray(json, ".state.sizes").length);
        for (uint256 t = 0; t < tensors.length; ++t) {
            string memory key = string.concat(".state.tensors[", vm.toString(t), "]");
            tensors[t] = narrow(vm.parseJsonUintArray(json, key));
        }
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".state.tensor_roots");
        assertEq(keccak256(abi.encode(States.tensorRoots(tensors))), keccak256(abi.encode(roots)), "tensor roots");
        assertEq(States.root(tensors), root, "state root");
    }

    function vectors() internal view returns (string memory) {
        return vm.readFile("tests/golden/protocol.json");
    }

    function readCase(string memory json, uint256 i) internal view returns (Case memory golden) {
        string memory key = string.concat(".tasks[", vm.toString(i), "]");
        golden.task = abi.decode(vm.parseJsonType(json, string.concat(key, ".task"), TASK_TYPE), (Task));
        golden.header = abi.decode(vm.parseJsonType(json, string.concat(key, ".header"), HEADER_TYPE), (Header));
        golden.ids = abi.decode(vm.parseJsonType(json, key, IDS_TYPE), (Ids));
    }

    function genesisOf(bytes32 taskId, uint256 chainId, address registry_) internal pure returns (bytes32) {
        return keccak256(abi.encode(Tags.GENESIS, taskId, chainId, registry_));
    }

    function narrow(uint256[] memory wide) internal pure returns (uint32[] memory values) {
        values = new uint32[](wide.length);
        for (uint256 i = 0; i < wide.length; ++i) {
            values[i] = uint32(wide[i]);
        }
    }

    function hashOf(bytes32[] calldata ranges) external pure returns (bytes32) {
        return Eligible.hash(ranges);
    }
}
