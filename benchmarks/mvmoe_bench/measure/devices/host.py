"""This machine: each order is a process of its own, `python -m mvmoe_bench.measure.worker`."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from mvmoe_bench.measure.devices.contract import Emit, Variant
from mvmoe_bench.measure.following import OrderProgram, follow
from mvmoe_bench.measure.machine.identity import identity, load_average
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Conditions, EngineChoice
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.runtime.runners import find_runner

_THREADS_OF = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""What sets the threads of NumPy's BLAS, which makes the reference product."""
_WORKER = (sys.executable, "-P", "-m", "mvmoe_bench.measure.worker")
"""-P: without the current directory, where another numpy.py may lie."""


class HostDevice:
    """This machine, with every engine that runs here from Python."""

    name = "host"

    def is_this_machine(self) -> bool:
        """Yes, but on a Mac: a device of its own describes that better."""
        return sys.platform != "darwin"

    def require(self) -> None:
        """It is always there."""

    def identity(self) -> dict[str, Any]:
        """This machine's."""
        return identity()

    def load_average(self) -> tuple[float, ...] | None:
        """This machine's."""
        found = load_average()
        return None if found is None else tuple(found)

    def conditions(self) -> Conditions | None:
        """Nothing: it is no phone."""
        return None

    def subjects(self) -> tuple[str, ...] | None:
        """All."""
        return None

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """As the runner of its format says; engines that it knows run in processes of their own."""
        runner = find_runner(target.format, plugins=plugins)
        return [
            Variant(
                EngineChoice(engine=variant.engine, provider=variant.provider),
                dict(variant.engine_options),
                variant.modules,
                variant.label,
            )
            for variant in runner.variants(target)
        ]

    def prepared(self) -> AbstractContextManager[None]:
        """Nothing of the machine is changed."""
        return nullcontext()

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Follow an order in a fresh process; again without a subject that ends the process."""
        follow(order, OrderProgram(_WORKER, _environment(order)), emit)


def _environment(order: MeasurementOrder) -> dict[str, str]:
    """This process's environment, with the order's threads."""
    threads = str(max(subject.threads for subject in order.subjects))
    return {**os.environ, **dict.fromkeys(_THREADS_OF, threads), "PYTHONUNBUFFERED": "1"}


PART = HostDevice
