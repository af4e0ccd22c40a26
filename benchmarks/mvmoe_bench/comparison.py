"""The dispatch comparison from end to end: workload, graphs, answers, latency, fresh processes.

Importing this module imports PyTorch; the command line is in `dispatch.py`.
"""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from mvmoe_bench import protocol, report
from mvmoe_bench.artifacts import NAMES, make_artifacts
from mvmoe_bench.fresh import FRESH_SUBJECTS, observe_fresh
from mvmoe_bench.identity import identity
from mvmoe_bench.options import Options
from mvmoe_bench.orders import Observation
from mvmoe_bench.parity import TOLERANCE, all_answers, check_answers, require_close
from mvmoe_bench.progress import Bars
from mvmoe_bench.protocol import Sample
from mvmoe_bench.subjects import SUBJECTS, make_subject
from mvmoe_bench.subjects.dispatcher import parts
from mvmoe_bench.workload import Workload, make_workload


@dataclass(frozen=True)
class Result:
    """What a comparison found."""

    data: dict[str, Any]
    """What `--json` prints."""
    samples: list[Sample]
    observed: dict[str, list[Observation]]


def compare(options: Options, folder: Path, shown: Bars) -> Result:
    """Measure everything; graphs are kept below `folder`.

    Raises InputError for a preset that cannot be compared, CheckFailedError if a subject answers
    wrongly, EngineError if a graph or a process fails.
    """
    machine = identity()
    workload = make_workload(options.preset, options.experts, options.seed)
    exported = shown.phase("export", len(NAMES))
    artifacts = make_artifacts(workload, folder, lambda name: exported())
    openers = {
        name: partial(make_subject, name, workload, artifacts, options.threads) for name in SUBJECTS
    }
    errors = _check(openers, workload)
    plan = protocol.Plan(options.repeats, options.iterations, options.warmup)
    done = shown.phase("measure", plan.rounds)
    samples = protocol.measure(openers, len(workload.images), plan, on_round=done)
    spent = parts(workload, artifacts, options.threads, options.iterations)
    done = shown.phase("fresh processes", len(FRESH_SUBJECTS) * (options.repeats + 1))
    observed = observe_fresh(workload, artifacts, options.threads, options.repeats, done)
    errors |= _check_fresh(observed, workload)
    data = {
        "identity": machine,
        "run": asdict(options),
        "routes": [list(route) for route in workload.visited],
        "images": len(workload.images),
        "rule": {"experts": workload.rule.experts, "k": workload.rule.k},
        "harness_overhead_ns": median(protocol.harness_overhead()),
        "max_abs_error": errors,
        "tolerance": TOLERANCE,
        "latency_ms": report.latency(samples),
        "parts_ms": report.parts(spent),
        "memory_of": observed["dispatcher"][0].memory_of,
        "fresh": report.fresh_medians(observed),
        "ratios": report.latency_ratios(samples, "ns", options.seed)
        | report.fresh_ratios(observed, options.seed),
        # With more threads the calling one does a part of the work only.
        "ratios_cpu": report.latency_ratios(samples, "cpu_ns", options.seed)
        if options.threads == 1
        else None,
    }
    return Result(data, samples, observed)


def _check(openers: dict[str, protocol.Opener], workload: Workload) -> dict[str, float]:
    """Errors against eager PyTorch; static and dispatcher are also held against each other."""
    subjects = {name: opener() for name, opener in openers.items()}
    errors = check_answers(subjects, workload.answers, "eager PyTorch")
    static = all_answers(subjects["static"], len(workload.images))
    both = {"dispatcher": subjects["dispatcher"]}
    errors["dispatcher against static"] = check_answers(both, static, "static")["dispatcher"]
    return errors


def _check_fresh(observed: dict[str, list[Observation]], workload: Workload) -> dict[str, float]:
    """The largest error of each kind of fresh process, against eager PyTorch."""
    errors = {}
    for subject, observations in observed.items():
        name = f"{subject} (fresh process)"
        errors[name] = max(observation.max_abs_error for observation in observations)
        require_close(name, errors[name], workload.answers, "eager PyTorch")
    return errors
