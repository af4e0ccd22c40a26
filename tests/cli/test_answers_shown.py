"""Answers of models with many routed stages, or none, as `mvmoe run` shows them."""

import io

import pytest
from rich.console import Console

from mvmoe_deploy.cli.image_answers import ImageAnswer, ImageAnswers
from mvmoe_deploy.commands.run import show


@pytest.mark.parametrize(
    ("route", "gates", "cells"),
    [
        ((), (), ["-", "-"]),
        ((1,), (1.0,), ["1", "1.000"]),
        ((0, 3), (0.75, 0.25), ["0+3", "0.750,", "0.250"]),
        (((0, 3), (1, 2)), ((1.0, 1.0), (1.0, 1.0)), ["0+3", ">", "1+2", "1", "each"]),
        (((0, 3), (1,)), ((1.0, 0.5), (1.0,)), ["0+3", ">", "1", "1.000,", "0.500,", "1.000"]),
    ],
)
def test_gates_that_are_all_one_are_not_repeated(route, gates, cells):
    answer = ImageAnswer(
        image="a.png", label=None, label_index=None, probability=None, route=route, gates=gates,
        last_stage="step1", timings_ms={"total": 2.0}, outputs={}, pictures={},
    )  # fmt: skip
    out = io.StringIO()
    show(Console(file=out, width=200), ImageAnswers(results=(answer,)))
    assert out.getvalue().splitlines()[1].split() == ["a.png", *cells, "2.00"]
