"""One graph that routes and gathers the weights of the selected experts."""

import numpy as np

from mvmoe_bench.artifacts import Artifacts
from mvmoe_bench.subjects import Answers
from mvmoe_bench.workload import Workload


def make(workload: Workload, artifacts: Artifacts, threads: int) -> Answers:
    """The one graph that answers every image."""
    run = artifacts.gather.open(threads).load("gather")

    def answer(number: int) -> np.ndarray:
        return run(workload.image(number))

    return answer
