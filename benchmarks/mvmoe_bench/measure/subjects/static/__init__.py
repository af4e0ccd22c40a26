"""The oracle: one graph for each route, and the route of every image known beforehand."""

import hashlib
import json
from pathlib import Path

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, SubjectKind, SubjectLook
from mvmoe_bench.measure.subjects.whole_model import WholeModel, graph_name


def _graph(query: Query) -> str:
    return graph_name(query.routes or ())


class StaticKind(SubjectKind):
    """The oracle: one graph for each route, and the route of every image known beforehand."""

    name = "static"
    is_started_alone = True
    holds_one_route = True
    look = SubjectLook(
        role="oracle",
        colour="c3",
        description="the oracle to compare with: one fused graph, the expert known beforehand",
        ratio_meaning="what not knowing the expert beforehand costs",
        in_sentences="Knowing the expert of every image beforehand (the static graph)",
        tile="routing costs",
        tile_note="than one graph that knows the expert beforehand",
    )

    def prepare(self, request: Preparation) -> str:
        """Export the graphs of all routes that will be asked for."""
        from mvmoe_bench.measure.subjects.making import make_static

        routes = sorted(set(request.routes))
        digest = hashlib.sha256(json.dumps(routes).encode()).hexdigest()[:12]
        path: Path = request.folder / f"{self.name}-{digest}"
        make_static(request, path)
        return str(path)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> WholeModel:
        """The static graphs of all routes that its queries take."""
        return WholeModel(order, images, _graph, watch)


PART = StaticKind()
