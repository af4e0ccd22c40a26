"""The product: stem, selection on the host, the route's graph; every visited expert in memory."""

import numpy as np

from mvmoe_bench.artifacts import Artifacts
from mvmoe_bench.subjects import Answers
from mvmoe_bench.workload import Workload
from mvmoe_deploy.runtime import Dispatcher

PARTS = ("stem", "select", "load", "expert")


def make(workload: Workload, artifacts: Artifacts, threads: int) -> Answers:
    """A dispatcher over the bundle, with every expert loaded and run once."""
    dispatcher = open_dispatcher(artifacts, threads)

    def answer(number: int) -> np.ndarray:
        return dispatcher.run(workload.image(number))

    return answer


def open_dispatcher(artifacts: Artifacts, threads: int) -> Dispatcher:
    """A dispatcher over the bundle, with every expert loaded and run once."""
    dispatcher = Dispatcher.open(artifacts.bundle, threads=threads)
    dispatcher.prewarm()
    return dispatcher


def parts(
    workload: Workload, artifacts: Artifacts, threads: int, calls: int
) -> dict[str, list[float]]:
    """Milliseconds of each part of a prediction as the dispatcher's own clock has them.

    The last part, `rest`, is what is left of the total without `preprocess`: making the answer.
    """
    shape = workload.model.input.shape
    picture = np.random.default_rng(0).integers(0, 256, (*shape[1:], shape[0]), np.uint8)
    spent: dict[str, list[float]] = {part: [] for part in (*PARTS, "rest")}
    with open_dispatcher(artifacts, threads) as dispatcher:
        for _ in range(calls):
            timings = dispatcher.predict(picture).timings
            known = {part: getattr(timings, part) for part in PARTS}
            known["rest"] = timings.total - timings.preprocess - sum(known.values())
            for part, milliseconds in known.items():
                spent[part].append(milliseconds)
    return spent
