"""What a verification found: of each route, router and target, and of the whole bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.outputs.accuracy import Accuracy
from mvmoe_deploy.routing import Route
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.verification.faults import FaultLocation
from mvmoe_deploy.verification.kept_answers import KeptAnswers
from mvmoe_deploy.verification.output_errors import OutputsCompared, RouteOutput
from mvmoe_deploy.verification.reference import Reference
from mvmoe_deploy.verification.used_bounds import UsedBounds


@dataclass(frozen=True)
class RouteReport:
    """One route of one routed stage, images taken down the reference's own route.

    `images` took it in PyTorch. Where none did, `forced` says whether it was run all the same;
    `outputs`, by their names, are empty where it was not. A dense model has one report of stage 0
    and route ().
    """

    stage: int
    route: Route
    images: int
    forced: bool
    outputs: Mapping[str, RouteOutput]

    @property
    def share_over_bound(self) -> float:
        """The largest share, of any output, of images with an error over the bound."""
        return max((found.share_over_bound for found in self.outputs.values()), default=0.0)


@dataclass(frozen=True)
class StageReport:
    """One router: how far its logits are off, and how sure PyTorch's are of their route.

    `margins` `[n]` are the reference's, infinite for images that have not `reached` `[n]` the stage
    because they were finished before; `near_tie_limit` is the margin up to which a route may
    flip. `worst_image` has the largest error; `previous_route` is the route that it
    took at the stage before, whose graph gave its logits (() for the stem).
    """

    stage: int
    experts: int
    routing_agreement: float
    max_abs_error: float
    max_rel_error: float
    rms_error: float
    worst_image: int
    previous_route: Route
    margins: np.ndarray
    near_tie_limit: float
    reached: np.ndarray


@dataclass(frozen=True)
class Disagreement:
    """An image that goes another way than in PyTorch, and at which stage it first does."""

    image: str
    stage: int
    route: Route
    target_route: Route
    margin: float
    near_tie: bool


@dataclass(frozen=True)
class BoundExceeded:
    """A figure beyond its bound, and the graph to look at: route () of stage 0 is the stem.

    `output` is the name of the output that it is a figure of; None if it is one of routing.
    """

    stage: int
    route: Route
    output: str | None
    figure: str
    value: float
    bound: float
    sentence: str


@dataclass(frozen=True)
class TargetReport:
    """One target against the reference.

    `overall` compares outputs of images on the target's own routes, `agreeing` only those that go
    the same way (None if none does), `same_route` all images taken down the reference's routes.
    `near_ties` are positions (stage, image).
    """

    name: str
    record: Target
    engine: str
    stands_in_for: str | None
    """The engine that was not there, where a reference evaluator ran instead of it."""
    used_bounds: UsedBounds
    samples: Samples
    members: list[np.ndarray]
    """The routes of the reference: of each routed stage the membership `[n, E]`."""
    target_members: list[np.ndarray]
    """The routes of the target."""
    routing_agreement: float
    overall: OutputsCompared
    agreeing: OutputsCompared | None
    same_route: OutputsCompared
    accuracy: Accuracy | None
    """Right answers of PyTorch and of the target, where labels are known."""
    stages: list[StageReport]
    near_ties: list[tuple[int, int]]
    disagreements: list[Disagreement]
    per_route: list[RouteReport]
    failures: list[BoundExceeded]
    fault: FaultLocation | None = None
    """Where the error begins that the first failure is about; None where that is not known."""

    @property
    def shortfall(self) -> str:
        """The first failure, and where it begins, in a sentence; empty if there is none."""
        begins = f"; {self.fault.sentence}" if self.fault else ""
        return f"{self.failures[0].sentence}{begins}" if self.failures else ""

    @property
    def fields(self) -> dict[str, Any]:
        """What the first failure is about, for an error's fields."""
        fault = {} if self.fault is None else self.fault.fields
        return {"target": self.name, **fault}

    @property
    def ok(self) -> bool:
        """Whether every figure is within its bound."""
        return not self.failures


@dataclass(frozen=True)
class Report:
    """All targets of a bundle that were verified; `reference` is `pytorch` or `golden`.

    `skipped` has the others, which no engine of this machine runs or whose files were removed, each
    with its reason.
    """

    reference: str
    images: int
    targets: dict[str, TargetReport]
    skipped: dict[str, str]
    compared_with: Reference | None = None
    """The images, and what the reference said of them."""

    @property
    def kept(self) -> KeptAnswers | None:
        """What restricted routing costs, on images that were given; None where nothing is known."""
        return None if self.compared_with is None else self.compared_with.kept

    @property
    def ok(self) -> bool:
        """Whether every target that was verified is."""
        return all(target.ok for target in self.targets.values())

    @property
    def failures(self) -> list[BoundExceeded]:
        """Those of all targets."""
        return [failure for target in self.targets.values() for failure in target.failures]

    def require_ok(self) -> None:
        """Raise CheckFailedError with the first failure unless everything is within its bounds."""
        if not self.ok:
            raise CheckFailedError(self.shortfall, **self.fields)

    @property
    def fields(self) -> dict[str, Any]:
        """What the first failure is about, for an error's fields; empty if there is none."""
        return next((target.fields for target in self.targets.values() if target.failures), {})

    @property
    def shortfall(self) -> str:
        """The first failure in a sentence, with where it begins, and how many there are beside it.

        Empty if there is none.
        """
        more = f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else ""
        fallen = next((target for target in self.targets.values() if target.failures), None)
        return f"{fallen.shortfall}{more}" if fallen is not None else ""
