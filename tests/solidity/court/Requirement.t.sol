// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../../contracts/interfaces/IBounties.sol";
import {ICourt, RequirementEvidence} from "../../../contracts/interfaces/ICourt.sol";
import {IPoLRegistry} from "../../../contracts/interfaces/IPoLRegistry.sol";
import {Derivation} from "../../../contracts/lib/Derivation.sol";
import {EvidenceKind, Header, RuleSet, Status, Task} from "../../../contracts/Types.sol";
import {CourtFixture} from "../fixtures/CourtFixture.sol";
import {States} from "../fixtures/States.sol";
import {Opening, Slice, Traces} from "../fixtures/Traces.sol";
import {vm} from "../fixtures/Vm.sol";

/// @notice Requirements before the real court: weights that moved with the wrong parity convict, others do not.
contract RequirementTest is CourtFixture {
    uint32 private constant TENSORS = 3;

    /// What a requirement asks: of which weights, and of how many.
    struct Asked {
        uint256 tensor;
        uint256 leaf;
        uint64 mask;
        bool odd;
    }

    // -- what convicts

    /// forge-config: default.fuzz.runs = 12
    function test_the_wrong_parity_is_convicted(uint64 nonce, uint256 number, uint256 rises) public {
        number = bound(number, 0, BITS - 1);
        Header memory header = headerOf(nonce);
        rises = 2 * bound(rises, 0, MASK / 2 - 1) + (askedOf(header, number).odd ? 0 : 1);
        assertJudged(header, number, moved(header, number, rises), true);
    }

    function test_one_weight_that_is_not_finite_is_convicted_whatever_the_others_do() public {
        uint32[3] memory values = [uint32(0x7f800000), 0xff800000, 0x7fc00000];
        for (uint64 i = 0; i < 6; ++i) {
            Header memory header = headerOf(i);
            uint32[][] memory afterwards = moved(header, 1, i);
            Asked memory asked = askedOf(header, 1);
            afterwards[asked.tensor][elementOf(asked, MASK - 1)] = values[i % 3];
            assertJudged(header, 1, afterwards, true);
        }
    }

    function test_weights_that_stay_are_an_even_number_of_rises() public {
        (bool odd, bool even) = (false, false);
        for (uint64 nonce = 0; nonce < 8; ++nonce) {
            Header memory header = headerOf(nonce);
            bool asked = askedOf(header, 0).odd;
            assertJudged(header, 0, weights(), asked);
            (odd, even) = (odd || asked, even || !asked);
        }
        assertTrue(odd && even, "both kinds");
    }

    /// A requirement of one weight is a direction: odd is up, even down, or no movement.
    function test_a_mask_of_one_weight_is_a_direction() public {
        deployMasked(1);
        for (uint64 nonce = 0; nonce < 8; ++nonce) {
            Header memory header = headerOf(nonce);
            bool up = askedOf(header, 0).odd;
            assertJudged(header, 0, moved(header, 0, 1), !up);
            header.nonce += 100;
            header.indices = derivedIndices(header);
            up = askedOf(header, 0).odd;
            assertJudged(header, 0, moved(header, 0, 0), up);
        }
    }

    function test_a_mask_may_be_the_whole_leaf() public {
        deployMasked(64);
        Header memory header = headerOf(1);
        assertEq(askedOf(header, 2).mask, type(uint64).max, "mask");
        assertJudged(header, 2, moved(header, 2, askedOf(header, 2).odd ? 64 : 63), true);
    }

    // -- what does not

    /// forge-config: default.fuzz.runs = 12
    function test_every_requirement_of_an_honest_block_is_met(uint64 nonce) public {
        Header memory header = headerOf(nonce);
        uint32[][] memory afterwards = weights();
        for (uint256 number = 0; number < BITS; ++number) {
            Asked memory asked = askedOf(header, number);
            move(afterwards, asked, 2 * (uint256(nonce) % 8) + (asked.odd ? 1 : 0));
        }
        header.postRoot = States.root(afterwards);
        propose(header);
        for (uint256 number = 0; number < BITS; ++number) {
            RequirementEvidence memory evidence = evidenceOf(header, afterwards, number);
            vm.expectRevert(abi.encodeWithSelector(ICourt.RequirementMet.selector, number));
            real.proveRequirement(header, evidence, SALT);
        }
    }

    /// Neither a rise nor a NaN of a weight that the mask leaves out matters.
    function test_other_weights_of_the_leaf_do_not_count() public {
        Header memory header = headerOf(3);
        Asked memory asked = askedOf(header, 0);
        uint32[][] memory afterwards = moved(header, 0, asked.odd ? 1 : 2);
        bool infinite = false;
        for (uint256 i = 0; i < 64; ++i) {
            if ((asked.mask >> i) & 1 == 1) continue;
            afterwards[asked.tensor][64 * asked.leaf + i] = infinite ? 0x3fffffff : 0x7fc00000;
            infinite = true;
        }
        assertJudged(header, 0, afterwards, false);
    }

    function test_the_papers_rules_ask_one_weight_for_a_direction_and_let_it_stay() public {
        deployFor(defaultTask(RuleSet.Paper));
        for (uint64 nonce = 0; nonce < 4; ++nonce) {
            Header memory header = headerOf(nonce); // R is the same for all nonces
            bool up = askedOf(header, nonce).odd;
            assertJudged(header, nonce, weights(), false);
            header.nonce += 100;
            assertJudged(header, nonce, moved(header, nonce, up ? 1 : 0), false);
            header.nonce += 100;
            assertJudged(header, nonce, moved(header, nonce, up ? 0 : 1), true);
        }
    }

    function test_a_block_has_no_more_requirements_than_its_difficulty() public {
        (Header memory header, uint32[][] memory afterwards) = forged();
        propose(header);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        evidence.requirement = BITS;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NoSuchRequirement.selector, BITS, BITS));
        real.proveRequirement(header, evidence, SALT);
    }

    function test_a_block_that_was_not_proposed_is_unknown() public {
        (Header memory header, uint32[][] memory afterwards) = forged();
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        bytes32 id = registry.blockIdOf(header);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, id));
        real.proveRequirement(header, evidence, SALT);
    }

    // -- what does not open

    function test_other_eligible_weights_are_refused() public {
        (Header memory header, RequirementEvidence memory evidence) = wrong();
        evidence.eligible[1] = packRange(1, 2, 5, 6, 2);
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.eligible = new bytes32[](1);
        evidence.eligible[0] = packRange(1, 0, 26, 26, 1);
        refuse(header, evidence, ICourt.WrongRoot.selector);
    }

    function test_another_leaf_is_refused() public {
        (Header memory header, uint32[][] memory afterwards) = forged();
        propose(header);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        evidence.opening = open(afterwards, 2, 0); // of a tensor that no requirement names
        refuse(header, evidence, ICourt.NotOpened.selector);
    }

    function test_another_count_of_tensors_is_refused() public {
        (Header memory header, RequirementEvidence memory evidence) = wrong();
        for (uint32 tensors = 0; tensors < 6; ++tensors) {
            evidence.tensors = tensors;
            if (tensors == TENSORS) continue;
            vm.expectRevert();
            real.proveRequirement(header, evidence, SALT);
        }
    }

    /// forge-config: default.fuzz.runs = 96
    function test_a_flipped_bit_is_refused(uint256 which) public {
        (Header memory header, RequirementEvidence memory evidence) = wrong();
        which %= 8 * evidence.opening.length;
        evidence.opening[which / 8] ^= bytes1(uint8(1 << (which % 8)));
        vm.expectRevert();
        real.proveRequirement(header, evidence, SALT);
    }

    function test_nothing_is_proven_without_a_commitment() public {
        (Header memory header, RequirementEvidence memory evidence) = wrong();
        refuse(header, evidence, IBounties.NotCommitted.selector);
        assertStatus(registry.blockIdOf(header), Status.Pending, "status");
    }

    // -- blocks

    function deployMasked(uint8 size) private {
        Task memory task = defaultTask(RuleSet.Hardened);
        task.maskSize = size;
        deployFor(task);
    }

    function headerOf(uint64 nonce) private view returns (Header memory header) {
        header = makeHeader(registry.genesisId(), MINER, nonce);
        header.preRoot = States.root(weights());
    }

    /// A block that misses its first requirement, and its W'.
    function forged() private view returns (Header memory header, uint32[][] memory afterwards) {
        header = headerOf(1);
        afterwards = moved(header, 0, askedOf(header, 0).odd ? 2 : 3);
        header.postRoot = States.root(afterwards);
    }

    /// W' in which so many weights of a requirement rise, and its others fall.
    function moved(Header memory header, uint256 number, uint256 rises)
        private
        view
        returns (uint32[][] memory afterwards)
    {
        afterwards = weights();
        move(afterwards, askedOf(header, number), rises);
    }

    function move(uint32[][] memory afterwards, Asked memory asked, uint256 rises) private pure {
        for (uint256 i = 0; i < 64; ++i) {
            if ((asked.mask >> i) & 1 == 0) continue;
            if (rises > 0) ++afterwards[asked.tensor][64 * asked.leaf + i];
            else --afterwards[asked.tensor][64 * asked.leaf + i];
            if (rises > 0) --rises;
        }
    }

    function askedOf(Header memory header, uint256 number) private view returns (Asked memory asked) {
        Task memory task = registry.task();
        bytes32 seed = seedOf(header);
        uint32 drawn = Derivation.requirements(seed, BITS, task.eligibleCount)[number];
        uint256 place;
        (asked.tensor, place) = this.locate(eligible(), drawn >> 1);
        uint64 mask = Derivation.mask(seed, uint32(number), task.maskSize);
        (asked.leaf, asked.mask) = Derivation.within(task.rules, place, mask);
        asked.odd = drawn & 1 == 0;
    }

    /// The masked weight that `skipped` others come before.
    function elementOf(Asked memory asked, uint256 skipped) private pure returns (uint256 element) {
        for (element = 64 * asked.leaf;; ++element) {
            if ((asked.mask >> (element % 64)) & 1 == 0) continue;
            if (skipped == 0) return element;
            --skipped;
        }
    }

    /// Proposes the block with this W', and takes it to court for a requirement.
    function assertJudged(Header memory header, uint256 number, uint32[][] memory afterwards, bool guilty) private {
        header.postRoot = States.root(afterwards);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, number);
        if (guilty) return assertConvicted(header, call(header, evidence), EvidenceKind.Requirement);
        propose(header);
        vm.expectRevert(abi.encodeWithSelector(ICourt.RequirementMet.selector, number));
        real.proveRequirement(header, evidence, SALT);
    }

    // -- evidence

    /// Right evidence about a proposed block.
    function wrong() private returns (Header memory header, RequirementEvidence memory evidence) {
        uint32[][] memory afterwards;
        (header, afterwards) = forged();
        propose(header);
        evidence = evidenceOf(header, afterwards, 0);
    }

    function evidenceOf(Header memory header, uint32[][] memory afterwards, uint256 number)
        private
        view
        returns (RequirementEvidence memory)
    {
        Asked memory asked = askedOf(header, number);
        bytes memory opening = open(afterwards, uint32(asked.tensor), uint32(asked.leaf));
        return RequirementEvidence(number, eligible(), TENSORS, opening);
    }

    /// A leaf of W and of W'.
    function open(uint32[][] memory afterwards, uint32 tensor, uint32 leaf) private pure returns (bytes memory) {
        Slice[] memory slices = new Slice[](2);
        slices[0] = Traces.slice(weights(), tensor, leaf, 1);
        slices[1] = Traces.slice(afterwards, tensor, leaf, 1);
        slices[1].tensor += TENSORS;
        bool[] memory known = new bool[](TENSORS);
        known[tensor] = true;
        bytes32[] memory before = Traces.above("", States.tensorRoots(weights()), known, 0, TENSORS);
        bytes32[] memory behind = Traces.above("", States.tensorRoots(afterwards), known, 0, TENSORS);
        return Traces.pack(Opening(slices, Traces.joined(before, behind)));
    }

    function call(Header memory header, RequirementEvidence memory evidence) private view returns (bytes memory) {
        return abi.encodeCall(real.proveRequirement, (header, evidence, SALT));
    }

    function refuse(Header memory header, RequirementEvidence memory evidence, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        real.proveRequirement(header, evidence, SALT);
    }
}
