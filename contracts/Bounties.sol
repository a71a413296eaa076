// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "./interfaces/IBounties.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {EvidenceKind} from "./Types.sol";

/// @title Commit and reveal: who gets the bounty of a slashed block.
/// @notice Commitments and demands are numbered in one order. A block's bounty is shared by the lowest number that is
/// shown to have been right about it, and by whoever brought it down: the order defeats the thief who copies a proof
/// from the mempool, and the prover's share leaves no more than a quarter of the bond to a miner who committed against
/// its own block in advance.
/// @dev Judges only convict: an acquittal is absent, since evidence that proves nothing reverts. So is a deposit for
/// commitments: one that is never shown says nothing to anybody.
contract Bounties is IBounties {
    struct Commitment {
        uint128 order;
        uint128 l1Block;
    }

    /// One slot, since most blocks are proven wrong by one party alone.
    struct Bounty {
        address first;
        uint40 slashedAt;
        uint40 order;
        bool spares; // attesters: so far the block was only shown to be wrong in what its miner alone could tell
    }

    IPoLRegistry public immutable registry;
    address public immutable court;
    address public immutable demands;

    mapping(address challenger => mapping(bytes32 commitment => Commitment)) private _commitments;
    mapping(bytes32 blockId => Bounty) private _bounties;
    mapping(bytes32 blockId => address prover) private _provers; // only where another one is first
    uint40 private _lastOrder;

    constructor(IPoLRegistry registry_, address court_, address demands_) {
        registry = registry_;
        court = court_;
        demands = demands_;
    }

    /// @inheritdoc IBounties
    function commit(bytes32 commitment) external {
        Commitment storage made = _commitments[msg.sender][commitment];
        require(made.order == 0, AlreadyCommitted(msg.sender, commitment));

        uint40 order = ++_lastOrder;
        made.order = order;
        made.l1Block = uint128(block.number);

        emit ChallengeCommitted(msg.sender, commitment, order);
    }

    /// @inheritdoc IBounties
    /// @dev The commitment must be of an earlier L1 block: whoever learns of a proof from its reveal can only commit
    /// after it.
    function convict(bytes32 blockId, EvidenceKind kind, address challenger, bytes32 callHash) external {
        require(msg.sender == court, NotJudge(msg.sender));
        bytes32 commitment = keccak256(abi.encode(challenger, callHash));
        Commitment memory made = _commitments[challenger][commitment];
        require(made.order != 0, NotCommitted(challenger, commitment));
        require(block.number > made.l1Block, RevealTooEarly(made.l1Block, block.number));

        _convict(blockId, kind, challenger, made.order);
    }

    /// @inheritdoc IBounties
    function convictSilent(bytes32 blockId, EvidenceKind kind, address demander, uint256 order) external {
        require(msg.sender == demands, NotJudge(msg.sender));

        _convict(blockId, kind, demander, order);
    }

    /// @inheritdoc IBounties
    function takeOrder() external returns (uint256 order) {
        require(msg.sender == demands, NotJudge(msg.sender));

        return ++_lastOrder;
    }

    /// @inheritdoc IBounties
    function winners(bytes32 blockId) external view returns (address first, address prover) {
        first = _settled(blockId).first;
        prover = _provers[blockId];
        if (prover == address(0)) prover = first;
    }

    /// @inheritdoc IBounties
    function sparesAttesters(bytes32 blockId) external view returns (bool) {
        return _settled(blockId).spares;
    }

    /// @inheritdoc IBounties
    function commitmentOf(address challenger, bytes32 commitment)
        external
        view
        returns (uint256 order, uint256 l1Block)
    {
        Commitment storage made = _commitments[challenger][commitment];
        return (made.order, made.l1Block);
    }

    /// @dev The first conviction slashes. A later one can move the bounty to an earlier order, or take the prover's share
    /// by blaming the attesters, whom the first one spared: else a miner with accomplices would explain some sample
    /// falsely, have that proven first, and so save their bonds whatever else is wrong.
    function _convict(bytes32 blockId, EvidenceKind kind, address challenger, uint256 order) private {
        Bounty memory held = _bounties[blockId];
        if (held.slashedAt == 0) return _slash(blockId, kind, challenger, order);

        uint256 settlesAt = _settlesAt(held);
        require(block.timestamp < settlesAt, BountySettled(blockId, settlesAt));
        bool blames = held.spares && _blames(kind);
        bool earlier = order < held.order;
        require(earlier || blames, LaterCommitment(blockId, held.order, order));

        if (blames) _provers[blockId] = challenger;
        else if (_provers[blockId] == address(0)) _provers[blockId] = held.first;
        if (blames) held.spares = false;
        // forge-lint: disable-next-line(unsafe-typecast): orders are drawn from a uint40
        if (earlier) (held.first, held.order) = (challenger, uint40(order));
        _bounties[blockId] = held;

        emit BountyAssigned(blockId, challenger, kind, order);
    }

    function _slash(bytes32 blockId, EvidenceKind kind, address challenger, uint256 order) private {
        // forge-lint: disable-next-line(unsafe-typecast): orders are drawn from a uint40
        _bounties[blockId] = Bounty(challenger, uint40(block.timestamp), uint40(order), _spares(kind));

        emit BountyAssigned(blockId, challenger, kind, order);
        registry.slash(blockId, kind); // reverts unless pending
    }

    /// @dev The bounty of a slashed block, once it can no longer move.
    function _settled(bytes32 blockId) private view returns (Bounty memory bounty) {
        bounty = _bounties[blockId];
        require(bounty.slashedAt != 0, NotSlashed(blockId));
        uint256 settlesAt = _settlesAt(bounty);
        require(block.timestamp >= settlesAt, BountyUnsettled(blockId, settlesAt));
    }

    /// @dev How a sample was evaluated its miner alone tells, after others have attested.
    function _spares(EvidenceKind kind) private pure returns (bool) {
        return kind == EvidenceKind.Unexplained || kind == EvidenceKind.Evaluation;
    }

    /// @dev What attesters could see. Not what was withheld: once a block is slashed nothing can be shown any more.
    function _blames(EvidenceKind kind) private pure returns (bool) {
        return !_spares(kind) && kind != EvidenceKind.Withheld;
    }

    /// @dev First second in which the bounty can no longer move.
    function _settlesAt(Bounty memory bounty) private view returns (uint256) {
        return uint256(bounty.slashedAt) + registry.parameters().revealWindow;
    }
}
