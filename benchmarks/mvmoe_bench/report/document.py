"""A report on one run: title, alerts, sentences, key figures, sections."""

from mvmoe_bench.report import words as say
from mvmoe_bench.report.blocks import Document, Tile
from mvmoe_bench.report.headline import main_subject
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.section_list import sections
from mvmoe_bench.report.summary import SubjectFigure, Summary


def document(summary: Summary) -> Document:
    """Everything of one run."""
    there, missing = sections(summary)
    foot = f"Not measured in this run: {', '.join(missing)}." if missing else ""
    return Document(
        title=title(summary),
        subtitle=subtitle(summary),
        alerts=alerts(summary),
        summary=tuple((point.topic, point.text) for point in summary.headline),
        tiles=tiles(summary),
        sections=there,
        foot=foot,
        intro=INTRO if any(bundle.routed_stages for bundle in summary.bundles) else "",
    )


INTRO = (
    "The models measured here answer an image with the part that every image runs (the stem) and "
    "one or a few of several experts, which a router picks by the image. The dispatcher, the "
    "product, runs the stem first, and then what the image's route needs; the words at "
    "the end of the page say what it is compared with. In brackets stand 95% intervals, 'roughly' "
    "where fewer than six repeats make them unsure: from those nothing is concluded."
)


def title(summary: Summary) -> str:
    """Whose models."""
    names = ", ".join(bundle.name for bundle in summary.bundles) or "no bundle"
    return f"Benchmark of {names}"


def subtitle(summary: Summary) -> str:
    """Where, when and how much, in a line."""
    machine = summary.identity.get("cpu") or summary.device
    threads = "one thread" if summary.threads == 1 else f"{summary.threads} threads"
    day = summary.started[:10]
    return (
        f"{machine}, {threads}, {day}; preset {summary.preset.name}, "
        f"{say.count(summary.repeats, 'repeat')}, "
        f"{say.count(summary.inputs.images, 'image')} of {summary.inputs.source}"
    )


def alerts(summary: Summary) -> tuple[str, ...]:
    """Failures first, then warnings."""
    names = subject_names(summary)
    failed = tuple(
        f"Failed{f' ({failure.times} times)' if failure.times > 1 else ''}: "
        f"{names.get(failure.subject or '', failure.subject) or 'a whole job'}: {failure.message}"
        for failure in summary.failures
    )
    return (*failed, *summary.warnings)


def tiles(summary: Summary) -> tuple[Tile, ...]:
    """What a manager asks for."""
    main = main_subject(summary)
    if main is None:
        return ()
    found = [
        _latency(main),
        _ratio(summary, main, "dispatcher/static", "time, dispatcher / static"),
        _ratio(summary, main, "all-experts/dispatcher", "time, all-experts / dispatcher"),
        _memory(main),
        _size(summary, main),
        _start(main),
    ]
    return tuple(tile for tile in found if tile is not None)


def _latency(main: SubjectFigure) -> Tile | None:
    """The median latency."""
    if main.latency is None:
        return None
    wall = main.latency.wall_ms
    its = printed(wall)
    return Tile("median latency", its.value, "ms", f"{its.sure}, n = {wall.n:,} answers")


def _ratio(summary: Summary, main: SubjectFigure, name: str, label: str) -> Tile | None:
    """A ratio of the main dispatcher."""
    for figure in summary.ratios:
        mine = main.key in (figure.first, figure.second)
        if mine and figure.name == name and figure.clock == "wall":
            its = printed(figure.ratio)
            return Tile(label, its.value, "times", f"{its.sure}, n = {figure.ratio.n:,} rounds")
    return None


def _memory(main: SubjectFigure) -> Tile | None:
    """What the model adds to a process."""
    if not main.memory:
        return None
    added = main.memory[-1].added.total
    its = printed(added, 1e-6)
    note = f"{its.sure}, n = {say.count(added.n, 'process', 'processes')}"
    return Tile("added memory", its.value, "MB", note)


def _size(summary: Summary, main: SubjectFigure) -> Tile | None:
    """What ships."""
    bundle = summary.bundle(main.bundle)
    for target in bundle.targets if bundle is not None else ():
        if target.name == main.target and target.size.total_bytes:
            size = alone(target.size.total_bytes / 1e6)
            return Tile("bundle size", size, "MB", f"{target.name}, exact")
    return None


def _start(main: SubjectFigure) -> Tile | None:
    """Opening to first answer."""
    if main.starts is None:
        return None
    ready = main.starts.ready_ms
    its = printed(ready)
    note = f"{its.sure}, n = {say.count(ready.n, 'process', 'processes')}"
    return Tile("open and first answer", its.value, "ms", note)
