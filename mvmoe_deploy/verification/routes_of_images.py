"""The routes that engines give to images, block by block, and what their routers say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import IN_GRAPH, Stage, Target
from mvmoe_deploy.errors import CheckFailedError, RoutingError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.samples import ImageTaker
from mvmoe_deploy.verification.image_engine import ImageEngine
from mvmoe_deploy.verification.routed_by_host import RoutedByHost
from mvmoe_deploy.verification.routed_in_graph import RoutedInGraph
from mvmoe_deploy.verification.run_stages import StageEngine, TargetGraphs, Vectors


@dataclass(frozen=True)
class DescribedModel:
    """What images a model takes, and its stages as a manifest has them."""

    taker: ImageTaker
    stages: tuple[Stage, ...]


@dataclass
class RoutesTaken:
    """What one engine did with images: of each routed stage a list of blocks."""

    members: list[list[np.ndarray]]
    logits: list[list[np.ndarray]]

    @classmethod
    def nothing(cls, stages: int) -> "RoutesTaken":
        """No image yet, at so many routed stages."""
        return cls([[] for _ in range(stages)], [[] for _ in range(stages)])

    def add(self, vectors: Vectors) -> None:
        """What a block of images did, by the names of golden vectors."""
        for stage, (members, logits) in enumerate(zip(self.members, self.logits, strict=True), 1):
            members.append(vectors[f"members.{stage}"])
            logits.append(logits_in(vectors, stage))

    def members_at(self, stage: int) -> np.ndarray:
        """The memberships `[n, E]` (bool) of a stage, from 1."""
        return np.concatenate(self.members[stage - 1])

    def logits_at(self, stage: int) -> np.ndarray:
        """The logits `[n, E]` of a stage's router, `[n, 0]` without one."""
        return np.concatenate(self.logits[stage - 1])


@dataclass(frozen=True)
class _RoutersAlone:
    """Stages of which the last is not computed: there is no router behind it."""

    engine: StageEngine
    last: int

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""
        return self.engine.stem(images)

    def step(self, stage: int, route: Route, tensors: Vectors, gates: np.ndarray) -> Vectors:
        """What a routed stage gives; nothing of the last one."""
        return {} if stage == self.last else self.engine.step(stage, route, tensors, gates)


def routers_stages(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages with the rules of their routers where a caller may choose as well.

    What a caller alone decides is left as it is.
    """
    return tuple(
        stage
        if stage.rule is None or (router := router_of(stage.rule)) is None
        else msgspec.structs.replace(stage, rule=router)
        for stage in stages
    )


def routed_alone(engine: StageEngine, stages: Sequence[Stage]) -> ImageEngine:
    """Images through as many stages as their routes need, no answers."""
    return RoutedByHost(_RoutersAlone(engine, len(stages) - 1), routers_stages(stages), ())


def target_routes(runner: Runner, bundle: Bundle, name: str, record: Target) -> ImageEngine:
    """The same for the graphs of a target; one that has its routers inside is run whole."""
    if record.routers == IN_GRAPH:
        return RoutedInGraph(runner, bundle.manifest, record)
    graphs = TargetGraphs(runner, bundle.path, record, bundle.strategy(name))
    return routed_alone(graphs, bundle.manifest.stages)


@dataclass(frozen=True)
class RoutesOfImages:
    """What each of several engines did with the same images, by the engines' names."""

    stages: tuple[Stage, ...]
    """With the rules of routers, see `routers_stages`."""
    taken: Mapping[str, RoutesTaken] = field(default_factory=dict)


def take_routes(
    engines: Mapping[str, ImageEngine],
    stages: Sequence[Stage],
    blocks: Iterable[np.ndarray],
) -> RoutesOfImages:
    """Send blocks of images `[n, C, H, W]` (fp32) through every engine.

    Raises CheckFailedError if a router gives a logit that is not finite, and EngineError.
    """
    taken = {name: RoutesTaken.nothing(len(stages) - 1) for name in engines}
    for block in blocks:
        for name, engine in engines.items():
            try:
                taken[name].add(engine.own(engine.start(block)))
            except RoutingError as error:
                raise CheckFailedError(
                    f"{name}: {error}", code=error.code, **error.fields
                ) from error
    return RoutesOfImages(routers_stages(stages), taken)
