"""What each subject is asked, repeat by repeat: whose images, and by which route."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mvmoe_bench.measure.planning import distribution
from mvmoe_bench.measure.planning.inputs import Inputs
from mvmoe_bench.measure.schema.orders import Query
from mvmoe_bench.measure.schema.records import Preset, Routes
from mvmoe_deploy.bundle.manifest import IN_GRAPH, Manifest, Target
from mvmoe_deploy.routing import UsagePrior
from mvmoe_deploy.routing.choices import required_choices
from mvmoe_deploy.strategies import find_strategy

_ALL_BUDGETS = 12
"""Up to so many routes every residency budget is measured; of more, about four an octave."""


def imposes(manifest: Manifest, inputs: Inputs) -> bool:
    """Whether all routes of a bundle are imposed: those of synthetic images.

    They are not where a graph has its routers inside: it costs the same whatever they select, and
    an imposed route would have other gates than PyTorch gives it.
    """
    inside = any(target.routers == IN_GRAPH for target in manifest.targets.values())
    return not inputs.real and bool(manifest.rules) and not inside


@dataclass(frozen=True)
class QueryPlan:
    """What the subjects of one bundle are asked.

    Real images take the routes that the router gives them, and where the model has none for a
    stage, what its caller may choose there, in turn. Synthetic ones are forced down routes
    that were drawn from a distribution: what a router makes of them would mean nothing.
    """

    manifest: Manifest
    inputs: Inputs
    distribution: UsagePrior | None
    """What was asked for; else the usage prior, or equal shares."""
    seed: int

    @property
    def forced(self) -> bool:
        """Whether all routes are imposed."""
        return imposes(self.manifest, self.inputs)

    def once(self) -> tuple[Query, ...]:
        """Every image once."""
        return self.sequence(len(self.inputs.images))

    def sequence(self, count: int) -> tuple[Query, ...]:
        """`count` images in the inputs' order, again from the first after the last."""
        images = [number % len(self.inputs.images) for number in range(count)]
        if not self.forced:
            return tuple(Query(image=image, choices=self._choices(image)) for image in images)
        shares = self.distribution or distribution.default(self.manifest)
        routes = distribution.draw(shares, count, self.seed)
        return tuple(
            Query(image=image, routes=taken, forced=True)
            for image, taken in zip(images, routes, strict=True)
        )

    def _choices(self, image: int) -> dict[str, str]:
        """What the caller of an image chooses."""
        names = required_choices(self.manifest.rules)
        return {choice: found[image % len(found)] for choice, found in names.items()}

    def rounds(self, preset: Preset, repeat: int, known: Sequence[Routes] | None) -> list[Query]:
        """The questions of one repeat; repeats ask different images as long as there are any.

        `known` are the routes of the images, for subjects that need them beforehand.
        """
        every = self.sequence(preset.queries * preset.repeats)
        mine = list(every[repeat * preset.queries : (repeat + 1) * preset.queries])
        if self.forced or known is None:
            return mine
        return [query.down(known[query.image]) for query in mine]

    def coverage(
        self, target: Target, known: Sequence[Routes], preset: Preset, repeat: int
    ) -> list[Query]:
        """Queries that impose the routes which no image takes: a rare expert has a cost too.

        With more of them than queries, each repeat takes its part.
        """
        routes = list(self._unseen(target, known))
        if len(routes) > preset.queries:
            routes = routes[repeat :: preset.repeats]
        count = len(self.inputs.images)
        return [
            Query(image=number % count, routes=route, forced=True)
            for number, route in enumerate(routes)
        ]

    def _unseen(self, target: Target, known: Sequence[Routes]) -> Iterator[Routes]:
        """For each route graph that no image has taken, a way through all stages that does."""
        if not known or not known[0]:
            return
        usual, strategy = known[0], find_strategy(target.strategy)
        seen = {
            (stage, place)
            for routes in known
            for stage, route in enumerate(routes, start=1)
            for place in strategy.serving(route)
        }
        for graph in target.graphs:
            if graph.route is None or (graph.stage, graph.route) in seen:
                continue
            record = self.manifest.stages[graph.stage]
            unseen = strategy.example(record.routing, graph.route, record.finishes)
            if unseen is not None:
                yield tuple(
                    unseen if stage == graph.stage else route
                    for stage, route in enumerate(usual, start=1)
                )


def budgets(target: Target) -> tuple[int, ...]:
    """Numbers of resident experts to measure, from one to all; empty without routed graphs."""
    counts: dict[int, int] = {}
    for graph in target.graphs:
        if graph.route is not None:
            counts[graph.stage] = counts.get(graph.stage, 0) + 1
    most = max(counts.values(), default=0)
    if most <= _ALL_BUDGETS:
        return tuple(range(1, most + 1))
    steps = {round(2 ** (quarter / 2)) for quarter in range(2 * most.bit_length())}
    return tuple(sorted({1, most} | {step for step in steps if step < most}))
