"""One subject in a process of its own: how long until its first answer, how much memory it takes.

`python -m mvmoe_bench.child` reads an `Order` as JSON on stdin and prints an `Observation` as JSON
on stdout. It imports neither PyTorch nor an exporter, as an application does not, and what it needs
of its own it imports where it is timed. `fresh.py` is the other end.
"""

import time

_STARTED_NS = time.monotonic_ns()

import dataclasses  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from mvmoe_bench import memory  # noqa: E402
from mvmoe_bench.orders import Observation, Order  # noqa: E402

if TYPE_CHECKING:
    import numpy as np

_FOREIGN = ("torch", "onnx", "mvmoe_export")

Answer = Callable[["np.ndarray"], "np.ndarray"]


def main() -> None:
    """Follow the order on stdin."""
    order = Order(**json.load(sys.stdin))
    json.dump(dataclasses.asdict(observe(order)), sys.stdout)


def observe(order: Order) -> Observation:
    """Import, open, answer once, answer often; look at the clock and the memory in between."""
    engine_ns, _ = _timed(lambda: _import("numpy", "onnxruntime"))
    import numpy as np

    images, wanted = np.load(order.images), np.load(order.answers)
    base = memory.resident_bytes()
    code_ns, _ = _timed(lambda: _import("mvmoe_deploy.runtime", "mvmoe_bench.graphs"))
    imported = memory.resident_bytes()
    open_ns, answer = _timed(lambda: _OPENERS[order.subject](order))
    first = order.use[0]
    first_ns, given = _timed(lambda: answer(images[first : first + 1]))
    loaded = memory.resident_bytes()
    error = np.abs(given - wanted[first]).max()
    for number in range(order.runs):
        image = order.use[number % len(order.use)]
        given = answer(images[image : image + 1])
        error = max(error, np.abs(given - wanted[image]).max())
    return Observation(
        start_ns=_STARTED_NS - order.started_ns,
        engine_import_ns=engine_ns,
        code_import_ns=code_ns,
        open_ns=open_ns,
        first_run_ns=first_ns,
        memory_of=memory.SOURCE,
        base_bytes=base,
        imported_bytes=imported,
        loaded_bytes=loaded,
        after_bytes=memory.resident_bytes(),
        peak_rss_bytes=memory.peak_rss_bytes(),
        max_abs_error=float(error),
        foreign=tuple(name for name in _FOREIGN if name in sys.modules),
    )


def _open_dispatcher(order: Order, verify: bool = True) -> Answer:
    """The bundle's dispatcher with room for one expert."""
    from mvmoe_deploy.runtime import Dispatcher

    return Dispatcher.open(
        order.path, threads=order.threads, max_resident_experts=1, verify=verify
    ).run


def _open_static(order: Order) -> Answer:
    """One static graph."""
    from mvmoe_bench.graphs import GraphSet

    return GraphSet(Path(order.path)).open(order.threads).load(order.graph)


_OPENERS: dict[str, Callable[[Order], Answer]] = {
    "dispatcher": _open_dispatcher,
    "dispatcher-unverified": lambda order: _open_dispatcher(order, verify=False),
    "static": _open_static,
}


def _import(*modules: str) -> None:
    for module in modules:
        importlib.import_module(module)


def _timed(call: Callable[[], Any]) -> tuple[int, Any]:
    """Nanoseconds that a call takes, and what it gives."""
    start = time.perf_counter_ns()
    result = call()
    return time.perf_counter_ns() - start, result


if __name__ == "__main__":
    main()
