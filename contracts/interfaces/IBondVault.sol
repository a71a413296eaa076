// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Role} from "../Types.sol";

/// @title All ETH of the system. Sum of credits + free and locked bonds = contract balance, always.
interface IBondVault {
    event Deposited(address indexed account, Role indexed role, uint256 amount);
    event Unbonded(address indexed account, Role indexed role, uint256 amount);
    event Locked(address indexed account, Role indexed role, uint256 amount);
    event Unlocked(address indexed account, Role indexed role, uint256 amount);
    event Forfeited(
        address indexed account, Role indexed role, address indexed beneficiary, uint256 burned, uint256 awarded
    );
    event Collected(address indexed account, uint256 amount);
    event Frozen(address indexed account, uint256 until);

    error NotOperator(address sender);
    error InsufficientBond(address account, Role role, uint256 free, uint256 needed);
    error NothingToCollect(address account);
    error BondFrozen(address account, uint256 until);
    error TransferFailed(address account, uint256 amount);
    error ZeroAmount();

    /// @notice Adds msg.value to the caller's free bond.
    function deposit(Role role) external payable;

    /// @notice Turns free bond into credit (pull payment: collect() sends it).
    function unbond(Role role, uint256 amount) external;

    /// @notice Sends the caller's whole credit.
    function collect() external;

    // Operators only (registry, court, committee; fixed at construction).
    function lock(address account, Role role, uint256 amount) external;
    function unlock(address account, Role role, uint256 amount) external;
    /// @notice Takes a locked bond: ceil(half) is burned, the rest credited to the beneficiary.
    function forfeit(address account, Role role, uint256 amount, address beneficiary) external;
    /// @notice Keeps a verifier's bond from being unbonded before `until` (it voted).
    function freeze(address account, uint256 until) external;

    function bondOf(address account, Role role) external view returns (uint256 free, uint256 locked);
    /// @notice free + locked of a verifier.
    function stakeOf(address verifier) external view returns (uint256);
    /// @notice Sum of stakeOf over all verifiers.
    function totalStake() external view returns (uint256);
    function creditOf(address account) external view returns (uint256);
    /// @notice When the verifier last deposited; newer stake has no vote in disputes opened before.
    function bondedAt(address verifier) external view returns (uint256);
    function frozenUntil(address account) external view returns (uint256);
    function burned() external view returns (uint256);
}
