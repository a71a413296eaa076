// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "./interfaces/IBondVault.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {ICourt, RequirementEvidence} from "./interfaces/ICourt.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {Derivation} from "./lib/Derivation.sol";
import {Eligible} from "./lib/Eligible.sol";
import {TensorTree} from "./lib/TensorTree.sol";
import {Weights} from "./lib/Weights.sol";
import {Block, EvidenceKind, Header, Outcome, Parameters, Role, Status, Task} from "./Types.sol";

/// @title Where blocks are challenged. Evidence ends in a slash or a revert; it never counts for a block.
/// @dev Recomputing a step or an evaluation is absent: those challenges go to the Committee. So is any time limit for
/// proofs: whoever can prove a pending block wrong may do so until it is final. Only disputes must open inside the
/// block's challenge window, since they hold up finality.
contract Court is ICourt {
    struct Commitment {
        uint128 order;
        uint128 l1Block;
    }

    struct Dispute {
        address challenger;
        uint64 deadline;
        Outcome outcome;
        uint256 order;
    }

    struct Bounty {
        address challenger;
        uint64 slashedAt;
        uint256 order;
    }

    IPoLRegistry public immutable registry;
    IBondVault public immutable vault;
    ICommittee public immutable committee;

    mapping(address challenger => mapping(bytes32 commitment => Commitment)) private _commitments;
    mapping(bytes32 blockId => mapping(EvidenceKind kind => Dispute)) private _disputes;
    mapping(bytes32 blockId => Bounty) private _bounties;
    uint128 private _commitmentCount;

    constructor(IPoLRegistry registry_, IBondVault vault_, ICommittee committee_) {
        registry = registry_;
        vault = vault_;
        committee = committee_;
    }

    /// @inheritdoc ICourt
    function commit(bytes32 commitment) external {
        Commitment storage made = _commitments[msg.sender][commitment];
        require(made.order == 0, AlreadyCommitted(msg.sender, commitment));

        made.order = ++_commitmentCount;
        made.l1Block = uint128(block.number);

        emit ChallengeCommitted(msg.sender, commitment, made.order);
    }

    /// @inheritdoc ICourt
    function proveRequirement(Header calldata header, RequirementEvidence calldata evidence, bytes32 salt) external {
        bytes32 blockId = registry.blockIdOf(header);
        uint256 order = _reveal(blockId, EvidenceKind.Requirement, keccak256(abi.encode(evidence)), salt);
        uint256 settlesAt = _settlesAt(blockId);
        require(settlesAt == 0 || block.timestamp < settlesAt, BountySettled(blockId, settlesAt));
        _checkUnmet(blockId, header, evidence);

        emit ChallengeProven(blockId, msg.sender, EvidenceKind.Requirement);
        _convict(blockId, EvidenceKind.Requirement, msg.sender, order);
    }

    /// @inheritdoc ICourt
    function openDispute(bytes32 blockId, EvidenceKind kind, bytes32 salt) external {
        require(kind != EvidenceKind.Requirement, NotDisputable(kind));
        uint256 order = _reveal(blockId, kind, bytes32(0), salt);
        Dispute storage dispute = _disputes[blockId][kind];
        require(dispute.challenger == address(0), AlreadyDisputed(blockId, kind));

        Parameters memory parameters = registry.parameters();
        // counted from the proposal: opening it early must not leave the voters less time to replay
        uint256 deadline =
            uint256(registry.blocks(blockId).proposedAt) + parameters.challengeWindow + parameters.voteWindow;
        dispute.challenger = msg.sender;
        dispute.deadline = uint64(deadline);
        dispute.order = order;

        emit DisputeOpened(blockId, kind, msg.sender, deadline);
        registry.openDispute(blockId); // reverts unless pending and inside the window
        committee.open(disputeId(blockId, kind), deadline);

        vault.lock(msg.sender, Role.Verifier, parameters.challengeBond);
    }

    /// @inheritdoc ICourt
    function settleDispute(bytes32 blockId, EvidenceKind kind) external {
        Dispute storage dispute = _disputes[blockId][kind];
        address challenger = dispute.challenger;
        require(challenger != address(0) && dispute.outcome == Outcome.Open, NoDispute(blockId, kind));
        Outcome outcome = committee.outcome(disputeId(blockId, kind));
        require(outcome != Outcome.Open, DisputeRunning(blockId, kind, dispute.deadline));

        dispute.outcome = outcome;

        emit DisputeSettled(blockId, kind, outcome);
        registry.closeDispute(blockId);
        if (outcome == Outcome.Guilty && _canStillConvict(blockId, dispute.order)) {
            _convict(blockId, kind, challenger, dispute.order);
        }

        uint256 bond = registry.parameters().challengeBond;
        if (outcome == Outcome.NotGuilty && kind != EvidenceKind.Withheld) {
            vault.forfeit(challenger, Role.Verifier, bond, registry.blocks(blockId).miner);
        } else {
            vault.unlock(challenger, Role.Verifier, bond);
        }
    }

    /// @inheritdoc ICourt
    function bountyWinner(bytes32 blockId) external view returns (address) {
        uint256 settlesAt = _settlesAt(blockId);
        require(settlesAt != 0, NotSlashed(blockId));
        require(block.timestamp >= settlesAt, BountyUnsettled(blockId, settlesAt));
        uint256 open = registry.blocks(blockId).openDisputes; // one of them may have been committed to earlier
        require(open == 0, IPoLRegistry.DisputeUnsettled(blockId, open));

        return _bounties[blockId].challenger;
    }

    /// @inheritdoc ICourt
    function commitmentOf(address challenger, bytes32 commitment)
        external
        view
        returns (uint256 order, uint256 l1Block)
    {
        Commitment storage made = _commitments[challenger][commitment];
        return (made.order, made.l1Block);
    }

    /// @inheritdoc ICourt
    function disputeOf(bytes32 blockId, EvidenceKind kind)
        external
        view
        returns (address challenger, uint256 deadline, Outcome outcome)
    {
        Dispute storage dispute = _disputes[blockId][kind];
        return (dispute.challenger, dispute.deadline, dispute.outcome);
    }

    /// @inheritdoc ICourt
    function disputeId(bytes32 blockId, EvidenceKind kind) public pure returns (bytes32) {
        return keccak256(abi.encode(blockId, kind));
    }

    /// @dev First conviction slashes; a later one can only move the bounty to an earlier commitment.
    function _convict(bytes32 blockId, EvidenceKind kind, address challenger, uint256 order) private {
        Bounty storage bounty = _bounties[blockId];
        bool first = _settlesAt(blockId) == 0;
        require(first || order < bounty.order, LaterCommitment(blockId, bounty.order, order));

        bounty.challenger = challenger;
        bounty.order = order;
        if (first) bounty.slashedAt = uint64(block.timestamp);

        emit BountyAssigned(blockId, challenger, order);
        if (first) registry.slash(blockId, kind); // reverts unless pending
    }

    /// @dev A dispute must settle, so it may not run into the reverts of _convict.
    function _canStillConvict(bytes32 blockId, uint256 order) private view returns (bool) {
        if (_settlesAt(blockId) == 0) return registry.blocks(blockId).status == Status.Pending;
        return order < _bounties[blockId].order; // no bounty is paid while a dispute is open
    }

    /// @dev First second in which the bounty can no longer move; 0 if the block is not slashed.
    function _settlesAt(bytes32 blockId) private view returns (uint256) {
        uint256 slashedAt = _bounties[blockId].slashedAt;
        return slashedAt == 0 ? 0 : slashedAt + registry.parameters().revealWindow;
    }

    /// @dev Order of the caller's commitment. It must be of an earlier L1 block: whoever learns of a challenge from its
    /// reveal can only commit after it.
    function _reveal(bytes32 blockId, EvidenceKind kind, bytes32 evidenceHash, bytes32 salt)
        private
        view
        returns (uint256)
    {
        bytes32 commitment = keccak256(abi.encode(msg.sender, blockId, kind, evidenceHash, salt));
        Commitment storage made = _commitments[msg.sender][commitment];
        require(made.order != 0, NotCommitted(msg.sender, commitment));
        require(block.number > made.l1Block, RevealTooEarly(made.l1Block, block.number));

        return made.order;
    }

    /// @dev Derives requirement number `evidence.requirement` of R, opens its weight in W and W', and compares.
    function _checkUnmet(bytes32 blockId, Header calldata header, RequirementEvidence calldata evidence) private view {
        Task memory task = registry.task();
        bytes32 eligibleHash = Eligible.hash(evidence.eligible);
        require(eligibleHash == task.eligibleHash, WrongEligible(task.eligibleHash, eligibleHash));
        Block memory challenged = registry.blocks(blockId);
        require(challenged.status != Status.None, IPoLRegistry.UnknownBlock(blockId));
        require(evidence.requirement < challenged.bits, NoSuchRequirement(evidence.requirement, challenged.bits));

        bytes32 seed =
            Derivation.seed(task.rules, registry.taskId(), header.parent, header.miner, header.preRoot, header.nonce);
        uint32 drawn = Derivation.requirements(seed, challenged.bits, task.eligibleCount)[evidence.requirement];
        (uint32 before, uint32 afterwards) = _openBoth(header, evidence, drawn >> 1);
        bool met = Weights.satisfies(task.rules, before, afterwards, drawn & 1 == 0);
        require(!met, RequirementMet(evidence.requirement, before, afterwards));
    }

    function _openBoth(Header calldata header, RequirementEvidence calldata evidence, uint256 number)
        private
        pure
        returns (uint32 before, uint32 afterwards)
    {
        bytes32 root;
        (uint256 tensor, uint256 element) = Eligible.locate(evidence.eligible, number);
        (root, before) = TensorTree.open(evidence.before, tensor, element);
        require(root == header.preRoot, WrongRoot(header.preRoot, root));
        (root, afterwards) = TensorTree.open(evidence.afterwards, tensor, element);
        require(root == header.postRoot, WrongRoot(header.postRoot, root));
    }
}
