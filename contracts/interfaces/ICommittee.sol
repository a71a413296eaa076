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

    /// @notice Opens a vote. Only the Court.
    function open(bytes32 disputeId, uint256 deadline) external;

    /// @notice Votes with the caller's whole stake, which stays bonded until the deadline.
    function vote(bytes32 disputeId, bool guilty) external;

    /// @notice Guilty or NotGuilty as soon as more than half of all bonded verifier stake says so; Undecided when the
    /// deadline has passed without; else Open.
    function outcome(bytes32 disputeId) external view returns (Outcome);
}
