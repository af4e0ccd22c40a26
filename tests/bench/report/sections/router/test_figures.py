"""Verdicts from the answers of a run: real images only, and only what a router chose."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run

KEY = "dispatcher:digits:onnx"


def summary(factory, lines, *, inputs=None, subjects=None, **bundle):
    subjects = subjects or [factory.subject("dispatcher")]
    run = factory.run(subjects, [factory.bundle(**bundle)], lines, inputs=inputs or {})
    return summarize_run(run)


def answers(factory, *images, key=KEY):
    """As many images of each expert."""
    experts = [expert for expert, count in enumerate(images) for _ in range(count)]
    return [factory.answer(key, i, ((expert,),)) for i, expert in enumerate(experts)]


def test_a_collapsed_router(factory):
    (found,) = summary(factory, answers(factory, 0, 0, 400)).sections["router"]
    assert (found.subject, found.target, found.health.verdict) == (KEY, "onnx", "collapsed")
    assert found.health.routes[0].low == pytest.approx(0.025 ** (1 / 400))
    assert found.health.unused == [0, 1, 3]


def test_each_image_counts_once(factory):
    (found,) = summary(factory, answers(factory, 10, 10, 10, 10) * 3).sections["router"]
    assert (found.health.images, found.health.verdict) == (40, "healthy")
    assert found.health.effective_experts == pytest.approx(4)


@pytest.mark.parametrize(
    "inputs", [{"source": "synthetic"}, {"forced": True}], ids=["synthetic", "forced"]
)
def test_what_no_router_chose_is_no_evidence(factory, inputs):
    assert "router" not in summary(factory, answers(factory, 0, 0, 400), inputs=inputs).sections


def test_a_stage_that_the_caller_chooses_is_left_out(factory):
    lines = [factory.answer(KEY, i, ((0,), (i % 4,))) for i in range(400)]
    found = summary(factory, lines, stages=2, chosen_stages=(1,)).sections["router"]
    assert [(row.health.stage, row.health.verdict) for row in found] == [(2, "healthy")]


def test_a_restricted_bundle_has_the_models_own_stages_and_the_experts_that_it_keeps(factory):
    """Its only stage is the model's second; experts 2 and 3 are no more, so none is unused."""
    restricted = {"constant_routes": {1: (0,)}, "kept_experts": {2: (0, 1)}}
    (found,) = summary(factory, answers(factory, 200, 200), **restricted).sections["router"]
    assert (found.own_stage, found.health.stage, found.health.verdict) == (2, 1, "healthy")
    (found,) = summary(factory, answers(factory, 400), **restricted).sections["router"]
    (advice, *_) = found.health.findings[0].advice
    assert advice.command.startswith(
        "mvmoe export CHECKPOINT --constant-route 1:0 --constant-route 2:0 -o"
    )


def test_images_that_were_finished_before_do_not_count(factory):
    lines = [factory.answer(KEY, i, ((i % 2,), () if i % 2 else (i // 2 % 4,))) for i in range(80)]
    first, second = summary(factory, lines, stages=2).sections["router"]
    assert (first.health.images, second.health.images) == (80, 40)
    assert second.health.images_before == 80


def test_each_target_has_its_own(factory):
    other = "dispatcher:digits:executorch"
    subjects = [factory.subject("dispatcher"), factory.subject("dispatcher", target="executorch")]
    lines = answers(factory, 0, 400) + answers(factory, 200, 200, key=other)
    found = summary(factory, lines, subjects=subjects, experts=2).sections["router"]
    assert [(row.target, row.health.verdict) for row in found] == [
        ("onnx", "collapsed"),
        ("executorch", "healthy"),
    ]


@pytest.mark.parametrize("route", [(7,), (1, 0), (-1,)])
def test_lines_of_another_model_give_no_verdict(factory, route):
    lines = [*answers(factory, 20, 20), factory.answer(KEY, 99, (route,))]
    assert "router" not in summary(factory, lines).sections
