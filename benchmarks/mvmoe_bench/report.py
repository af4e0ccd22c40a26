"""What a benchmark says in the end: one JSON object, the raw samples, or tables for a person."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from mvmoe_bench.orders import Observation
from mvmoe_bench.protocol import Sample, by_subject
from mvmoe_bench.statistics import CONFIDENCE, Ratio, paired_ratio, percentiles
from mvmoe_deploy import files

WANTED = {
    "dispatcher_over_static": ("at_most", 1.02),
    "all_experts_over_dispatcher": ("at_least", 1.6),
    "memory_dispatcher_over_static": ("at_most", 1.15),
}
"""What the product wants of some ratios; information, never a reason to fail."""

Ratios = dict[str, dict[str, Any]]
Clock = Literal["ns", "cpu_ns"]
"""The field of a sample: time on the wall, or computed by its thread."""

_LATENCY_RATIOS = {
    "dispatcher_over_static": ("dispatcher", "static"),
    "all_experts_over_dispatcher": ("all-experts", "dispatcher"),
    "gather_over_dispatcher": ("gather", "dispatcher"),
    "eager_over_dispatcher": ("eager", "dispatcher"),
}
_FRESH_RATIOS = {
    "cold_start_dispatcher_over_static": ("dispatcher", "cold_start_ns"),
    "cold_start_unverified_over_static": ("dispatcher-unverified", "cold_start_ns"),
    "process_to_answer_dispatcher_over_static": ("dispatcher", "process_to_answer_ns"),
    "memory_dispatcher_over_static": ("dispatcher", "after_bytes"),
    "memory_added_dispatcher_over_static": ("dispatcher", "added_bytes"),
    "memory_peak_dispatcher_over_static": ("dispatcher", "peak_rss_bytes"),
}
"""A subject and what of it is divided by the same of `static`."""


def latency(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Percentiles of each subject in milliseconds."""
    return {
        subject: percentiles([sample.ns / 1e6 for sample in its])
        for subject, its in by_subject(samples).items()
    }


