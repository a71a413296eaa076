// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondVault} from "../../contracts/BondVault.sol";
import {Bounties} from "../../contracts/Bounties.sol";
import {Demands} from "../../contracts/Demands.sol";
import {Explanations} from "../../contracts/Explanations.sol";
import {SegmentStep, SumNode, TraceId} from "../../contracts/interfaces/ICourt.sol";
import {Item, Position} from "../../contracts/interfaces/IDemands.sol";
import {LearnToken} from "../../contracts/LearnToken.sol";
import {AccuracyTree} from "../../contracts/lib/AccuracyTree.sol";
import {Derivation} from "../../contracts/lib/Derivation.sol";
import {Eligible} from "../../contracts/lib/Eligible.sol";
import {PoLRegistry} from "../../contracts/PoLRegistry.sol";
import {Reveals} from "../../contracts/Reveals.sol";
import {Block, EvidenceKind, Header, Parameters, Role, RuleSet, Status, Task, Tree} from "../../contracts/Types.sol";
import {MockCourt} from "./MockCourt.sol";
import {Programs} from "./Programs.sol";
import {States} from "./States.sol";
import {vm} from "./Vm.sol";

/// @notice The whole system on a small task, and what tests do with it again and again.
abstract contract Fixture {
    uint32 internal constant WINDOW = 100;
    uint32 internal constant REVEAL = 20;
    uint32 internal constant ANSWER = 48;
    uint32 internal constant SHARE = ANSWER / 16; // what another open demand adds to a deadline
    uint32 internal constant STEPS = 5; // of a segment
    uint8 internal constant MASK = 16;
    uint16 internal constant BITS = 4;
    uint16 internal constant DIFFICULTY = BITS * 1024;
    uint16 internal constant ANY_DIFFICULTY = type(uint16).max;
    uint96 internal constant MINER_BOND = 1 ether;
    uint96 internal constant ATTEST_BOND = 0.25 ether;
    uint96 internal constant DEMAND_FEE = 0.01 ether;
    uint128 internal constant MINER_REWARD = 14e18;
    uint128 internal constant ATTESTER_REWARD = 0.2e18;
    bytes32 internal constant SALT = "salt";

    address internal constant MINER = address(0xA11CE);
    address internal constant RIVAL = address(0xB0B);
    address internal constant VERA = address(0x1001);
    address internal constant VICTOR = address(0x1002);
    address internal constant VIOLA = address(0x1003);

    LearnToken internal token;
    BondVault internal vault;
    Bounties internal bounties;
    MockCourt internal court;
    Explanations internal explanations;
    Demands internal demands;
    Reveals internal reveals;
    PoLRegistry internal registry;
    bytes32 private evalRoot;

    function setUp() public virtual {
        vm.warp(1_000_000);
        vm.roll(1_000);
        evalRoot = Programs.evalRoot(bits());
        deploy(defaultTask(RuleSet.Hardened), defaultParameters());
        bond(MINER, Role.Miner, 50 ether);
        bond(RIVAL, Role.Miner, 50 ether);
        bond(VERA, Role.Verifier, 10 ether);
        bond(VICTOR, Role.Verifier, 10 ether);
        bond(VIOLA, Role.Verifier, 10 ether);
        pass(1);
    }

    // -- deployment

    /// The contracts know each other's addresses at birth, so they are predicted, as
    /// pol_oracle/l1/contracts/deployment.py does.
    function deploy(Task memory task, Parameters memory parameters) internal {
        uint256 nonce = vm.getNonce(address(this));
        address court_ = vm.computeCreateAddress(address(this), nonce + 3);
        address explanations_ = vm.computeCreateAddress(address(this), nonce + 4);
        address demands_ = vm.computeCreateAddress(address(this), nonce + 5);
        address reveals_ = vm.computeCreateAddress(address(this), nonce + 6);
        PoLRegistry registry_ = PoLRegistry(vm.computeCreateAddress(address(this), nonce + 7));
        token = new LearnToken(address(registry_));
        vault = new BondVault(address(registry_), demands_, explanations_);
        bounties = new Bounties(registry_, court_, demands_, explanations_);
        court = MockCourt(makeCourt(registry_, Reveals(reveals_), Explanations(explanations_)));
        explanations = new Explanations(registry_, vault, bounties, Demands(demands_), court_);
        demands = new Demands(registry_, vault, bounties, explanations, reveals_);
        reveals = new Reveals(registry_, demands, explanations);
        registry = new PoLRegistry(task, parameters, vault, token, bounties, demands, explanations);
    }

    /// Tests of the real court make that instead.
    function makeCourt(PoLRegistry, Reveals, Explanations explanations_) internal virtual returns (address) {
        return address(new MockCourt(bounties, explanations_));
    }

    function defaultTask(RuleSet rules) internal pure returns (Task memory task) {
        task.rules = rules;
        task.batchSize = 4;
        task.trainCount = 8192;
        task.testCount = 4096;
        task.trainingSteps = rules == RuleSet.Hardened ? STEPS : 0;
        task.maskSize = rules == RuleSet.Hardened ? MASK : 1;
        task.eligibleCount = 26;
        task.eligibleHash = keccak256(abi.encodePacked(eligible()));
        task.programRoot = Programs.root();
        task.initialRoot = States.root(weights());
    }

    function defaultParameters() internal pure virtual returns (Parameters memory parameters) {
        parameters.challengeWindow = WINDOW;
        parameters.revealWindow = REVEAL;
        parameters.answerWindow = ANSWER;
        parameters.quorum = 2;
        parameters.difficulty = DIFFICULTY;
        parameters.minDifficulty = DIFFICULTY;
        parameters.maxDifficulty = DIFFICULTY;
        parameters.minerBond = MINER_BOND;
        parameters.attestBond = ATTEST_BOND;
        parameters.demandFee = DEMAND_FEE;
        parameters.minerReward = MINER_REWARD;
        parameters.attesterReward = ATTESTER_REWARD;
    }

    // -- time and money

    function pass(uint256 seconds_) internal {
        vm.warp(block.timestamp + seconds_);
        vm.roll(block.number + 1);
    }

    function bond(address account, Role role, uint256 amount) internal {
        vm.deal(account, account.balance + amount);
        vm.prank(account);
        vault.deposit{value: amount}(role);
    }

    function free(address account, Role role) internal view returns (uint256 amount) {
        (amount,) = vault.bondOf(account, role);
    }

    function locked(address account, Role role) internal view returns (uint256 amount) {
        (, amount) = vault.bondOf(account, role);
    }

    // -- blocks

    function makeHeader(bytes32 parent, address miner, uint64 nonce) internal view returns (Header memory header) {
        header.parent = parent;
        header.miner = miner;
        header.nonce = nonce;
        header.preRoot = keccak256(abi.encode("pre", parent));
        if (registry.trainingSteps() > 0) header.segmentRoot = keccak256(abi.encode("segment", parent));
        header.postRoot = keccak256(abi.encode("post", parent, miner, nonce));
        header.traceRoot = keccak256(abi.encode("trace", parent, miner, nonce));
        header.evalRoot = evalRoot;
        header.correctBefore = 100;
        header.correctAfter = 101;
        header.indices = derivedIndices(header);
    }

    function derivedIndices(Header memory header) internal view returns (uint32[] memory) {
        Task memory task = registry.task();
        return Derivation.batch(seedOf(header), task.batchSize, task.trainCount);
    }

    function seedOf(Header memory header) internal view returns (bytes32) {
        RuleSet rules = registry.task().rules;
        bytes32 taskId = registry.taskId();
        return Derivation.seed(rules, taskId, header.parent, header.miner, header.nonce);
    }

    function propose(Header memory header) internal returns (bytes32) {
        vm.prank(header.miner);
        return registry.propose(header, ANY_DIFFICULTY);
    }

    function proposeOn(bytes32 parent, address miner, uint64 nonce) internal returns (bytes32) {
        return propose(makeHeader(parent, miner, nonce));
    }

    function attest(bytes32 id, address verifier) internal {
        vm.prank(verifier);
        registry.attest(id, ANY_DIFFICULTY);
    }

    function attestAll(bytes32 id) internal {
        attest(id, VERA);
        attest(id, VICTOR);
    }

    /// A block with quorum, its window over, finalized.
    function finalizedOn(bytes32 parent, address miner, uint64 nonce) internal returns (bytes32 id) {
        id = proposeOn(parent, miner, nonce);
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id, id);
    }

    function statusOf(bytes32 id) internal view returns (Status) {
        return registry.blocks(id).status;
    }

    function slashAsBounties(bytes32 id) internal {
        vm.prank(address(bounties));
        registry.slash(id, EvidenceKind.Step);
    }

    /// Words of the accuracy tree of every header made here: 100 samples right with W, 101 with W'.
    function bits() internal pure returns (bytes32[2][] memory words) {
        words = new bytes32[2][](16);
        words[2][0] = bytes32(type(uint256).max << 156);
        words[2][1] = bytes32(type(uint256).max << 155);
    }

    // -- weights: three tensors, of which the eligible ranges name 16 + 10 leaves or, by the paper's rules, weights

    function eligible() internal pure returns (bytes32[] memory ranges) {
        ranges = new bytes32[](2);
        ranges[0] = packRange(0, 0, 16, 16, 1);
        ranges[1] = packRange(1, 1, 5, 6, 2);
    }

    function packRange(uint256 tensor, uint256 start, uint256 run, uint256 stride, uint256 repeats)
        internal
        pure
        returns (bytes32)
    {
        return bytes32((tensor << 224) | (start << 160) | (run << 128) | (stride << 64) | repeats);
    }

    function weights() internal pure returns (uint32[][] memory tensors) {
        tensors = new uint32[][](3);
        (tensors[0], tensors[1], tensors[2]) = (new uint32[](1024), new uint32[](800), new uint32[](1));
        for (uint32 t = 0; t < 3; ++t) {
            for (uint32 i = 0; i < tensors[t].length; ++i) {
                tensors[t][i] = 0x3f000000 + 65536 * t + 16 * i; // positive: one more is one ulp up
            }
        }
    }

    function locate(bytes32[] calldata ranges, uint256 number) external pure returns (uint256, uint256) {
        return Eligible.locate(ranges, number);
    }

    // -- challenges

    /// What commits `challenger` to proving `id` wrong to the mock court.
    function commitmentTo(address challenger, bytes32 id, EvidenceKind kind) internal view returns (bytes32) {
        bytes memory call = abi.encodeCall(court.prove, (id, kind, SALT));
        return keccak256(abi.encode(challenger, keccak256(call)));
    }

    function commitTo(address challenger, bytes32 id, EvidenceKind kind) internal {
        bytes32 commitment = commitmentTo(challenger, id, kind);
        vm.prank(challenger);
        bounties.commit(commitment);
    }

    function prove(address challenger, bytes32 id, EvidenceKind kind) internal {
        vm.prank(challenger);
        court.prove(id, kind, SALT);
    }

    function commitAndProve(address challenger, bytes32 id, EvidenceKind kind) internal {
        commitTo(challenger, id, kind);
        pass(1);
        prove(challenger, id, kind);
    }

    /// A block slashed by `challenger` with proof.
    function provenSlashed(bytes32 parent, address miner, uint64 nonce, address challenger)
        internal
        returns (bytes32 id)
    {
        id = proposeOn(parent, miner, nonce);
        commitAndProve(challenger, id, EvidenceKind.Requirement);
    }

    // -- demands

    function bitsPosition() internal pure returns (Position memory) {
        return Position(Item.Bits, Tree.Step, 0, 0, 0, 0);
    }

    function stepsPosition() internal pure returns (Position memory) {
        return Position(Item.Steps, Tree.Step, 0, 0, 0, 0);
    }

    function rootsPosition(Tree tree, uint32 index) internal pure returns (Position memory) {
        return Position(Item.Roots, tree, index, 0, 0, 0);
    }

    function demand(address demander, bytes32 id, Position memory position) internal returns (bytes32) {
        vm.prank(demander);
        return demands.demand(id, position, Programs.open(position.tree, position.tensor));
    }

    function demandBits(address demander, bytes32 id) internal returns (bytes32) {
        return demand(demander, id, bitsPosition());
    }

    function answerBits(address responder, Header memory header) internal {
        vm.prank(responder);
        reveals.revealBits(header, bitsPosition(), bits());
    }

    // -- explanations

    /// Has a block's bits shown, as every demand for an explanation needs.
    function showBits(bytes32 id, Header memory header) internal returns (bytes32 demandId) {
        demandId = demandBits(VERA, id);
        answerBits(header.miner, header);
    }

    function demandExplanation(address demander, Header memory header, Tree tree, uint32 sample) internal {
        uint256 leaf = sample / AccuracyTree.LEAF_SAMPLES;
        SumNode[] memory siblings = bitSiblings(leaf);
        vm.prank(demander);
        explanations.demand(header, tree, sample, bits()[leaf], siblings);
    }

    /// Every `version` is another trace.
    function explain(address author, Header memory header, Tree tree, uint32 sample, uint256 version) internal {
        bytes memory program = Programs.open(tree, 0);
        bytes32[] memory roots = Programs.evaluation(version);
        vm.prank(author);
        explanations.explain(header, tree, sample, program, roots, Role.Verifier);
    }

    function explained(address author, Header memory header, Tree tree, uint32 sample, uint256 version)
        internal
        returns (bytes32 traceRoot)
    {
        demandExplanation(VERA, header, tree, sample);
        explain(author, header, tree, sample, version);
        return explanations.rootOf(registry.blockIdOf(header), tree, sample);
    }

    /// The challenger proves, to the mock court, that the standing explanation is wrong.
    function refute(address challenger, bytes32 id, Tree tree, uint32 sample) internal {
        vm.prank(challenger);
        court.refute(id, TraceId(tree, sample), SALT);
    }

    function commitToRefute(address challenger, bytes32 id, Tree tree, uint32 sample) internal {
        bytes memory call = abi.encodeCall(court.refute, (id, TraceId(tree, sample), SALT));
        bytes32 commitment = keccak256(abi.encode(challenger, keccak256(call)));
        (uint256 order,) = bounties.commitmentOf(challenger, commitment);
        if (order == 0) {
            vm.prank(challenger); // else the same proof serves again
            bounties.commit(commitment);
        }
        pass(1);
    }

    function commitAndRefute(address challenger, bytes32 id, Tree tree, uint32 sample) internal {
        commitToRefute(challenger, id, tree, sample);
        refute(challenger, id, tree, sample);
    }

    /// What leads from a leaf of `bits` up to the root's children.
    function bitSiblings(uint256 index) internal pure returns (SumNode[] memory siblings) {
        SumNode[] memory row = new SumNode[](16);
        for (uint256 i = 0; i < 16; ++i) {
            row[i] = AccuracyTree.leaf(bits()[i]);
        }
        siblings = new SumNode[](4);
        for (uint256 d = 0; d < 4; ++d) {
            siblings[d] = row[(index >> d) ^ 1];
            for (uint256 i = 0; i < 8 >> d; ++i) {
                row[i] = AccuracyTree.parent(row[2 * i], row[2 * i + 1]);
            }
        }
    }

    // -- assertions and inputs

    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + (value % (high - low + 1));
    }

    function assertTrue(bool condition, string memory what) internal pure {
        vm.assertTrue(condition, what);
    }

    function assertEq(uint256 actual, uint256 expected, string memory what) internal pure {
        vm.assertEq(actual, expected, what);
    }

    function assertEq(bytes32 actual, bytes32 expected, string memory what) internal pure {
        vm.assertEq(actual, expected, what);
    }

    function assertEq(address actual, address expected, string memory what) internal pure {
        vm.assertEq(actual, expected, what);
    }

    function assertStatus(bytes32 id, Status expected, string memory what) internal view {
        vm.assertEq(uint256(statusOf(id)), uint256(expected), what);
    }
}
