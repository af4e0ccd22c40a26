"""What each route costs, and what an image costs under the shares that routes have."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import numpy as np

from mvmoe_bench.measure.schema.records import BundleRecord, Sample, SubjectRecord
from mvmoe_bench.report.estimates import MS, Estimate, Figure, median_of, quick_median
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import (
    CONFIDENCE,
    ENOUGH_GROUPS,
    Distribution,
    GroupedMedian,
    Ratio,
    distribution,
    interval,
)
from mvmoe_deploy.routing import Route, UsagePrior

Shares = dict[tuple[int, Route], float]
"""By stage and route."""
Under = Literal["usage prior", "given distribution", "observed usage"]


class RouteRow(Figure):
    """One route of one routed stage."""

    stage: int
    route: Route
    n: int
    total_ms: Distribution
    """The whole answer of images that took it, forced ones included."""
    expert_ms: Distribution
    """Its own graph alone."""
    step_ms: Estimate
    """Median of select, load and expert of its stage together."""
    prior: float | None
    """Its share under the usage prior of the manifest; None if there is none."""
    given: float | None
    """Its share under the distribution that was asked for."""
    observed: float
    """Its share of the samples that count for latency."""


class Expected(Figure):
    """What an image costs on average over routes whose shares are known."""

    under: Under
    ms: Estimate
    coverage: tuple[float, ...]
    """By stage: the share of the distribution whose routes were measured. The others are left out
    and the shares scaled up to 1."""


class Worst(Figure):
    """The most expensive route of a stage."""

    stage: int
    route: Route
    ms: Estimate
    """Of one routed stage the whole answer; of several select, load and expert of the stage."""
    over_others: Ratio | None
    """Its median over that of all other routes' samples of the same repeats; None if there are no
    others. The interval is widened for having picked the highest of several (Bonferroni)."""
    told_apart: bool
    left_out: int
    """Routes that were measured in fewer than six repeats and not considered, if others were."""


class Routes(Figure):
    """All routes of one subject."""

    subject: str
    bundle: str
    target: str | None
    stages: int
    rows: tuple[RouteRow, ...]
    """In order of stages, the most used first."""
    expected: tuple[Expected, ...]
    worst: tuple[Worst, ...]
    unmeasured: int
    """Routes of the prior or distribution that no sample took."""


class Expectation:
    """Expected latency in ms: a number for the repeats as they are, and for any draw of them.

    With one routed stage: the sum over routes of share times median of the whole answer. With
    several: the median of stem and rest, and for each stage the sum over routes of share times
    median of select, load and expert there; routes of different stages need not be independent.
    A draw of repeats that lacks a rare route takes the route's median of all repeats.
    """

    def __init__(self, samples: list[Sample], shares: Shares) -> None:
        """`shares` sum to 1 in each stage, over routes that `samples` took."""
        repeats = {repeat: i for i, repeat in enumerate(dict.fromkeys(s.repeat for s in samples))}
        self.groups = len(repeats)
        self._terms: list[tuple[float, GroupedMedian]] = []
        stages = len(samples[0].routes or ())
        for (stage, route), share in shares.items():
            its = [s for s in samples if s.routes and s.routes[stage] == route]
            values = [_cost(sample, stage, stages) * MS for sample in its]
            self._terms.append((share, self._median(values, its, repeats)))
        # With one stage, answers of routes without a share take no part.
        self.n = len(samples) if stages > 1 else sum(median.n for _, median in self._terms)
        if stages > 1:
            common = [(s.laps.stem + s.laps.rest) * MS for s in samples if s.laps]
            self._terms.append((1.0, self._median(common, samples, repeats)))
        self.value = sum(share * median.value for share, median in self._terms)

    @staticmethod
    def _median(
        values: list[float], samples: list[Sample], repeats: Mapping[int, int]
    ) -> GroupedMedian:
        """The median over all repeats' numbers, so that all terms take the same draws."""
        codes = np.array([repeats[sample.repeat] for sample in samples])
        return GroupedMedian(np.asarray(values), codes, len(repeats))

    def resampled(self, drawn: np.ndarray) -> np.ndarray:
        """The expected latency for each row of drawn repeats `[R, G]`."""
        return sum(share * median.resampled(drawn) for share, median in self._terms)  # type: ignore[return-value]


