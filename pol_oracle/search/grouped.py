"""The grouped search: mining as a by-product of large-batch training.

    W = start
    repeat:
        root of W -> seeds of the next G nonces -> requirements R and batches P of each
        one pass over all G batches: the training gradient, and each group's gradient where its R looks    (passes.py)
        groups whose step moves every weight its way are candidates; the first that stands is the proof   (attempt.py)
        W = optimiser's next W

Every sample that is trained on is also a try: the seeds say in which order.

A candidate whose W' falls below the floor (the parent's accuracy less the slack) says that W is not good enough to be
built on yet. No accuracy is counted then for as long as that one took, so that at least half of the time goes into
training, which is what helps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch

from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError, RuleError
from pol_oracle.task import Workload

from .attempt import Attempt, Block, Counter, Nonces, Weights, counters
from .crew import Crew, Meeting
from .draws import Draw
from .grouped_network import GroupedNetwork
from .lead import Lead
from .optimiser import AveragedSGD
from .passes import Groups, Passes, Round
from .plan import Plan, measure
from .proof import Parent, Progress, Proof, StoppedError, Watch
from .torch_models import pick_device

MakeOptimiser = Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]


class GroupedSearch:
    """The grouped search for one workload with hardened rules.

    Args:
        workload: the task.
        plan: how to make a pass; None measures what is best on this machine when the first search begins.
        device: where torch computes; by default CUDA if present.
        make_optimiser: of the training that is the search; by default averaged SGD, suited to the size of its rounds.
        meeting: where helpers find this process, which leads; None searches alone.

    Attributes:
        plan: how passes are made; None until that is measured.
        counters: what counts accuracy, in turn.

    Raises:
        InputError: the task has the paper's rules, which Algorithm 1 is for.
    """

    def __init__(
        self,
        workload: Workload,
        plan: Plan | None = None,
        device: torch.device | None = None,
        make_optimiser: MakeOptimiser | None = None,
        meeting: Meeting | None = None,
    ) -> None:
        if not workload.rules.seed_binds_proof:
            raise InputError("the grouped search is for hardened rules: use Algorithm 1 for the paper's")
        self._workload, self.plan, self._make_optimiser = workload, plan, make_optimiser
        self._device = device or pick_device(meeting.local if meeting is not None else 0)
        self.counters: Sequence[Counter] = counters(workload, self._device)
        self._network = GroupedNetwork(workload.model, self._device, workload.task.batch_size)
        self._passes = Passes(workload, self._network, self._device)
        self._reached: bytes | None = None  # root of the W' that the optimiser's state belongs to
        self._rests_until = 0.0
        self._lead = None if meeting is None else Lead(Crew(meeting, workload.task.id), self._network, self._passes)
        self._optimiser = self._new_optimiser()

    def search(
        self,
        parent: Parent,
        miner: str,
        state: State,
        difficulty: int,
        *,
        start_nonce: int = 0,
        should_stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Proof | None:
        """See :class:`Search`; W begins at ``state`` and moves with every pass.

        Raises:
            RuleError: training diverged: a weight is not finite.
        """
        block = Block(self._workload, parent, miner, difficulty)
        watch = Watch(Progress(start_nonce), should_stop, on_progress)
        try:
            plan = self.plan = self.plan or self._measure(block, state, watch)
            self._begin(state)
            weights = Weights.of(state)
            while True:
                watch.ask()
                attempt = Attempt(block, weights, self.counters)
                made = self._round(attempt, start_nonce, plan)
                start_nonce += made.tries
                samples = made.tries * self._workload.task.batch_size
                watch.count(tries=made.tries, passed=len(made.candidates), trained=samples)
                watch.note(loss=made.loss)
                proof = self._first_that_stands(attempt, made.candidates, watch)
                watch.report()
                self._learn(samples)
                if proof is not None:
                    self._reached = proof.post.root
                    return proof
                weights = self._snapshot()
        except StoppedError:
            return None

    @property
    def processes(self) -> int:
        """How many take part, this one included."""
        return 1 if self._lead is None else self._lead.processes

    def state(self) -> State:
        """Returns W as it is now."""
        return self._network.read()

    def close(self) -> None:
        """See :class:`Search`; lets helpers go."""
        if self._lead is not None:
            self._lead.close()

    def _begin(self, state: State) -> None:
        """Loads W. The optimiser goes on where its own last proof left it; for any other W it starts anew."""
        self._network.load(state)
        self._rests_until = 0.0
        if state.root != self._reached:
            self._optimiser, self._reached = self._new_optimiser(), None

    def _new_optimiser(self) -> torch.optim.Optimizer:
        parameters = list(self._network.module.parameters())
        return AveragedSGD(parameters) if self._make_optimiser is None else self._make_optimiser(parameters)

    def _learn(self, samples: int) -> None:
        """Takes the optimiser's step for a round; its own default is suited to the round's size."""
        if isinstance(self._optimiser, AveragedSGD) and self._make_optimiser is None:
            self._optimiser.suit(samples)
        self._optimiser.step()

    def _round(self, attempt: Attempt, first: int, plan: Plan) -> Round:
        """Tries the next nonces: those of one pass, or of one of each process."""
        if self._lead is not None:
            return self._lead.round(attempt, first, plan)
        return self._passes.run(attempt.nonces, first, plan.groups, mixed=plan.mixed)

    def _first_that_stands(self, attempt: Attempt, candidates: Sequence[Draw], watch: Watch) -> Proof | None:
        for draw in candidates:
            began = time.monotonic()
            if began < self._rests_until:
                break
            proof = attempt.confirm(draw, watch)
            if proof is not None:
                return proof
            if attempt.fell_short:
                self._rests_until = 2 * time.monotonic() - began
        return None

    def _measure(self, block: Block, state: State, watch: Watch) -> Plan:
        """Finds a plan at the weights that the search begins with."""
        self._begin(state)
        nonces = Nonces(block, state.root)

        def groups(count: int) -> Groups:
            return self._passes.groups(nonces.drawn(0, count))

        still = self._new_optimiser()
        for options in still.param_groups:
            options["lr"] = 0.0  # the same few groups again and again would teach nothing good

        def between() -> None:
            still.step()
            self._snapshot()

        return measure(self._passes, self._device, groups, between, watch.ask)

    def _snapshot(self) -> Weights:
        """The network's weights, with their root."""
        weights = self._network.snapshot(self._workload.stepper.roots)
        if weights is None:
            self._reached = None  # nor is what the optimiser remembers
            raise RuleError("training diverged: a weight is not finite; use a smaller learning rate")
        return weights
