"""The table of targets, and the sentence that says which one to ship."""

from collections.abc import Callable, Iterator, Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Cell, TableBlock, number, text
from mvmoe_bench.report.formatting import agreement, count
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Measured, Point, View
from mvmoe_bench.report.sections.ship.figures import ShippedTarget, Shipping
from mvmoe_bench.report.statistics import conclusive
from mvmoe_deploy.bundle.precisions import MOST_LOSS

_MB = 1e-6
_QUESTION = "Which target should I ship?"


def view(summary: Summary, found: Shipping) -> View:
    """One row for each target."""
    several = len({row.bundle for row in found}) > 1
    bundle = [columns.text("bundle", lambda row: row.bundle, brief=True)] if several else []
    table = columns.table(
        "Targets side by side",
        ((row,) for row in found),
        *bundle,
        *_fields(found, lambda row: _target(row, found, summary)),
    )
    return View(
        (table,),
        f"Of the targets that lose at most {100 * MOST_LOSS:g} points of right answers or are not "
        "known to, the fastest; of those that are not slower beyond doubt, the one with the fewest "
        "bytes.",
    )


def beside(runs: Sequence[Measured[Shipping]]) -> View:
    """The targets of every device: what one device chooses says nothing of another."""
    rows = [row for run in runs for row in run.figures]
    table: TableBlock = columns.table(
        "Targets by device",
        ((row, run) for run in runs for row in run.figures),
        columns.text("device", lambda _, run: run.run, brief=True),
        *_fields(rows, lambda row, run: _target(row, run.figures, run.summary)),
    )
    return View((table,), "Each device chooses for itself, from what it measured.")


def _fields(rows: Sequence[ShippedTarget], name: Callable[..., str]) -> tuple[columns.Field, ...]:
    """The columns, of which `name` fills the first.

    Right answers, memory and first answers have one only where any are known.
    """
    time = "The median time of an answer, in milliseconds, once the image is in memory."
    first = "From opening it to its first answer, in milliseconds, in a process of its own."
    memory = "What the model adds to a process's memory, every expert in it, in MB."
    size = "The bytes of all its files, in MB (a million bytes)."
    return (
        columns.text("target", name, brief=True),
        columns.text("choice", lambda row, *_: _mark(row), brief=True),
        *_if(rows, lambda row: row.answers, columns.number(
            "right answers", lambda row, *_: _right(row), "Of labelled images.", brief=True)),
        columns.estimate("ms an image", lambda row, *_: row.time_ms, time, brief=True),
        *_if(rows, lambda row: row.added_bytes, columns.estimate(
            "memory MB", lambda row, *_: row.added_bytes, memory, brief=True, scale=_MB,
            interval=False)),
        *_if(rows, lambda row: row.first_ms, columns.estimate(
            "first answer ms", lambda row, *_: row.first_ms, first, brief=True, interval=False)),
        columns.number("size MB", lambda row, *_: row.bytes and row.bytes * _MB, size, brief=True),
    )  # fmt: skip


def _if(
    rows: Sequence[ShippedTarget], take: Callable[[ShippedTarget], object], field: columns.Field
) -> tuple[columns.Field, ...]:
    """A column that has at least one entry."""
    return (field,) if any(take(row) is not None for row in rows) else ()


def _mark(row: ShippedTarget) -> Cell:
    """What the choice says of a row."""
    if row.chosen:
        return text("ship this", "good")
    return text("loses too much", "bad") if row.loses else Cell("", None)


def _right(row: ShippedTarget) -> Cell:
    """The share of right answers."""
    if row.answers is None:
        return number(None)
    return number(row.answers.share, agreement(row.answers.share), "bad" if row.loses else "")


def _target(row: ShippedTarget, rows: Sequence[ShippedTarget], summary: Summary) -> str:
    """Its name; that of its subject where it was measured in several ways."""
    alike = [x for x in rows if (x.bundle, x.target) == (row.bundle, row.target)]
    return summary.names[row.subject] if len(alike) > 1 else str(row.target)


def recommendations(summary: Summary, found: Shipping) -> Iterator[Point]:
    """Which target of the main subject's bundle to ship."""
    main = summary.main_subject
    mine = [row for row in found if main is not None and row.bundle == main.bundle]
    timed = [row for row in mine if row.considered]
    if timed:
        yield Point(topic=_QUESTION, text=_sentence(timed))


def _sentence(rows: Sequence[ShippedTarget]) -> str:
    """The chosen one and what it is better in, or why there is none."""
    chosen = next((row for row in rows if row.chosen), None)
    if chosen is None:
        return _no_choice(rows)
    name, others = chosen.target, [row for row in rows if row is not chosen]
    if not others:
        return f"{name} is the only target that was measured: {_facts(chosen)}."
    against = "; ".join(_against(chosen, other) for other in others[:3])
    return f"Ship {name}: {_facts(chosen)}; {against}."


def _no_choice(rows: Sequence[ShippedTarget]) -> str:
    """Why nothing is concluded."""
    if all(row.loses for row in rows):
        return f"None: each loses more than {100 * MOST_LOSS:g} points of right answers."
    fewest = min(row.time_ms.repeats for row in rows if row.time_ms is not None)
    return f"That cannot be said from {count(fewest, 'repeat')}: a verdict needs six."


def _facts(row: ShippedTarget) -> str:
    """What a reader wants to know of it, as far as it is known."""
    facts = [] if row.time_ms is None else [f"{printed(row.time_ms).value} ms an image"]
    if row.added_bytes is not None:
        facts.append(f"{printed(row.added_bytes, _MB).value} MB of memory")
    if row.bytes is not None:
        facts.append(f"{alone(row.bytes * _MB)} MB to download")
    if row.answers is not None:
        facts.append(f"{agreement(row.answers.share)} right answers")
    return ", ".join(facts)


def _against(chosen: ShippedTarget, other: ShippedTarget) -> str:
    """Why another target is not the one."""
    name = other.target
    if other.loses and other.answers is not None and other.answers.loss is not None:
        return f"{name} loses {100 * other.answers.loss:.2f} points of right answers"
    over = other.over_fastest
    if other.slower and over is not None:
        shown = printed(over)
        return f"{name} takes {shown.value} times as long ({shown.interval})"
    told = "was not told apart in time" if over is None or conclusive(over) else "was hardly timed"
    if chosen.bytes is not None and other.bytes is not None:
        return f"{name} {told} and has {alone(other.bytes * _MB)} MB"
    return f"{name} {told}"
