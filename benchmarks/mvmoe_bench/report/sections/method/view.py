"""How it was measured, and what the words mean."""

from typing import Any

from mvmoe_bench.report import words as say
from mvmoe_bench.report.blocks import (
    Block,
    Cell,
    Section,
    Table,
    Terms,
    Text,
    rows,
    text,
    words,
)
from mvmoe_bench.report.names import WHAT, subject_names
from mvmoe_bench.report.summary import Summary


def method(summary: Summary) -> Section:
    """Identity, preset, inputs, subjects, notes and the glossary."""
    blocks: list[Block] = [
        Table("Where and how", words("what", "value"), rows(_facts(summary))),
        _subjects(summary),
        _bundles(summary),
    ]
    if summary.notes:
        blocks.append(Text(tuple(f"Note: {note}" for note in summary.notes), listed=True))
    blocks.append(Terms(GLOSSARY))
    return Section("method", "How this was measured", tuple(blocks), _LEAD)


_LEAD = (
    "All subjects took turns on the same images, in rotated order, so that what slows the machine "
    "for a while slows all of them. Each repeat is a process in which everything is opened again; "
    "intervals are bootstrapped over repeats, because answers of one process share its luck."
)


def _facts(summary: Summary) -> list[list[Cell]]:
    """What the device said of itself, and what was asked of it."""
    preset, inputs = summary.preset, summary.inputs
    facts: list[tuple[str, Any]] = [
        ("run", summary.id),
        ("started (UTC)", summary.started),
        ("device", summary.device),
        *((_TITLES.get(name, name), _value(name, v)) for name, v in summary.identity.items()),
        ("threads", summary.threads),
        (
            "preset",
            f"{preset.name}: {say.count(preset.repeats, 'repeat')} of at least "
            f"{say.count(preset.queries, 'round')}",
        ),
        ("repeats measured", summary.repeats),
        ("images", f"{inputs.images} of {inputs.source} (sha256 {inputs.sha256[:12]})"),
        ("order of the residency sequence", inputs.order),
        ("routes", "imposed, to follow a distribution" if inputs.forced else "the router's own"),
        ("seed", summary.seed),
        ("resumed", say.count(summary.resumed, "time") if summary.resumed else "no"),
    ]
    return [[text(name), text(value)] for name, value in facts]


_TITLES = {
    "cpu": "CPU",
    "cores_logical": "cores (logical)",
    "cores_physical": "cores (physical)",
    "memory_bytes": "memory",
    "os": "system",
    "load_average": "load average at the start",
}


def _value(name: str, value: Any) -> str:
    """A value of the identity for people."""
    if name.endswith("_bytes") and isinstance(value, int | float):
        return f"{value / 1e9:.1f} GB"
    if value is None:
        return "not known"
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _subjects(summary: Summary) -> Table:
    """Who was measured, and on which engine."""
    names = subject_names(summary)
    cells = [
        [
            text(names[subject.key]),
            text(WHAT.get(subject.name)),
            text(subject.bundle),
            text(subject.target),
            text(say.engine(subject.engine)),
            text(subject.threads),
            text("failed", "bad") if subject.failures else text("none", "muted"),
        ]
        for subject in summary.subjects
    ]
    columns = words("subject", "what it is", "bundle", "target", "engine", "threads", "failures")
    return Table("Subjects", columns, rows(cells))


def _bundles(summary: Summary) -> Table:
    """Whose models."""
    cells = [
        [
            text(bundle.name),
            text(bundle.model),
            text(" + ".join(map(str, bundle.experts)) or "dense"),
            text(f"{bundle.params_total / 1e6:.2f} M"),
            text(f"{bundle.params_active / 1e6:.2f} M"),
            text(f"{bundle.macs / 1e6:,.1f} M"),
            text(bundle.sha256[:12]),
        ]
        for bundle in summary.bundles
    ]
    columns = words(
        "bundle", "model", "experts", "parameters", "active an image", "multiply-accumulates",
        "manifest sha256",
    )  # fmt: skip
    return Table("Bundles", columns, rows(cells))


GLOSSARY = (
    ("expert", "Weights that only some images use."),
    ("route", "The set of experts that one image uses at one routed stage; 2+7 means two of them."),
    ("stem", "What every image runs first; it ends in the router's logits, which pick the route."),
    ("dispatcher", "The product: runs the stem's graph, selects the route, runs what the route "
     "needs."),
    ("static", "The oracle to compare with: one fused graph, the expert known beforehand."),
    ("all-experts", "One graph that computes every expert and masks them: what tracing gives."),
    ("gather", "One graph that fetches the selected expert's weights while it runs."),
    ("dense", "A model without routing that does as many operations an image as the routed one."),
    ("eager, compile", "PyTorch itself, as it is and with torch.compile."),
    ("bundle, target", "What an export writes: for each target (kind of engine) graphs and "
     "weights, and one manifest that describes them."),
    ("graph, engine", "A compiled part of the model, and the library that runs it."),
    ("select, load, expert, rest", "What follows the stem: picking the route, finding its graph in "
     "memory or bringing it there, running it, and copying in and out."),
    ("routed stage", "A place in the model with a router and experts of its own."),
    ("subject", "One thing that is measured: a way to answer images with one engine."),
    ("residency", "Which experts are in memory; with little room the least recently used gives "
     "way."),
    ("cold, warm", "A cold answer had to load an expert first, a warm one found it in memory."),
    ("cold switch, warm switch", "What an answer takes more for having loaded another expert, or "
     "for having found another one in memory, than one that kept the route."),
    ("usage prior", "The share of images that takes each route, as the bundle's manifest says."),
    ("near-tie", "An image whose two best routes lie so close that rounding may decide."),
    ("median, p50", "Half of the answers take longer, half do not. Steadier than a mean."),
    ("p95", "One answer in twenty takes longer than this."),
    ("MAD", "Median absolute deviation: half of the answers lie nearer to the median than this."),
    ("95% interval", "Made so that in 95 of 100 runs like this the true value lies in it."),
    ("rough", "Fewer than six repeats: the interval is too narrow on average, and nothing is "
     "concluded from it. If there were no difference, all of five repeats would lie on the same "
     "side in 6% of such runs, all of six in 3%."),
    ("not told apart", "The interval holds 'no difference': the run cannot say who is faster."),
    ("repeat", "One process, in which everything is opened anew."),
    ("round", "One image answered by every subject in turn; ratios are taken within rounds."),
    ("forced", "An image was sent down a route that was not its own, so that all are measured."),
    ("wall, CPU", "Time that passed, and time that the calling thread computed."),
    ("anonymous", "Memory that is of no file: heap, stacks, copies of weights."),
    ("its files", "Mapped pages of the subject's own files, each counted once, whoever else maps "
     "them."),
    ("RSS", "The resident set: all pages in memory, those of shared libraries included."),
    ("GFLOP/s", "A thousand million operations a second; a multiply-accumulate is two."),
    ("logits", "The numbers that a model gives for each class, or a router for each expert."),
    ("yardstick", "One matrix product of fixed size that says how fast the machine was meanwhile."),
    ("n", "How many answers, rounds or processes a number comes from."),
)  # fmt: skip
