// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "./interfaces/IBondVault.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {Outcome} from "./Types.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Majority of bonded verifier stake, until the Court can recompute arithmetic itself. Built to be deleted.
/// @dev Only stake bonded before a vote opened counts, in the vote and in the total it is measured against. Such stake
/// can only shrink afterwards, so a majority once reached stays, and nobody can buy into a vote that runs; who adds to
/// its stake while a vote runs cannot take part in it. Fresh stake cannot leave before every vote it diluted has ended
/// (BondVault). Delegation, changing a vote and paying voters are absent.
contract Committee is ICommittee {
    using SafeCast for uint256;

    struct Ballot {
        uint64 openedAt;
        uint64 deadline;
        uint128 total;
        uint128 guilty;
        uint128 notGuilty;
    }

    address public immutable court;
    IBondVault public immutable vault;

    mapping(bytes32 disputeId => Ballot) private _ballots;
    mapping(bytes32 disputeId => mapping(address verifier => bool)) private _voted;

    constructor(address court_, IBondVault vault_) {
        court = court_;
        vault = vault_;
    }

    /// @inheritdoc ICommittee
    function open(bytes32 disputeId, uint256 deadline) external {
        require(msg.sender == court, NotCourt(msg.sender));

        _ballots[disputeId] = Ballot({
            openedAt: uint64(block.timestamp),
            deadline: deadline.toUint64(),
            total: vault.totalStake().toUint128(),
            guilty: 0,
            notGuilty: 0
        });
    }

    /// @inheritdoc ICommittee
    function vote(bytes32 disputeId, bool guilty) external {
        Ballot storage ballot = _ballot(disputeId);
        require(block.timestamp < ballot.deadline, VotingClosed(disputeId, ballot.deadline));
        require(!_voted[disputeId][msg.sender], AlreadyVoted(disputeId, msg.sender));
        uint256 weight = vault.stakeOf(msg.sender);
        require(weight > 0, NoStake(msg.sender));
        uint256 bondedAt = vault.bondedAt(msg.sender);
        require(bondedAt < ballot.openedAt, StakeTooNew(msg.sender, bondedAt, ballot.openedAt));

        _voted[disputeId][msg.sender] = true;
        if (guilty) ballot.guilty += weight.toUint128();
        else ballot.notGuilty += weight.toUint128();

        emit Voted(disputeId, msg.sender, guilty, weight);

        vault.freeze(msg.sender, ballot.deadline);
    }

    /// @inheritdoc ICommittee
    function outcome(bytes32 disputeId) external view returns (Outcome) {
        Ballot storage ballot = _ballot(disputeId);
        if (2 * uint256(ballot.guilty) > ballot.total) return Outcome.Guilty;
        if (2 * uint256(ballot.notGuilty) > ballot.total) return Outcome.NotGuilty;
        return block.timestamp < ballot.deadline ? Outcome.Open : Outcome.Undecided;
    }

    function _ballot(bytes32 disputeId) private view returns (Ballot storage ballot) {
        ballot = _ballots[disputeId];
        require(ballot.deadline != 0, NoSuchDispute(disputeId));
    }
}
