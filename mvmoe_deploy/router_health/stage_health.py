"""What is found of the router of one stage, as plain data: what `--json` prints."""

from typing import Literal

import msgspec

from mvmoe_deploy.routing import Route

Verdict = Literal["collapsed", "unused-experts", "imbalanced", "healthy"]
"""The worst that holds, in this order."""


class HealthData(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what is found; shares are between 0 and 1."""


class ShareOfImages(HealthData, frozen=True):
    """How many images, as a share with its exact 95% interval `low` to `high`."""

    images: int
    share: float
    low: float
    high: float


class RouteUse(ShareOfImages, frozen=True):
    """A route and the images that take it."""

    route: Route


class ExpertUse(ShareOfImages, frozen=True):
    """An expert and the images that use it."""

    expert: int


class ClassUse(HealthData, frozen=True):
    """The images of one class: how many of them use each expert `[E]`."""

    name: str
    images: int
    experts: list[int]


class MarginSpread(HealthData, frozen=True):
    """By how much images keep their routes: see `Rule.margins`.

    An image is near a tie if an engine whose logits are off by a hundredth of the largest logit
    could send it elsewhere: its margin is at most `near_tie_limit`.
    """

    min: float
    p05: float
    p50: float
    p95: float
    max: float
    near_tie_limit: float
    near_ties: ShareOfImages


class HealthThresholds(HealthData, frozen=True):
    """What a verdict is held against, for a stage of that many experts."""

    least_images: int
    collapsed_share: float
    """Collapsed: the lower end of one route's share is at least this."""
    unused_share: float
    """Unused: the upper end of an expert's share is below this."""
    effective_experts: float
    """Imbalanced: the effective number of experts is below this."""


class HealthAdvice(HealthData, frozen=True):
    """One thing to do: a sentence, and where there is one the command that does it."""

    text: str
    command: str | None = None


class RouterFinding(HealthData, frozen=True):
    """Something that is wrong with a router."""

    verdict: Verdict
    sentence: str
    experts: list[int]
    """Those that it is about: of the one route, or those that are not used."""
    value: float
    threshold: float
    advice: list[HealthAdvice]
    """What to do: several ways, one of which is enough."""


class OpenQuestion(HealthData, frozen=True):
    """What these images are too few to say; `images_needed` is None if no number of them is
    enough, at the same shares."""

    verdict: Verdict
    sentence: str
    images_needed: int | None


class StageHealth(HealthData, frozen=True):
    """One stage. `verdict` is None where there is none to give; `reason` says why."""

    stage: int
    rule: str
    experts: int
    images: int
    """Those that reached the stage."""
    images_before: int
    """All, those that were finished before it too."""
    decides: bool
    """Whether a router decides there, between at least two routes: else there is no verdict."""
    verdict: Verdict | None
    reason: str | None
    findings: list[RouterFinding]
    open_questions: list[OpenQuestion]
    thresholds: HealthThresholds
    routes: list[RouteUse]
    """The most used first; only those that an image takes."""
    routes_possible: int | None
    experts_used: list[ExpertUse]
    """All, in their order."""
    unused: list[int]
    """Experts that none of the images uses."""
    expert_entropy: float | None
    """In nats, of the experts' shares made to sum to 1."""
    effective_experts: float | None
    route_entropy: float | None
    effective_routes: float | None
    margin: MarginSpread | None
    classes: list[ClassUse]
