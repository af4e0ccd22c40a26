"""Which experts the images that reached one routed stage used, counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.routing.contract import route_of


@dataclass(frozen=True)
class RouteCounts:
    """What one router did, whoever counted it."""

    stage: int
    """From 1."""
    experts: int
    rule: str
    """In words."""
    routes: Mapping[Route, int]
    """Images by route; each has at least one expert."""
    images: int
    """All images, those that were finished before they reached the stage too."""
    possible: int | None = None
    """How many routes the rule has; None where the rule is not known."""
    routed: bool = True
    """False where no router decides: the caller chooses the route."""
    classes: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Of each class the images that use each expert `[E]`; empty without labels."""
    kept: tuple[int, ...] | None = None
    """The experts that the rule can select, if an export has left others out; None for all."""
    class_images: Mapping[str, int] = field(default_factory=dict)
    """Of each class the images that reached the stage."""

    @property
    def usable(self) -> tuple[int, ...]:
        """The experts that can be selected, in ascending order."""
        return tuple(range(self.experts)) if self.kept is None else self.kept

    @cached_property
    def reached(self) -> int:
        """The images that reached the stage."""
        return sum(self.routes.values())

    @cached_property
    def used(self) -> np.ndarray:
        """The images that use each expert, `[E]`."""
        counts = np.zeros(self.experts, np.int64)
        for route, images in self.routes.items():
            counts[list(route)] += images
        return counts


def count_routes(
    stage: int, rule: Rule, members: np.ndarray, groups: Sequence[str] | None = None
) -> RouteCounts:
    """Count the memberships `[n, E]` (bool) of one stage, no expert for images that lack it.

    `groups` are the classes of the images, if they are known.
    """
    reached = np.flatnonzero(members.any(axis=1))
    taken, counts = np.unique(members[reached], axis=0, return_counts=True)
    by_class, class_images = _by_class(members, reached, groups)
    router = router_of(rule)
    return RouteCounts(
        stage=stage,
        experts=rule.experts,
        rule=rule.describe(),
        routes={route_of(row): int(n) for row, n in zip(taken, counts, strict=True)},
        images=len(members),
        possible=rule.count() if router is None else router.count(),
        routed=router is not None,
        kept=tuple(rule.usable),
        classes=by_class,
        class_images=class_images,
    )


def _by_class(
    members: np.ndarray, reached: np.ndarray, groups: Sequence[str] | None
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Of each class the images that use each expert `[E]`, and those that reached the stage."""
    if groups is None:
        return {}, {}
    of_class: dict[str, list[int]] = {name: [] for name in sorted(set(groups))}
    for image in reached:
        of_class[groups[image]].append(int(image))
    used = {name: members[images].sum(axis=0) for name, images in of_class.items()}
    return used, {name: len(images) for name, images in of_class.items()}


def counted(pairs: Mapping[Route, int]) -> Counter[Route]:
    """Routes with their images, without what is no route: an image that was finished before."""
    return Counter({route: images for route, images in pairs.items() if route})
