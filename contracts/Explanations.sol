// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "./interfaces/IBondVault.sol";
import {IBounties} from "./interfaces/IBounties.sol";
import {Claim, SumNode, TraceId} from "./interfaces/ICourt.sol";
import {IDemands, Item, Position} from "./interfaces/IDemands.sol";
import {Explanation, ExplanationState, IExplanations, SpeakerState} from "./interfaces/IExplanations.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {AccuracyTree} from "./lib/AccuracyTree.sol";
import {Answers} from "./lib/Answers.sol";
import {Check} from "./lib/Check.sol";
import {Deadlines} from "./lib/Deadlines.sol";
import {Headers} from "./lib/Headers.sol";
import {Trace} from "./lib/Trace.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "./Types.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title How test samples are evaluated: what a block's bits stand on, and nobody's trees hold.
/// @notice No tree commits to the evaluations: they are thousands. What a sample's is follows from the block's states,
/// so whoever has these may explain, and answers for it with a bond of its own. So a false explanation frames nobody,
/// and a right block falls only if nobody at all speaks for it.
/// @dev One explanation stands at a time: a walk must know whose trace it goes down. Giving false ones delays the block
/// by a walk for each bond.
/// @custom:security-contact SECURITY.md of the repository
contract Explanations is IExplanations {
    struct Speaker {
        SpeakerState state;
        Role role;
        uint40 fallenAt; // when its bond was taken
    }

    IPoLRegistry public immutable registry;
    IBondVault public immutable vault;
    IBounties public immutable bounties;
    IDemands public immutable demands;
    address public immutable court;

    mapping(bytes32 blockId => mapping(Tree tree => mapping(uint32 sample => Explanation))) private _explanations;
    mapping(bytes32 blockId => mapping(address author => Speaker)) private _speakers;
    /// Which evaluation an account demanded last of a block.
    mapping(bytes32 blockId => mapping(address demander => TraceId)) private _lastDemanded;

    constructor(IPoLRegistry registry_, IBondVault vault_, IBounties bounties_, IDemands demands_, address court_) {
        registry = registry_;
        vault = vault_;
        bounties = bounties_;
        demands = demands_;
        court = court_;
    }

    /// @inheritdoc IExplanations
    function demand(
        Header calldata header,
        Tree tree,
        uint32 sample,
        bytes32[2] calldata words,
        SumNode[] calldata siblings
    ) external {
        bytes32 blockId = Headers.idOf(registry.taskId(), header);
        require(!Trace.ofStep(tree) && sample < registry.testCount(), NoSuchEvaluation(tree, sample));
        Deadlines.checkTime(registry, blockId, _bitsShownAt(blockId));
        Explanation storage made = _explanations[blockId][tree][sample];
        require(made.state == ExplanationState.None, ExplanationDemandedBefore(blockId, tree, sample));
        _requireNoneOpen(blockId);

        made.bit = _claimedBit(header, tree, sample, words, siblings);
        made.demander = msg.sender;
        made.deadline = Deadlines.next(registry);
        made.order = uint40(bounties.takeOrder()); // forge-lint: disable-line(unsafe-typecast): drawn from a uint40
        made.state = ExplanationState.Open;
        _lastDemanded[blockId][msg.sender] = TraceId(tree, sample);

        emit ExplanationDemanded(blockId, tree, sample, msg.sender, made.deadline, made.order, made.bit);
        registry.openDemand(blockId); // reverts unless pending

        vault.lock(msg.sender, Role.Verifier, registry.demandFee());
    }

    /// @inheritdoc IExplanations
    function hasten(bytes32 blockId, Tree tree, uint32 sample) external {
        Explanation storage made = _requireOpen(blockId, tree, sample);
        uint40 deadline = Deadlines.again(registry, blockId);
        require(deadline < made.deadline, ExplanationDeadlineStands(blockId, made.deadline));

        made.deadline = deadline;

        emit ExplanationMoved(blockId, tree, sample, deadline);
    }

    /// @inheritdoc IExplanations
    function explain(
        Header calldata header,
        Tree tree,
        uint32 sample,
        bytes calldata program,
        bytes32[] calldata roots,
        Role role
    ) external {
        bytes32 blockId = Headers.idOf(registry.taskId(), header);
        Explanation storage made = _requireOpen(blockId, tree, sample);
        require(block.timestamp < made.deadline, ExplanationTooLate(blockId, made.deadline, block.timestamp));
        Claim memory claim = Trace.evaluation(header, tree, bytes32(0));
        bytes32 traceRoot = Answers.checkRoots(claim, tree, registry.programRoot(), program, roots);

        SpeakerState state = _speakers[blockId][msg.sender].state;
        require(state != SpeakerState.Fallen, SpeakerFallen(blockId, msg.sender));

        if (state == SpeakerState.None) _speakers[blockId][msg.sender] = Speaker(SpeakerState.Bonded, role, 0);
        made.state = ExplanationState.Explained;
        (made.author, made.explainedAt) = (msg.sender, SafeCast.toUint40(block.timestamp));
        made.traceRoot = traceRoot;

        emit Explained(blockId, tree, sample, msg.sender, traceRoot, abi.encode(program, roots));
        registry.closeDemand(blockId, true); // reverts unless pending

        if (state == SpeakerState.None) vault.lock(msg.sender, role, registry.attestBond());
    }

    /// @inheritdoc IExplanations
    function refute(bytes32 blockId, TraceId calldata trace, address challenger, bytes32 callHash) external {
        require(msg.sender == court, NotCourt(msg.sender));
        bounties.requireCommitted(challenger, callHash);
        (address author, bool bonded) = _fall(blockId, trace.tree, trace.index, challenger);

        if (!bonded) return;
        uint256 bond = registry.attestBond();
        vault.forfeit(author, _speakers[blockId][author].role, bond, bond / 2, challenger, challenger);
    }

    /// @inheritdoc IExplanations
    function refuteSilent(bytes32 blockId, Tree tree, uint32 sample) external {
        require(msg.sender == address(demands), IPoLRegistry.NotDemands(msg.sender));
        (address author, bool bonded) = _fall(blockId, tree, sample, address(0));

        if (bonded) vault.burn(author, _speakers[blockId][author].role, registry.attestBond());
    }

    /// @inheritdoc IExplanations
    function reopen(bytes32 blockId, Tree tree, uint32 sample) external {
        address author = _explanations[blockId][tree][sample].author;
        Speaker storage speaker = _speakers[blockId][author];
        require(speaker.state == SpeakerState.Fallen, NotFallen(blockId, author));

        _fall(blockId, tree, sample, address(0));
    }

    /// @inheritdoc IExplanations
    function expire(bytes32 blockId, Tree tree, uint32 sample) external {
        Explanation storage made = _requireOpen(blockId, tree, sample);
        require(block.timestamp >= made.deadline, ExplanationTooEarly(blockId, made.deadline, block.timestamp));

        made.state = ExplanationState.Expired;

        emit ExplanationExpired(blockId, tree, sample);
        bounties.convictSilent(blockId, EvidenceKind.Unexplained, made.demander, made.order);
    }

    /// @inheritdoc IExplanations
    function settle(bytes32 blockId, Tree tree, uint32 sample) external {
        Explanation storage made = _explanations[blockId][tree][sample];
        ExplanationState state = made.state;
        bool known = state != ExplanationState.None && state != ExplanationState.Settled;
        require(known, NoOpenExplanation(blockId, tree, sample));
        (Status outcome,,) = registry.fateOf(blockId);
        require(outcome > Status.Pending, ExplanationUnsettled(blockId, tree, sample));
        bool slashed = outcome == Status.Slashed;
        if (slashed && state == ExplanationState.Open) bounties.winners(blockId); // reverts until they are settled
        bool fallen = _speakers[blockId][made.author].state == SpeakerState.Fallen;
        bool paid = state == ExplanationState.Explained && !slashed && !fallen;
        uint256 fee = registry.demandFee();

        made.state = ExplanationState.Settled;

        emit ExplanationSettled(blockId, tree, sample, paid ? made.author : made.demander, fee);

        if (paid) vault.award(made.demander, Role.Verifier, fee, made.author);
        else vault.unlock(made.demander, Role.Verifier, fee);
    }

    /// @inheritdoc IExplanations
    function release(bytes32 blockId, address author) external {
        Speaker storage speaker = _speakers[blockId][author];
        (Status outcome,,) = registry.fateOf(blockId);
        bool due = outcome > Status.Pending && speaker.state == SpeakerState.Bonded;
        require(due, NothingToRelease(blockId, author));

        speaker.state = SpeakerState.Released;

        emit SpeakerReleased(blockId, author);

        vault.unlock(author, speaker.role, registry.attestBond());
    }

    /// @inheritdoc IExplanations
    function rootOf(bytes32 blockId, Tree tree, uint32 sample) external view returns (bytes32) {
        return _explanations[blockId][tree][sample].traceRoot;
    }

    /// @inheritdoc IExplanations
    function requireStanding(bytes32 blockId, Tree tree, uint32 sample, bytes32 traceRoot)
        external
        view
        returns (uint256)
    {
        Explanation storage made = _explanations[blockId][tree][sample];
        bool stands = made.state == ExplanationState.Explained && made.traceRoot == traceRoot;
        stands = stands && _speakers[blockId][made.author].state != SpeakerState.Fallen;
        require(stands, NotStanding(blockId, tree, sample));
        return made.explainedAt;
    }

    /// @inheritdoc IExplanations
    function vouched(bytes32 blockId, Tree tree, uint32 sample, bytes32 traceRoot, uint40 deadline)
        external
        view
        returns (bool)
    {
        Explanation storage made = _explanations[blockId][tree][sample];
        bool answerable = deadline >= uint256(made.explainedAt) + registry.answerWindow();
        return made.traceRoot == traceRoot && answerable && _speakers[blockId][made.author].state != SpeakerState.Fallen;
    }

    /// @inheritdoc IExplanations
    function speakerOf(bytes32 blockId, address author) external view returns (SpeakerState, Role) {
        Speaker storage speaker = _speakers[blockId][author];
        return (speaker.state, speaker.role);
    }

    /// @inheritdoc IExplanations
    function explanationOf(bytes32 blockId, Tree tree, uint32 sample) external view returns (Explanation memory) {
        return _explanations[blockId][tree][sample];
    }

    /// @dev The standing explanation falls, its author with it, and the time for the next one begins. What is left to
    /// do, if the author's bond was locked until now, is to take it; if it had fallen before, the time for that is
    /// limited: else each of its explanations would hold the block up in turn.
    function _fall(bytes32 blockId, Tree tree, uint32 sample, address challenger)
        private
        returns (address author, bool bonded)
    {
        Explanation storage made = _explanations[blockId][tree][sample];
        require(made.state == ExplanationState.Explained, NotStanding(blockId, tree, sample));
        author = made.author;
        Speaker storage speaker = _speakers[blockId][author];
        bonded = speaker.state == SpeakerState.Bonded;
        if (bonded) (speaker.state, speaker.fallenAt) = (SpeakerState.Fallen, SafeCast.toUint40(block.timestamp));
        else Deadlines.checkTime(registry, blockId, speaker.fallenAt);
        uint40 deadline = Deadlines.next(registry);

        (made.state, made.deadline) = (ExplanationState.Open, deadline);
        (made.author, made.traceRoot) = (address(0), bytes32(0));

        emit ExplanationRefuted(blockId, tree, sample, author, challenger, deadline);
        registry.openDemand(blockId); // reverts unless pending
    }

    /// @dev One evaluation at a time, like one demand: whoever wants more shown waits, or pays from more accounts.
    function _requireNoneOpen(bytes32 blockId) private view {
        TraceId memory last = _lastDemanded[blockId][msg.sender];
        Explanation storage made = _explanations[blockId][last.tree][last.index];
        bool open = made.state == ExplanationState.Open && made.demander == msg.sender;
        require(!open, ExplanationUnderWay(blockId, last.tree, last.index));
    }

    function _requireOpen(bytes32 blockId, Tree tree, uint32 sample) private view returns (Explanation storage made) {
        made = _explanations[blockId][tree][sample];
        require(made.state == ExplanationState.Open, NoOpenExplanation(blockId, tree, sample));
    }

    /// @dev When the block's bits were shown on L1. Until then nobody need know what they are.
    function _bitsShownAt(bytes32 blockId) private view returns (uint256 shownAt) {
        bytes32 bits = demands.demandIdOf(blockId, Position(Item.Bits, Tree.Step, 0, 0, 0, 0));
        shownAt = demands.answeredAt(bits);
        require(shownAt != 0, IDemands.NotYetShown(bits));
    }

    /// @dev What the block claims of the sample. Its bits were shown, so the whole tree is well-formed: one root to
    /// compare.
    function _claimedBit(
        Header calldata header,
        Tree tree,
        uint32 sample,
        bytes32[2] calldata words,
        SumNode[] calldata siblings
    ) private pure returns (bool) {
        SumNode memory leaf = AccuracyTree.leaf(words);
        bytes32 root = AccuracyTree.climb(leaf, sample / AccuracyTree.LEAF_SAMPLES, siblings).hash;
        Check.sameRoot(root, header.evalRoot);
        uint256 word = uint256(words[tree == Tree.Before ? 0 : 1]);
        return (word >> (255 - sample % AccuracyTree.LEAF_SAMPLES)) & 1 == 1;
    }
}
