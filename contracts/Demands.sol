// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "./interfaces/IBondVault.sol";
import {IBounties} from "./interfaces/IBounties.sol";
import {Demand, DemandState, IDemands, Item, Position} from "./interfaces/IDemands.sol";
import {IExplanations} from "./interfaces/IExplanations.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {Answers} from "./lib/Answers.sol";
import {Deadlines} from "./lib/Deadlines.sol";
import {Trace} from "./lib/Trace.sol";
import {EvidenceKind, Role, Status, Tree} from "./Types.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Demands: whatever a miner committed to and does not serve, it must show on L1, or lose its bond.
/// @notice Demands are walks. What is honest can be computed by all, so a demander knows the value that it expects, and
/// each demand names the child of what was shown that differs from it: as many steps as the trees are deep. A position
/// is demanded and answered once, so nobody pays twice for an answer, and no friend of the miner can occupy one.
/// @dev What answers a demand is in Reveals.sol, when it is due in lib/Deadlines.sol. A demand is only taken for what
/// an honest miner can show, and only while the block is pending. An answer and a time-out can never both be
/// possible: answers come before the deadline, time-outs from it on. Withdrawing a demand is absent. So are the roots
/// of evaluations, which others may show than committed to them: Explanations.
/// @custom:security-contact SECURITY.md of the repository
contract Demands is IDemands {
    /// This part of a miner's bond, at most, pays those who answered for its slashed block.
    uint256 private constant PAY_SHARE = 8;

    IPoLRegistry public immutable registry;
    IBondVault public immutable vault;
    IBounties public immutable bounties;
    IExplanations public immutable explanations;
    address public immutable reveals;

    mapping(bytes32 demandId => Demand) private _demands;
    mapping(bytes32 blockId => mapping(address demander => bytes32 demandId)) private _walks;
    mapping(bytes32 blockId => uint256) private _answers; // that are paid from its bond if it is slashed

    constructor(
        IPoLRegistry registry_,
        IBondVault vault_,
        IBounties bounties_,
        IExplanations explanations_,
        address reveals_
    ) {
        registry = registry_;
        vault = vault_;
        bounties = bounties_;
        explanations = explanations_;
        reveals = reveals_;
    }

    /// @inheritdoc IDemands
    function demand(bytes32 blockId, Position calldata position, bytes calldata program)
        external
        returns (bytes32 demandId)
    {
        _checkPosition(position);
        Deadlines.checkTime(registry, blockId, _parentShownAt(blockId, position, program));
        demandId = _idOf(blockId, position);
        require(_demands[demandId].state == DemandState.None, DemandedBefore(demandId));
        bytes32 walk = _walks[blockId][msg.sender];
        Demand storage last = _demands[walk]; // one that ended may have been made anew, by another
        require(last.state != DemandState.Open || last.demander != msg.sender, WalkUnderWay(walk));

        uint40 deadline = Deadlines.next(registry);
        uint256 order = bounties.takeOrder();
        // forge-lint: disable-next-line(unsafe-typecast): orders are drawn from a uint40
        _demands[demandId] = Demand(msg.sender, deadline, uint40(order), DemandState.Open, address(0), 0);
        _walks[blockId][msg.sender] = demandId;

        emit Demanded(blockId, demandId, msg.sender, position, deadline, order);
        registry.openDemand(blockId); // reverts unless pending

        vault.lock(msg.sender, Role.Verifier, registry.demandFee());
    }

    /// @inheritdoc IDemands
    function hasten(bytes32 blockId, Position calldata position) external {
        bytes32 demandId = _idOf(blockId, position);
        Demand storage made = _demands[demandId];
        require(made.state == DemandState.Open, NoOpenDemand(demandId));
        uint40 deadline = Deadlines.again(registry, blockId);
        require(deadline < made.deadline, DeadlineStands(demandId, made.deadline));

        made.deadline = deadline;

        emit DeadlineMoved(blockId, demandId, deadline);
    }

    /// @inheritdoc IDemands
    function answer(bytes32 blockId, Position calldata position, address responder)
        external
        returns (bytes32 demandId)
    {
        require(msg.sender == reveals, NotReveals(msg.sender));
        demandId = _idOf(blockId, position);
        Demand storage made = _demands[demandId];
        require(made.state == DemandState.Open, NoOpenDemand(demandId));
        require(block.timestamp < made.deadline, DeadlinePassed(demandId, made.deadline, block.timestamp));
        bool stands = _vouched(blockId, position, made.deadline);
        require(stands, IExplanations.NotStanding(blockId, position.tree, position.index));
        (, address miner,) = registry.fateOf(blockId);

        made.state = DemandState.Answered;
        made.responder = responder;
        made.answeredAt = SafeCast.toUint40(block.timestamp);
        if (_counts(position, responder, miner)) _answers[blockId] += 1;

        registry.closeDemand(blockId, true); // reverts unless pending; the block is held while the answer is fresh
    }

    /// @inheritdoc IDemands
    function expire(bytes32 blockId, Position calldata position) external {
        bytes32 demandId = _idOf(blockId, position);
        Demand storage made = _demands[demandId];
        require(made.state == DemandState.Open, NoOpenDemand(demandId));
        bool stands = _vouched(blockId, position, made.deadline);
        bool due = block.timestamp >= made.deadline;
        require(due || !stands, DeadlineAhead(demandId, made.deadline, block.timestamp));

        emit DemandExpired(blockId, demandId, made.demander);
        if (position.explanation != bytes32(0)) return _endWithExplanation(blockId, demandId, position, stands);
        made.state = DemandState.Expired;
        bounties.convictSilent(blockId, EvidenceKind.Withheld, made.demander, made.order);
    }

    /// @inheritdoc IDemands
    function settle(bytes32 blockId, Position calldata position) external {
        bytes32 demandId = _idOf(blockId, position);
        Demand memory made = _demands[demandId];
        require(made.state != DemandState.None && made.state != DemandState.Settled, NoOpenDemand(demandId));
        (Status outcome, address miner,) = registry.fateOf(blockId);
        bool slashed = outcome == Status.Slashed;
        bool answered = made.state == DemandState.Answered;
        bool paid = answered && !slashed && _vouched(blockId, position, made.deadline);
        // while the block is pending only what was answered below an explanation that fell: nobody is owed that fee
        require(outcome > Status.Pending || (answered && !paid), DemandUnsettled(demandId));
        if (slashed && made.state == DemandState.Open) bounties.winners(blockId); // reverts until they are settled
        uint256 fee = registry.demandFee();

        _demands[demandId].state = DemandState.Settled;

        emit DemandSettled(blockId, demandId, paid ? made.responder : made.demander, fee);

        if (paid) vault.award(made.demander, Role.Verifier, fee, made.responder);
        else vault.unlock(made.demander, Role.Verifier, fee);
        if (!answered || !slashed || !_counts(position, made.responder, miner)) return;
        vault.award(miner, Role.Miner, _payEach(blockId), made.responder);
    }

    /// @inheritdoc IDemands
    function answersPay(bytes32 blockId) external view returns (uint256) {
        uint256 count = _answers[blockId];
        return count == 0 ? 0 : count * _payEach(blockId);
    }

    /// @inheritdoc IDemands
    function answeredAt(bytes32 demandId) external view returns (uint256) {
        return _demands[demandId].answeredAt;
    }

    /// @inheritdoc IDemands
    function demands(bytes32 demandId) external view returns (Demand memory) {
        return _demands[demandId];
    }

    /// @inheritdoc IDemands
    function demandIdOf(bytes32 blockId, Position calldata position) external pure returns (bytes32) {
        return _idOf(blockId, position);
    }

    /// @dev The demand ends with the explanation that it was about, which falls now if it has not yet. The record goes:
    /// if the same explanation is given again, the same can be demanded again.
    function _endWithExplanation(bytes32 blockId, bytes32 demandId, Position calldata position, bool stands) private {
        address demander = _demands[demandId].demander;
        uint256 fee = registry.demandFee();
        delete _demands[demandId];

        emit DemandSettled(blockId, demandId, demander, fee);
        registry.closeDemand(blockId, false); // reverts unless pending
        if (stands) explanations.refuteSilent(blockId, position.tree, position.index);

        vault.unlock(demander, Role.Verifier, fee);
    }

    /// @dev Whether what a demand is about stands: of an explanation, whether its author still answers for it.
    function _vouched(bytes32 blockId, Position calldata position, uint40 deadline) private view returns (bool) {
        bytes32 explanation = position.explanation;
        if (explanation == bytes32(0)) return true;
        return explanations.vouched(blockId, position.tree, position.index, explanation, deadline);
    }

    /// @dev Whether an answer is paid from the bond of its block, if that is slashed: those about an explanation are
    /// its author's affair.
    function _counts(Position calldata position, address responder, address miner) private pure returns (bool) {
        return responder != miner && position.explanation == bytes32(0);
    }

    /// @dev When the position's parent was shown; 0 if it hangs on the header. Reverts if it was not shown yet, or for
    /// a tensor or a group of leaves that does not exist.
    function _parentShownAt(bytes32 blockId, Position calldata position, bytes calldata program)
        private
        view
        returns (uint256 shownAt)
    {
        (Item item, Tree tree) = (position.item, position.tree);
        if (item == Item.Bits || item == Item.Steps) return 0;
        if (item == Item.Roots) return tree == Tree.Step ? 0 : _shownAt(blockId, Item.Steps, Tree.Step, 0, 0, 0);

        (uint32 index, uint32 tensor, bytes32 explanation) = (position.index, position.tensor, position.explanation);
        uint256 leaves = Answers.checkPosition(position, registry.programRoot(), program);
        bool below = item == Item.Leaves && leaves > Answers.LEAF_GROUP; // the tensor's nodes
        if (below) shownAt = _shownAt(blockId, Item.Nodes, tree, index, tensor, explanation);
        // what was shown of an explanation is as fresh as the explanation: the same one may have been given again
        if (!Trace.ofStep(tree)) {
            return Math.max(shownAt, explanations.requireStanding(blockId, tree, index, explanation));
        }
        return below ? shownAt : _shownAt(blockId, Item.Roots, tree, index, 0, 0);
    }

    /// @dev When a position, of the first group of leaves if of any, was shown.
    function _shownAt(bytes32 blockId, Item item, Tree tree, uint32 index, uint32 tensor, bytes32 explanation)
        private
        view
        returns (uint256 shownAt)
    {
        bytes32 demandId = _idOf(blockId, Position(item, tree, index, tensor, 0, explanation));
        shownAt = _demands[demandId].answeredAt;
        require(shownAt != 0, NotYetShown(demandId));
    }

    /// @dev What an answer about a slashed block is paid.
    function _payEach(bytes32 blockId) private view returns (uint256) {
        return Math.min(registry.demandFee(), registry.minerBond() / PAY_SHARE / _answers[blockId]);
    }

    /// @dev Reverts for what no miner could show. A field that means nothing for the item must be 0, so that nothing
    /// can be demanded under two names.
    function _checkPosition(Position calldata position) private view {
        (Item item, Tree tree) = (position.item, position.tree);
        bool tensors = item == Item.Nodes || item == Item.Leaves;
        bool evaluates = !Trace.ofStep(tree);
        bool exists = position.index < _tracesOf(tree);
        exists = exists && (tensors || (!evaluates && position.tensor == 0)) && (item < Item.Bits || tree == Tree.Step);
        exists = exists && (item != Item.Steps || registry.trainingSteps() > 0);
        exists = exists && (item == Item.Leaves || position.group == 0);
        require(exists && (evaluates || position.explanation == bytes32(0)), NoSuchPosition(position));
    }

    /// @dev How many traces of this kind a block has.
    function _tracesOf(Tree tree) private view returns (uint256) {
        if (tree == Tree.Step) return 1;
        return tree == Tree.Segment ? registry.trainingSteps() : registry.testCount();
    }

    /// @dev Of a position in memory, so that one encoder serves for all.
    function _idOf(bytes32 blockId, Position memory position) private pure returns (bytes32) {
        return keccak256(abi.encode(blockId, position));
    }
}
