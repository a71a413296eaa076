// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claim, ICourt, SegmentStep, TraceId} from "./interfaces/ICourt.sol";
import {IDemands, Item, Position} from "./interfaces/IDemands.sol";
import {IExplanations} from "./interfaces/IExplanations.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {IReveals} from "./interfaces/IReveals.sol";
import {Answers} from "./lib/Answers.sol";
import {Check} from "./lib/Check.sol";
import {Headers} from "./lib/Headers.sol";
import {Segments} from "./lib/Segments.sol";
import {Trace} from "./lib/Trace.sol";
import {Header, Tree} from "./Types.sol";

/// @title What answers a demand: a part of a tree, checked against what the block, or an explanation, claims.
/// @notice Each function shows one item. What it takes besides its form is in lib/Answers.sol.
/// @dev Holds no state: Demands does. A demand is taken as answered first; what does not answer it reverts that.
/// @custom:security-contact SECURITY.md of the repository
contract Reveals is IReveals {
    IPoLRegistry public immutable registry;
    IDemands public immutable demands;
    IExplanations public immutable explanations;

    constructor(IPoLRegistry registry_, IDemands demands_, IExplanations explanations_) {
        registry = registry_;
        demands = demands_;
        explanations = explanations_;
    }

    /// @inheritdoc IReveals
    function revealRoots(
        Header calldata header,
        Position calldata position,
        bytes calldata program,
        bytes32[] calldata roots,
        SegmentStep calldata segment
    ) external {
        (bytes32 blockId, bytes32 demandId) = _take(header, position, Item.Roots);
        Claim memory claim = _claimAt(header, position, segment);
        Answers.checkRoots(claim, position.tree, registry.programRoot(), program, roots);

        _tell(blockId, demandId, abi.encode(program, roots));
    }

    /// @inheritdoc IReveals
    function revealNodes(
        Header calldata header,
        Position calldata position,
        bytes calldata program,
        bytes32[] calldata nodes,
        bytes calldata path,
        SegmentStep calldata segment
    ) external {
        (bytes32 blockId, bytes32 demandId) = _take(header, position, Item.Nodes);
        Claim memory claim = _claimAt(header, position, segment);
        Answers.checkNodes(claim, registry.programRoot(), position, program, nodes, path);

        _tell(blockId, demandId, abi.encode(program, nodes, path));
    }

    /// @inheritdoc IReveals
    function revealLeaves(
        Header calldata header,
        Position calldata position,
        bytes calldata program,
        bytes calldata opening,
        SegmentStep calldata segment
    ) external {
        (bytes32 blockId, bytes32 demandId) = _take(header, position, Item.Leaves);
        Claim memory claim = _claimAt(header, position, segment);
        Answers.checkLeaves(claim, registry.programRoot(), position, program, opening);

        _tell(blockId, demandId, abi.encode(program, opening));
    }

    /// @inheritdoc IReveals
    function revealBits(Header calldata header, Position calldata position, bytes32[2][] calldata words) external {
        (bytes32 blockId, bytes32 demandId) = _take(header, position, Item.Bits);
        Answers.checkBits(header, words, registry.testCount());

        _tell(blockId, demandId, abi.encode(words));
    }

    /// @inheritdoc IReveals
    function revealSteps(Header calldata header, Position calldata position, bytes32[] calldata hashes) external {
        (bytes32 blockId, bytes32 demandId) = _take(header, position, Item.Steps);
        Check.equal(hashes.length, registry.trainingSteps());
        Check.sameRoot(Segments.root(hashes), header.segmentRoot);

        _tell(blockId, demandId, abi.encode(hashes));
    }

    /// @inheritdoc IReveals
    function claimOf(Header calldata header, TraceId calldata trace, SegmentStep calldata segment)
        external
        view
        returns (Claim memory claim)
    {
        claim = _claimOf(header, trace.tree, trace.index, bytes32(0), segment);
        if (Trace.ofStep(trace.tree)) return claim;
        claim.traceRoot = explanations.rootOf(Headers.idOf(registry.taskId(), header), trace.tree, trace.index);
        require(claim.traceRoot != bytes32(0), ICourt.NotExplained(trace));
    }

    function _take(Header calldata header, Position calldata position, Item item)
        private
        returns (bytes32 blockId, bytes32 demandId)
    {
        require(position.item == item, WrongItem(item, position.item));
        blockId = Headers.idOf(registry.taskId(), header);
        demandId = demands.answer(blockId, position, msg.sender);
    }

    /// @dev What was shown, encoded anew: calldata can be written in ways that other decoders refuse.
    function _tell(bytes32 blockId, bytes32 demandId, bytes memory shown) private {
        emit Revealed(blockId, demandId, msg.sender, shown);
    }

    /// @dev What is claimed of a demanded tensor's trace: of an evaluation, by the explanation that the demand is
    /// about.
    function _claimAt(Header calldata header, Position calldata position, SegmentStep calldata segment)
        private
        view
        returns (Claim memory)
    {
        return _claimOf(header, position.tree, position.index, position.explanation, segment);
    }

    function _claimOf(
        Header calldata header,
        Tree tree,
        uint32 index,
        bytes32 explanation,
        SegmentStep calldata segment
    ) private view returns (Claim memory) {
        if (tree == Tree.Segment) {
            return Segments.claimOf(registry, header, index, segment);
        }
        Check.equal(segment.parent.length + segment.entries.length + segment.path.length, 0);
        if (tree == Tree.Step) return Claim(header.preRoot, header.postRoot, header.traceRoot);
        return Trace.evaluation(header, tree, explanation);
    }
}
