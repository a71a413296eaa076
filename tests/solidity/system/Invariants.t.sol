// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Demand, DemandState} from "../../../contracts/interfaces/IDemands.sol";
import {Explanation, ExplanationState, SpeakerState} from "../../../contracts/interfaces/IExplanations.sol";
import {Difficulty} from "../../../contracts/lib/Difficulty.sol";
import {Block, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Fixture} from "../fixtures/Fixture.sol";
import {Handler} from "./Handler.sol";

/// @notice What forge asks a test contract for, to know which functions to call.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 150
/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: bench.invariant.runs = 10000
/// forge-config: bench.invariant.depth = 50
/// forge-config: bench.invariant.fail-on-revert = true
contract InvariantsTest is Fixture {
    Handler private handler;

    function setUp() public override {
        handler = new Handler();
        handler.setUp();
        (registry, vault, token, demands, explanations) = handler.system();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[25] memory all = [
            Handler.doPropose.selector, // four times as often as the rest
            Handler.doPropose.selector,
            Handler.doPropose.selector,
            Handler.doPropose.selector,
            Handler.doAttest.selector,
            Handler.doProve.selector,
            Handler.doDemand.selector,
            Handler.doDemand.selector,
            Handler.doReveal.selector,
            Handler.doReveal.selector,
            Handler.doDemandExplanation.selector,
            Handler.doExplain.selector,
            Handler.doExplain.selector,
            Handler.doRefute.selector,
            Handler.doExpire.selector,
            Handler.doExpireExplanation.selector,
            Handler.doHasten.selector,
            Handler.doSettleDemands.selector,
            Handler.doFinalize.selector,
            Handler.doFinalize.selector,
            Handler.doSettleBlocks.selector,
            Handler.doSettleAttestations.selector,
            Handler.doClaimHead.selector,
            Handler.doMoney.selector,
            Handler.doWait.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](all.length));
        for (uint256 i = 0; i < all.length; ++i) {
            targets[0].selectors[i] = all[i];
        }
    }

    /// All rules in one campaign: forge plays the same random history once more for every further function.
    function invariant_balance_one_chain_final_states_and_supply() public view {
        creditsAndBondsAreTheVaultsBalance();
        everyBlockHoldsExactlyOneBond();
        verifiersBondsAreTheirObligations();
        openDemandsAreCounted();
        finalizedBlocksFormOneChain();
        noBlockLeavesAFinalState();
        orphansShareTheirParentsFate();
        headIsLive();
        mintedIsTheSumOfRewards();
        difficultyAndWorkFollowFromTheParent();
    }

    /// Pitfall 13.
    function creditsAndBondsAreTheVaultsBalance() internal view {
        uint256 owed = 0;
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            address someone = handler.actor(i);
            owed += vault.creditOf(someone);
            owed += free(someone, Role.Miner) + locked(someone, Role.Miner);
            owed += free(someone, Role.Verifier) + locked(someone, Role.Verifier);
        }
        assertEq(owed, address(vault).balance, "credits + bonds = balance");
    }

    /// A miner's bond is locked while its block is pending, or slashed and not yet forfeited; then what pays for
    /// answers is, until it has.
    function everyBlockHoldsExactlyOneBond() internal view {
        uint256 expected = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            Status status = statusOf(id);
            if (status == Status.Pending) expected += MINER_BOND;
            if (status != Status.Slashed) continue;
            expected += (handler.forfeited(id) ? demands.answersPay(id) : MINER_BOND) - handler.paid(id);
        }
        uint256 actual = 0;
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            actual += locked(handler.actor(i), Role.Miner);
        }
        assertEq(actual, expected, "locked miners' bonds");
    }

    /// Locked as a verifier: a bond per attestation and per block that one speaks for, and a fee per demand, that are
    /// not settled.
    function verifiersBondsAreTheirObligations() internal view {
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            address someone = handler.actor(i);
            uint256 expected = 0;
            for (uint256 j = 0; j < handler.count(); ++j) {
                uint8 attestation = registry.attestationOf(handler.ids(j), someone);
                if (attestation == 1 || attestation == 3) expected += ATTEST_BOND;
                (SpeakerState state,) = explanations.speakerOf(handler.ids(j), someone);
                if (state == SpeakerState.Bonded) expected += ATTEST_BOND;
            }
            for (uint256 j = 0; j < handler.demandCount(); ++j) {
                Demand memory made = demands.demands(handler.demandIds(j));
                bool settled = made.state == DemandState.Settled || made.state == DemandState.None;
                if (made.demander == someone && !settled) expected += DEMAND_FEE;
            }
            for (uint256 j = 0; j < handler.evaluationCount(); ++j) {
                Explanation memory made = evaluation(j);
                if (made.demander == someone && made.state != ExplanationState.Settled) expected += DEMAND_FEE;
            }
            assertEq(locked(someone, Role.Verifier), expected, "locked verifiers' bonds");
        }
    }

    /// Pitfall 11, 24: what holds up a pending block are exactly its open demands; none is open on a finalized block;
    /// and deadlines stretch with those of pending blocks alone.
    function openDemandsAreCounted() internal view {
        uint256 all = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            Status status = statusOf(id);
            if (status == Status.Slashed) continue;
            uint256 open = 0;
            for (uint256 j = 0; j < handler.demandCount(); ++j) {
                (bytes32 about,) = handler.demanded(j);
                if (about == id && demands.demands(handler.demandIds(j)).state == DemandState.Open) ++open;
            }
            for (uint256 j = 0; j < handler.evaluationCount(); ++j) {
                (bytes32 about,,) = handler.evaluations(j);
                if (about == id && evaluation(j).state == ExplanationState.Open) ++open;
            }
            assertEq(registry.blocks(id).openDemands, open, "open demands");
            assertTrue(status == Status.Pending || open == 0, "judged with an open demand");
            all += open;
        }
        assertEq(registry.openDemands(), all, "of all pending blocks");
    }

    function evaluation(uint256 number) internal view returns (Explanation memory) {
        (bytes32 id, Tree tree, uint32 sample) = handler.evaluations(number);
        return explanations.explanationOf(id, tree, sample);
    }

    function finalizedBlocksFormOneChain() internal view {
        uint256 finalized = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            if (statusOf(handler.ids(i)) == Status.Finalized) ++finalized;
        }
        bytes32 down = registry.finalizedTip();
        assertEq(registry.blocks(down).height, finalized, "as many finalized blocks as the tip is high");
        for (; down != registry.genesisId(); down = registry.blocks(down).parent) {
            assertStatus(down, Status.Finalized, "every block below the tip is finalized");
        }
    }

    /// The handler looks after every call that may settle a block, and fails when one left a final state.
    function noBlockLeavesAFinalState() internal view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            assertTrue(statusOf(handler.ids(i)) == handler.seen(handler.ids(i)), "a status changed unseen");
        }
    }

    /// What lies above a slashed block is known for it, and nothing is orphaned before its parent is judged.
    function orphansShareTheirParentsFate() internal view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            Block memory own = registry.blocks(handler.ids(i));
            Block memory parent = registry.blocks(own.parent);
            bool lost = own.status == Status.Orphaned;
            bool above = parent.status == Status.Slashed || parent.aboveSlashed;
            assertTrue(own.aboveSlashed == (lost && above), "above a slashed block");
            assertTrue(!lost || parent.status > Status.Pending, "judged before its parent");
        }
    }

    /// Pitfall 15: there is always a live head to build on.
    function headIsLive() internal view {
        bytes32 tip = registry.finalizedTip();
        for (bytes32 down = registry.head(); down != tip; down = registry.blocks(down).parent) {
            assertStatus(down, Status.Pending, "between tip and head");
        }
    }

    /// Pitfall 16: difficulty is what the parent gives its children, within the bounds; work adds up.
    function difficultyAndWorkFollowFromTheParent() internal view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            Block memory own = registry.blocks(handler.ids(i));
            Block memory parent = registry.blocks(own.parent);
            uint256 elapsed = own.proposedAt - parent.proposedAt;
            (uint256 low, uint256 high) = (DIFFICULTY - 1500, DIFFICULTY + 1500);
            uint256 next = Difficulty.retarget(own.difficulty, elapsed, 20, 50, low, high);
            assertEq(own.difficulty, parent.childDifficulty, "born with");
            assertEq(own.childDifficulty, own.height == 1 ? own.difficulty : next, "gives on");
            assertEq(own.totalWork, parent.totalWork + Difficulty.work(own.difficulty), "work");
        }
    }

    function mintedIsTheSumOfRewards() internal view {
        assertEq(token.totalSupply(), handler.rewards(), "supply = sum of rewards");
    }
}
