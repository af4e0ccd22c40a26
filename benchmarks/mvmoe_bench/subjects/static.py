"""The oracle: one graph for each route, and the route of every image known beforehand."""

import numpy as np

from mvmoe_bench.artifacts import Artifacts
from mvmoe_bench.graphs import graph_name
from mvmoe_bench.subjects import Answers
from mvmoe_bench.workload import Workload


def make(workload: Workload, artifacts: Artifacts, threads: int) -> Answers:
    """The static graph of each visited route; an image runs its own route's."""
    graphs = artifacts.static.open(threads)
    by_route = {route: graphs.load(graph_name(route)) for route in workload.visited}
    of_image = [by_route[route] for route in workload.routes]

    def answer(number: int) -> np.ndarray:
        return of_image[number](workload.image(number))

    return answer
