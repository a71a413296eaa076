// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SumNode} from "../../../contracts/interfaces/ICourt.sol";
import {Demand, DemandState, Item, Position} from "../../../contracts/interfaces/IDemands.sol";
import {Explanation, ExplanationState, SpeakerState} from "../../../contracts/interfaces/IExplanations.sol";
import {EvidenceKind, Header, Role, Status, Tree} from "../../../contracts/Types.sol";
import {Programs} from "../fixtures/Programs.sol";
import {vm} from "../fixtures/Vm.sol";
import {History} from "./History.sol";

/// @notice Plays the whole system at random: one function per thing that somebody can do. What cannot be done now is
/// skipped, so that long histories come about; what can must not fail.
contract Handler is History {
    /// Proposes on the head, or up to six blocks on any recent one, which then may lead; some are a cheat's.
    function doPropose(uint256 who, uint256 where, bool bad) external {
        where = mixed(where);
        bool fork = ids.length > 0 && where % 3 == 0;
        bytes32 parent = fork ? ids[recent(where >> 4)] : registry.head();
        for (uint256 i = 0; i <= (fork ? (where >> 8) % 6 : 0); ++i) {
            address miner = actors[who % 5];
            Header memory header = makeHeader(parent, miner, ++nonces);
            vm.prank(miner);
            try registry.propose(header, ANY_DIFFICULTY) returns (bytes32 id) {
                ids.push(id);
                headers[id] = header;
                forged[id] = bad && where % 2 == 0;
                seen[id] = Status.Pending;
                parent = id;
                track();
            } catch {
                return;
            }
        }
    }

    function doAttest(uint256 who, uint256 which) external {
        if (ids.length == 0) return;
        vm.prank(actors[who % 5]);
        try registry.attest(ids[recent(which)], type(uint16).max) {} catch {}
    }

    /// Proves a bad block wrong, or claims the bounty of a slashed one with an earlier commitment.
    function doProve(uint256 who, uint256 which, bool early) external {
        if (ids.length == 0) return;
        bytes32 id = ids[recent(which)];
        address prover = actors[who % 5];
        if (!forged[id]) return;
        (uint256 order,) = bounties.commitmentOf(prover, commitmentTo(prover, id, EvidenceKind.Step));
        if (order == 0) commitTo(prover, id, EvidenceKind.Step);
        if (early) return;
        pass(1);
        if (statusOf(id) == Status.Pending) {
            prove(prover, id, EvidenceKind.Step); // must not fail
            convicted[id] = true;
        } else {
            vm.prank(prover);
            try court.prove(id, EvidenceKind.Step, SALT) {
                assertTrue(convicted[id], "a bounty without a slash");
            } catch {}
        }
        track();
    }

    /// Somebody demands something of one of the last blocks: its bits, seldom what nobody can show, or more of an
    /// explanation.
    function doDemand(uint256 who, uint256 which, uint256 what) external {
        if (ids.length == 0) return;
        (which, what) = (mixed(which), mixed(what));
        bytes32 id = ids[recent(which)];
        Position memory position = bitsPosition();
        if (what % 16 == 0) position = stepsPosition();
        if (what % 3 == 0 && evaluations.length > 0) {
            Evaluation memory about = evaluations[evaluations.length - 1 - what % evaluations.length % 6];
            (id, position) = (about.id, Position(Item.Nodes, about.tree, about.sample, 3, 0, 0));
            position.explanation = explanations.rootOf(id, about.tree, about.sample);
        }
        bytes32 demandId = demands.demandIdOf(id, position);
        vm.prank(actors[who % 5]);
        try demands.demand(id, position, Programs.open(position.tree, position.tensor)) {
            if (!known[demandId]) demanded.push(Demanded(id, position));
            if (!known[demandId]) demandIds.push(demandId);
            known[demandId] = true;
        } catch {}
    }

    /// Answers most of the last demands for bits, and about explanations that stand.
    function doReveal(uint256 who, uint256 which) external {
        which = mixed(which);
        for (uint256 i = 0; i < 12 && i < demandIds.length; ++i) {
            uint256 number = demandIds.length - 1 - i;
            if ((which >> i) % 4 == 0) continue;
            Demanded memory one = demanded[number];
            Demand memory made = demands.demands(demandIds[number]);
            if (forged[one.id] || statusOf(one.id) != Status.Pending) continue;
            if (made.state != DemandState.Open || block.timestamp >= made.deadline) continue;
            address responder = actors[who % 5];
            if (one.position.item == Item.Nodes && vouched(one, made)) {
                vm.prank(address(reveals)); // that it is what was demanded is its business
                demands.answer(one.id, one.position, responder); // must not fail
            } else if (one.position.item == Item.Bits) {
                answerBits(responder, headers[one.id]); // must not fail
                if (responder != headers[one.id].miner) ++answers[one.id];
            }
        }
    }

    /// Whether the explanation that a demand is about stands.
    function vouched(Demanded memory one, Demand memory made) private view returns (bool) {
        (Tree tree, uint32 sample) = (one.position.tree, one.position.index);
        return explanations.vouched(one.id, tree, sample, one.position.explanation, made.deadline);
    }

    /// Demands explanations of a block whose bits were shown.
    function doDemandExplanation(uint256 who, uint256 which, uint256 what) external {
        (which, what) = (mixed(which), mixed(what));
        for (uint256 i = 0; i < 6 && i < demandIds.length; ++i) {
            Demanded memory one = demanded[demandIds.length - 1 - (which % 6 + i) % demandIds.length];
            if (one.position.item != Item.Bits) continue;
            Evaluation memory about =
                Evaluation(one.id, what % 2 == 0 ? Tree.Before : Tree.After, uint32(what >> 1) % 4);
            SumNode[] memory siblings = bitSiblings(0);
            vm.prank(actors[who % 5]);
            try explanations.demand(headers[one.id], about.tree, about.sample, bits()[0], siblings) {
                evaluations.push(about);
                return;
            } catch {}
        }
    }

    /// Explains most of what is open; every fourth explanation is false.
    function doExplain(uint256 who, uint256 which) external {
        which = mixed(which);
        for (uint256 i = 0; i < 6 && i < evaluations.length; ++i) {
            Evaluation memory one = evaluations[evaluations.length - 1 - i];
            if ((which >> (2 * i)) % 4 == 0 || forged[one.id] || statusOf(one.id) != Status.Pending) continue;
            Explanation memory made = explanations.explanationOf(one.id, one.tree, one.sample);
            if (made.state != ExplanationState.Open || block.timestamp >= made.deadline) continue;
            address author = actors[(who + i) % 5];
            (SpeakerState state,) = explanations.speakerOf(one.id, author);
            if (state == SpeakerState.Fallen || free(author, Role.Verifier) < ATTEST_BOND) continue;
            explain(author, headers[one.id], one.tree, one.sample, (which >> (2 * i)) % 4); // must not fail
        }
    }

    /// Refutes a false explanation that stands, or has one reopened whose author has fallen.
    function doRefute(uint256 who, uint256 which) external {
        for (uint256 i = 0; i < evaluations.length; ++i) {
            Evaluation memory one = evaluations[(which % evaluations.length + i) % evaluations.length];
            if (statusOf(one.id) != Status.Pending) continue;
            Explanation memory made = explanations.explanationOf(one.id, one.tree, one.sample);
            if (made.state != ExplanationState.Explained) continue;
            (SpeakerState state,) = explanations.speakerOf(one.id, made.author);
            bytes32 start = one.tree == Tree.Before ? headers[one.id].preRoot : headers[one.id].postRoot;
            bool wrong = made.traceRoot == Programs.evaluationRoot(start, 3);
            if (state == SpeakerState.Fallen) reopen(one);
            else if (wrong) commitAndRefute(actors[who % 5], one.id, one.tree, one.sample); // must not fail
            else continue;
            return;
        }
    }

    /// Inside the challenge window it must not fail; afterwards the author may have fallen too long ago.
    function reopen(Evaluation memory one) private {
        try explanations.reopen(one.id, one.tree, one.sample) {}
        catch {
            assertTrue(block.timestamp >= registry.blocks(one.id).proposedAt + WINDOW, "not reopened in time");
        }
    }

    function doExpire(uint256 which) external {
        for (uint256 i = 0; i < demandIds.length; ++i) {
            uint256 number = (which % demandIds.length + i) % demandIds.length;
            Demanded memory one = demanded[number];
            Demand memory made = demands.demands(demandIds[number]);
            bool pending = statusOf(one.id) == Status.Pending;
            bytes32 about = one.position.explanation;
            bool due = block.timestamp >= made.deadline || (about != 0 && !vouched(one, made));
            if (made.state != DemandState.Open || !due || (about != 0 && !pending)) continue;
            if (!pending) {
                try demands.expire(one.id, one.position) {
                    assertTrue(convicted[one.id], "a bounty without a slash");
                } catch {}
                continue;
            }
            demands.expire(one.id, one.position); // must not fail
            if (about == 0) convicted[one.id] = true;
            break;
        }
        track();
    }

    function doExpireExplanation(uint256 which) external {
        for (uint256 i = 0; i < evaluations.length; ++i) {
            Evaluation memory one = evaluations[(which % evaluations.length + i) % evaluations.length];
            Explanation memory made = explanations.explanationOf(one.id, one.tree, one.sample);
            if (made.state != ExplanationState.Open || block.timestamp < made.deadline) continue;
            if (statusOf(one.id) != Status.Pending) continue;
            explanations.expire(one.id, one.tree, one.sample); // must not fail
            convicted[one.id] = true;
            break;
        }
        track();
    }

    function doHasten(uint256 which) external {
        if (demandIds.length == 0) return;
        Demanded memory one = demanded[which % demandIds.length];
        try demands.hasten(one.id, one.position) {} catch {}
        if (evaluations.length == 0) return;
        Evaluation memory other = evaluations[which % evaluations.length];
        try explanations.hasten(other.id, other.tree, other.sample) {} catch {}
    }

    function doSettleDemands(uint256 which) external {
        for (uint256 i = which % 3; i < demandIds.length; i += 3) {
            Demand memory made = demands.demands(demandIds[i]);
            Demanded memory one = demanded[i];
            bool fell = made.state == DemandState.Answered && one.position.explanation != 0 && !vouched(one, made);
            try demands.settle(one.id, one.position) {
                bool counted = made.state == DemandState.Answered && made.responder != headers[one.id].miner;
                assertTrue(fell || statusOf(one.id) != Status.Pending, "settled before its block");
                if (!counted || one.position.explanation != 0 || statusOf(one.id) != Status.Slashed) continue;
                paid[one.id] += demands.answersPay(one.id) / answers[one.id];
            } catch {
                assertTrue(!fell, "a fee that nobody is owed stays locked");
            }
        }
        for (uint256 i = which % 3; i < evaluations.length; i += 3) {
            Evaluation memory one = evaluations[i];
            try explanations.settle(one.id, one.tree, one.sample) {} catch {}
            try explanations.release(one.id, actors[which % 5]) {} catch {}
        }
    }

    /// Finalizes any block that can be; most times the next one gets its attestations and its time first.
    function doFinalize(uint256 which) external {
        if (ids.length == 0) return;
        which = mixed(which);
        bytes32 id = ids[recent(which)];
        if (which % 3 > 0) {
            id = nextToFinalize();
            for (uint256 i = 0; i < 5; ++i) {
                vm.prank(actors[i]);
                try registry.attest(id, type(uint16).max) {} catch {}
            }
            pass(WINDOW);
        }
        bytes32 witness = id;
        for (bytes32 up = registry.head(); up != id && (which >> 8) % 3 > 0; up = registry.blocks(up).parent) {
            if (registry.blocks(up).height == 0) break;
            if (up == registry.head() || (which >> 9) % 2 > 0) witness = up;
        }
        bool contested = id != 0 && outweighed(id, witness);
        try registry.finalize(id, witness) {
            assertTrue(!contested, "final beside a better rival");
            uint256 timely = registry.blocks(id).timely;
            rewards += MINER_REWARD - ATTESTER_REWARD * timely;
        } catch {}
        track();
    }

    /// Settles whatever can be settled of a third of all blocks.
    function doSettleBlocks(uint256 which) external {
        for (uint256 i = which % 3; i < ids.length; i += 3) {
            if (seen[ids[i]] == Status.Pending) try registry.orphan(ids[i]) {} catch {}
            if (seen[ids[i]] != Status.Slashed) continue;
            try registry.forfeitBond(ids[i]) {
                forfeited[ids[i]] = true;
            } catch {}
        }
        track();
    }

    function doSettleAttestations(uint256 who, uint256 which) external {
        for (uint256 i = which % 2; i < ids.length; i += 2) {
            if (seen[ids[i]] <= Status.Pending) continue;
            uint8 attestation = registry.attestationOf(ids[i], actors[who % 5]);
            if (attestation != 1 && attestation != 3) continue;
            try registry.settleAttestation(ids[i], actors[who % 5]) {
                if (seen[ids[i]] != Status.Finalized || attestation == 3) continue;
                rewards += ATTESTER_REWARD;
            } catch {}
        }
    }

    function doClaimHead(uint256 which) external {
        if (ids.length == 0) return;
        try registry.claimHead(ids[recent(which)]) {} catch {}
        try registry.contest(ids[which % ids.length]) {
            rivals.push(ids[which % ids.length]);
        } catch {}
        track();
    }

    function doMoney(uint256 who, uint256 amount, bool verifier, uint256 what) external {
        address someone = actors[who % 5];
        Role role = verifier ? Role.Verifier : Role.Miner;
        if (what % 3 == 0) bond(someone, role, bound(amount, 1, 3 ether));
        vm.prank(someone);
        if (what % 3 == 1) {
            try vault.unbond(role, bound(amount, 1, 1 ether)) {} catch {}
        } else {
            try vault.collect() {} catch {}
        }
    }

    function doWait(uint256 seconds_) external {
        pass(bound(seconds_, 1, WINDOW / 2));
    }
}
