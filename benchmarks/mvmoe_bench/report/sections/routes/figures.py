"""What each route costs, and what an image costs under the shares that routes have."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Literal

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.records import BundleRecord, SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import (
    CONFIDENCE,
    ENOUGH_REPEATS,
    MS,
    Distribution,
    Estimate,
    Figure,
    PerRepeat,
    Ratio,
    by_repeat,
    conclusive,
    distribution,
    median_of,
    paired_ratio,
)
from mvmoe_deploy.routing import Route, UsagePrior

Key = tuple[int, Route]
"""Stage and route."""
Shares = dict[Key, float]
Under = Literal["usage prior", "given distribution", "observed usage"]


class RouteRow(Figure, frozen=True):
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


class Expected(Figure, frozen=True):
    """What an image costs on average over routes whose shares are known."""

    under: Under
    ms: Estimate
    coverage: tuple[float, ...]
    """By stage: the share of the distribution whose routes were measured. The others are left out
    and the shares scaled up to 1."""


class Worst(Figure, frozen=True):
    """The most expensive route of a stage."""

    stage: int
    route: Route
    ms: Estimate
    """Of one routed stage the whole answer; of several select, load and expert of the stage."""
    over_others: Ratio | None
    """Over all other routes' samples, repeat by repeat; None if there are no others. The interval
    is widened for having picked the highest of several (Bonferroni)."""
    told_apart: bool
    left_out: int
    """Routes that were measured in fewer than six repeats and not considered, if others were."""


class Routes(Figure, frozen=True):
    """All routes of one subject."""

    stages: int
    rows: tuple[RouteRow, ...]
    """In order of stages, the most used first."""
    expected: tuple[Expected, ...]
    worst: tuple[Worst, ...]
    unmeasured: int
    """Routes of the prior or distribution that no sample took."""


def routes(index: Index) -> dict[str, Routes] | None:
    """The routes of every subject that says them, by its key."""
    found = {s.key: its for s in index.run.subjects if (its := _routes(index, s)) is not None}
    return found or None


def _routes(index: Index, subject: SubjectRecord) -> Routes | None:
    """The routes of one subject; None if no sample says its route."""
    samples = routed_samples(index, subject.key)
    if not samples:
        return None
    shares = distributions(index, subject)
    asked = {**shares.get("usage prior", {}), **shares.get("given distribution", {})}
    taken = _by_route(samples)
    rows = [_row(index, key, its, shares) for key, its in taken.items()]
    rows.sort(key=lambda row: (row.stage, -drawn_share(row), row.route))
    stages, seed = len(samples[0].routes or ()), index.run.seed
    return Routes(
        stages=stages,
        rows=tuple(rows),
        expected=tuple(
            Expected(under=under, ms=found[0].estimate(seed), coverage=found[1])
            for under, its in shares.items()
            if (found := expectation(samples, its)) is not None
        ),
        worst=tuple(_worst(stage, stages, taken, seed) for stage in range(stages)),
        unmeasured=len(asked.keys() - taken.keys()),
    )


def drawn_share(row: RouteRow) -> float:
    """The share that a route is sorted by and drawn with: given, else prior, else observed."""
    return next(share for share in (row.given, row.prior, row.observed) if share is not None)


def distributions(index: Index, subject: SubjectRecord) -> dict[Under, Shares]:
    """The shares of routes by where they come from; routes with none are left out."""
    result: dict[Under, Shares] = {}
    bundle: BundleRecord | None = index.bundles.get(subject.bundle)
    if bundle is not None and bundle.usage_prior is not None:
        result["usage prior"] = _shares(bundle.usage_prior)
    asked = (index.run.inputs.distribution or {}).get(subject.bundle)
    if asked is not None:
        result["given distribution"] = _shares(asked)
    natural = [sample for sample in index.natural(subject.key) if sample.routes]
    counts = Counter((i, r) for s in natural for i, r in enumerate(s.routes or ()))
    result["observed usage"] = {key: count / len(natural) for key, count in counts.items()}
    return result


def _shares(prior: UsagePrior) -> Shares:
    """A usage prior as a dictionary."""
    return {
        (stage, item.route): item.share
        for stage, items in enumerate(prior)
        for item in items
        if item.share > 0
    }


def routed_samples(index: Index, subject: str) -> list[Sample]:
    """Samples that say their route and their laps, forced ones included."""
    return [s for s in index.samples.get(subject, []) if s.routes and s.laps is not None]


def _by_route(samples: list[Sample]) -> dict[Key, list[Sample]]:
    """Samples by stage and route."""
    result: dict[Key, list[Sample]] = {}
    for sample in samples:
        for stage, route in enumerate(sample.routes or ()):
            result.setdefault((stage, route), []).append(sample)
    return result


def expectation(
    samples: list[Sample], shares: Shares
) -> tuple[PerRepeat, tuple[float, ...]] | None:
    """Expected latency in ms, repeat by repeat, and by stage the share that measured routes have.

    With one routed stage: the sum over routes of share times median of the whole answer. With
    several: the median of stem and rest, and for each stage the sum over routes of share times
    median of select, load and expert there; routes of different stages need not be independent.
    A repeat that lacks a rare route takes the route's median over the other repeats. None if a
    stage has no measured route of the distribution.
    """
    taken, stages = _by_route(samples), len(samples[0].routes or ())
    known = {key: share for key, share in shares.items() if key in taken and share > 0}
    coverage = tuple(
        sum(share for (at, _), share in known.items() if at == stage) for stage in range(stages)
    )
    if not coverage or min(coverage) <= 0:
        return None
    totals = dict.fromkeys((sample.repeat for sample in samples), 0.0)
    for key, share in known.items():
        medians = _medians(taken[key], [_cost(s, key[0], stages) for s in taken[key]])
        usual = _median(medians)
        for repeat in totals:
            totals[repeat] += share / coverage[key[0]] * medians.get(repeat, usual)
    if stages > 1:
        common = _medians(samples, [s.laps.stem + s.laps.rest for s in samples if s.laps])
        totals = {repeat: ms + common[repeat] for repeat, ms in totals.items()}
    # With one stage, answers of routes without a share are not used.
    n = len(samples) if stages > 1 else sum(len(taken[key]) for key in known)
    return PerRepeat(tuple(totals.values()), n), coverage


def compared_times(index: Index, key: str) -> PerRepeat | None:
    """Expected latency in ms under the given distribution, else under the usage prior."""
    samples = routed_samples(index, key)
    if not samples:
        return None
    known = distributions(index, index.subjects[key])
    shares = known.get("given distribution") or known.get("usage prior")
    found = expectation(samples, shares) if shares else None
    return found[0] if found is not None else None


def _medians(samples: list[Sample], ns: Sequence[int]) -> dict[Hashable, float]:
    """Each repeat's median of some nanoseconds, in milliseconds."""
    return by_repeat([value * MS for value in ns], [sample.repeat for sample in samples])


