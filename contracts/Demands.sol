// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "./interfaces/IBondVault.sol";
import {IBounties} from "./interfaces/IBounties.sol";
import {Claim, ICourt, SegmentStep, TraceId} from "./interfaces/ICourt.sol";
import {Demand, DemandState, IDemands, Item, Position} from "./interfaces/IDemands.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {Answers} from "./lib/Answers.sol";
import {Check} from "./lib/Check.sol";
import {Segments} from "./lib/Segments.sol";
import {Trace} from "./lib/Trace.sol";
import {Block, EvidenceKind, Header, Parameters, Role, Status, Tree} from "./Types.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Demand and reveal: whatever a miner committed to and does not serve, it must show on L1, or lose its bond.
/// @notice Nobody takes turns: demands only gather what a proof needs, and each stands by itself. Two verifiers may
/// demand the same, so that a friend of the miner cannot occupy a position; one miner's deadlines queue up, so that a
/// flood of demands lengthens the time to answer instead of overwhelming the honest.
/// @dev What answers a demand is in lib/Answers.sol. A demand is only taken for what an honest miner can show, and only
/// while the block is pending. An answer and a time-out can never both be possible: answers come before the deadline,
/// time-outs from it on. Withdrawing a demand is absent.
contract Demands is IDemands {
    using SafeCast for uint256;

    struct FollowUps {
        uint40 answeredAt;
        uint8 late;
    }

    /// Demands of one account about one block after its challenge window; each needs a fresh answer to an earlier one.
    uint256 public constant MAX_LATE = 8;
    /// A queued demand adds this part of the answer window to the miner's queue: the time to send one answer.
    uint256 public constant QUEUE_SHARE = 16;

    IPoLRegistry public immutable registry;
    IBondVault public immutable vault;
    IBounties public immutable bounties;

    mapping(bytes32 demandId => Demand) private _demands;
    mapping(bytes32 blockId => mapping(address demander => FollowUps)) private _followUps;
    mapping(bytes32 blockId => mapping(Tree tree => mapping(uint32 sample => bytes32))) private _evaluationRoots;
    mapping(address miner => uint256 deadline) private _queueEnds;

    constructor(IPoLRegistry registry_, IBondVault vault_, IBounties bounties_) {
        registry = registry_;
        vault = vault_;
        bounties = bounties_;
    }

    /// @inheritdoc IDemands
    function demand(bytes32 blockId, Position calldata position, bytes calldata program)
        external
        returns (bytes32 demandId)
    {
        Block memory demanded = registry.blocks(blockId);
        require(demanded.status != Status.None, IPoLRegistry.UnknownBlock(blockId));
        Parameters memory parameters = registry.parameters();
        _checkPosition(blockId, position, program);
        demandId = demandIdOf(blockId, msg.sender, position);
        require(_demands[demandId].state == DemandState.None, DemandedBefore(demandId));

        _useTime(blockId, uint256(demanded.proposedAt) + parameters.challengeWindow, parameters.answerWindow);
        uint256 deadline = _enqueue(demanded.miner, parameters.answerWindow);
        uint256 order = bounties.takeOrder();
        _demands[demandId] =
            Demand(msg.sender, deadline.toUint40(), order.toUint40(), DemandState.Open, blockId, address(0));

        emit Demanded(blockId, demandId, msg.sender, position, deadline, order);
        registry.openDemand(blockId); // reverts unless pending

        vault.lock(msg.sender, Role.Verifier, parameters.demandFee);
    }

    /// @inheritdoc IDemands
    function revealRoots(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes calldata program,
        bytes32[] calldata roots,
        SegmentStep calldata segment
    ) external {
        (bytes32 blockId, bytes32 demandId) = _requireOpen(header, demander, position, Item.Roots);
        bool explains = !Trace.ofStep(position.tree);
        require(!explains || msg.sender == header.miner, OnlyMinerExplains(header.miner, msg.sender));
        Claim memory claim = _claimOf(header, blockId, position.tree, position.index, segment);
        bytes32 root = Answers.checkRoots(claim, position.tree, registry.programRoot(), program, roots);

        if (explains) _explain(blockId, position, root);
        _answer(blockId, demandId, abi.encode(program, roots));
    }

    /// @inheritdoc IDemands
    function revealNodes(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes calldata program,
        bytes32[] calldata nodes,
        bytes calldata path,
        SegmentStep calldata segment
    ) external {
        (bytes32 blockId, bytes32 demandId) = _requireOpen(header, demander, position, Item.Nodes);
        Claim memory claim = _claimOf(header, blockId, position.tree, position.index, segment);
        Answers.checkNodes(claim, registry.programRoot(), position, program, nodes, path);

        _answer(blockId, demandId, abi.encode(program, nodes, path));
    }

    /// @inheritdoc IDemands
    function revealLeaves(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes calldata program,
        bytes calldata opening,
        SegmentStep calldata segment
    ) external {
        (bytes32 blockId, bytes32 demandId) = _requireOpen(header, demander, position, Item.Leaves);
        Claim memory claim = _claimOf(header, blockId, position.tree, position.index, segment);
        Answers.checkLeaves(claim, registry.programRoot(), position, program, opening);

        _answer(blockId, demandId, abi.encode(program, opening));
    }

    /// @inheritdoc IDemands
    function revealBits(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes32[2][] calldata words
    ) external {
        (bytes32 blockId, bytes32 demandId) = _requireOpen(header, demander, position, Item.Bits);
        Answers.checkBits(header, words, registry.testCount());

        _answer(blockId, demandId, abi.encode(words));
    }

    /// @inheritdoc IDemands
    function revealSteps(
        Header calldata header,
        address demander,
        Position calldata position,
        bytes32[] calldata hashes
    ) external {
        (bytes32 blockId, bytes32 demandId) = _requireOpen(header, demander, position, Item.Steps);
        Check.equal(hashes.length, registry.trainingSteps());
        Check.sameRoot(Segments.root(hashes), header.segmentRoot);

        _answer(blockId, demandId, abi.encode(hashes));
    }

    /// @inheritdoc IDemands
    function expire(bytes32 blockId, address demander, Position calldata position) external {
        bytes32 demandId = demandIdOf(blockId, demander, position);
        Demand storage made = _demands[demandId];
        require(made.state == DemandState.Open, NoOpenDemand(demandId));
        require(block.timestamp >= made.deadline, DeadlineAhead(demandId, made.deadline, block.timestamp));

        made.state = DemandState.Expired;

        emit DemandExpired(blockId, demandId, demander);
        bool unexplained = !Trace.ofStep(position.tree); // what lies behind an explanation is its miner's alone too
        EvidenceKind kind = unexplained ? EvidenceKind.Unexplained : EvidenceKind.Withheld;
        bounties.convictSilent(blockId, kind, demander, made.order);
    }

    /// @inheritdoc IDemands
    function settle(bytes32 demandId) external {
        Demand memory made = _demands[demandId];
        require(made.state != DemandState.None && made.state != DemandState.Settled, NoOpenDemand(demandId));
        Status outcome = registry.blocks(made.blockId).status;
        require(outcome > Status.Pending, DemandUnsettled(demandId));
        bool slashed = outcome == Status.Slashed;
        if (slashed && made.state == DemandState.Open) bounties.winners(made.blockId); // reverts until they are settled
        bool paid = made.state == DemandState.Answered && !slashed;
        uint256 fee = registry.parameters().demandFee;

        _demands[demandId].state = DemandState.Settled;

        emit DemandSettled(made.blockId, demandId, paid ? made.responder : made.demander, fee);

        if (paid) vault.award(made.demander, Role.Verifier, fee, made.responder);
        else vault.unlock(made.demander, Role.Verifier, fee);
    }

    /// @inheritdoc IDemands
    function claimOf(Header calldata header, TraceId calldata trace, SegmentStep calldata segment)
        external
        view
        returns (Claim memory claim)
    {
        claim = _claimOf(header, registry.blockIdOf(header), trace.tree, trace.index, segment);
        require(claim.traceRoot != bytes32(0), ICourt.NotExplained(trace));
    }

    /// @inheritdoc IDemands
    function evaluationRoot(bytes32 blockId, Tree tree, uint32 sample) external view returns (bytes32) {
        return _evaluationRoots[blockId][tree][sample];
    }

    /// @inheritdoc IDemands
    function queueEnd(address miner) external view returns (uint256) {
        return _queueEnds[miner];
    }

    /// @inheritdoc IDemands
    function followUps(bytes32 blockId, address demander) external view returns (uint256 answeredAt, uint256 late) {
        FollowUps storage made = _followUps[blockId][demander];
        return (made.answeredAt, made.late);
    }

    /// @inheritdoc IDemands
    function demands(bytes32 demandId) external view returns (Demand memory) {
        return _demands[demandId];
    }

    /// @inheritdoc IDemands
    function demandIdOf(bytes32 blockId, address demander, Position calldata position) public pure returns (bytes32) {
        return keccak256(abi.encode(blockId, demander, position));
    }

    /// @dev Reverts if it is too late to demand; counts the demand if it is late.
    function _useTime(bytes32 blockId, uint256 windowEnd, uint256 answerWindow) private {
        if (block.timestamp < windowEnd) return;
        FollowUps storage made = _followUps[blockId][msg.sender];
        uint256 closedAt = made.answeredAt == 0 ? windowEnd : Math.max(windowEnd, made.answeredAt + answerWindow);
        require(block.timestamp < closedAt, TooLateToDemand(blockId, closedAt, block.timestamp));
        require(made.late < MAX_LATE, TooManyLateDemands(blockId, msg.sender, MAX_LATE));

        made.late += 1;
    }

    /// @dev The deadline of a further demand about a miner's blocks.
    function _enqueue(address miner, uint256 answerWindow) private returns (uint256 deadline) {
        uint256 queued = _queueEnds[miner] + Math.max(answerWindow / QUEUE_SHARE, 1);
        deadline = Math.max(block.timestamp + answerWindow, queued);

        _queueEnds[miner] = deadline;
    }

    /// @dev The first explanation of a sample stands.
    function _explain(bytes32 blockId, Position calldata position, bytes32 root) private {
        (Tree tree, uint32 sample) = (position.tree, position.index);
        bytes32 known = _evaluationRoots[blockId][tree][sample];
        require(known == bytes32(0) || known == root, WrongAnswer(known, root));
        if (known == root) return;

        _evaluationRoots[blockId][tree][sample] = root;

        emit Explained(blockId, tree, sample, root);
    }

    /// @dev The caller has shown what was demanded, which is told encoded anew: calldata can be written in ways that other
    /// decoders refuse. The block is held while the answer is fresh.
    function _answer(bytes32 blockId, bytes32 demandId, bytes memory shown) private {
        Demand storage made = _demands[demandId];
        made.state = DemandState.Answered;
        made.responder = msg.sender;
        _followUps[blockId][made.demander].answeredAt = uint40(block.timestamp);

        emit Revealed(blockId, demandId, msg.sender, shown);
        registry.closeDemand(blockId, block.timestamp + registry.parameters().answerWindow); // reverts unless pending
    }

    function _requireOpen(Header calldata header, address demander, Position calldata position, Item item)
        private
        view
        returns (bytes32 blockId, bytes32 demandId)
    {
        require(position.item == item, WrongItem(item, position.item));
        blockId = registry.blockIdOf(header);
        demandId = demandIdOf(blockId, demander, position);
        Demand storage made = _demands[demandId];
        require(made.state == DemandState.Open, NoOpenDemand(demandId));
        require(block.timestamp < made.deadline, DeadlinePassed(demandId, made.deadline, block.timestamp));
    }

    /// @dev What a block claims of a trace; a trace root of 0 where the miner has not explained an evaluation.
    function _claimOf(Header calldata header, bytes32 blockId, Tree tree, uint32 index, SegmentStep calldata segment)
        private
        view
        returns (Claim memory)
    {
        if (tree == Tree.Segment) return Segments.claimOf(registry, header, index, segment);
        Check.equal(segment.parent.length + segment.entries.length + segment.path.length, 0);
        if (tree == Tree.Step) return Claim(header.preRoot, header.postRoot, header.traceRoot);
        bytes32 state = tree == Tree.Before ? header.preRoot : header.postRoot;
        return Claim(state, bytes32(0), _evaluationRoots[blockId][tree][index]);
    }

    /// @dev Reverts for what no miner could show. A field that means nothing for the item must be 0, so that nothing can
    /// be demanded under two names.
    function _checkPosition(bytes32 blockId, Position calldata position, bytes calldata program) private view {
        (Item item, Tree tree) = (position.item, position.tree);
        bool tensors = item == Item.Nodes || item == Item.Leaves;
        bool exists = position.index < _tracesOf(tree);
        exists = exists && (item < Item.Bits || tree == Tree.Step);
        exists = exists && (item != Item.Steps || registry.trainingSteps() > 0);
        exists = exists && (tensors || position.tensor == 0) && (item == Item.Leaves || position.group == 0);
        require(exists, NoSuchPosition(position));
        if (!tensors) return;

        bool explained = Trace.ofStep(tree) || _evaluationRoots[blockId][tree][position.index] != bytes32(0);
        require(explained, NotYetExplained(blockId, tree, position.index));
        Answers.checkPosition(position, registry.programRoot(), program);
    }

    /// @dev How many traces of this kind a block has.
    function _tracesOf(Tree tree) private view returns (uint256) {
        if (tree == Tree.Step) return 1;
        return tree == Tree.Segment ? registry.trainingSteps() : registry.testCount();
    }
}
