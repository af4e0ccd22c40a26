"""Which route images of each class take."""

from collections import Counter

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.schema.records import BundleRecord, SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.routed_answers import products_with_routes, routed_answers
from mvmoe_bench.report.statistics import Figure
from mvmoe_deploy.routing import Route


class ClassRoute(Figure, frozen=True):
    """Images of one class that took one route."""

    name: str
    """The class."""
    route: Route
    images: int
    share: float
    """Of the class's images."""


class ClassMap(Figure, frozen=True):
    """Which route the images of each class take at one routed stage."""

    subject: str
    bundle: str
    stage: int
    of: str
    """`true class` where images have labels, else `answered class`."""
    images: int
    classes: tuple[str, ...]
    """So ordered that classes of one route stand together."""
    routes: tuple[Route, ...]
    cells: tuple[ClassRoute, ...]
    """Only pairs that occur."""


def class_maps(index: Index) -> tuple[ClassMap, ...] | None:
    """One map for each bundle and routed stage, from the first product that says routes."""
    result = []
    for bundle in index.run.bundles:
        for subject in products_with_routes(index, bundle.name)[:1]:
            lines = routed_answers(index, subject.key)
            if any(line.answer is None and line.label is None for line in lines):
                continue
            stages = min(len(line.routes or ()) for line in lines)
            result += [_map(lines, stage, subject, bundle) for stage in range(stages)]
    return tuple(result) or None


def _map(lines: list[Answer], stage: int, subject: SubjectRecord, bundle: BundleRecord) -> ClassMap:
    """Classes by routes, counted over images; each image once."""
    labels = [line.label for line in lines]
    labelled = None not in labels
    named = [
        label if labelled and label is not None else _name(line, bundle)
        for label, line in zip(labels, lines, strict=True)
    ]
    taken = [line.routes[stage] if line.routes else () for line in lines]
    totals = Counter(named)
    cells = [
        ClassRoute(name=name, route=route, images=count, share=count / totals[name])
        for (name, route), count in Counter(zip(named, taken, strict=True)).items()
    ]
    return ClassMap(
        subject=subject.key,
        bundle=bundle.name,
        stage=stage,
        of="true class" if labelled else "answered class",
        images=len(lines),
        classes=_ordered(cells),
        routes=tuple(sorted(set(taken))),
        cells=tuple(sorted(cells, key=lambda cell: (cell.route, -cell.share, cell.name))),
    )


def _name(line: Answer, bundle: BundleRecord) -> str:
    """The class that was answered, by name if the bundle has names."""
    labels, answer = bundle.labels, line.answer
    return labels[answer] if labels and answer is not None and answer < len(labels) else str(answer)


def _ordered(cells: list[ClassRoute]) -> tuple[str, ...]:
    """Classes by the route that most of their images take, so that a good router gives blocks."""
    home: dict[str, ClassRoute] = {}
    for cell in cells:
        if cell.name not in home or cell.share > home[cell.name].share:
            home[cell.name] = cell
    return tuple(sorted(home, key=lambda name: (home[name].route, name)))
