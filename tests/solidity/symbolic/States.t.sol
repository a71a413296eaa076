// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondVault} from "../../../contracts/BondVault.sol";
import {BlockLifecycle} from "../../../contracts/lib/BlockLifecycle.sol";
import {Block, Role, Status} from "../../../contracts/Types.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice The cheat code of halmos that is used.
interface Svm {
    function enableSymbolicStorage(address account) external;
}

Svm constant svm = Svm(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

/// @notice One block in any state that storage can hold.
contract LifecycleHarness {
    using BlockLifecycle for Block;

    Block private self;

    function slash() external {
        self.slash(0);
    }

    function finalize(uint256 window, uint256 quorum) external {
        self.finalize(0, window, quorum);
    }

    function orphan(uint256 window, bool aboveSlashed) external {
        self.orphan(0, window, aboveSlashed);
    }

    function propose(Block memory fresh) external {
        self.propose(fresh, 0);
    }

    function openDemand() external {
        self.openDemand(0);
    }

    function closeDemand(uint40 heldUntil) external {
        self.closeDemand(0, heldUntil);
    }

    function get() external view returns (Block memory) {
        return self;
    }
}

/// @title What holds of every state and every call, not only of those that a fuzzer meets.
/// @notice `make symbolic`: halmos takes each `check_` function's arguments, and the storage of the contracts that it
/// names, as unknowns, and looks for values that break an assertion. forge runs none of these.
/// @dev Storage is any at all: each rule holds whatever came before, so it is an induction step. Absent are rules over
/// loops (ancestry, fork choice): Finality.t.sol has those for a small tree, Invariants.t.sol plays histories.
contract SymbolicLifecycle {
    LifecycleHarness private block_;

    function setUp() public {
        block_ = new LifecycleHarness();
        svm.enableSymbolicStorage(address(block_));
    }

    /// No arrow leads out of a final state, whatever is called.
    function check_final_states_are_final(uint8 call, uint256 window, uint256 quorum, bool above, uint40 held)
        external
    {
        Block memory before = block_.get();
        vm.assume(before.status > Status.Pending);

        bool done = _call(call, window, quorum, above, held);

        assert(!done);
        assert(block_.get().status == before.status);
    }

    /// What becomes final was pending, judged, and attested to.
    function check_finalize_asks_for_all_of_its_conditions(uint40 time, uint256 window, uint256 quorum) external {
        vm.warp(time);
        Block memory before = block_.get();
        vm.assume(window <= type(uint32).max);

        block_.finalize(window, quorum);

        _assertJudged(before, window);
        assert(before.attestations >= quorum);
        assert(block_.get().status == Status.Finalized);
    }

    /// Losing a race saves nobody from judgement.
    function check_orphan_waits_for_judgement(uint40 time, uint256 window, bool above) external {
        vm.warp(time);
        Block memory before = block_.get();
        vm.assume(window <= type(uint32).max);

        block_.orphan(window, above);

        _assertJudged(before, window);
    }

    /// A slash has no other condition than that the block is pending; and it always succeeds then.
    function check_a_pending_block_can_always_be_slashed() external {
        Block memory before = block_.get();

        (bool done,) = address(block_).call(abi.encodeCall(LifecycleHarness.slash, ()));

        assert(done == (before.status == Status.Pending));
    }

    /// An answer never shortens the time for which a block is held.
    function check_answers_only_prolong_the_hold(uint40 held) external {
        Block memory before = block_.get();

        block_.closeDemand(held);

        Block memory afterwards = block_.get();
        assert(afterwards.heldUntil >= before.heldUntil && afterwards.heldUntil >= held);
        assert(afterwards.openDemands + 1 == before.openDemands);
    }

    function _assertJudged(Block memory before, uint256 window) private view {
        assert(before.status == Status.Pending);
        assert(block.timestamp >= before.proposedAt + window);
        assert(before.openDemands == 0 && block.timestamp >= before.heldUntil);
    }

    function _call(uint8 call, uint256 window, uint256 quorum, bool above, uint40 held) private returns (bool done) {
        bytes memory data;
        Block memory fresh;
        if (call == 0) data = abi.encodeCall(LifecycleHarness.slash, ());
        else if (call == 1) data = abi.encodeCall(LifecycleHarness.finalize, (window, quorum));
        else if (call == 2) data = abi.encodeCall(LifecycleHarness.orphan, (window, above));
        else if (call == 3) data = abi.encodeCall(LifecycleHarness.openDemand, ());
        else if (call == 4) data = abi.encodeCall(LifecycleHarness.closeDemand, (held));
        else data = abi.encodeCall(LifecycleHarness.propose, (fresh));
        (done,) = address(block_).call(data);
    }
}

/// @title The vault moves ETH and never makes any: from any state, every call leaves balance less debts as it was.
contract SymbolicVault {
    // which accounts they are makes no difference: storage at their keys is unknown
    address private constant ONE = address(0x11);
    address private constant TWO = address(0x22);
    address private constant THREE = address(0x33);

    BondVault private vault;

    function setUp() public {
        vault = new BondVault(address(this), address(this), address(this));
        svm.enableSymbolicStorage(address(vault));
        vm.deal(address(vault), 1 << 80); // forfeit and collect send
    }

    function check_lock_keeps_the_sum(uint8 role, uint256 amount) external {
        uint256 debts = _debts();
        vault.lock(ONE, _role(role), amount);
        assert(_debts() == debts);
    }

    function check_unlock_keeps_the_sum(uint8 role, uint256 amount) external {
        uint256 debts = _debts();
        vault.unlock(ONE, _role(role), amount);
        assert(_debts() == debts);
    }

    function check_award_keeps_the_sum(uint8 role, uint256 amount) external {
        uint256 debts = _debts();
        vault.award(ONE, _role(role), amount, TWO);
        assert(_debts() == debts);
    }

    function check_unbond_keeps_the_sum(uint8 role, uint256 amount) external {
        uint256 debts = _debts();
        vm.prank(ONE);
        vault.unbond(_role(role), amount);
        assert(_debts() == debts);
    }

    function check_deposits_are_owed(uint8 role, uint96 amount) external {
        (uint256 debts, uint256 balance) = (_debts(), address(vault).balance);
        vm.deal(ONE, amount);
        vm.prank(ONE);
        vault.deposit{value: amount}(_role(role));
        assert(_debts() - debts == amount && address(vault).balance - balance == amount);
    }

    /// Whoever pays into another account's bond has no claim to it.
    function check_deposits_for_others_are_owed_to_them(uint8 role, uint96 amount) external {
        (uint256 debts, uint256 debt, uint256 payers) = (_debts(), _debt(TWO), _debt(ONE));
        vm.deal(ONE, amount);
        vm.prank(ONE);
        vault.depositFor{value: amount}(TWO, _role(role));
        assert(_debts() - debts == amount && _debt(TWO) - debt == amount && _debt(ONE) == payers);
    }

    function check_collect_pays_what_is_owed_once() external {
        (uint256 debts, uint256 balance, uint256 credit) = (_debts(), address(vault).balance, vault.creditOf(ONE));
        vm.prank(ONE);
        vault.collect();
        assert(debts - _debts() == credit && balance - address(vault).balance == credit);
        assert(vault.creditOf(ONE) == 0);
    }

    /// At least half of what is forfeited leaves the system, in the smallest unit too, and the vault pays no more than
    /// it took.
    function check_forfeit_burns_at_least_half(uint8 role, uint256 amount, uint256 bounty) external {
        (uint256 debts, uint256 balance, uint256 burned) = (_debts(), address(vault).balance, vault.burned());
        vault.forfeit(ONE, _role(role), amount, bounty, TWO, THREE);
        uint256 left = balance - address(vault).balance;
        assert(debts - _debts() == left && vault.burned() - burned == left);
        assert(left >= amount - left);
    }

    /// The same where prover, first and loser are one: who accuses itself.
    function check_forfeit_to_oneself_burns_at_least_half(uint8 role, uint256 amount, uint256 bounty) external {
        (uint256 debts, uint256 balance) = (_debts(), address(vault).balance);
        vault.forfeit(ONE, _role(role), amount, bounty, ONE, ONE);
        uint256 left = balance - address(vault).balance;
        assert(debts - _debts() == left && left >= amount - left);
    }

    function check_burn_takes_all(uint8 role, uint256 amount) external {
        (uint256 debts, uint256 balance) = (_debts(), address(vault).balance);
        vault.burn(ONE, _role(role), amount);
        assert(debts - _debts() == amount && balance - address(vault).balance == amount);
    }

    /// Nobody but the operators moves what is bonded.
    function check_strangers_move_nothing(address stranger, uint8 role, uint256 amount) external {
        vm.assume(stranger != address(this));
        vm.prank(stranger);
        (bool locked,) = address(vault).call(abi.encodeCall(BondVault.lock, (ONE, _role(role), amount)));
        vm.prank(stranger);
        (bool awarded,) = address(vault).call(abi.encodeCall(BondVault.award, (ONE, _role(role), amount, TWO)));
        vm.prank(stranger);
        (bool burned,) = address(vault).call(abi.encodeCall(BondVault.burn, (ONE, _role(role), amount)));
        vm.prank(stranger);
        (bool taken,) =
            address(vault).call(abi.encodeCall(BondVault.forfeit, (ONE, _role(role), amount, amount, TWO, THREE)));
        assert(!locked && !awarded && !burned && !taken);
    }

    function _role(uint8 role) private pure returns (Role) {
        return role & 1 == 0 ? Role.Miner : Role.Verifier;
    }

    /// What the vault owes the three accounts.
    function _debts() private view returns (uint256 sum) {
        sum = _debt(ONE) + _debt(TWO) + _debt(THREE);
    }

    function _debt(address account) private view returns (uint256 sum) {
        (uint256 free, uint256 locked) = vault.bondOf(account, Role.Miner);
        (uint256 free2, uint256 locked2) = vault.bondOf(account, Role.Verifier);
        uint256 credit = vault.creditOf(account);
        vm.assume(credit < 1 << 200); // more than there is ETH
        return free + locked + free2 + locked2 + credit;
    }
}
