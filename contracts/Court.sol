// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "./interfaces/IBounties.sol";
import {
    BitEvidence,
    Claim,
    ICourt,
    InputEvidence,
    OperationEvidence,
    RequirementEvidence,
    SegmentStep,
    SumNode,
    SumsEvidence,
    TraceId
} from "./interfaces/ICourt.sol";
import {Explanation, IExplanations} from "./interfaces/IExplanations.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {IReveals} from "./interfaces/IReveals.sol";
import {AccuracyTree} from "./lib/AccuracyTree.sol";
import {Check} from "./lib/Check.sol";
import {Derivation} from "./lib/Derivation.sol";
import {Eligible} from "./lib/Eligible.sol";
import {Float32} from "./lib/Float32.sol";
import {Headers} from "./lib/Headers.sol";
import {Merkle} from "./lib/Merkle.sol";
import {Operands, Run} from "./lib/Operands.sol";
import {Operations} from "./lib/Operations.sol";
import {Tags} from "./lib/Tags.sol";
import {TensorTree} from "./lib/TensorTree.sol";
import {Sections, Trace} from "./lib/Trace.sol";
import {Masked, Weights} from "./lib/Weights.sol";
import {EvidenceKind, Header, RuleSet, Tree} from "./Types.sol";

/// @title Where blocks are proven wrong: the contract recomputes the one value that is wrong, and nobody votes.
/// @notice Each root of an honest block commits to one well-formed tree with the right value at each place, so no
/// evidence against it can pass. What evidence needs and nobody serves is demanded first (Demands).
/// @dev Holds no state: commitments and bounties are in Bounties. Any time limit is absent too: whoever can prove a
/// pending block wrong may do so until it is final. The last argument of a proof is a salt, read by nobody: it keeps
/// the commitment to the call from being guessed.
/// @custom:security-contact SECURITY.md of the repository
contract Court is ICourt {
    using TensorTree for TensorTree.Opened;

    uint32 private constant ONE = 0x3f800000;

    IPoLRegistry public immutable registry;
    IBounties public immutable bounties;
    IReveals public immutable reveals;
    IExplanations public immutable explanations;

    constructor(IPoLRegistry registry_, IBounties bounties_, IReveals reveals_, IExplanations explanations_) {
        registry = registry_;
        bounties = bounties_;
        reveals = reveals_;
        explanations = explanations_;
    }

    /// @inheritdoc ICourt
    function proveRequirement(Header calldata header, RequirementEvidence calldata evidence, bytes32) external {
        bytes32 blockId = _idOf(header);
        _checkRequirement(header, blockId, evidence);

        _convict(blockId, EvidenceKind.Requirement);
    }

    /// @inheritdoc ICourt
    function proveOperation(
        Header calldata header,
        TraceId calldata trace,
        SegmentStep calldata segment,
        OperationEvidence calldata evidence,
        bytes32
    ) external {
        _checkOperation(reveals.claimOf(header, trace, segment), trace.tree, evidence);

        _judge(header, trace);
    }

    /// @inheritdoc ICourt
    function proveInput(
        Header calldata header,
        TraceId calldata trace,
        SegmentStep calldata segment,
        InputEvidence calldata evidence,
        bytes32
    ) external {
        _checkInput(header, trace, reveals.claimOf(header, trace, segment), evidence);

        _judge(header, trace);
    }

    /// @inheritdoc ICourt
    function proveSums(Header calldata header, SumsEvidence calldata evidence, bytes32) external {
        _checkSums(header, evidence);

        bytes32 blockId = _idOf(header);
        _convict(blockId, EvidenceKind.Accuracy);
    }

    /// @inheritdoc ICourt
    function proveBit(Header calldata header, TraceId calldata trace, BitEvidence calldata evidence, bytes32) external {
        _checkBit(header, _idOf(header), trace, evidence);

        _judge(header, trace);
    }

    function _checkRequirement(Header calldata header, bytes32 blockId, RequirementEvidence calldata evidence)
        private
        view
    {
        (uint256 number, uint64 mask, bool odd, RuleSet rules, bytes32 eligibleHash) = registry.requirementOf(
            blockId, header.parent, header.miner, header.nonce, header.postRoot, evidence.requirement
        );
        Check.sameRoot(Eligible.hash(evidence.eligible), eligibleHash);
        Masked memory weights;
        (weights.tensor, weights.leaf) = Eligible.locate(evidence.eligible, number);
        (weights.leaf, weights.mask) = Derivation.within(rules, weights.leaf, mask);
        bool met = Weights.satisfies(rules, _openStates(header, evidence), weights, evidence.tensors, odd);
        require(!met, RequirementMet(evidence.requirement));
    }

    /// @dev A value that is not finite makes a block invalid wherever it is computed; a gather only copies.
    function _checkOperation(Claim memory claim, Tree tree, OperationEvidence calldata evidence) private view {
        (uint256 tensor, uint256 element) = (evidence.tensor, evidence.element);
        Run[] memory runs = _open(claim, tree, evidence.program, evidence.opening, tensor);
        uint32 claimed = uint32(Operands.read(runs, tensor, element));
        bytes calldata descriptor = Trace.descriptor(evidence.program);
        bool copied = Operations.kind(descriptor) == Operations.GATHER;
        if (!copied && !Weights.isFinite(claimed)) return;

        uint256 value = Operations.evaluate(descriptor, element, runs);
        require(value != claimed, ElementHolds(tensor, element, value));
    }

    function _checkInput(
        Header calldata header,
        TraceId calldata trace,
        Claim memory claim,
        InputEvidence calldata evidence
    ) private view {
        (uint256 tensor, uint256 element) = (evidence.tensor, evidence.element);
        Run[] memory runs = _open(claim, trace.tree, evidence.program, evidence.opening, tensor);
        uint256 claimed = Operands.read(runs, tensor, element);
        uint256 number = tensor - Trace.sectionsOf(evidence.program).states; // 0: images, 1: labels
        Check.below(number, 2);

        bool step = Trace.ofStep(trace.tree);
        // elements of one sample
        uint256 each = Operations.size(Trace.descriptor(evidence.program)) / (step ? header.indices.length : 1);
        _checkSample(step, _sampleOf(header, trace, element / each), evidence);
        bytes calldata sample = evidence.sample;
        uint256 place = number == 0 ? element % each : sample.length - 1; // the label's low byte is the last
        uint256 value = Float32.fromUint(uint8(sample[place]));
        require(value != claimed, ElementHolds(tensor, element, value));
    }

    function _checkSums(Header calldata header, SumsEvidence calldata evidence) private view {
        uint256 samples = registry.testCount();
        uint256 width = AccuracyTree.leavesOf(samples); // nodes of the level
        for (uint256 level = 0; level < evidence.level; ++level) {
            width = (width + 1) / 2;
        }
        uint256 depth = AccuracyTree.depthOf(samples);
        Check.equal(evidence.level + evidence.siblings.length, depth);
        // an odd level has one place more, which must be empty
        uint256 places = width > 1 ? width + (width & 1) : 1;
        Check.below(evidence.index, places);

        SumNode memory actual = _contentOf(evidence, evidence.index == width);
        SumNode memory claimed = SumNode(actual.hash, evidence.before, evidence.afterwards);
        _checkUnder(header, AccuracyTree.climb(claimed, evidence.index, evidence.siblings));
        if (actual.before != claimed.before || actual.afterwards != claimed.afterwards) return;
        if (evidence.index == width && actual.hash != bytes32(0)) return;
        bool beyond = evidence.level == 0 && evidence.index < width
            && AccuracyTree.beyond(abi.decode(evidence.content, (bytes32[2])), evidence.index, samples);
        require(beyond, SumsHold(evidence.level, evidence.index));
    }

    /// @dev An explanation that is right in all its elements but comes to the other verdict explains nothing.
    function _checkBit(Header calldata header, bytes32 blockId, TraceId calldata trace, BitEvidence calldata evidence)
        private
        view
    {
        Explanation memory given = explanations.explanationOf(blockId, trace.tree, trace.index);
        require(given.traceRoot != bytes32(0), NotExplained(trace)); // of steps there is none
        Claim memory claim = Trace.evaluation(header, trace.tree, given.traceRoot);
        uint256 last = Trace.sectionsOf(evidence.program).evaluationTensors - 1;
        Run[] memory runs = _open(claim, trace.tree, evidence.program, evidence.opening, last);
        bool correct = Operands.read(runs, last, 0) == ONE;
        require(given.bit != correct, BitHolds(trace.index, correct));
    }

    /// @dev What is wrong in a trace is its block's fault if that committed to it, else the explanation's.
    function _judge(Header calldata header, TraceId calldata trace) private {
        bytes32 blockId = _idOf(header);
        if (Trace.ofStep(trace.tree)) _convict(blockId, EvidenceKind.Step);
        else explanations.refute(blockId, trace, msg.sender, keccak256(msg.data));
    }

    function _convict(bytes32 blockId, EvidenceKind kind) private {
        bounties.convict(blockId, kind, msg.sender, keccak256(msg.data));
    }

    function _idOf(Header calldata header) private view returns (bytes32) {
        return Headers.idOf(registry.taskId(), header);
    }

    /// @dev Elements of W and of W', whose tensors are numbered on from those of W.
    function _openStates(Header calldata header, RequirementEvidence calldata evidence)
        private
        pure
        returns (Run[] memory)
    {
        uint256 tensors = evidence.tensors;
        TensorTree.Opened memory opened = TensorTree.open(evidence.opening);
        Check.sameRoot(opened.list(Tags.STATE_ROOT, 0, tensors), header.preRoot);
        Check.sameRoot(opened.list(Tags.STATE_ROOT, tensors, 2 * tensors), header.postRoot);
        opened.close();
        return opened.runs;
    }

    /// @dev Elements of the claimed trace, among them some of the tensor that the program is opened for.
    function _open(Claim memory claim, Tree tree, bytes calldata program, bytes calldata opening, uint256 tensor)
        private
        view
        returns (Run[] memory)
    {
        Sections memory sections = Trace.checkProgram(program, registry.programRoot(), tree, tensor);
        return Trace.open(claim, tree, sections, opening);
    }

    /// @dev Which sample of the training set, or of the test set, is number `number` of a trace's batch.
    function _sampleOf(Header calldata header, TraceId calldata trace, uint256 number) private view returns (uint256) {
        if (trace.tree == Tree.Step) return header.indices[number];
        if (trace.tree == Tree.Segment) return registry.segmentSample(header.parent, trace.index, number);
        return trace.index;
    }

    /// @dev Reverts unless the evidence's sample is number `index` of the training set, or of the test set.
    function _checkSample(bool training, uint256 index, InputEvidence calldata evidence) private view {
        (bytes32 root, uint256 count) =
            training ? (registry.trainRoot(), registry.trainCount()) : (registry.testRoot(), registry.testCount());
        bytes32 leaf = Merkle.leaf(Tags.SAMPLE_LEAF, evidence.sample);
        bytes32 top = Merkle.climb(Tags.SAMPLE_NODE, leaf, index, count, evidence.samplePath);
        bytes32 actual = TensorTree.listRoot(Tags.SAMPLE_ROOT, count, top);
        Check.sameRoot(actual, root);
    }

    /// @dev A node with the sums that really lie below: its content is two words of bits, two children, or, of a place
    /// that must be empty, the hash claimed there.
    function _contentOf(SumsEvidence calldata evidence, bool empty) private pure returns (SumNode memory) {
        bytes calldata content = evidence.content;
        uint256 expected = empty ? 32 : evidence.level == 0 ? 64 : 80;
        Check.equal(content.length, expected);
        if (empty) return SumNode(bytes32(content), 0, 0);
        if (evidence.level == 0) return AccuracyTree.leaf(abi.decode(content, (bytes32[2])));
        SumNode memory left =
            SumNode(bytes32(content[:32]), uint32(bytes4(content[32:36])), uint32(bytes4(content[36:40])));
        SumNode memory right =
            SumNode(bytes32(content[40:72]), uint32(bytes4(content[72:76])), uint32(bytes4(content[76:80])));
        return AccuracyTree.parent(left, right);
    }

    /// @dev Reverts unless the header claims this root with these sums.
    function _checkUnder(Header calldata header, SumNode memory root) private pure {
        Check.sameRoot(root.hash, header.evalRoot);
        Check.equal(root.before, header.correctBefore);
        Check.equal(root.afterwards, header.correctAfter);
    }
}
