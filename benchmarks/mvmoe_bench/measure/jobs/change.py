"""What a change of expert adds to an answer: pairs of answers, of one route and of another."""

import gc
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter

from mvmoe_bench.measure.jobs.answer_timing import rotated
from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.machine.page_cache import (
    FileRange,
    cached_share,
    can_drop,
    drop,
    read_time,
)
from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Laps, Ns, RepeatRecord, Routes
from mvmoe_bench.measure.subjects.contract import Subject
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.graph_stages import graph_stages
from mvmoe_deploy.bundle.manifest import Manifest, Target
from mvmoe_deploy.routing import Route, Rule

_MOST_ROUTES = 16
"""Routes that take turns."""

_MOST_LOOKED_AT = 1024
"""Routes that these are chosen from: a rule may have far more than memory holds."""

_STAYED = 0.02
"""The share of a range's pages that may stay in memory: those at its ends belong to others too."""


class ChangeSample(RepeatRecord, tag="change", frozen=True):
    """Two answers to one image, right after each other: by the route before, and by another."""

    budget: Count | None
    """Experts that might be resident in each routed stage; None for all."""
    round: Count
    image: Count
    before: Routes
    """What the answer before these two took, and the first of them."""
    routes: Routes
    """What the second one took; imposed, as `before` is."""
    first: bool
    """Whether nothing in this process had taken that before."""
    dropped: bool
    """Whether what the second answer reads of files was dropped from the page cache before it.
    Of experts with ranges of their own it is known to be gone; of other files, what is mapped
    stays."""
    same: Laps
    """Of the first answer."""
    changed: Laps
    """Of the second."""
    read_ns: Ns | None = None
    """One `pread` of the same ranges, dropped again, right afterwards; None without ranges."""

    def is_plausible(self) -> bool:
        """Whether time has passed."""
        return self.same.total > 0 and self.changed.total > 0

    def by_stage(self) -> list[tuple[object, ...]]:
        """Routes and parts."""
        return [self.before, self.routes, *self.same.by_stage(), *self.changed.by_stage()]


def turns(rule: Rule, finishes: Sequence[Route]) -> list[Route]:
    """Routes of a stage that follow each other: each has as little of the one before as can be.

    Routes that finish an image run nothing, and are left out.
    """
    left = [route for route in islice(rule.routes(), _MOST_LOOKED_AT) if route not in finishes]
    found: list[Route] = []
    while left and len(found) < _MOST_ROUTES:
        before = found[-1] if found else ()
        # The first of those that share the least: `min` keeps the order.
        found.append(min(left, key=lambda route: len(set(route).intersection(before))))
        left.remove(found[-1])
    return found


def changes(manifest: Manifest, target: Target, images: int) -> list[Query]:
    """Questions whose routes follow each other, those of all stages together.

    There are none where no stage has two routes.
    """
    stages = graph_stages(manifest, target)[1:]
    rows = [turns(stage.routing, stage.finishes) for stage in stages]
    count = max(map(len, rows), default=0)
    if count < 2 or not all(rows):
        return []
    return [
        Query(
            image=number % images,
            routes=tuple(row[number % len(row)] for row in rows),
            forced=True,
        )
        for number in range(count)
    ]


@dataclass
class _Asked:
    """A subject in memory, and what it has answered."""

    order: SubjectOrder
    subject: Subject
    files: "_Files"
    taken: set[Routes] = field(default_factory=set)


class ChangeMeasurement(Measurement):
    """What a change of expert costs: with all in memory, and with room for one."""

    name = "change"
    position = 25
    records = (ChangeSample,)

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """One process a repeat, if residency is measured at all."""
        if plan.preset.stream and repeat < plan.preset.repeats:
            yield Job(f"{self.name}:{repeat}", self, repeat, partial(_orders, plan))

    def run(self, session: Session) -> None:
        """Open everything, then ask in turns."""
        asked = [opened for order in session.order.subjects if (opened := _opened(session, order))]
        gc.collect()
        gc.disable()
        start, preset = perf_counter(), session.order.preset
        routes = max((len(each.order.queries) for each in asked), default=0)
        for number in range(routes + preset.queries):
            if number and perf_counter() - start > preset.most_seconds:
                break
            for each in rotated(asked, number):
                work = partial(_turn, session, each, number)
                if session.attempt(each.order, work) is None:
                    asked = [other for other in asked if other is not each]
            session.flush()
        gc.enable()


