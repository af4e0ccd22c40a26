"""What each route costs, and what an image costs under the shares that routes have."""

import operator
from collections import Counter
from collections.abc import Hashable
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
    conclusive,
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
    measured = {s.key: (s, routed_samples(index, s.key)) for s in index.run.subjects}
    return {key: _routes(index, *found) for key, found in measured.items() if found[1]} or None


def _routes(index: Index, subject: SubjectRecord, samples: list[Sample]) -> Routes:
    """The routes of one subject."""
    shares = distributions(index, subject)
    asked = {**shares.get("usage prior", {}), **shares.get("given distribution", {})}
    taken = _by_route(samples)
    rows = [_row(index, key, some, shares) for key, some in taken.items()]
    rows.sort(key=lambda row: (row.stage, -drawn_share(row), row.route))
    stages = len(samples[0].routes or ())
    return Routes(
        stages=stages,
        rows=tuple(rows),
        expected=tuple(
            Expected(under=under, ms=found[0].estimate(), coverage=found[1])
            for under, known in shares.items()
            if (found := expectation(index, samples, known)) is not None
        ),
        worst=tuple(_worst(index, stage, stages, taken) for stage in range(stages)),
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
    counts = Counter((i, r) for s in natural for i, r in enumerate(s.routes or ()) if r)
    reached = Counter(stage for stage, _ in counts.elements())
    result["observed usage"] = {key: count / reached[key[0]] for key, count in counts.items()}
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
    """Samples by stage and route; a sample has none at stages before which it was finished."""
    result: dict[Key, list[Sample]] = {}
    for sample in samples:
        for stage, route in enumerate(sample.routes or ()):
            if route:
                result.setdefault((stage, route), []).append(sample)
    return result


def expectation(
    index: Index, samples: list[Sample], shares: Shares
) -> tuple[PerRepeat, tuple[float, ...]] | None:
    """Expected latency in ms, repeat by repeat, and by stage the share that measured routes have.

    With one routed stage: the sum over routes of share times median of the whole answer. With
    several: the median of stem and rest, and for each stage the sum over routes of share times
    median of select, load and expert there; routes of different stages need not be independent.
    Shares are those of images that reach a stage, so its sum counts for as many as do.
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
    totals: dict[Hashable, float] = dict.fromkeys((sample.repeat for sample in samples), 0.0)
    reach = _reach(known, taken, coverage)
    for key, share in known.items():
        medians = _costs(index, taken[key], key[0], stages)
        for repeat in totals:
            ms = medians.by_repeat.get(repeat, medians.value)
            totals[repeat] += reach[key[0]] * share / coverage[key[0]] * ms
    # With one stage, answers of routes without a share are not used.
    n = len(samples) if stages > 1 else sum(len(taken[key]) for key in known)
    expected = PerRepeat(totals, n, index.run.seed)
    if stages > 1:
        common = index.per_repeat(samples, lambda s: _common(s) * MS)
        expected = expected.each(operator.add, common)
    return expected, coverage


def _reach(
    shares: Shares, taken: dict[Key, list[Sample]], coverage: tuple[float, ...]
) -> list[float]:
    """By stage the share of images that reach it: a route whose graph takes no time ends them."""
    reach = [1.0]
    for stage, whole in enumerate(coverage):
        ends = sum(
            share
            for key, share in shares.items()
            if key[0] == stage and not any(s.laps and s.laps.expert[stage] for s in taken[key])
        )
        reach.append(reach[-1] * (1 - ends / whole))
    return reach


def compared_times(index: Index, key: str) -> PerRepeat:
    """Expected latency in ms under the given distribution, else under the usage prior."""
    samples = routed_samples(index, key)
    known = distributions(index, index.subjects[key]) if samples else {}
    shares = known.get("given distribution") or known.get("usage prior")
    found = expectation(index, samples, shares) if shares else None
    return found[0] if found is not None else PerRepeat({}, 0)


def _row(index: Index, key: Key, samples: list[Sample], shares: dict[Under, Shares]) -> RouteRow:
    """One line of the table of routes."""
    stage, route = key
    prior, given = shares.get("usage prior"), shares.get("given distribution")
    return RouteRow(
        stage=stage,
        route=route,
        n=len(samples),
        total_ms=index.distribution(samples, lambda sample: sample.ns * MS),
        expert_ms=index.distribution(samples, lambda s: s.laps.expert[stage] * MS if s.laps else 0),
        step_ms=index.per_repeat(samples, lambda sample: _step(sample, stage) * MS).estimate(),
        prior=None if prior is None else prior.get(key, 0.0),
        given=None if given is None else given.get(key, 0.0),
        observed=shares["observed usage"].get(key, 0.0),
    )


def _common(sample: Sample) -> int:
    """Nanoseconds of stem and rest."""
    return sample.laps.stem + sample.laps.rest if sample.laps else 0


def _step(sample: Sample, stage: int) -> int:
    """Nanoseconds of select, load and expert in one stage."""
    laps = sample.laps
    return laps.select[stage] + laps.load[stage] + laps.expert[stage] if laps else 0


def _costs(index: Index, samples: list[Sample], stage: int, stages: int) -> PerRepeat:
    """A route's times in ms: the whole answer if its stage is the only one."""
    return index.per_repeat(samples, lambda s: (s.ns if stages == 1 else _step(s, stage)) * MS)


def _worst(index: Index, stage: int, stages: int, taken: dict[Key, list[Sample]]) -> Worst:
    """The route of a stage with the highest median, and whether it stands out."""
    costs = {
        route: _costs(index, samples, stage, stages)
        for (at, route), samples in taken.items()
        if at == stage
    }
    enough = {r: cost for r, cost in costs.items() if len(cost.numbers) >= ENOUGH_REPEATS}
    considered = enough or costs
    worst = max(considered, key=lambda route: considered[route].value)
    rest = [s for (at, r), some in taken.items() for s in some if at == stage and r != worst]
    above, below = costs[worst].by_repeat, _costs(index, rest, stage, stages).by_repeat
    over = None
    if both := [repeat for repeat in above if below.get(repeat)]:
        over = paired_ratio(
            [above[repeat] for repeat in both],
            [below[repeat] for repeat in both],
            seed=index.run.seed,
            confidence=1 - (1 - CONFIDENCE) / len(costs),
        )
    return Worst(
        stage=stage,
        route=worst,
        ms=costs[worst].estimate(),
        over_others=over,
        told_apart=over is not None and conclusive(over) and (over.low or 0) > 1,
        left_out=len(costs) - len(considered),
    )