def routes(index: Index, subject: SubjectRecord) -> Routes | None:
    """The routes of one dispatcher; None if no sample says its route."""
    samples = _routed(index, subject.key)
    if not samples:
        return None
    bundle = index.bundles.get(subject.bundle)
    wanted = distributions(index, subject, bundle)
    prior, given = wanted.get("usage prior"), wanted.get("given distribution")
    observed = wanted["observed usage"]
    taken = _by_route(samples)
    rows = [
        _row(index, key, its, (prior, given, observed))
        for key, its in sorted(taken.items(), key=lambda item: (item[0][0], -len(item[1])))
    ]
    rows.sort(key=lambda row: (row.stage, -_weight(row), row.route))
    return Routes(
        subject=subject.key,
        bundle=subject.bundle,
        target=subject.target,
        stages=len(samples[0].routes or ()),
        rows=tuple(rows),
        expected=tuple(
            found
            for under, shares in wanted.items()
            if (found := _expected(samples, under, shares, index.run.seed)) is not None
        ),
        worst=_worst(samples, taken, index.run.seed),
        unmeasured=len({*(prior or {}), *(given or {})} - set(taken)),
    )


def distributions(
    index: Index, subject: SubjectRecord, bundle: BundleRecord | None
) -> dict[Under, Shares]:
    """The shares of routes by where they come from; routes with none are left out."""
    result: dict[Under, Shares] = {}
    if bundle is not None and bundle.usage_prior is not None:
        result["usage prior"] = _shares(bundle.usage_prior)
    asked = (index.run.inputs.distribution or {}).get(subject.bundle)
    if asked is not None:
        result["given distribution"] = _shares(asked)
    natural = [sample for sample in index.natural(subject.key) if sample.routes]
    counts = Counter((i, r) for s in natural for i, r in enumerate(s.routes or ()))
    result["observed usage"] = {key: count / len(natural) for key, count in counts.items()}
    return result


def expectation(
    samples: list[Sample], shares: Shares
) -> tuple[Expectation, tuple[float, ...]] | None:
    """The expected latency over measured routes and, by stage, the share that those have.

    None if a stage has no measured route of the distribution.
    """
    taken = {(i, r) for s in samples for i, r in enumerate(s.routes or ())}
    stages = len(samples[0].routes or ())
    coverage = tuple(
        sum(share for key, share in shares.items() if key[0] == stage and key in taken)
        for stage in range(stages)
    )
    if not stages or min(coverage) <= 0:
        return None
    scaled = {
        key: share / coverage[key[0]] for key, share in shares.items() if key in taken and share > 0
    }
    return Expectation(samples, scaled), coverage


def routed_samples(index: Index, subject: str) -> list[Sample]:
    """Samples that say their route and their laps, forced ones included."""
    return _routed(index, subject)


def _routed(index: Index, subject: str) -> list[Sample]:
    """Samples that say their route and their laps, forced ones included."""
    return [s for s in index.samples.get(subject, []) if s.routes and s.laps is not None]


def _by_route(samples: list[Sample]) -> dict[tuple[int, Route], list[Sample]]:
    """Samples by stage and route."""
    result: dict[tuple[int, Route], list[Sample]] = {}
    for sample in samples:
        for stage, route in enumerate(sample.routes or ()):
            result.setdefault((stage, route), []).append(sample)
    return result


def _shares(prior: UsagePrior) -> Shares:
    """A usage prior as a dictionary."""
    return {
        (stage, item.route): item.share
        for stage, items in enumerate(prior)
        for item in items
        if item.share > 0
    }


def _row(
    index: Index,
    key: tuple[int, Route],
    samples: list[Sample],
    shares: tuple[Shares | None, Shares | None, Shares],
) -> RouteRow:
    """One line of the table of routes."""
    stage, route = key
    prior, given, observed = shares
    repeats = [sample.repeat for sample in samples]
    laps = [sample.laps for sample in samples if sample.laps is not None]
    seed = index.run.seed
    return RouteRow(
        stage=stage,
        route=route,
        n=len(samples),
        total_ms=distribution([sample.ns * MS for sample in samples], repeats, seed),
        expert_ms=distribution([lap.expert[stage] * MS for lap in laps], repeats, seed),
        step_ms=median_of([_step(sample, stage) * MS for sample in samples], repeats, seed),
        prior=None if prior is None else prior.get(key, 0.0),
        given=None if given is None else given.get(key, 0.0),
        observed=observed.get(key, 0.0),
    )