def parts(spent: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """The median milliseconds of each part of a prediction, and its share of their sum."""
    medians = {part: median(milliseconds) for part, milliseconds in spent.items()}
    total = sum(medians.values())
    return {part: {"median": value, "share": value / total} for part, value in medians.items()}


def latency_ratios(samples: Sequence[Sample], clock: Clock, seed: int) -> Ratios:
    """The ratios between subjects, paired by round; the interval is over openings."""
    its = by_subject(samples)
    ratios = {}
    for name, (above, below) in _LATENCY_RATIOS.items():
        sides = ([getattr(sample, clock) for sample in its[side]] for side in (above, below))
        openings = [sample.opening for sample in its[above]]
        ratios[name] = _ratio(name, paired_ratio(*sides, openings, seed))
    return ratios


def fresh_ratios(observed: Mapping[str, Sequence[Observation]], seed: int) -> Ratios:
    """The ratios between fresh processes, paired by round."""
    ratios = {}
    for name, (subject, what) in _FRESH_RATIOS.items():
        above, below = ([getattr(o, what) for o in observed[s]] for s in (subject, "static"))
        if None not in above:
            ratios[name] = _ratio(name, paired_ratio(above, below, seed=seed))
    return ratios


def fresh_medians(observed: Mapping[str, Sequence[Observation]]) -> dict[str, dict[str, Any]]:
    """Medians of what fresh processes saw: milliseconds and bytes."""
    result = {}
    for subject, observations in observed.items():
        of = {
            name: [getattr(o, name) for o in observations]
            for name in (*asdict(observations[0]), "cold_start_ns", "process_to_answer_ns")
        }
        times = {f"{name[:-3]}_ms": median(of[name]) / 1e6 for name in of if name.endswith("_ns")}
        held = {
            name: median(of[name])
            for name in of
            if name.endswith("_bytes") and None not in of[name]
        }
        result[subject] = {"n": len(observations), **times, **held}
    return result


def write_samples(
    path: Path, samples: Sequence[Sample], observed: Mapping[str, Sequence[Observation]]
) -> None:
    """Write every sample and observation to `path`, one JSON object a line; raises OutputError."""
    rows = [{"kind": "latency", **asdict(sample)} for sample in samples]
    for subject, observations in observed.items():
        for number, observation in enumerate(observations):
            row = {"kind": "fresh", "round": number, "subject": subject, **asdict(observation)}
            rows.append(row)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    files.write_file(path, lambda partial: partial.write_text(text))


def show(out: Console, data: dict[str, Any]) -> None:
    """Print a result for a person."""
    machine, run = data["identity"], data["run"]
    out.print(
        f"{run['preset']}, {data['rule']['experts']} experts, {run['threads']} thread(s), "
        f"{run['repeats']} openings of "
        f"{run['iterations']} rounds; routes visited: {data['routes']}"
    )
    out.print(f"{machine['cpu']}, {machine['cores_logical']} cores, load {machine['load_average']}")
    out.print()
    out.print(_latency_table(data))
    parts = ", ".join(f"{name} {part['share']:.1%}" for name, part in data["parts_ms"].items())
    out.print(f"dispatcher, where its time goes: {parts}\n")
    out.print(_fresh_table(data["fresh"], data["memory_of"]))
    out.print()
    out.print(_ratio_table("ratio", data["ratios"]))
    if data["ratios_cpu"]:
        out.print()
        out.print(_ratio_table("ratio of CPU time", data["ratios_cpu"]))


def _ratio(name: str, ratio: Ratio) -> dict[str, Any]:
    """A ratio with what is wanted of it and whether its value is that."""
    kind, limit = WANTED.get(name, (None, None))
    met = None
    if kind is not None:
        met = ratio.value <= limit if kind == "at_most" else ratio.value >= limit
    wanted = {kind: limit} if kind else None
    return {**asdict(ratio), "confidence": CONFIDENCE, "wanted": wanted, "met": met}


def _latency_table(data: dict[str, Any]) -> Table:
    """One line for each subject."""
    rows = _table("ms an image", "median", "p5", "p90", "p95", "p99", "max error")
    for subject, row in data["latency_ms"].items():
        numbers = [f"{row[key]:.3f}" for key in ("median", "p5", "p90", "p95", "p99")]
        rows.add_row(subject, *numbers, f"{data['max_abs_error'][subject]:.1e}")
    return rows


def _fresh_table(fresh: dict[str, dict[str, Any]], memory_of: str) -> Table:
    """One line for each kind of fresh process."""
    rows = _table(
        "fresh process", "open ms", "first run ms", "start to answer ms",
        f"{memory_of} MB", "above base", "peak RSS",
    )  # fmt: skip
    for subject, row in fresh.items():
        after, base, peak = row["after_bytes"], row["base_bytes"], row.get("peak_rss_bytes")
        rows.add_row(
            subject,
            f"{row['open_ms']:.1f}",
            f"{row['first_run_ms']:.1f}",
            f"{row['process_to_answer_ms']:.0f}",
            f"{after / 1e6:.1f}",
            f"{(after - base) / 1e6:.1f}",
            "-" if peak is None else f"{peak / 1e6:.1f}",
        )
    return rows


def _ratio_table(title: str, ratios: Ratios) -> Table:
    """One line for each ratio."""
    rows = _table(title, "value", "95% interval", "n", "wanted")
    for name, ratio in ratios.items():
        interval = "-" if ratio["low"] is None else f"{ratio['low']:.3f} to {ratio['high']:.3f}"
        rows.add_row(name, f"{ratio['value']:.3f}", interval, str(ratio["n"]), _wanted(ratio))
    return rows


def _wanted(ratio: dict[str, Any]) -> str:
    """What is wanted of a ratio, and whether it is so."""
    if ratio["wanted"] is None:
        return ""
    ((kind, limit),) = ratio["wanted"].items()
    sign = "<=" if kind == "at_most" else ">="
    return f"{sign} {limit:g}: {'met' if ratio['met'] else 'not met'}"


def _table(first: str, *numbers: str) -> Table:
    """An empty table of numbers with names before them."""
    rows = Table(first, header_style="bold", box=None, pad_edge=False)
    for name in numbers:
        rows.add_column(name, justify="right")
    return rows
