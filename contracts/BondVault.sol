// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBondVault} from "./interfaces/IBondVault.sol";
import {IPoLRegistry} from "./interfaces/IPoLRegistry.sol";
import {Parameters, Role} from "./Types.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title All ETH of the system: bonds, free or locked, and credits to be collected.
/// @notice Sum of credits + free and locked bonds = balance. (ETH forced in by a self-destructing contract would only
/// add to the balance; there is no receive function.)
/// @dev What a lock is for is absent: registry and Court release exactly what they locked. So is moving bonds between
/// accounts or roles: unbond, collect and deposit again.
contract BondVault is IBondVault, ReentrancyGuardTransient {
    using SafeCast for uint256;

    struct Bond {
        uint128 free;
        uint128 locked;
    }

    struct Clock {
        uint64 bondedAt; // last deposit of a verifier
        uint64 frozenUntil;
    }

    /// Where burned ETH goes: sending there runs no code and cannot fail.
    address private constant BURN = address(0);

    address public immutable registry;
    address public immutable court;
    address public immutable committee;

    mapping(address account => mapping(Role role => Bond)) private _bonds;
    mapping(address account => uint256 amount) private _credits;
    mapping(address verifier => Clock) private _clocks;
    uint256 private _totalStake;
    uint256 private _burned;

    constructor(address registry_, address court_, address committee_) {
        registry = registry_;
        court = court_;
        committee = committee_;
    }

    modifier onlyOperator() {
        require(msg.sender == registry || msg.sender == court, NotOperator(msg.sender));
        _;
    }

    /// @inheritdoc IBondVault
    function deposit(Role role) external payable nonReentrant {
        require(msg.value > 0, ZeroAmount());

        _bonds[msg.sender][role].free += msg.value.toUint128();
        if (role == Role.Verifier) _bondStake();

        emit Deposited(msg.sender, role, msg.value);
    }

    /// @inheritdoc IBondVault
    function unbond(Role role, uint256 amount) external nonReentrant {
        require(amount > 0, ZeroAmount());
        if (role == Role.Verifier) {
            uint256 until = _clocks[msg.sender].frozenUntil;
            require(block.timestamp >= until, BondFrozen(msg.sender, until));
        }

        _takeFree(msg.sender, role, amount);
        _credits[msg.sender] += amount;
        if (role == Role.Verifier) _totalStake -= amount;

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
    function forfeit(address account, Role role, uint256 amount, address beneficiary) external onlyOperator {
        uint256 awarded = amount / 2; // of an odd amount the burned part is the larger one: 1 wei is burned whole
        uint256 toBurn = amount - awarded;

        _bonds[account][role].locked -= amount.toUint128();
        if (role == Role.Verifier) _totalStake -= amount;
        _credits[beneficiary] += awarded;
        _burned += toBurn;

        emit Forfeited(account, role, beneficiary, toBurn, awarded);

        _send(BURN, toBurn);
    }

    /// @inheritdoc IBondVault
    function freeze(address account, uint256 until) external {
        require(msg.sender == committee, NotOperator(msg.sender));
        if (until <= _clocks[account].frozenUntil) return;

        _clocks[account].frozenUntil = until.toUint64();

        emit Frozen(account, until);
    }

    /// @inheritdoc IBondVault
    function bondOf(address account, Role role) external view returns (uint256 free, uint256 locked) {
        Bond storage bond = _bonds[account][role];
        return (bond.free, bond.locked);
    }

    /// @inheritdoc IBondVault
    function stakeOf(address verifier) external view returns (uint256) {
        Bond storage bond = _bonds[verifier][Role.Verifier];
        return uint256(bond.free) + bond.locked;
    }

    /// @inheritdoc IBondVault
    function totalStake() external view returns (uint256) {
        return _totalStake;
    }

    /// @inheritdoc IBondVault
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @inheritdoc IBondVault
    function bondedAt(address verifier) external view returns (uint256) {
        return _clocks[verifier].bondedAt;
    }

    /// @inheritdoc IBondVault
    function frozenUntil(address account) external view returns (uint256) {
        return _clocks[account].frozenUntil;
    }

    /// @inheritdoc IBondVault
    function burned() external view returns (uint256) {
        return _burned;
    }

    /// @dev Fresh stake stays for as long as a dispute can last: borrowed for a transaction it could dilute every vote.
    function _bondStake() private {
        Parameters memory parameters = IPoLRegistry(registry).parameters();
        uint256 until = block.timestamp + parameters.challengeWindow + parameters.voteWindow;
        Clock storage clock = _clocks[msg.sender];

        _totalStake += msg.value;
        clock.bondedAt = uint64(block.timestamp);
        if (until > clock.frozenUntil) clock.frozenUntil = until.toUint64();

        emit Frozen(msg.sender, clock.frozenUntil);
    }

    function _takeFree(address account, Role role, uint256 amount) private {
        Bond storage bond = _bonds[account][role];
        require(amount <= bond.free, InsufficientBond(account, role, bond.free, amount));

        bond.free -= amount.toUint128();
    }

    function _send(address to, uint256 amount) private {
        (bool ok,) = to.call{value: amount}("");
        require(ok, TransferFailed(to, amount));
    }
}