def _weight(row: RouteRow) -> float:
    """The share that a row is sorted by."""
    return next(share for share in (row.given, row.prior, row.observed) if share is not None)


def _step(sample: Sample, stage: int) -> int:
    """Nanoseconds of select, load and expert in one stage."""
    laps = sample.laps
    return laps.select[stage] + laps.load[stage] + laps.expert[stage] if laps else 0


def _cost(sample: Sample, stage: int, stages: int) -> int:
    """What a route is charged with: the whole answer if its stage is the only one."""
    return sample.ns if stages == 1 else _step(sample, stage)


def _expected(samples: list[Sample], under: Under, shares: Shares, seed: int) -> Expected | None:
    """Expected latency with its interval; None without a measured route."""
    found = expectation(samples, shares)
    if found is None:
        return None
    expected, coverage = found
    bounds = interval(expected.resampled, (expected.groups,), seed=seed)
    return Expected(
        under=under,
        ms=Estimate(
            value=expected.value,
            low=bounds.low,
            high=bounds.high,
            n=expected.n,
            groups=expected.groups,
            rough=bounds.rough,
        ),
        coverage=coverage,
    )


def _worst(
    samples: list[Sample], taken: dict[tuple[int, Route], list[Sample]], seed: int
) -> tuple[Worst, ...]:
    """The most expensive route of each stage."""
    stages = len(samples[0].routes or ())
    return tuple(_worst_of(stage, stages, taken, seed) for stage in range(stages))


def _worst_of(
    stage: int, stages: int, taken: dict[tuple[int, Route], list[Sample]], seed: int
) -> Worst:
    """The route of a stage with the highest median, and whether it stands out."""
    its = {route: samples for (at, route), samples in taken.items() if at == stage}
    known = {r: samples for r, samples in its.items() if _repeats(samples) >= ENOUGH_GROUPS}
    costs = {
        route: [_cost(sample, stage, stages) * MS for sample in samples]
        for route, samples in (known or its).items()
    }
    worst = max(costs, key=lambda route: quick_median(costs[route]))
    mine = its[worst]
    there = {sample.repeat for sample in mine}
    rest = [
        sample
        for route, samples in its.items()
        for sample in samples
        if route != worst and sample.repeat in there
    ]
    others = [_cost(sample, stage, stages) * MS for sample in rest]
    over = None
    if rest and quick_median(others):
        top = _by_repeat(costs[worst], mine, there)
        over = _over(top, _by_repeat(others, rest, there), len(its), seed)
    return Worst(
        stage=stage,
        route=worst,
        ms=median_of(costs[worst], [sample.repeat for sample in mine], seed),
        over_others=over,
        told_apart=over is not None and not over.rough and (over.low or 0) > 1,
        left_out=len(its) - len(costs),
    )


def _repeats(samples: list[Sample]) -> int:
    """How many repeats samples come from."""
    return len({sample.repeat for sample in samples})


def _by_repeat(values: list[float], samples: list[Sample], repeats: set[int]) -> GroupedMedian:
    """Medians over the given repeats' numbers, so that two of them take the same draws."""
    codes = {repeat: code for code, repeat in enumerate(sorted(repeats))}
    groups = np.array([codes[sample.repeat] for sample in samples])
    return GroupedMedian(np.asarray(values), groups, len(repeats))


def _over(top: GroupedMedian, others: GroupedMedian, routes: int, seed: int) -> Ratio:
    """The worst route over all others, at a level that allows for `routes` candidates."""

    def quotient(drawn: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return top.resampled(drawn) / others.resampled(drawn)

    level = 1 - (1 - CONFIDENCE) / routes
    bounds = interval(quotient, (top.groups,), seed=seed, confidence=level)
    value = top.value / others.value
    return Ratio(value, bounds.low, bounds.high, value, top.n, top.groups, bounds.rough)
