"""What was measured of one target, held against its bounds: each shortfall as one sentence."""

from collections.abc import Iterator
from dataclasses import dataclass

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.metrics import in_enough_digits
from mvmoe_deploy.verification.output_errors import RouteOutput
from mvmoe_deploy.verification.verification_report import (
    BoundExceeded,
    Disagreement,
    RouteReport,
    StageReport,
)


@dataclass(frozen=True)
class BoundsCheck:
    """Compares figures with the bounds of one target."""

    target: str
    bounds: Bounds
    several_stages: bool

    def routers(self, stages: list[StageReport], names: tuple[str, ...]) -> Iterator[BoundExceeded]:
        """Routers whose logits are too far off."""
        for report in stages:
            bound = self.bounds.router_error
            if not report.max_rel_error <= bound:
                error, _ = in_enough_digits(report.max_rel_error, bound)
                what = (
                    f"the router's logits are off by {error} of the largest one on image "
                    f"{names[report.worst_image]}"
                )
                where = (report.stage - 1, report.previous_route)
                yield self._fail(where, "router_max_rel_error", report.max_rel_error, bound, what)

    def routing(
        self, disagreements: list[Disagreement], routes: list[RouteReport]
    ) -> list[BoundExceeded]:
        """Routes whose images go elsewhere although PyTorch is sure of them."""
        images = {(report.stage, report.route): report.images for report in routes}
        lost: dict[tuple[int, Route], list[Disagreement]] = {}
        for item in disagreements:
            if not item.near_tie:
                lost.setdefault((item.stage, item.route), []).append(item)
        failures = []
        for where, items in lost.items():
            share = 1 - len(items) / images[where]
            if share < self.bounds.routing_agreement:
                first = items[0]
                what = (
                    f"only {share:.1%} of its images take it beside near-ties; image {first.image} "
                    f"takes {list(first.target_route)} although its margin is {first.margin:.3g}"
                )
                bound = self.bounds.routing_agreement
                failures.append(self._fail(where, "routing_agreement", share, bound, what))
        return failures

    def outputs(self, routes: list[RouteReport]) -> Iterator[BoundExceeded]:
        """Routes with outputs that are too far off: of an output's figures the plainest one.

        A broken expert spoils the rows of other stages too, but all images only of its own: that
        row comes first.
        """
        blame = sorted(routes, key=lambda report: (-report.share_over_bound, -report.stage))
        for report in blame:
            for name, found in report.outputs.items():
                if (failure := self._output((report.stage, report.route), name, found)) is not None:
                    yield failure

    def _output(
        self, where: tuple[int, Route], name: str, found: RouteOutput
    ) -> BoundExceeded | None:
        """One output of one route, if it is too far off."""
        errors, bounds = found.errors, self.bounds
        if not errors.max_rel_error <= bounds.answer_error:
            value, bound = errors.max_rel_error, bounds.answer_error
            what = (
                f"the {errors.furthest} of the output {name} are off by "
                f"{errors.max_abs_error:.3g}, which is {in_enough_digits(value, bound)[0]} of the "
                "largest one"
            )
            return self._fail(where, "max_rel_error", value, bound, what, output=name)
        if not errors.psnr_db >= bounds.psnr_db:
            value, bound = errors.psnr_db, bounds.psnr_db
            what = (
                f"the {errors.noisiest} of the output {name} have a signal-to-noise ratio of "
                f"{in_enough_digits(value, bound)[0]} dB"
            )
            return self._fail(where, "psnr_db", value, bound, what, output=name)
        agreement, least = found.clear_agreement, found.least_agreement
        if agreement is None or least is None or agreement >= least:
            return None
        what = (
            f"the output {name} has a {errors.measure} of {in_enough_digits(agreement, least)[0]} "
            "beside near-ties"
        )
        return self._fail(where, "agreement", agreement, least, what, output=name)

    def _fail(
        self,
        where: tuple[int, Route],
        figure: str,
        value: float,
        bound: float,
        what: str,
        *,
        output: str | None = None,
    ) -> BoundExceeded:
        stage, route = where
        place = f"target {self.target}, {self._place(stage, route)}"
        sentence = f"{place}: {what}; the bound on {figure} is {in_enough_digits(value, bound)[1]}"
        return BoundExceeded(stage, route, output, figure, value, bound, sentence)

    def _place(self, stage: int, route: Route) -> str:
        """A route, with its stage if there are several."""
        if not stage:
            return "the stem"
        at = f" of routed stage {stage}" if self.several_stages else ""
        return f"route {list(route)}{at}"
