"""Images through as many stages as their routes need, on an engine of a few NumPy lines."""

import msgspec
import numpy as np
import pytest

from mvmoe_deploy.bundle.manifest import Stage, Target
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.router_health import ModelSource
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.verification.routers_report import judge_routers
from mvmoe_deploy.verification.routes_of_images import routed_alone, take_routes

MODEL = ModelSource()


class Readable:
    """An image `[1, 1, 5]` has the logits of both routers written in it: three, then two."""

    def __init__(self, added=0.0):
        self.added = added
        self.steps = []

    def stem(self, images):
        return {"logits": images[:, 0, 0, :3] + np.float32(self.added), "rest": images[:, 0, 0]}

    def step(self, stage, route, tensors, gates):
        self.steps.append((stage, route, len(gates)))
        return {"logits": tensors["rest"][:, 3:]}


def stages(first=None, second=None, finishes=()):
    return (
        Stage(
            name="stem",
            rule=None,
            router=None,
            takes={"image": "image"},
            gives={"logits": "stem.logits", "rest": "stem.rest"},
        ),
        Stage(
            name="step1",
            rule=first or TopK(experts=3),
            router="stem.logits",
            takes={"rest": "stem.rest"},
            gives={"logits": "step1.logits"},
            finishes=finishes,
        ),
        Stage(
            name="step2",
            rule=second or TopK(experts=2),
            router="step1.logits",
            takes={"rest": "stem.rest"},
            gives={"answer": "step2.answer"},
        ),
    )


def images(count=90):
    """Image i prefers expert i mod 3 of the first stage, and 0 of the second."""
    made = np.zeros((count, 1, 1, 5), np.float32)
    for number, image in enumerate(made):
        image[0, 0, number % 3] = 1.0 + number / count
        image[0, 0, 3] = 2.0
    return made


def judged(described, engine=None, blocks=None):
    engine = engine or Readable()
    found = take_routes({"it": routed_alone(engine, described)}, described, blocks or [images()])
    return judge_routers(found, {"it": ("an engine", None)}, {}, None, MODEL)["it"]


def test_each_stage_has_its_routes_and_the_last_is_not_run():
    engine = Readable()
    found = judged(stages(), engine)
    assert [(stage.stage, stage.verdict) for stage in found.stages] == [
        (1, "healthy"),
        (2, "unused-experts"),
    ]
    assert [use.images for use in found.stages[0].experts_used] == [30, 30, 30]
    assert {stage for stage, _, _ in engine.steps} == {1}
    assert found.verdict == "unused-experts"


def test_blocks_are_counted_together():
    whole = judged(stages())
    in_parts = judged(stages(), blocks=[images()[:7], images()[7:9], images()[9:]])
    assert in_parts == whole


def test_only_images_that_reach_a_stage_count():
    found = judged(stages(finishes=((0,), (1,))), blocks=[images(60)])
    first, second = found.stages
    assert (first.images, second.images, second.images_before) == (60, 20, 60)
    assert first.verdict == "healthy"
    assert second.verdict is None and second.reason.startswith("20 of 60 images")


def test_a_stage_that_no_image_reaches_is_no_error():
    found = judged(stages(finishes=((0,), (1,))), blocks=[images()[:2]])
    assert (found.stages[1].images, found.stages[1].experts_used) == (0, [])
    assert found.stages[1].margin is None and found.stages[1].effective_experts is None


def test_of_a_caller_who_may_choose_the_routers_own_selections_count():
    rule = Given(experts=3, named={"always": (2,)}, otherwise=TopK(experts=3))
    found = judged(stages(rule))
    assert [use.images for use in found.stages[0].experts_used] == [30, 30, 30]
    assert found.stages[0].rule == "top 1 of 3 experts"


def test_a_stage_without_a_router_has_no_verdict():
    records = stages(Given(experts=3, named={"one": (0,), "two": (1,)}))
    alone = msgspec.structs.replace(records[1], router=None)
    found = judged((records[0], alone, records[2]))
    assert [(stage.verdict, stage.decides) for stage in found.stages] == [
        (None, False),
        ("unused-experts", True),
    ]
    assert found.stages[0].margin is None


def test_an_engine_that_is_off_drifts_from_the_reference():
    described = stages()
    # Images up to number 29 prefer their expert by less than 1.5 to the last one.
    engines = {"pytorch": Readable(), "off": Readable(np.array([0.0, 0.0, 1.5]))}
    named = {name: routed_alone(engine, described) for name, engine in engines.items()}
    found = take_routes(named, described, [images(60)])
    record = Target(
        format="onnx", strategy="dispatch", precision="fp32", batch=1,
        graphs=(), weights=None, files=(), parity=None,
    )  # fmt: skip
    engine = dict.fromkeys(named, ("an engine", None))
    result = judge_routers(found, engine, {"off": record}, None, MODEL)
    assert result["pytorch"].drift is None
    first, second = result["off"].drift.stages
    elsewhere = sum(number % 3 != 2 and 1.0 + number / 60 < 1.5 for number in range(60))
    assert (first.compared, first.other_route, first.near_ties) == (60, elsewhere, 0)
    assert first.largest_logit_error == pytest.approx(1.5)
    # A broken router does not excuse itself: fp32 may be off by 1e-4 of the largest logit.
    assert first.margin_limit < 1e-3
    assert (second.compared, second.other_route) == (60 - elsewhere, 0)


def test_logits_that_are_not_finite_name_the_engine():
    described, broken = stages(), images()
    broken[5, 0, 0, 1] = np.nan
    with pytest.raises(CheckFailedError) as err:
        take_routes({"onnx": routed_alone(Readable(), described)}, described, [broken])
    assert err.value.code == "routing.not-finite"
    assert str(err.value).startswith("onnx: ")
