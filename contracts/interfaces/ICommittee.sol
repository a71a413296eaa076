// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Outcome} from "../Types.sol";

/// @title Majority of bonded verifier stake, until the Court can recompute arithmetic itself. Built to be deleted.
interface ICommittee {
    event Voted(bytes32 indexed disputeId, address indexed verifier, bool guilty, uint256 weight);

    error NotCourt(address sender);
    error NoSuchDispute(bytes32 disputeId);
    error VotingClosed(bytes32 disputeId, uint256 deadline);
    error AlreadyVoted(bytes32 disputeId, address verifier);
    error NoStake(address verifier);
    error StakeTooNew(address verifier, uint256 bondedAt, uint256 openedAt);

    /// @notice Opens a vote. Only the Court.
    function open(bytes32 disputeId, uint256 deadline) external;

    /// @notice Votes with the caller's whole stake, which stays bonded until the deadline. Only stake whose last
    /// deposit came before the dispute has a vote.
    function vote(bytes32 disputeId, bool guilty) external;

    /// @notice Guilty or NotGuilty as soon as more than half of the verifier stake bonded when the vote opened says
    /// so; Undecided from the deadline on; else Open.
    function outcome(bytes32 disputeId) external view returns (Outcome);
}
