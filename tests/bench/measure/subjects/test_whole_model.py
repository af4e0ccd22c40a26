"""A subject of whole-model graphs loads what its queries need, and no more."""

from types import SimpleNamespace

import numpy as np
import pytest

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects import whole_model
from mvmoe_bench.measure.subjects.contract import Stopwatch


class Runner:
    """Counts how often each graph is loaded; a graph answers with its name's length."""

    description, provider = "counting", None

    def __init__(self):
        self.loaded = []

    def load(self, name):
        self.loaded.append(name)

        def bind(inputs, outputs):
            return lambda: outputs["answer"].fill(len(name))

        return SimpleNamespace(bind=bind)


@pytest.fixture
def graphs(tmp_path, monkeypatch):
    made = Runner()
    monkeypatch.setattr(whole_model, "open_runner", lambda *_, **__: made)
    image, answer = ((1, 1, 2, 2), "image"), ((1, 2), "answer")
    specs = [
        SimpleNamespace(name=name, shape=shape, dtype="float32") for shape, name in (image, answer)
    ]
    record = SimpleNamespace(graphs=[SimpleNamespace(inputs=specs[:1], outputs=specs[1:])])
    monkeypatch.setattr(whole_model.msgspec.json, "decode", lambda *_, **__: record)
    (tmp_path / whole_model.RECORD).write_text("{}")
    return made


def test_a_graph_that_answers_many_queries_is_loaded_once(graphs, tmp_path):
    routes = [((2,),), ((1,),), ((2,),), ((2,),), ((1,),)]
    order = SubjectOrder(
        key="k",
        kind="static",
        root=str(tmp_path),
        target="t",
        requested=EngineChoice(engine="e"),
        threads=1,
        queries=tuple(Query(image=0, routes=its) for its in routes),
    )

    subject = whole_model.WholeModel(
        order, np.zeros((1, 1, 2, 2)), lambda query: f"e{query.routes[0][0]}", Stopwatch()
    )

    assert graphs.loaded == ["e2", "e1"]
    assert subject.answer(order.queries[1])["answer"].tolist() == [[2, 2]]
