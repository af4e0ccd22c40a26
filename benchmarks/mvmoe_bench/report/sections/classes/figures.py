"""Whether subjects answer rightly, and which route images of each class take."""

from collections import Counter

from mvmoe_bench.measure.schema.records import Answer, BundleRecord, SubjectRecord
from mvmoe_bench.report.estimates import Figure
from mvmoe_bench.report.index import Index
from mvmoe_deploy.routing import Route


class ClassRoute(Figure):
    """Images of one class that took one route."""

    name: str
    """The class."""
    route: Route
    images: int
    share: float
    """Of the class's images."""


class ClassMap(Figure):
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


def largest_error(index: Index, subject: str) -> float | None:
    """The largest error of a class logit against the reference; None if it was not checked."""
    lines = index.answers.get(subject, [])
    errors = [line.max_abs_error for line in lines if line.max_abs_error is not None]
    return max(errors) if errors else None


def class_maps(index: Index) -> tuple[ClassMap, ...]:
    """One map for each bundle and routed stage, from the first dispatcher that says routes."""
    result = []
    for bundle in index.run.bundles:
        subject = _teller(index, bundle)
        if subject is not None:
            lines = [line for line in index.answers[subject.key] if line.routes]
            stages = min(len(line.routes or ()) for line in lines)
            result += [_map(lines, stage, subject, bundle) for stage in range(stages)]
    return tuple(result)


def _teller(index: Index, bundle: BundleRecord) -> SubjectRecord | None:
    """The first dispatcher of a bundle whose answers say their routes."""
    for subject in index.run.subjects:
        its = subject.bundle == bundle.name and subject.name == "dispatcher"
        if its and any(line.routes for line in index.answers.get(subject.key, [])):
            return subject
    return None


def _map(lines: list[Answer], stage: int, subject: SubjectRecord, bundle: BundleRecord) -> ClassMap:
    """Classes by routes, counted over images; each image once."""
    lines = list({line.image: line for line in lines}.values())
    labelled = all(line.label is not None for line in lines)
    pairs = Counter(
        (line.label if labelled else _name(line, bundle), line.routes[stage])  # type: ignore[index]
        for line in lines
    )
    totals: Counter[str] = Counter()
    for (name, _), count in pairs.items():
        totals[name] += count  # type: ignore[index]
    routes = tuple(sorted({route for _, route in pairs}))
    cells = [
        ClassRoute(name=name, route=route, images=count, share=count / totals[name])  # type: ignore[arg-type,index]
        for (name, route), count in pairs.items()
    ]
    return ClassMap(
        subject=subject.key,
        bundle=bundle.name,
        stage=stage,
        of="true class" if labelled else "answered class",
        images=len(lines),
        classes=_ordered(cells),
        routes=routes,
        cells=tuple(sorted(cells, key=lambda cell: (cell.route, -cell.share, cell.name))),
    )


def _name(line: Answer, bundle: BundleRecord) -> str:
    """The class that was answered, by name if the bundle has names."""
    labels = bundle.labels
    return labels[line.answer] if labels and line.answer < len(labels) else str(line.answer)


def _ordered(cells: list[ClassRoute]) -> tuple[str, ...]:
    """Classes by the route that most of their images take, so that a good router gives blocks."""
    home: dict[str, ClassRoute] = {}
    for cell in cells:
        if cell.name not in home or cell.share > home[cell.name].share:
            home[cell.name] = cell
    return tuple(sorted(home, key=lambda name: (home[name].route, name)))
