"""How fast the machine was during the run, and how well each subject uses it."""

from collections.abc import Sequence

from mvmoe_bench.measure.schema.records import Conditions
from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Block, Chart, TableBlock
from mvmoe_bench.report.formatting import count, engine, percent
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import View
from mvmoe_bench.report.sections.machine.figures import Machine, ReferenceSpeed
from mvmoe_bench.report.sections.machine.plot import StepsPlot


def warnings(machine: Machine) -> Sequence[str]:
    """What made the machine a bad place to measure."""
    return machine.warnings


def view(summary: Summary, machine: Machine) -> View | None:
    """The reference product over the run, and achieved speeds; None without either."""
    blocks: list[Block] = []
    if machine.reference is not None:
        blocks.append(_chart(machine.reference))
    if machine.uses:
        blocks.append(_table(summary, machine))
    return View(tuple(blocks), _lead(machine)) if blocks else None


def _lead(machine: Machine) -> str:
    """Speed, drift, load and overhead in sentences."""
    sentences = ""
    if machine.reference is not None:
        speed = machine.reference
        drift = f"; between repeats it drifted by {percent(speed.drift - 1)}" * (
            len(speed.by_repeat) > 1
        )
        sentences += (
            f"A matrix product of fixed size ran at {printed(speed.gflops).value} "
            f"GFLOP/s (median; 5th to 95th percentile {alone(speed.p5)} to {alone(speed.p95)})"
            f"{drift}. "
        )
    if machine.load_at_start is not None:
        sentences += f"Load average at the start {machine.load_at_start:.1f}"
        sentences += (
            f", later at most {machine.load_most:.1f}. " if machine.load_most is not None else ". "
        )
    if machine.phone:
        sentences += _phone(machine.phone)
    if machine.overhead_ns is not None:
        sentences += f"Timing itself costs {machine.overhead_ns:,.0f} ns a call."
    return sentences.strip()


def _phone(found: tuple[Conditions, ...]) -> str:
    """Heat and battery of a phone, from the first job to the last."""
    first, last = found[0], found[-1]
    said = []
    if last.thermal_status is not None:
        said.append(f"thermal status {first.thermal_status}, at the end {last.thermal_status}")
    if last.battery_level is not None:
        said.append(f"battery {first.battery_level}%, at the end {last.battery_level}%")
    return f"After the first job the phone had {' and '.join(said)}. " if said else ""


def _chart(reference: ReferenceSpeed) -> Chart:
    """The reference product by repeat."""
    values = reference.by_repeat
    return Chart(
        "Speed of the machine itself, repeat by repeat",
        "Median GFLOP/s of one fixed matrix product in the middle of the measurements; a level "
        f"line is a machine that kept its speed; n = {reference.gflops.n:,} products in "
        f"{count(len(values), 'repeat')}.",
        StepsPlot(values, "repeat", "GFLOP/s"),
    )


def _table(summary: Summary, machine: Machine) -> TableBlock:
    """What subjects achieve."""
    subjects = [(s, machine.uses[s.key]) for s in summary.subjects if s.key in machine.uses]
    return columns.table(
        "How well each subject uses the machine",
        subjects,
        columns.text("subject", lambda subject, _: summary.names[subject.key]),
        columns.estimate("useful GFLOP/s", lambda _, use: use.gflops, "Twice the "
                         "multiply-accumulates that an image needs, over the median latency: other "
                         "work does not count."),
        columns.share("of reference", lambda _, use: use.of_reference, "Useful GFLOP/s over those "
                      "of the reference product."),
        columns.text("engine", lambda subject, _: engine(subject.engine)),
        columns.count("n", lambda _, use: use.gflops.n, "Answers."),
        columns.estimate("open ms", lambda _, use: use.open_ms, "Making the subject ready in the "
                         "process of a repeat; median."),
        columns.count("openings", lambda _, use: use.open_ms and use.open_ms.n, "Processes."),
        folded=True,
    )  # fmt: skip