def _median(medians: dict[Hashable, float]) -> float:
    """The median over repeats."""
    return PerRepeat(tuple(medians.values()), len(medians)).value


def _row(index: Index, key: Key, samples: list[Sample], shares: dict[Under, Shares]) -> RouteRow:
    """One line of the table of routes."""
    stage, route = key
    prior, given = shares.get("usage prior"), shares.get("given distribution")
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
        observed=shares["observed usage"].get(key, 0.0),
    )


def _step(sample: Sample, stage: int) -> int:
    """Nanoseconds of select, load and expert in one stage."""
    laps = sample.laps
    return laps.select[stage] + laps.load[stage] + laps.expert[stage] if laps else 0


def _cost(sample: Sample, stage: int, stages: int) -> int:
    """What counts as a route's time: the whole answer if its stage is the only one."""
    return sample.ns if stages == 1 else _step(sample, stage)


def _worst(stage: int, stages: int, taken: dict[Key, list[Sample]], seed: int) -> Worst:
    """The route of a stage with the highest median, and whether it stands out."""
    costs = {
        route: _medians(samples, [_cost(s, stage, stages) for s in samples])
        for (at, route), samples in taken.items()
        if at == stage
    }
    considered = {r: its for r, its in costs.items() if len(its) >= ENOUGH_REPEATS} or costs
    worst = max(considered, key=lambda route: _median(considered[route]))
    rest = [s for (at, r), its in taken.items() for s in its if at == stage and r != worst]
    others = _medians(rest, [_cost(s, stage, stages) for s in rest])
    both = [repeat for repeat in costs[worst] if others.get(repeat)]
    over = None
    if both:
        level = 1 - (1 - CONFIDENCE) / len(costs)
        above, below = ([side[repeat] for repeat in both] for side in (costs[worst], others))
        over = paired_ratio(above, below, seed=seed, confidence=level)
    n = len(taken[stage, worst])
    return Worst(
        stage=stage,
        route=worst,
        ms=PerRepeat(tuple(costs[worst].values()), n).estimate(seed),
        over_others=over,
        told_apart=over is not None and conclusive(over) and (over.low or 0) > 1,
        left_out=len(costs) - len(considered),
    )
