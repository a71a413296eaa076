// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Role} from "../Types.sol";

/// @title All ETH of the system. Sum of credits + free and locked bonds = contract balance, always.
/// @dev Every event that moves wei says how much, so balances can be folded from them alone. Free bonds: + Deposited,
/// - Unbonded, - Locked, + Unlocked. Locked bonds: + Locked, - Unlocked, - Forfeited (amount), - Awarded. Credits:
/// + Unbonded, + Credited, + Awarded (of the beneficiary), - Collected. Burned: + Forfeited (burned).
interface IBondVault {
    event Deposited(address indexed account, Role indexed role, uint256 amount);
    event Unbonded(address indexed account, Role indexed role, uint256 amount);
    event Locked(address indexed account, Role indexed role, uint256 amount);
    event Unlocked(address indexed account, Role indexed role, uint256 amount);
    /// A locked bond was taken: so much of it is burned, and Credited events say who got the rest, if there is any.
    event Forfeited(address indexed account, Role indexed role, uint256 amount, uint256 burned);
    /// A share of a forfeited bond.
    event Credited(address indexed account, uint256 amount);
    /// A locked bond became the credit of the beneficiary, whole.
    event Awarded(address indexed account, Role indexed role, address indexed beneficiary, uint256 amount);
    event Collected(address indexed account, uint256 amount);

    error NotOperator(address sender);
    error InsufficientBond(address account, Role role, uint256 free, uint256 needed);
    error NothingToCollect(address account);
    error TransferFailed(address account, uint256 amount);
    error ZeroAmount();

    /// @notice Adds msg.value to the caller's free bond.
    function deposit(Role role) external payable;

    /// @notice Adds msg.value to somebody's free bond: only that account can take it out again.
    function depositFor(address account, Role role) external payable;

    /// @notice Turns free bond into credit (pull payment: collect() sends it).
    function unbond(Role role, uint256 amount) external;

    /// @notice Sends the caller's whole credit.
    function collect() external;

    // Operators only (registry, Demands and Explanations; fixed at construction).
    function lock(address account, Role role, uint256 amount) external;
    function unlock(address account, Role role, uint256 amount) external;

    /// @notice Takes a locked bond. Of the bounty, which is never more than half, the prover is credited ceil(half),
    /// and `first` what remains; who is both gets both. All else is burned.
    function forfeit(address account, Role role, uint256 amount, uint256 bounty, address first, address prover) external;

    /// @notice Takes a locked bond and burns it, whole.
    function burn(address account, Role role, uint256 amount) external;

    /// @notice Turns a locked bond into the beneficiary's credit, whole.
    function award(address account, Role role, uint256 amount, address beneficiary) external;

    function bondOf(address account, Role role) external view returns (uint256 free, uint256 locked);
    function creditOf(address account) external view returns (uint256);
    function burned() external view returns (uint256);
}
