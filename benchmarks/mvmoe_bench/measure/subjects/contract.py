"""The contract of a subject: one way to answer images, and how it is made ready.

One folder a subject, found by its name, whose `PART` is a `SubjectKind`. Importing it must not
import PyTorch: `prepare` and `make` do, if they need it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Literal

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Laps, Routes
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.runtime.prediction import Outputs

if TYPE_CHECKING:
    from mvmoe_deploy.models import RoutedModel

Answers = Literal["imposed", "own"] | None
"""Whose routes the answers of a subject follow: those that a query imposes, or always its own
router's. None if its answers mean nothing."""


@dataclass(frozen=True)
class Traced:
    """The outputs `[1, ...]` of one image, and where its time went."""

    outputs: Outputs
    routes: Routes
    cold: tuple[bool, ...]
    laps: Laps


@dataclass(frozen=True)
class Loaded:
    """One graph that came into memory: nanoseconds of its load, first and second run."""

    graph: str
    stage: int
    route: Route | None
    load_ns: int
    first_ns: int | None
    warm_ns: int | None


class Stopwatch:
    """Takes the time of the steps of an opening: nanoseconds by name."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = {}
        self._last = perf_counter_ns()

    def start(self) -> None:
        """Begin, or begin again."""
        self._last = perf_counter_ns()

    def lap(self, name: str) -> None:
        """Count the time since the last lap as `name`: `parse`, `hash` or `open`."""
        now = perf_counter_ns()
        self.spent[name] = self.spent.get(name, 0) + now - self._last
        self._last = now


class Subject:
    """A subject in memory, ready to answer.

    A subclass overrides `answer`, and the others where it has something to say.
    """

    actual: EngineChoice
    """The engine that it really got."""

    def traced(self, query: Query) -> Traced:
        """One answer and its parts; raises TypeError for a subject without parts."""
        traced = self.trace(query)
        if traced is None:
            raise TypeError(f"{type(self).__name__} has no parts to trace; measure its answers")
        return traced

    def answer(self, query: Query) -> Outputs:
        """Outputs `[1, ...]` by name: new arrays, as an application would get them."""
        raise NotImplementedError

    def trace(self, query: Query) -> Traced | None:
        """One answer and its parts; None for a subject without parts."""
        return None

    def prewarm(self) -> None:
        """Bring in what may be resident and is not yet, so that warm answers are warm."""

    def loads(self) -> Iterable[Loaded]:
        """Loads the graphs that are not in memory yet, one by one."""
        return ()

    def close(self) -> None:
        """Release everything that it holds."""


@dataclass(frozen=True)
class SubjectLook:
    """How a report shows a subject; the defaults are those of an unknown one."""

    role: Literal["product", "oracle", "baseline"] = "baseline"
    """The product is what all others are compared with; an oracle divides it, it divides others."""
    colour: str = ""
    """Name of a colour of the report's plots, which it has unless another has it already."""
    description: str = ""
    """What it is, without a full stop."""
    ratio_meaning: str = ""
    """What its ratio with the product says."""
    in_sentences: str = ""
    """The subject of a sentence on that ratio; without one there is no sentence."""
    tile: str = ""
    """What a reader calls the difference that the ratio says, if it is a key figure: `routing
    costs`."""
    tile_note: str = ""
    """What the difference is to: `than a graph that knows the expert`."""
    is_floor: bool = False
    """Whether it runs the product's own graphs and nothing else: what the product takes above it
    is the product's host time."""


class SubjectKind:
    """A part of the kind `subjects`: what it is, and how it is made ready."""

    name: str
    look: SubjectLook
    per_target: bool = True
    """Whether there is one for each target of a bundle, or one for the bundle."""
    needs_model: bool = True
    """Whether it is made from the PyTorch model, so that a checkpoint must be given."""
    answers: Answers = "imposed"
    is_started_alone: bool = False
    """Whether its start and memory are measured, each in a process of its own."""
    holds_one_route: bool = False
    """Whether what it has in memory answers the images of one route only."""

    def prepare(self, request: "Preparation") -> str:
        """Export what it needs, if anything; gives the directory or checkpoint it is made from."""
        raise NotImplementedError

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> Subject:
        """The subject, in the process that measures it, with all that it needs in memory.

        Raises MvmoeError, or whatever its engine raises: it is then recorded as failed.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Preparation:
    """What a kind has to export its graphs from, in the process that plans."""

    bundle: Bundle
    target: str | None
    model: "RoutedModel | None"
    checkpoint: Path | None
    routes: Sequence[Routes]
    """All routes that will be asked for."""
    folder: Path
    """A directory of this bundle's and target's, where graphs may be kept."""

    @property
    def record(self) -> Target:
        """The manifest's record of the target; raises InputError for a subject without one."""
        if self.target is None:
            raise InputError(
                "a graph was to be exported for no target; give one of the bundle's",
                code="input.option",
                name="target",
            )
        return self.bundle.target(self.target)


def actual_engine(runner: Runner) -> EngineChoice:
    """The engine that a runner really is, and where it says that it runs graphs."""
    return EngineChoice(engine=runner.description, provider=runner.provider)
