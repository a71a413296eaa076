// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Opening, ProgramOpening, Sections, SumNode, TraceId} from "../interfaces/ICourt.sol";
import {Position} from "../interfaces/IDemands.sol";
import {Header, Tree} from "../Types.sol";
import {AccuracyTree} from "./AccuracyTree.sol";
import {Check} from "./Check.sol";
import {Merkle} from "./Merkle.sol";
import {Operations} from "./Operations.sol";
import {Tags} from "./Tags.sol";
import {TensorTree} from "./TensorTree.sol";
import {Trace} from "./Trace.sol";

/// @title What answers a demand.
/// @dev An answer must have the form that the program gives a tree: so many tensors, so many elements, zeros as padding.
/// Whoever committed to anything else cannot answer, so no evidence about malformed trees is needed.
library Answers {
    uint256 internal constant LEAF_GROUP = 256;
    uint256 internal constant MAX_NODES = 2048;

    /// @notice Reverts unless the program has the tensor, and the tensor such a group of leaves: what does not exist
    /// must not be demanded, since nobody could show it.
    function checkPosition(Position calldata position, bytes32 programRoot, ProgramOpening calldata program)
        internal
        pure
    {
        uint256 tensors = Trace.tensorsOf(program.sections, position.tree);
        Check.below(position.tensor, tensors);
        Trace.checkProgram(program, programRoot, position.tree, position.tensor);
        uint256 first = position.group * LEAF_GROUP;
        uint256 leaves = TensorTree.leavesOf(Operations.size(program.descriptor));
        Check.below(first, leaves);
    }

    /// @notice The trace root that these tensor roots make. A step's states must be the header's.
    function checkRoots(
        Header calldata header,
        TraceId memory trace,
        bytes32 programRoot,
        ProgramOpening calldata program,
        bytes32[] calldata roots
    ) internal pure returns (bytes32 traceRoot) {
        Trace.checkProgram(program, programRoot, trace.tree, 0);
        Sections memory sections = program.sections;
        bool step = trace.tree == Tree.Step;
        uint256 batch = step ? sections.states : 0;
        uint256 inner = batch + sections.batches;
        uint256 posts = Trace.postsFrom(sections, trace.tree) - (step ? 0 : sections.states);
        uint256 end = step ? sections.stepTensors : posts;
        Check.equal(roots.length, end);

        if (step) {
            Check.sameRoot(_listRoot(Tags.STATE_ROOT, roots[:batch]), header.preRoot);
            Check.sameRoot(_listRoot(Tags.STATE_ROOT, roots[posts:]), header.postRoot);
        }
        bytes32 batchRoot = _listRoot(Tags.BATCH_ROOT, roots[batch:inner]);
        traceRoot = Trace.root(header, trace.tree, batchRoot, _listRoot(Tags.INNER_ROOT, roots[inner:posts]));
        if (step) Check.sameRoot(traceRoot, header.traceRoot);
    }

    /// @notice Reverts unless these are the nodes of the tensor's lowest level that has at most MAX_NODES.
    function checkNodes(
        Header calldata header,
        bytes32 traceRoot,
        bytes32 programRoot,
        Position calldata position,
        ProgramOpening calldata program,
        bytes32[] calldata nodes,
        bytes32[] calldata path
    ) internal pure {
        Trace.checkProgram(program, programRoot, position.tree, position.tensor);
        uint256 elements = Operations.size(program.descriptor);
        uint256 width = TensorTree.leavesOf(elements);
        while (width > MAX_NODES) width = (width + 1) / 2;
        Check.equal(nodes.length, width);

        bytes32 root = TensorTree.tensorRoot(elements, Merkle.top(Tags.TENSOR_NODE, nodes));
        TensorTree.Opened memory opened = TensorTree.only(position.tensor, root, path);
        Trace.check(header, position.tree, traceRoot, program.sections, opened);
    }

    /// @notice Reverts unless the opening is of the group of leaves that was demanded.
    function checkLeaves(
        Header calldata header,
        bytes32 traceRoot,
        bytes32 programRoot,
        Position calldata position,
        ProgramOpening calldata program,
        Opening calldata opening
    ) internal pure {
        Trace.checkProgram(program, programRoot, position.tree, position.tensor);
        uint256 elements = Operations.size(program.descriptor);
        uint256 leaves = TensorTree.leavesOf(elements);
        uint256 first = position.group * LEAF_GROUP;
        Check.below(first, leaves);
        uint256 count = leaves - first < LEAF_GROUP ? leaves - first : LEAF_GROUP;
        Check.equal(opening.runs.length, TensorTree.RUN_BYTES);
        uint128 expected = uint128(TensorTree.run(position.tensor, elements, first, count));
        Check.equal(uint128(bytes16(opening.runs)), expected);
        if (first + count == leaves) _checkPadding(opening.leaves, 4 * (elements - 64 * first));

        Trace.open(header, position.tree, traceRoot, program.sections, opening);
    }

    /// @notice Reverts unless these are the leaves of the accuracy tree, and their sums those of the header.
    function checkBits(Header calldata header, bytes32[2][] calldata words, uint256 samples) internal pure {
        uint256 leaves = AccuracyTree.leavesOf(samples);
        Check.equal(words.length, leaves);
        Check.equal(AccuracyTree.beyond(words[leaves - 1], leaves - 1, samples) ? 1 : 0, 0);

        SumNode memory root = AccuracyTree.rootOf(words);
        Check.sameRoot(root.hash, header.evalRoot);
        Check.equal(root.before, header.correctBefore);
        Check.equal(root.afterwards, header.correctAfter);
    }

    function _listRoot(bytes8 tag, bytes32[] calldata roots) private pure returns (bytes32) {
        return TensorTree.listRoot(tag, roots.length, Merkle.top(Tags.LIST_NODE, roots));
    }

    /// @dev Whatever follows the last element in its leaf is zero.
    function _checkPadding(bytes calldata leaves, uint256 used) private pure {
        for (uint256 i = used; i < leaves.length; ++i) {
            Check.equal(uint8(leaves[i]), 0);
        }
    }
}
