"""The graphs alone: they answer as the dispatcher does, and there is nothing else to them."""

import numpy as np
import pytest

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects import find_kind
from mvmoe_bench.measure.subjects.contract import Stopwatch
from mvmoe_deploy import Dispatcher


@pytest.fixture(params=["tiny", "several", "experts"])
def path(request):
    """One stage and one expert; two of both; and these with a graph for each expert."""
    if request.param == "experts":
        return request.getfixturevalue("experts_bundle")
    return request.getfixturevalue(request.param) / "tiny.mvmoe"


def _made(path, images, queries):
    order = SubjectOrder(
        key="bare",
        kind="bare",
        root=str(path),
        target="onnx",
        requested=EngineChoice(engine="ONNX Runtime"),
        threads=1,
        queries=tuple(queries),
    )
    return find_kind("bare").make(order, images, Stopwatch())


def test_graphs_alone_answer_as_the_dispatcher(path):
    with Dispatcher.open(path, threads=1) as dispatcher:
        images = dispatcher.bundle.golden()["image"][:6]
        wanted = [dispatcher.run(image[None]) for image in images]
    queries = [Query(image=number) for number in range(len(images))]
    subject = _made(path, images, queries)
    for query, outputs in zip(queries, wanted, strict=True):
        for name, answer in subject.answer(query).items():
            # The same graphs on the same numbers, one thread: no bit differs.
            np.testing.assert_array_equal(answer, outputs[name])
    subject.close()


def test_imposed_routes_are_taken(tiny):
    with Dispatcher.open(tiny / "tiny.mvmoe", threads=1) as dispatcher:
        images = dispatcher.bundle.golden()["image"][:1]
    queries = [Query(image=0, routes=((expert,),), forced=True) for expert in range(4)]
    subject = _made(tiny / "tiny.mvmoe", images, queries)
    answers = [next(iter(subject.answer(query).values())) for query in queries]
    assert all(not np.array_equal(answers[0], other) for other in answers[1:])
    assert subject.trace(queries[0]) is None
    subject.close()