def _orders(plan: Plan) -> Iterator[SubjectOrder]:
    """Each product with all experts in memory, and with one in each stage if that differs."""
    for subject in plan.alive(plan.subjects):
        if not subject.dispatches:
            continue
        images = 1 + max((query.image for query in plan.first_queries(subject)), default=0)
        queries = changes(subject.bundle.manifest, subject.target_record, images)
        budgets = plan.budgets(subject)
        for budget in (None, *budgets[:1]) if len(budgets) > 1 else (None,):
            if queries:
                yield plan.order(subject, queries, budget)


def _opened(session: Session, order: SubjectOrder) -> _Asked | None:
    """A subject that has answered its first question twice; None if it fails."""

    def work() -> _Asked:
        opened = session.open(order)
        opened.prewarm()
        for _ in range(2):
            opened.traced(order.queries[0])
        asked = _Asked(order, opened, _Files.of(order))
        asked.taken.add(order.queries[0].routes or ())
        return asked

    return session.attempt(order, work)


def _turn(session: Session, asked: _Asked, number: int) -> bool:
    """The route before again, twice, then another one; the first answer settles the caches.

    Once all routes were taken, what every other answer reads is dropped from the page cache.
    """
    queries = asked.order.queries
    before, after = (queries[place % len(queries)] for place in (number, number + 1))
    after = Query(image=before.image, routes=after.routes, forced=True)
    routes, passes = after.routes or (), number // len(queries)
    drops = passes > 0 and (number + passes) % 2 == 1 and can_drop()
    asked.subject.traced(before)
    same = asked.subject.traced(before).laps
    dropped = drops and asked.files.drop(routes)
    changed = asked.subject.traced(after).laps
    session.emit(
        ChangeSample(
            **session.fields_of(asked.order),
            budget=asked.order.budget,
            round=number,
            image=before.image,
            before=before.routes or (),
            routes=routes,
            first=routes not in asked.taken,
            dropped=dropped,
            same=same,
            changed=changed,
            read_ns=asked.files.read(routes) if dropped else None,
        )
    )
    asked.taken.add(routes)
    return True


@dataclass(frozen=True)
class _Files:
    """What a route reads of a bundle's files."""

    root: Path
    target: Target

    @classmethod
    def of(cls, order: SubjectOrder) -> "_Files":
        """Those of a product's target."""
        root = os.path.realpath(order.root)
        bundle = Bundle.open(root, order.manifest_sha256, plugins=order.plugins)
        return cls(bundle.path, bundle.target(order.of_target))

    def drop(self, routes: Routes) -> bool:
        """Drop it; False if the system keeps it."""
        ranges = self._ranges(routes)
        for part in ranges or self._whole():
            drop(part, mapped=bool(ranges))
        return all(cached_share(part) <= _STAYED for part in ranges)

    def read(self, routes: Routes) -> int | None:
        """Nanoseconds to read the ranges of a route from the disk; None without, or if kept."""
        if not self._ranges(routes) or not self.drop(routes):
            return None
        return sum(map(read_time, self._ranges(routes)))

    def _ranges(self, routes: Routes) -> list[FileRange]:
        """Where the experts of a route lie; empty where they have no ranges."""
        if self.target.weights is None:
            return []
        path = self.root / self.target.weights
        return [
            FileRange(path, row[number].offset, row[number].bytes)
            for row, route in zip(self.target.experts, routes, strict=False)
            for number in route
            if row[number].bytes
        ]

    def _whole(self) -> list[FileRange]:
        """All files of the target."""
        return [FileRange(self.root / file.path, 0, file.bytes) for file in self.target.files]


PART = ChangeMeasurement()
