"""Which runs may share a report: those made in the same way, on the same device."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mvmoe_bench.measure.schema.records import Failure, Record, Run
from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines

VOLATILE = frozenset(
    {
        "load_average", "memory_available_bytes", "uptime", "hostname", "battery",
        "thermal_status", "low_power",
    }
)  # fmt: skip
"""What a device says of itself that differs from one minute to the next."""


def run_conditions(run: Run) -> dict[str, Any]:
    """What must be the same in two runs for their samples to be pooled, by a name for people."""
    named: dict[str, Any] = {"device": run.device, "preset": run.preset.name}
    named["threads"] = run.threads
    for name, value in run.identity.items():
        if name == "packages" and isinstance(value, dict):
            named |= {f"version of {package}": version for package, version in value.items()}
        elif name not in VOLATILE:
            named[_FOR_PEOPLE.get(name, name)] = value
    named |= {f"bundle {bundle.name}": bundle.sha256 for bundle in run.bundles}
    inputs = run.inputs
    named["images"] = (inputs.source, inputs.images, inputs.sha256)
    named["order of the sequence"] = inputs.order
    named["forced routes"] = inputs.forced
    named["distribution"] = msgspec.to_builtins(inputs.distribution)
    named |= {f"subject {subject.key}": subject for subject in run.subjects}
    return named


_FOR_PEOPLE = {
    "cpu": "CPU model",
    "cores_logical": "logical cores",
    "cores_physical": "physical cores",
    "memory_bytes": "memory",
    "os": "operating system",
}


def differences(first: Run, second: Run) -> list[tuple[str, Any, Any]]:
    """Name and both values of everything in which two runs differ."""
    ours, theirs = run_conditions(first), run_conditions(second)
    return [
        (name, ours.get(name), theirs.get(name))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    ]


def require_same_conditions(runs: Sequence["RunLines"]) -> None:
    """Refuse to mix runs that were not made in the same way, or one with itself.

    Raises InputError.
    """
    first = runs[0]
    if len({run.run.id for run in runs}) < len(runs):
        raise InputError(
            f"the same run was given twice ({', '.join(str(run.path) for run in runs[:4])}); give "
            "each once: counted twice it would look surer than it is",
            code="results.unlike",
            found=[str(run.path) for run in runs],
        )
    for other in runs[1:]:
        found = [name for name, _, _ in differences(first.run, other.run)]
        if found:
            shown = ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
            raise InputError(
                f"{first.path} and {other.path} were not measured in the same way (they differ in "
                f"{shown}), so one report of both would mix unlike numbers; give "
                "--side-by-side for several devices, --compare for a verdict on two, or "
                "make a report of each",
                code="results.unlike",
                found=shown,
            )


def merge(runs: Sequence["RunLines"]) -> "RunLines":
    """Runs of the same conditions as one: repeats are renumbered to follow those before.

    Raises InputError if their conditions differ.
    """
    require_same_conditions(runs)
    if len(runs) == 1:
        return runs[0]
    merged: list[Record] = []
    before = 0
    for number, run in enumerate(runs):
        merged += _renumbered(run.lines, before, f"run {number + 1}: ")
        before += 1 + max((getattr(line, "repeat", -1) for line in run.lines), default=-1)
    notes = tuple(dict.fromkeys(note for run in runs for note in run.run.notes))
    return dataclasses.replace(
        runs[0],
        run=msgspec.structs.replace(runs[0].run, notes=notes),
        lines=tuple(merged),
        skipped=sum(run.skipped for run in runs),
    )


def _renumbered(lines: Sequence[Record], before: int, prefix: str) -> Iterator[Record]:
    """Lines with their repeats counted on from `before`, and jobs named after their run."""
    for line in lines:
        changed: dict[str, Any] = {}
        if hasattr(line, "job") and not isinstance(line, Failure):
            changed["job"] = prefix + line.job
        if hasattr(line, "repeat") and before:
            changed["repeat"] = line.repeat + before
        yield msgspec.structs.replace(line, **changed) if changed else line
