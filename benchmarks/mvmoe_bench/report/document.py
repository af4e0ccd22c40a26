"""A report on one run: title, alerts, sentences, key figures, sections."""

from collections.abc import Iterator

from mvmoe_bench.report.blocks import Document, Section, Terms, Tile
from mvmoe_bench.report.formatting import count, threads
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import section_parts
from mvmoe_bench.report.subjects import look_of

INTRO = (
    "The models measured here answer an image with the part that every image runs (the stem) and "
    "one or a few of several experts, which a router picks by the image. The dispatcher, the "
    "product, runs the stem first, and then what the image's route needs; the glossary at "
    "the end of the page says what it is compared with. In brackets stand 95% intervals, 'roughly' "
    "where fewer than six repeats make them unsure: from those nothing is concluded."
)


def document(summary: Summary) -> Document:
    """Everything of one run."""
    shown: list[Section] = []
    first: list[Section] = []
    missing: list[str] = []
    for part in section_parts():
        figures = summary.of(part)
        view = part.view(summary, figures) if figures is not None else None
        if view is None:
            missing.append(part.missing or part.title.lower())
        else:
            place = first if part.first else shown
            place.append(Section(part.name, part.title, view.blocks, view.lead))
    return Document(
        title=title(summary),
        subtitle=subtitle(summary),
        alerts=alerts(summary),
        summary=tuple((point.topic, point.text) for point in summary.headline()),
        tiles=tuple(tiles(summary)),
        recommendations=tuple((p.topic, p.text) for p in summary.recommendations()),
        first=tuple(first),
        sections=(*shown, _glossary(summary)),
        foot=f"Not measured in this run: {', '.join(missing)}." if missing else "",
        intro=INTRO if any(bundle.routed_stages for bundle in summary.bundles) else "",
    )


def title(summary: Summary) -> str:
    """Whose models."""
    names = ", ".join(bundle.name for bundle in summary.bundles) or "no bundle"
    return f"Benchmark of {names}"


def subtitle(summary: Summary) -> str:
    """Where, when and how much, in a line."""
    machine = summary.identity.get("cpu") or summary.device
    return (
        f"{machine}, {threads(summary.threads)}, {summary.started[:10]}; preset "
        f"{summary.preset.name}, {count(summary.repeats, 'repeat')}, "
        f"{count(summary.inputs.images, 'image')} of {summary.inputs.source}"
    )


def alerts(summary: Summary) -> tuple[str, ...]:
    """Failures first, then warnings."""
    failed = tuple(
        f"Failed{f' ({failure.times} times)' if failure.times > 1 else ''}: "
        f"{summary.names.get(failure.subject or '', failure.subject) or 'a whole job'}: "
        f"{failure.message}"
        for failure in summary.failures
    )
    return (*failed, *summary.warnings)


def tiles(summary: Summary) -> Iterator[Tile]:
    """Key figures of the main subject."""
    for part, figures in summary.measured() if summary.main is not None else ():
        yield from part.tiles(summary, figures)


def terms(summary: Summary) -> Terms:
    """The glossary: what the subjects of a run are, then the terms of all sections."""
    names = dict.fromkeys(subject.name for subject in summary.subjects)
    described = [(name, look_of(name).description) for name in names]
    pairs = [(name, f"{text[:1].upper()}{text[1:]}.") for name, text in described if text]
    return Terms((*pairs, *(term for part in section_parts() for term in part.terms)))


def _glossary(summary: Summary) -> Section:
    """The last section."""
    return Section("glossary", "Glossary", (terms(summary),))
