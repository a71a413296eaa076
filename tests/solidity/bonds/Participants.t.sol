// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondVault} from "../../../contracts/BondVault.sol";
import {Explanations} from "../../../contracts/Explanations.sol";
import {IBondVault} from "../../../contracts/interfaces/IBondVault.sol";
import {SumNode} from "../../../contracts/interfaces/ICourt.sol";
import {Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {IReveals} from "../../../contracts/interfaces/IReveals.sol";
import {PoLRegistry} from "../../../contracts/PoLRegistry.sol";
import {Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice A contract as participant: rejects ETH, burns gas, or calls back when it is paid.
contract Malicious {
    enum Mood {
        Accept,
        Reject,
        BurnGas,
        CollectAgain,
        UnbondAgain,
        FinalizeAgain
    }

    BondVault private immutable vault;
    PoLRegistry private immutable registry;
    Mood public mood;
    bytes32 public id;

    constructor(BondVault vault_, PoLRegistry registry_) {
        vault = vault_;
        registry = registry_;
    }

    function set(Mood mood_) external {
        mood = mood_;
    }

    function deposit(Role role, uint256 amount) external {
        vault.deposit{value: amount}(role);
    }

    function propose(Header calldata header) external returns (bytes32) {
        id = registry.propose(header, type(uint16).max);
        return id;
    }

    function attest(bytes32 blockId) external {
        registry.attest(blockId, type(uint16).max);
    }

    function reveal(IReveals reveals, Header calldata header, bytes32[2][] calldata words) external {
        reveals.revealBits(header, Position(Item.Bits, Tree.Step, 0, 0, 0, 0), words);
    }

    function demand(
        Explanations explanations,
        Header calldata header,
        bytes32[2] calldata words,
        SumNode[] calldata path
    ) external {
        explanations.demand(header, Tree.Before, 0, words, path);
    }

    function unbond(uint256 amount) external {
        vault.unbond(Role.Miner, amount);
    }

    function collect() external {
        vault.collect();
    }

    receive() external payable {
        if (mood == Mood.Reject) revert("no thanks");
        if (mood == Mood.BurnGas) while (true) {}
        if (mood == Mood.CollectAgain) vault.collect();
        if (mood == Mood.UnbondAgain) vault.unbond(Role.Miner, 1);
        if (mood == Mood.FinalizeAgain) registry.finalize(id, id);
    }
}

contract ParticipantsTest is Fixture {
    Malicious private rogue;

    function setUp() public override {
        super.setUp();
        rogue = new Malicious(vault, registry);
        vm.deal(address(rogue), 10 ether);
        rogue.deposit(Role.Miner, 4 ether);
        rogue.deposit(Role.Verifier, 4 ether);
    }

    /// Pitfall 13: a receiver that calls back is paid nothing, and nobody else is touched.
    function test_pitfall_13_reentrant_receiver_is_refused() public {
        rogue.unbond(1 ether);
        uint256 balance = address(vault).balance;
        Malicious.Mood[2] memory moods = [Malicious.Mood.CollectAgain, Malicious.Mood.UnbondAgain];
        for (uint256 i = 0; i < 2; ++i) {
            rogue.set(moods[i]);
            vm.expectRevert(abi.encodeWithSelector(IBondVault.TransferFailed.selector, address(rogue), 1 ether));
            rogue.collect();
        }
        assertEq(address(vault).balance, balance, "balance");
        assertEq(vault.creditOf(address(rogue)), 1 ether, "the credit stays");
    }

    /// Pitfall 13: a receiver that rejects ETH keeps its credit and can take it later.
    function test_pitfall_13_receiver_that_rejects_eth_loses_nothing() public {
        rogue.unbond(1 ether);
        rogue.set(Malicious.Mood.Reject);
        vm.expectRevert(abi.encodeWithSelector(IBondVault.TransferFailed.selector, address(rogue), 1 ether));
        rogue.collect();
        rogue.set(Malicious.Mood.Accept);
        rogue.collect();
        assertEq(address(rogue).balance, 3 ether, "paid");
    }

    /// Pitfall 13, 18: settling a block pays by credit, so no receiver can hold it up.
    function test_pitfall_18_malicious_contract_cannot_stop_settlement() public {
        rogue.set(Malicious.Mood.Reject);
        bytes32 id = rogue.propose(makeHeader(registry.genesisId(), address(rogue), 1));
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id, id);
        registry.settleAttestation(id, VERA);
        assertEq(token.balanceOf(address(rogue)), MINER_REWARD - 2 * ATTESTER_REWARD, "rewarded like anyone");

        bytes32 bad = rogue.propose(makeHeader(id, address(rogue), 2));
        bytes32 good = proposeOn(id, MINER, 3);
        slashAsBounties(bad);
        registry.claimHead(good);
        assertEq(registry.head(), good, "goes on");
    }

    /// Pitfall 18: the bounty of a bad block goes to a challenger that burns all gas when paid: others are not held up.
    function test_pitfall_18_malicious_winner_and_attester_hold_up_nobody() public {
        bytes32 bad = provenSlashed(registry.genesisId(), MINER, 1, address(rogue));
        rogue.set(Malicious.Mood.BurnGas);
        pass(REVEAL);
        registry.forfeitBond(bad);
        assertEq(vault.creditOf(address(rogue)), MINER_BOND / 2, "credited, not sent");
    }

    /// Pitfall 18: who answers or demands by contract is paid by credit too, and cannot hold up the other.
    function test_pitfall_18_malicious_responder_and_demander_hold_up_nobody() public {
        Header memory header = makeHeader(registry.genesisId(), address(rogue), 1);
        bytes32 id = rogue.propose(header);
        demandBits(VERA, id);
        rogue.reveal(reveals, header, bits());
        rogue.demand(explanations, header, bits()[0], bitSiblings(0));
        explain(VICTOR, header, Tree.Before, 0, 1);
        rogue.set(Malicious.Mood.BurnGas);
        attestAll(id);
        pass(WINDOW);
        registry.finalize(id, id);
        demands.settle(id, bitsPosition());
        explanations.settle(id, Tree.Before, 0);
        assertEq(vault.creditOf(address(rogue)), DEMAND_FEE, "credited, not sent");
        assertEq(vault.creditOf(VICTOR), DEMAND_FEE, "paid by it");
    }

    /// Pitfall 18: calling back into the registry while being paid gains nothing.
    function test_pitfall_18_calls_back_into_the_registry_are_harmless() public {
        bytes32 id = rogue.propose(makeHeader(registry.genesisId(), address(rogue), 1));
        attestAll(id);
        pass(WINDOW);
        rogue.unbond(1 ether);
        rogue.set(Malicious.Mood.FinalizeAgain);
        rogue.collect();
        assertStatus(id, Status.Finalized, "finalized once, from inside");
        assertEq(token.balanceOf(address(rogue)), MINER_REWARD - 2 * ATTESTER_REWARD, "one reward");
        assertEq(token.totalSupply(), MINER_REWARD - 2 * ATTESTER_REWARD, "supply");
    }
}
