"""Traces: where the time of one image goes, and imposed routes."""

import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.runtime.tracing import TracingDispatcher


def test_a_trace_answers_as_run_and_says_where_its_time_went(single, batched, assert_answers):
    for made, stages in ((single, 1), (batched, 2)):
        with TracingDispatcher.open(made.path, threads=1) as dispatcher:
            cold, warm = (dispatcher.trace(made.images[:1]) for _ in range(2))
        assert_answers(warm.outputs["answer"], made.answers[:1])
        assert warm.routes == tuple(routes[0] for routes in made.routes)
        names = [name for name, _ in warm.laps]
        assert names == ["rest", "stem", *["select", "load", "expert"] * stages, "rest"]
        assert all(ns > 0 for _, ns in warm.laps)
        assert cold.cold == (True,) * stages and warm.cold == (False,) * stages


def test_an_imposed_route_is_taken_with_the_routers_gates(single, batched, assert_answers):
    for made in (single, batched):
        image = made.images[:1]
        routes = tuple((rule.experts - 1,) for rule in made.model.routing)
        with TracingDispatcher.open(made.path, threads=1) as dispatcher, torch.no_grad():
            trace = dispatcher.trace(image, routes)
            assert trace.routes == routes and "forced" in dict(trace.laps)
            assert_answers(
                trace.outputs["answer"], made.model(torch.from_numpy(image), routes).numpy()
            )


@pytest.mark.parametrize(
    ("count", "routes", "code", "fields"),
    [
        (2, None, "input.invalid", {"name": "image", "given": 2}),
        (1, [(0,), (1,)], "input.invalid", {"name": "routes", "given": 2, "expected": 1}),
        (1, [(4,)], "routing.unknown-route", {"route": [4]}),
    ],
)
def test_what_cannot_be_traced_is_refused(single, count, routes, code, fields):
    with TracingDispatcher.open(single.path) as dispatcher, raises(InputError, code, **fields):
        dispatcher.trace(single.images[:count], routes)
