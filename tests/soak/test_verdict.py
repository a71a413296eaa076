"""The soak's verdict on made-up runs: one that lost nothing, and every way to lose something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pol_oracle.demo.cast import DemoRole, Party
from pol_oracle.l1.events.typed import Deposited, LogPosition, Unbonded
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from pol_oracle.soak.judging.audit import Payment
from pol_oracle.soak.judging.report import Report
from pol_oracle.soak.judging.resources import Growth, Usage, growth
from pol_oracle.soak.judging.verdict import BondOrder, Facts, Purse, UnexpectedExit, problems
from tests.report.chronicle import Chronicle

MINER = Party("miner-1", DemoRole.MINER, 1, f"0x{1:040x}")
VERIFIER = Party("verifier-1", DemoRole.VERIFIER, 2, f"0x{2:040x}")
CHEAT = Party("cheat-1", DemoRole.ULP, 20, f"0x{3:040x}")
SAVER = f"0x{4:040x}"
START, GAS, GWEI = 10_000, 7, 10**9


def paid(account: str, call: str = "PoLRegistry.attest", price: int = 2 * GWEI) -> Payment:
    return Payment(account, call, 0, GAS, 21_000, price, True, 5, "0xab")


def story() -> Chronicle:
    """A right block that becomes final, and a wrong one that the verifier has slashed."""
    told = Chronicle()
    right = told.propose(MINER.address)
    told.attest(right, VERIFIER.address)
    told.finalize(right, MINER.address)
    wrong = told.propose(CHEAT.address)
    told.slash(wrong, CHEAT.address, VERIFIER.address, EvidenceKind.STEP, bond=100)
    return told


def log(told: Chronicle, make: Callable[[LogPosition], Deposited | Unbonded]) -> None:
    told._transaction(make)


def facts(told: Chronicle | None = None, **changes: object) -> Facts:
    """A run that lost nothing: each paid for one transaction, and the verifier won a half of the cheat's bond."""
    purses = {
        MINER.name: Purse(START, START - GAS - 100, 100, 0),
        VERIFIER.name: Purse(START, START - GAS - 30, 30, 50),
        "saver": Purse(START, START, 0, 0),
    }
    found = Facts(
        honest=(MINER, VERIFIER),
        cheats=(CHEAT,),
        events=tuple((told or story()).events),
        purses=purses,
        addresses={MINER.name: MINER.address, VERIFIER.name: VERIFIER.address, "saver": SAVER},
        payments=(paid(MINER.address), paid(VERIFIER.address)),
        orders=(),
        vault=180,
        owed=180,
        first=0,
        last=10,
        patience=20,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def lost(found: Facts) -> tuple[str, ...]:
    return problems(found, lambda payment: 10 * GWEI)


def test_run_in_which_nothing_is_lost_passes() -> None:
    assert lost(facts()) == ()


def test_slashed_block_of_an_honest_miner_is_named() -> None:
    told = story()
    block = told.propose(MINER.address)
    told.slash(block, MINER.address, CHEAT.address, EvidenceKind.WITHHELD, bond=100)

    purses = dict(facts().purses) | {MINER.name: Purse(START, START - GAS - 100, 0, 0)}
    found = lost(facts(told, purses=purses))

    assert len(found) == 2
    assert "of miner-1 was slashed for withheld" in found[0]
    assert found[1].startswith("miner-1 lost 1e-16 ETH: mined block")


def test_wrong_block_must_be_slashed_or_orphaned_and_never_final() -> None:
    told = story()
    block = told.propose(CHEAT.address)
    assert "is neither slashed nor orphaned" in lost(facts(told))[0]
    assert lost(facts(told, whole=False)) == ()  # who stops early cannot know yet

    told.finalize(block, CHEAT.address)
    assert "of cheat-1 is final" in lost(facts(told, whole=False))[0]


def test_orphaned_wrong_block_is_in_order() -> None:
    told = story()
    told.orphan(told.propose(CHEAT.address), CHEAT.address)
    assert lost(facts(told)) == ()


@pytest.mark.parametrize("missing", [1, -1])
def test_every_wei_is_accounted_for(missing: int) -> None:
    purses = dict(facts().purses) | {MINER.name: Purse(START, START - GAS - 100 - missing, 100, 0)}
    (told,) = lost(facts(purses=purses))
    assert told.startswith("miner-1 has ")


def test_fee_of_a_demand_about_a_right_block_is_a_loss() -> None:
    told = Chronicle()
    right = told.propose(MINER.address)
    told.pay(right, told.demand(right, VERIFIER.address), VERIFIER.address, MINER.address, fee=20)
    told.finalize(right, MINER.address)
    purses = {
        MINER.name: Purse(START, START - GAS - 100, 100, 20),
        VERIFIER.name: Purse(START, START - GAS - 30, 10, 0),
    }
    (found,) = lost(facts(told, purses=purses))
    assert found.startswith("verifier-1 lost 2e-17 ETH: demanded to see a part of block")


def deposited(amount: int, times: int) -> Chronicle:
    told = story()
    for _ in range(times):
        log(told, lambda at: Deposited(SAVER, Role.VERIFIER, amount, at))
    return told


@pytest.mark.parametrize(
    ("times", "code", "problem"),
    [
        (1, 0, None),
        (1, 1, None),  # it did not live to see it
        (0, 1, None),
        (0, None, None),
        (1, -9, None),
        (2, 0, "moved 2 times instead of once"),
        (2, 1, "moved 2 times instead of once"),
        (0, 0, "did not move, but the command said it had"),
        (0, 2, "ended with 2"),
    ],
)
def test_money_moves_once_if_the_command_says_so_and_never_twice(
    times: int, code: int | None, problem: str | None
) -> None:
    order = BondOrder(SAVER, Deposited, 10**18, code, "words")
    found = lost(facts(deposited(10**18, times), orders=(order,)))
    assert len(found) == (problem is not None)
    assert problem is None or problem in found[0]


def test_money_that_nobody_asked_to_move_is_named() -> None:
    (told,) = lost(facts(deposited(10**18, 1)))
    assert told == "1 ETH moved (Deposited) that nobody asked for"


def test_offer_above_its_cap_is_named() -> None:
    (told,) = lost(facts(payments=(paid(MINER.address, price=11 * GWEI), paid(VERIFIER.address))))
    assert told.startswith("PoLRegistry.attest offered 11 gwei, above 10")


def test_vault_that_owes_more_than_it_has_is_named() -> None:
    assert len(lost(facts(vault=179))) == 1


def test_chain_that_stands_still_is_named() -> None:
    assert "no block became final; 20 are in order" in lost(facts(last=40))[0]
    assert lost(facts(Chronicle(), purses={})) == ("no block became final",)
    assert lost(facts(Chronicle(), purses={}, whole=False)) == ()


def test_agent_that_ends_by_itself_is_named_unless_that_was_in_order() -> None:
    ending = UnexpectedExit("miner-1", 61.2, "exit code 2: unexpected OSError")
    assert lost(facts(endings=(ending,))) == ("miner-1 ended by itself after 61 s (exit code 2: unexpected OSError)",)
    assert lost(facts(endings=(replace(ending, excused="L1 was away"),))) == ()


def samples(**last: int) -> list[Usage]:
    usual = Usage(memory=300 << 20, threads=3, descriptors=20, files=30, disk=5 << 20)
    return [usual] * 20 + [replace(usual, **last)] * 10


@pytest.mark.parametrize(
    ("figure", "more"),
    [("memory", 600 << 20), ("threads", 30), ("descriptors", 200), ("files", 500), ("disk", 200 << 20)],
)
def test_growth_without_end_is_named(figure: str, more: int) -> None:
    (told,) = lost(facts(growth=growth({"miner-1": samples(**{figure: more})})))
    assert told.startswith(f"miner-1: {figure} grew from ")


def test_steady_use_of_the_machine_passes() -> None:
    rows = growth({"miner-1": samples(memory=310 << 20, files=33)})
    assert {row.figure for row in rows} == {"memory", "threads", "descriptors", "files", "disk"}
    assert all(row.ok for row in rows)


def test_a_folder_without_a_process_has_files_alone() -> None:
    assert {row.figure for row in growth({"store": [Usage(files=3, disk=4096)] * 20})} == {"files", "disk"}


def test_few_samples_say_nothing() -> None:
    assert growth({"miner-1": samples()[:5]}) == ()


def test_report_sums_up() -> None:
    grown = (Growth("miner-1", "threads", 3, 4, 9),)
    report = Report(7, facts(growth=grown), (), 60.0, 12.5, {"miner-1": 3}, ("something",)).as_dict()

    assert report["seed"] == 7
    assert report["blocks"] == {
        "final": 1,
        "final_per_minute": 1.0,
        "wrong": 1,
        "wrong_slashed": 1,
        "longest_pause": report["blocks"]["longest_pause"],
    }
    assert report["accounts"]["verifier-1"]["won_eth"] == 50 / 10**18
    assert report["growth"] == {"miner-1": {"threads": (3, 4)}}
    assert report["problems"] == ["something"]
