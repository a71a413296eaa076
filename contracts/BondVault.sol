// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "./interfaces/IBondVault.sol";
import {Role} from "./Types.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title All ETH of the system: bonds, free or locked, and credits to be collected.
/// @notice Sum of credits + free and locked bonds = balance. (ETH forced in by a self-destructing contract would only
/// add to the balance; there is no receive function.)
/// @dev What a lock is for is absent: its operators release exactly what they locked. (Of a slashed block's bond, which
/// the registry locked, Demands releases the pay for its answers.) So is moving bonds between accounts or roles:
/// unbond, collect and deposit again.
/// @custom:security-contact SECURITY.md of the repository
contract BondVault is IBondVault, ReentrancyGuardTransient {
    using SafeCast for uint256;

    struct Bond {
        uint128 free;
        uint128 locked;
    }

    /// Where burned ETH goes: sending there runs no code and cannot fail.
    address private constant BURN = address(0);

    address public immutable registry;
    address public immutable demands;
    address public immutable explanations;

    mapping(address account => mapping(Role role => Bond)) private _bonds;
    mapping(address account => uint256 amount) private _credits;
    uint256 private _burned;

    constructor(address registry_, address demands_, address explanations_) {
        registry = registry_;
        demands = demands_;
        explanations = explanations_;
    }

    modifier onlyOperator() {
        bool operator = msg.sender == registry || msg.sender == demands || msg.sender == explanations;
        require(operator, NotOperator(msg.sender));
        _;
    }

    /// @inheritdoc IBondVault
    function deposit(Role role) external payable nonReentrant {
        _deposit(msg.sender, role);
    }

    /// @inheritdoc IBondVault
    function depositFor(address account, Role role) external payable nonReentrant {
        _deposit(account, role);
    }

    /// @inheritdoc IBondVault
    function unbond(Role role, uint256 amount) external nonReentrant {
        require(amount > 0, ZeroAmount());

        _takeFree(msg.sender, role, amount);
        _credits[msg.sender] += amount;

        emit Unbonded(msg.sender, role, amount);
    }

    /// @inheritdoc IBondVault
    function collect() external nonReentrant {
        uint256 amount = _credits[msg.sender];
        require(amount > 0, NothingToCollect(msg.sender));

        _credits[msg.sender] = 0;

        emit Collected(msg.sender, amount);

        _send(msg.sender, amount);
    }

    /// @inheritdoc IBondVault
    function lock(address account, Role role, uint256 amount) external onlyOperator {
        _takeFree(account, role, amount);
        _bonds[account][role].locked += amount.toUint128();

        emit Locked(account, role, amount);
    }

    /// @inheritdoc IBondVault
    function unlock(address account, Role role, uint256 amount) external onlyOperator {
        Bond storage bond = _bonds[account][role];
        bond.locked -= amount.toUint128();
        bond.free += amount.toUint128();

        emit Unlocked(account, role, amount);
    }

    /// @inheritdoc IBondVault
    function forfeit(address account, Role role, uint256 amount, uint256 bounty, address first, address prover)
        external
        onlyOperator
    {
        uint256 paid = Math.min(bounty, amount / 2); // of an odd amount the larger part is burned: 1 wei whole
        uint256 toFirst = first == prover ? 0 : paid / 2;
        uint256 toBurn = amount - paid;

        _bonds[account][role].locked -= amount.toUint128();
        _burned += toBurn;

        emit Forfeited(account, role, amount, toBurn);
        _credit(prover, paid - toFirst);
        _credit(first, toFirst);

        _send(BURN, toBurn);
    }

    /// @inheritdoc IBondVault
    function burn(address account, Role role, uint256 amount) external onlyOperator {
        _bonds[account][role].locked -= amount.toUint128();
        _burned += amount;

        emit Forfeited(account, role, amount, amount);

        _send(BURN, amount);
    }

    /// @inheritdoc IBondVault
    function award(address account, Role role, uint256 amount, address beneficiary) external onlyOperator {
        _bonds[account][role].locked -= amount.toUint128();
        _credits[beneficiary] += amount;

        emit Awarded(account, role, beneficiary, amount);
    }

    /// @inheritdoc IBondVault
    function bondOf(address account, Role role) external view returns (uint256 free, uint256 locked) {
        Bond storage bond = _bonds[account][role];
        return (bond.free, bond.locked);
    }

    /// @inheritdoc IBondVault
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @inheritdoc IBondVault
    function burned() external view returns (uint256) {
        return _burned;
    }

    function _deposit(address account, Role role) private {
        require(msg.value > 0, ZeroAmount());

        _bonds[account][role].free += msg.value.toUint128();

        emit Deposited(account, role, msg.value);
    }

    function _takeFree(address account, Role role, uint256 amount) private {
        Bond storage bond = _bonds[account][role];
        require(amount <= bond.free, InsufficientBond(account, role, bond.free, amount));

        bond.free -= amount.toUint128();
    }

    function _credit(address account, uint256 amount) private {
        if (amount == 0) return;

        _credits[account] += amount;

        emit Credited(account, amount);
    }

    function _send(address to, uint256 amount) private {
        (bool ok,) = to.call{value: amount}("");
        require(ok, TransferFailed(to, amount));
    }
}
