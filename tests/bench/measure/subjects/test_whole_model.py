"""A subject of whole-model graphs loads what its queries need, and no more."""

import numpy as np
import pytest

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects import whole_model
from mvmoe_bench.measure.subjects.contract import NoWatch


class Graphs:
    """Graphs that count how often each is loaded, and answer with their name's length."""

    runner = type("Runner", (), {"description": "counting", "provider": None})()

    def __init__(self):
        self.loaded = []

    def load(self, name):
        self.loaded.append(name)
        return lambda image: np.full((1, 2), len(name))


@pytest.fixture
def graphs(monkeypatch):
    made = Graphs()
    monkeypatch.setattr(whole_model.GraphSet, "open", lambda *_: made)
    return made


def test_a_graph_that_answers_many_queries_is_loaded_once(graphs):
    routes = [((2,),), ((1,),), ((2,),), ((2,),), ((1,),)]
    order = SubjectOrder(
        key="k",
        kind="static",
        root="r",
        target="t",
        requested=EngineChoice(engine="e"),
        threads=1,
        queries=tuple(Query(image=0, routes=its) for its in routes),
    )

    subject = whole_model.WholeModel(
        order, np.zeros((1, 1, 2, 2)), lambda query: f"e{query.routes[0][0]}", NoWatch()
    )

    assert graphs.loaded == ["e2", "e1"]
    assert subject.answer(order.queries[1]).tolist() == [[2, 2]]
