// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBounties} from "../../contracts/interfaces/IBounties.sol";
import {ICourt, RequirementEvidence} from "../../contracts/interfaces/ICourt.sol";
import {IPoLRegistry} from "../../contracts/interfaces/IPoLRegistry.sol";
import {Derivation} from "../../contracts/lib/Derivation.sol";
import {EvidenceKind, Header, RuleSet, Status} from "../../contracts/Types.sol";
import {CourtFixture} from "./CourtFixture.sol";
import {States} from "./States.sol";
import {Opening, Slice, Traces} from "./Traces.sol";
import {vm} from "./Vm.sol";

/// @notice Requirements before the real court: a weight that did not move its way convicts, one that did does not.
contract RequirementTest is CourtFixture {
    uint32 private constant STAYS = 0; // stands for the weight's own bits
    uint32 private constant TENSORS = 3;

    // -- what convicts

    /// forge-config: default.fuzz.runs = 32
    function test_a_weight_that_stays_is_convicted(uint64 nonce, uint256 number) public {
        number = bound(number, 0, BITS - 1);
        (Header memory header, uint32[][] memory afterwards) = forged(nonce, number, STAYS);
        assertConvicted(header, call(header, evidenceOf(header, afterwards, number)), EvidenceKind.Requirement);
    }

    /// forge-config: default.fuzz.runs = 32
    function test_a_weight_that_moves_the_other_way_is_convicted(uint64 nonce, uint256 number, uint32 by) public {
        number = bound(number, 0, BITS - 1);
        (uint256 tensor, uint256 element, bool up) = demandOf(headerOf(nonce), number);
        uint32 before = weights()[tensor][element];
        by = uint32(bound(by, 1, 0x10000));
        (Header memory header, uint32[][] memory afterwards) = forged(nonce, number, up ? before - by : before + by);
        assertConvicted(header, call(header, evidenceOf(header, afterwards, number)), EvidenceKind.Requirement);
    }

    function test_a_weight_that_is_not_finite_is_convicted() public {
        uint32[3] memory values = [uint32(0x7f800000), 0xff800000, 0x7fc00000];
        for (uint64 i = 0; i < 3; ++i) {
            (Header memory header, uint32[][] memory afterwards) = forged(i, 1, values[i]);
            assertConvicted(header, call(header, evidenceOf(header, afterwards, 1)), EvidenceKind.Requirement);
        }
    }

    // -- what does not

    /// forge-config: default.fuzz.runs = 32
    function test_every_requirement_of_an_honest_block_is_met(uint64 nonce) public {
        Header memory header = headerOf(nonce);
        uint32[][] memory afterwards = steppedWeights(header);
        header.postRoot = States.root(afterwards);
        propose(header);
        for (uint256 number = 0; number < BITS; ++number) {
            (uint256 tensor, uint256 element,) = demandOf(header, number);
            (uint32 before, uint32 moved) = (weights()[tensor][element], afterwards[tensor][element]);
            RequirementEvidence memory evidence = evidenceOf(header, afterwards, number);
            vm.expectRevert(abi.encodeWithSelector(ICourt.RequirementMet.selector, number, before, moved));
            real.proveRequirement(header, evidence, SALT);
        }
    }

    function test_the_papers_rules_let_a_weight_stay() public {
        deployFor(defaultTask(RuleSet.Paper));
        (Header memory header, uint32[][] memory afterwards) = forged(1, 2, STAYS);
        propose(header);
        refuse(header, evidenceOf(header, afterwards, 2), ICourt.RequirementMet.selector);
    }

    function test_a_block_has_no_more_requirements_than_its_difficulty() public {
        (Header memory header, uint32[][] memory afterwards) = forged(1, 0, STAYS);
        propose(header);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        evidence.requirement = BITS;
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.NoSuchRequirement.selector, BITS, BITS));
        real.proveRequirement(header, evidence, SALT);
    }

    function test_a_block_that_was_not_proposed_is_unknown() public {
        (Header memory header, uint32[][] memory afterwards) = forged(1, 0, STAYS);
        RequirementEvidence memory evidence = evidenceOf(header, afterwards, 0);
        bytes32 id = registry.blockIdOf(header);
        vm.expectRevert(abi.encodeWithSelector(IPoLRegistry.UnknownBlock.selector, id));
        real.proveRequirement(header, evidence, SALT);
    }

    // -- what does not open

    function test_other_eligible_weights_are_refused() public {
        (Header memory header, RequirementEvidence memory evidence) = wrong();
        evidence.eligible[1] = packRange(1, 61, 5, 7, 2);
        refuse(header, evidence, ICourt.WrongRoot.selector);
        evidence.eligible = new bytes32[](1);
        evidence.eligible[0] = packRange(1, 0, 130, 130, 1);
        refuse(header, evidence, ICourt.WrongRoot.selector);
    }

    function test_another_weight_is_refused() public {
        (Header memory header, uint32[][] memory afterwards) = forged(1, 0, STAYS);
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

    function headerOf(uint64 nonce) private view returns (Header memory header) {
        header = makeHeader(registry.genesisId(), MINER, nonce);
        header.preRoot = States.root(weights());
        header.indices = derivedIndices(header);
    }

    /// A block and its W', which meets all requirements but number `number`, whose weight got these bits instead.
    function forged(uint64 nonce, uint256 number, uint32 value)
        private
        view
        returns (Header memory header, uint32[][] memory afterwards)
    {
        header = headerOf(nonce);
        afterwards = steppedWeights(header);
        (uint256 tensor, uint256 element,) = demandOf(header, number);
        afterwards[tensor][element] = value == STAYS ? weights()[tensor][element] : value;
        header.postRoot = States.root(afterwards);
    }

    /// W' that meets every requirement by one ulp.
    function steppedWeights(Header memory header) private view returns (uint32[][] memory tensors) {
        tensors = weights();
        for (uint256 i = 0; i < BITS; ++i) {
            (uint256 tensor, uint256 element, bool up) = demandOf(header, i);
            tensors[tensor][element] = up ? tensors[tensor][element] + 1 : tensors[tensor][element] - 1;
        }
    }

    /// Where a requirement points, and which way.
    function demandOf(Header memory header, uint256 number)
        private
        view
        returns (uint256 tensor, uint256 element, bool up)
    {
        uint32 drawn = Derivation.requirements(seedOf(header), BITS, registry.task().eligibleCount)[number];
        (tensor, element) = this.locate(eligible(), drawn >> 1);
        up = drawn & 1 == 0;
    }

    // -- evidence

    /// Right evidence about a proposed block.
    function wrong() private returns (Header memory header, RequirementEvidence memory evidence) {
        uint32[][] memory afterwards;
        (header, afterwards) = forged(1, 0, STAYS);
        propose(header);
        evidence = evidenceOf(header, afterwards, 0);
    }

    function evidenceOf(Header memory header, uint32[][] memory afterwards, uint256 number)
        private
        view
        returns (RequirementEvidence memory)
    {
        (uint256 tensor, uint256 element,) = demandOf(header, number);
        bytes memory opening = open(afterwards, uint32(tensor), uint32(element / 64));
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
