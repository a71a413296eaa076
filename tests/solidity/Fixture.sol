// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondVault} from "../../contracts/BondVault.sol";
import {Committee} from "../../contracts/Committee.sol";
import {Court} from "../../contracts/Court.sol";
import {RequirementEvidence} from "../../contracts/interfaces/ICourt.sol";
import {LearnToken} from "../../contracts/LearnToken.sol";
import {Derivation} from "../../contracts/lib/Derivation.sol";
import {Eligible} from "../../contracts/lib/Eligible.sol";
import {PoLRegistry} from "../../contracts/PoLRegistry.sol";
import {Block, EvidenceKind, Header, Parameters, Role, RuleSet, Status, Task} from "../../contracts/Types.sol";
import {States} from "./States.sol";
import {vm} from "./Vm.sol";

/// @notice The whole system on a small task, and what tests do with it again and again.
abstract contract Fixture {
    uint32 internal constant WINDOW = 100;
    uint32 internal constant REVEAL = 20;
    uint32 internal constant VOTE = 50;
    uint16 internal constant BITS = 4;
    uint96 internal constant MINER_BOND = 1 ether;
    uint96 internal constant ATTEST_BOND = 0.25 ether;
    uint96 internal constant CHALLENGE_BOND = 0.5 ether;
    uint128 internal constant MINER_REWARD = 10e18;
    uint128 internal constant ATTESTER_REWARD = 4e18;
    bytes32 internal constant SALT = "salt";

    address internal constant MINER = address(0xA11CE);
    address internal constant RIVAL = address(0xB0B);
    address internal constant VERA = address(0x1001);
    address internal constant VICTOR = address(0x1002);
    address internal constant VIOLA = address(0x1003);

    LearnToken internal token;
    BondVault internal vault;
    Committee internal committee;
    Court internal court;
    PoLRegistry internal registry;
    bytes32 private preRoot;

    function setUp() public virtual {
        vm.warp(1_000_000);
        vm.roll(1_000);
        preRoot = States.root(weights());
        deploy(defaultTask(RuleSet.Hardened), defaultParameters());
        bond(MINER, Role.Miner, 50 ether);
        bond(RIVAL, Role.Miner, 50 ether);
        bond(VERA, Role.Verifier, 10 ether);
        bond(VICTOR, Role.Verifier, 10 ether);
        bond(VIOLA, Role.Verifier, 10 ether);
        pass(1);
    }

    // -- deployment

    /// The contracts know each other's addresses at birth, so they are predicted, as pol_oracle/chain/deployment.py does.
    function deploy(Task memory task, Parameters memory parameters) internal {
        uint256 nonce = vm.getNonce(address(this));
        address committee_ = vm.computeCreateAddress(address(this), nonce + 2);
        address court_ = vm.computeCreateAddress(address(this), nonce + 3);
        address registry_ = vm.computeCreateAddress(address(this), nonce + 4);
        token = new LearnToken(registry_);
        vault = new BondVault(registry_, court_, committee_);
        committee = new Committee(court_, vault);
        court = new Court(PoLRegistry(registry_), vault, committee);
        registry = new PoLRegistry(task, parameters, vault, token, court);
    }

    function defaultTask(RuleSet rules) internal pure returns (Task memory task) {
        task.rules = rules;
        task.batchSize = 4;
        task.trainCount = 8192;
        task.testCount = 4096;
        task.accuracySlack = 40;
        task.eligibleCount = 26;
        task.eligibleHash = keccak256(abi.encodePacked(eligible()));
        task.initialRoot = States.root(weights());
    }

    function defaultParameters() internal pure returns (Parameters memory parameters) {
        parameters.challengeWindow = WINDOW;
        parameters.revealWindow = REVEAL;
        parameters.voteWindow = VOTE;
        parameters.quorum = 2;
        parameters.difficultyBits = BITS;
        parameters.minerBond = MINER_BOND;
        parameters.attestBond = ATTEST_BOND;
        parameters.challengeBond = CHALLENGE_BOND;
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
        header.preRoot = keccak256(abi.encode("pre", parent, miner, nonce));
        header.postRoot = keccak256(abi.encode("post", parent, miner, nonce));
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
        return Derivation.seed(rules, taskId, header.parent, header.miner, header.preRoot, header.nonce);
    }

    function propose(Header memory header) internal returns (bytes32) {
        vm.prank(header.miner);
        return registry.propose(header);
    }

    function proposeOn(bytes32 parent, address miner, uint64 nonce) internal returns (bytes32) {
        return propose(makeHeader(parent, miner, nonce));
    }

    function attest(bytes32 id, address verifier) internal {
        vm.prank(verifier);
        registry.attest(id);
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
        registry.finalize(id);
    }

    function statusOf(bytes32 id) internal view returns (Status) {
        return registry.blocks(id).status;
    }

    function slashAsCourt(bytes32 id) internal {
        vm.prank(address(court));
        registry.slash(id, EvidenceKind.Step);
    }

    // -- weights: three tensors, of which the eligible ranges name 16 + 10 elements; the second range crosses a leaf

    function eligible() internal pure returns (bytes32[] memory ranges) {
        ranges = new bytes32[](2);
        ranges[0] = packRange(0, 0, 16, 16, 1);
        ranges[1] = packRange(1, 60, 5, 7, 2);
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
        (tensors[0], tensors[1], tensors[2]) = (new uint32[](16), new uint32[](130), new uint32[](1));
        for (uint32 t = 0; t < 3; ++t) {
            for (uint32 i = 0; i < tensors[t].length; ++i) {
                tensors[t][i] = 0x3f000000 + 4096 * t + 16 * i; // positive: one more is one ulp up
            }
        }
    }

    /// Where requirement number `number` of a header points, and which way.
    function demandOf(Header memory header, uint256 number)
        internal
        view
        returns (uint256 tensor, uint256 element, bool up)
    {
        uint32 drawn = Derivation.requirements(seedOf(header), BITS, registry.task().eligibleCount)[number];
        (tensor, element) = this.locate(eligible(), drawn >> 1);
        up = drawn & 1 == 0;
    }

    function locate(bytes32[] calldata ranges, uint256 number) external pure returns (uint256, uint256) {
        return Eligible.locate(ranges, number);
    }

    /// W' that meets every requirement by one ulp.
    function steppedWeights(Header memory header) internal view returns (uint32[][] memory tensors) {
        tensors = weights();
        for (uint256 i = 0; i < BITS; ++i) {
            (uint256 tensor, uint256 element, bool up) = demandOf(header, i);
            tensors[tensor][element] = up ? tensors[tensor][element] + 1 : tensors[tensor][element] - 1;
        }
    }

    /// A header over real weights, and its W', where requirement `number` got the bits `forged` instead (0: as it was).
    function makeForged(bytes32 parent, address miner, uint64 nonce, uint256 number, uint32 forged)
        internal
        view
        returns (Header memory header, uint32[][] memory afterwards)
    {
        header = makeHeader(parent, miner, nonce);
        header.preRoot = preRoot;
        header.indices = derivedIndices(header);
        afterwards = steppedWeights(header);
        (uint256 tensor, uint256 element,) = demandOf(header, number);
        afterwards[tensor][element] = forged == 0 ? weights()[tensor][element] : forged;
        header.postRoot = States.root(afterwards);
    }

    function evidenceOf(Header memory header, uint32[][] memory afterwards, uint256 number)
        internal
        view
        returns (RequirementEvidence memory evidence)
    {
        (uint256 tensor, uint256 element,) = demandOf(header, number);
        evidence.requirement = number;
        evidence.eligible = eligible();
        evidence.before = States.open(weights(), tensor, element);
        evidence.afterwards = States.open(afterwards, tensor, element);
    }

    // -- challenges

    function commitmentTo(address challenger, bytes32 id, EvidenceKind kind, bytes32 evidenceHash)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(challenger, id, kind, evidenceHash, SALT));
    }

    function commit(address challenger, bytes32 id, EvidenceKind kind, bytes32 evidenceHash) internal {
        vm.prank(challenger);
        court.commit(commitmentTo(challenger, id, kind, evidenceHash));
    }

    function commitTo(address challenger, bytes32 id, RequirementEvidence memory evidence) internal {
        commit(challenger, id, EvidenceKind.Requirement, keccak256(abi.encode(evidence)));
    }

    function prove(address challenger, Header memory header, RequirementEvidence memory evidence) internal {
        vm.prank(challenger);
        court.proveRequirement(header, evidence, SALT);
    }

    function dispute(address challenger, bytes32 id, EvidenceKind kind) internal {
        commit(challenger, id, kind, 0);
        pass(1);
        vm.prank(challenger);
        court.openDispute(id, kind, SALT);
    }

    function vote(address verifier, bytes32 id, EvidenceKind kind, bool guilty) internal {
        bytes32 disputeId = court.disputeId(id, kind);
        vm.prank(verifier);
        committee.vote(disputeId, guilty);
    }

    /// A block whose requirement 0 was not met, slashed by `challenger` with proof.
    function provenSlashed(bytes32 parent, address miner, uint64 nonce, address challenger)
        internal
        returns (bytes32 id)
    {
        (Header memory header, uint32[][] memory afterwards) = makeForged(parent, miner, nonce, 0, 0);
        id = propose(header);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        commitTo(challenger, id, evidence);
        pass(1);
        prove(challenger, header, evidence);
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
