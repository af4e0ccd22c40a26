"""Cold starts and memory: each observation in a process of its own, the subjects interleaved.

The files are in the system's cache: what is measured is a second start, not one after a reboot.
"""

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from mvmoe_bench.artifacts import Artifacts
from mvmoe_bench.graphs import graph_name
from mvmoe_bench.orders import FreshSubject, Observation, Order
from mvmoe_bench.protocol import rotated
from mvmoe_bench.workload import Workload
from mvmoe_deploy.errors import EngineError

FRESH_SUBJECTS: tuple[FreshSubject, ...] = ("dispatcher", "dispatcher-unverified", "static")
RUNS = 24
"""Answers after the first: every route is visited several times."""


def observe_fresh(
    workload: Workload,
    artifacts: Artifacts,
    threads: int,
    repeats: int,
    on_process: Callable[[], object] = lambda: None,
) -> dict[str, list[Observation]]:
    """Observations of each fresh subject, equal positions from one round.

    The first round is not kept: it brings the files into the system's cache. Raises EngineError
    if a process fails.
    """
    kept: dict[str, list[Observation]] = {subject: [] for subject in FRESH_SUBJECTS}
    with tempfile.TemporaryDirectory() as folder:
        orders = _orders(workload, artifacts, threads, Path(folder))
        for number in range(-1, repeats):
            for subject in rotated(FRESH_SUBJECTS, number):
                observation = run_order(orders[subject])
                if number >= 0:
                    kept[subject].append(observation)
                on_process()
    return kept


def run_order(order: Order) -> Observation:
    """Start a process, give it its order, and wait for what it saw; raises EngineError."""
    order = dataclasses.replace(order, started_ns=time.monotonic_ns())
    process = subprocess.run(
        [sys.executable, "-m", "mvmoe_bench.child"],
        input=json.dumps(dataclasses.asdict(order)),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        lines = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
        raise EngineError(f"the process that measures {order.subject} failed: {lines[-1]}")
    return msgspec.json.decode(process.stdout, type=Observation)


def _orders(
    workload: Workload, artifacts: Artifacts, threads: int, folder: Path
) -> dict[FreshSubject, Order]:
    """What the process of each subject is to do; the inputs are written to `folder`.

    All hold the same images in memory. A dispatcher answers all of them and so changes its one
    resident expert; a static graph can answer its own route's only.
    """
    images, answers = folder / "images.npy", folder / "answers.npy"
    np.save(images, workload.images)
    np.save(answers, workload.answers)
    every = Order(
        subject="dispatcher",
        path=str(artifacts.bundle),
        graph=None,
        images=str(images),
        answers=str(answers),
        use=tuple(range(len(workload.images))),
        threads=threads,
        runs=RUNS,
        started_ns=0,
    )
    route = workload.routes[0]
    static = dataclasses.replace(
        every,
        subject="static",
        path=str(artifacts.static.path),
        graph=graph_name(route),
        use=tuple(i for i, other in enumerate(workload.routes) if other == route),
    )
    unverified = dataclasses.replace(every, subject="dispatcher-unverified")
    return {"dispatcher": every, "dispatcher-unverified": unverified, "static": static}
