// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "./interfaces/IBounties.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {EvidenceKind} from "./Types.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Commit and reveal: who gets the bounty of a slashed block.
/// @notice Commitments and demands are numbered in one order. A block's bounty is shared by the lowest number that is
/// shown to have been right about it, and by whoever brought it down: the order defeats the thief who copies a proof
/// from the mempool, and the prover's share leaves no more than a quarter of the bond to a miner who committed against
/// its own block in advance.
/// @dev Judges only convict: an acquittal is absent, since evidence that proves nothing reverts. So is a deposit for
/// commitments: one that is never shown says nothing to anybody.
/// @custom:security-contact SECURITY.md of the repository
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
        bool lapsed; // slashed for silence, and not proven wrong since
    }

    IPoLRegistry public immutable registry;
    address public immutable court;
    address public immutable demands;
    address public immutable explanations;

    mapping(address challenger => mapping(bytes32 commitment => Commitment)) private _commitments;
    mapping(bytes32 blockId => Bounty) private _bounties;
    mapping(bytes32 blockId => address prover) private _provers; // only where another one is first
    uint40 private _lastOrder;

    constructor(IPoLRegistry registry_, address court_, address demands_, address explanations_) {
        registry = registry_;
        court = court_;
        demands = demands_;
        explanations = explanations_;
    }

    modifier onlyClocks() {
        require(msg.sender == demands || msg.sender == explanations, NotJudge(msg.sender));
        _;
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
    function convict(bytes32 blockId, EvidenceKind kind, address challenger, bytes32 callHash) external {
        require(msg.sender == court, NotJudge(msg.sender));

        _convict(blockId, kind, challenger, requireCommitted(challenger, callHash), false);
    }

    /// @inheritdoc IBounties
    function convictSilent(bytes32 blockId, EvidenceKind kind, address demander, uint256 order) external onlyClocks {
        _convict(blockId, kind, demander, order, true);
    }

    /// @inheritdoc IBounties
    function takeOrder() external onlyClocks returns (uint256 order) {
        return ++_lastOrder;
    }

    /// @inheritdoc IBounties
    function winners(bytes32 blockId) external view returns (address first, address prover, bool lapsed) {
        Bounty memory bounty = _bounties[blockId];
        require(bounty.slashedAt != 0, NotSlashed(blockId));
        uint256 settlesAt = _settlesAt(bounty);
        require(block.timestamp >= settlesAt, BountyUnsettled(blockId, settlesAt));

        (first, prover, lapsed) = (bounty.first, _provers[blockId], bounty.lapsed);
        if (prover == address(0)) prover = first;
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

    /// @inheritdoc IBounties
    function requireCommitted(address challenger, bytes32 callHash) public view returns (uint256 order) {
        bytes32 commitment = keccak256(abi.encode(challenger, callHash));
        Commitment memory made = _commitments[challenger][commitment];
        require(made.order != 0, NotCommitted(challenger, commitment));
        require(block.number > made.l1Block, RevealTooEarly(made.l1Block, block.number));
        return made.order;
    }

    /// @dev The first conviction slashes. A later one can move the bounty to an earlier order.
    function _convict(bytes32 blockId, EvidenceKind kind, address challenger, uint256 order, bool silent) private {
        Bounty memory held = _bounties[blockId];
        if (held.slashedAt == 0) return _slash(blockId, kind, challenger, order, silent);

        uint256 settlesAt = _settlesAt(held);
        require(block.timestamp < settlesAt, BountySettled(blockId, settlesAt));
        require(order < held.order, LaterCommitment(blockId, held.order, order));

        if (_provers[blockId] == address(0)) _provers[blockId] = held.first;
        // forge-lint: disable-next-line(unsafe-typecast): orders are drawn from a uint40
        _bounties[blockId] = Bounty(challenger, held.slashedAt, uint40(order), held.lapsed && silent);

        emit BountyAssigned(blockId, challenger, kind, order);
    }

    function _slash(bytes32 blockId, EvidenceKind kind, address challenger, uint256 order, bool silent) private {
        // forge-lint: disable-next-line(unsafe-typecast): orders are drawn from a uint40
        _bounties[blockId] = Bounty(challenger, SafeCast.toUint40(block.timestamp), uint40(order), silent);

        emit BountyAssigned(blockId, challenger, kind, order);
        registry.slash(blockId, kind); // reverts unless pending
    }

    /// @dev First second in which the bounty can no longer move.
    function _settlesAt(Bounty memory bounty) private view returns (uint256) {
        return uint256(bounty.slashedAt) + registry.revealWindow();
    }
}
