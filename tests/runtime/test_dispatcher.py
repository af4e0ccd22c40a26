"""The dispatcher on real bundles: answers, residency, failures, threads, closing."""

import os
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from expected_errors import raises
from PIL import Image

from mvmoe_deploy import Dispatcher, PixelBuffer, Plane, Prediction
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import (
    BundleError,
    EngineError,
    ImageError,
    InputError,
    PartialResultError,
    RoutingError,
)
from mvmoe_deploy.preprocessing import preprocess
from mvmoe_deploy.routing.contract import route_of

SHOTS = 6


def pictures(count, seed=0):
    """Pictures of strong plain colours and noise: they spread over routes."""
    generator = np.random.default_rng(seed)
    colours = generator.integers(0, 256, (count, 1, 1, 3))
    noise = generator.integers(-60, 60, (count, 12, 10, 3))
    return (colours + noise).clip(0, 255).astype(np.uint8)


def wait_for(condition, seconds=30):
    """Give other threads time until a condition holds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


def of_route(made, expert, count=1, stage=0):
    """Images of a route, by their positions."""
    chosen = [i for i, route in enumerate(made.routes[stage]) if route == (expert,)][:count]
    assert len(chosen) == count
    return chosen


# Answers.


def test_run_answers_as_pytorch(single, batched, assert_answers):
    for made in (single, batched):
        with Dispatcher.open(made.path, threads=1) as dispatcher:
            assert_answers(dispatcher.run(made.images)["answer"], made.answers)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
def test_any_number_of_images_runs_on_graphs_of_four(batched, count, assert_answers):
    with Dispatcher.open(batched.path, threads=1) as dispatcher:
        for start in (0, 7):
            part = slice(start, start + count)
            assert_answers(dispatcher.run(batched.images[part])["answer"], batched.answers[part])


def test_predict_says_what_pytorch_does(single, batched, assert_answers):
    for made in (single, batched):
        with Dispatcher.open(made.path) as dispatcher:
            for picture in pictures(SHOTS):
                prediction = dispatcher.predict(picture)
                image = torch.from_numpy(preprocess(picture, made.model.input))[None]
                with torch.no_grad():
                    wanted = made.model.forward_routed(image)
                assert_answers(prediction.logits, wanted.logits[0].numpy())
                assert prediction.label_index == wanted.logits[0].argmax()
                routes = tuple(route_of(members[0].numpy()) for members in wanted.members)
                assert prediction.routes == routes
                gates = torch.cat(wanted.gates, dim=1)[torch.cat(wanted.members, dim=1)]
                assert_answers(np.concatenate(prediction.stage_gates), gates.numpy())


def test_a_path_a_pil_image_an_array_and_a_buffer_give_the_same(single, tmp_path):
    (pixels,) = pictures(1)
    image = Image.fromarray(pixels)
    height, width, _ = pixels.shape
    plane = Plane(image.convert("RGBA").tobytes(), 4 * width, 4)
    buffer = PixelBuffer(format="RGBA", width=width, height=height, planes=[plane])
    image.save(tmp_path / "picture.png")
    with Dispatcher.open(single.path) as dispatcher:
        sources = [pixels, image, tmp_path / "picture.png", str(tmp_path / "picture.png"), buffer]
        one, *others = map(dispatcher.predict, sources)
    assert isinstance(one, Prediction)
    assert one.label in ("ant", "bee", "cat", "dog", "elk")
    for other in others:
        np.testing.assert_array_equal(other.logits, one.logits)
        assert (other.label, other.routes, other.gates) == (one.label, one.routes, one.gates)


def test_run_and_predict_agree(single):
    (picture,) = pictures(1)
    with Dispatcher.open(single.path, threads=1) as dispatcher:
        batch = preprocess(picture, single.model.input)[None]
        np.testing.assert_array_equal(
            dispatcher.run(batch)["answer"][0], dispatcher.predict(picture).logits
        )


def test_timings_are_whole(single):
    with Dispatcher.open(single.path) as dispatcher:
        for picture in pictures(SHOTS):
            timings = dispatcher.predict(picture).timings
            parts = [
                timings.preprocess,
                timings.stem,
                timings.select,
                timings.load,
                timings.expert,
            ]
            assert min(parts) >= 0
            assert timings.stem > 0
            assert timings.expert > 0
            assert sum(parts) <= timings.total


def test_golden_vectors_are_reproduced(single, batched, assert_answers):
    for made in (single, batched):
        golden = Bundle.open(made.path).golden()
        with Dispatcher.open(made.path) as dispatcher:
            assert_answers(dispatcher.run(golden["image"])["answer"], golden["outputs.answer"])


def test_answers_belong_to_the_caller(single):
    with Dispatcher.open(single.path) as dispatcher:
        one = dispatcher.run(single.images[:1])["answer"]
        kept = one.copy()
        dispatcher.run(single.images[1:2])
        np.testing.assert_array_equal(one, kept)


def test_the_callers_batch_is_left_as_it_is(single):
    batch = single.images.copy()
    with Dispatcher.open(single.path) as dispatcher:
        dispatcher.run(batch)
    np.testing.assert_array_equal(batch, single.images)


def test_a_batch_may_lie_in_memory_in_any_order(single, assert_answers):
    turned = np.asfortranarray(single.images)
    with Dispatcher.open(single.path) as dispatcher:
        assert_answers(dispatcher.run(turned)["answer"], single.answers)


@pytest.mark.parametrize("kind", ["read-only", "not aligned", "turned"])
def test_one_image_may_lie_anywhere(single, kind):
    """What an engine cannot read in place is copied."""
    image = single.images[:1]
    given = np.asfortranarray(image)
    if kind == "read-only":
        given = image.copy()
        given.flags.writeable = False
    elif kind == "not aligned":
        room = np.zeros(image.nbytes + 1, np.uint8)
        given = room[1:].view(np.float32).reshape(image.shape)
        given[:] = image
    with Dispatcher.open(single.path) as dispatcher:
        wanted = dispatcher.run(image)["answer"]
        np.testing.assert_array_equal(dispatcher.run(given)["answer"], wanted)


# What is not finite.


@pytest.mark.parametrize("made", ["single", "batched"])
@pytest.mark.parametrize("row", [0, 2])
def test_an_image_that_is_not_finite_is_an_error(request, made, row):
    made = request.getfixturevalue(made)
    batch = made.images[:4].copy()
    batch[row, 0, 0, 0] = np.nan
    with (
        Dispatcher.open(made.path) as dispatcher,
        raises(RoutingError, "routing.not-finite", image=row, expert=0),
    ):
        dispatcher.run(batch)


class Spoiling:
    """A graph whose answers are not finite."""

    def __init__(self, graph):
        self.graph = graph

    def bind(self, inputs, outputs):
        call = self.graph.bind(inputs, outputs)

        def run():
            call()
            outputs["answer"][:, 0] = np.inf

        return run


def test_an_answer_that_is_not_finite_is_an_error(single, watched):
    dispatcher, runner = watched(single)
    load = runner.load
    runner.load = lambda name: Spoiling(load(name)) if name == "step1_e1" else load(name)
    images = [image for image, route in enumerate(single.routes[0]) if route == (1,)]
    with raises(RoutingError, "routing.not-finite", image=images[0]) as caught:
        dispatcher.run(single.images)
    assert f"not finite for the images {images} of the batch" in str(caught.value)
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.not-finite"):
        dispatcher.run(single.images[images[:1]])


def test_what_an_earlier_batch_left_in_the_padding_does_not_leak(batched, assert_answers):
    spoiled = np.full_like(batched.images[:4], np.nan)
    with Dispatcher.open(batched.path, threads=1) as dispatcher:
        for count in (1, 2, 3, 5):
            with raises(RoutingError, "routing.not-finite", image=0):
                dispatcher.run(spoiled)
            assert_answers(
                dispatcher.run(batched.images[:count])["answer"], batched.answers[:count]
            )


def test_every_buffer_may_be_spoiled_before_a_call(batched, assert_answers):
    with Dispatcher.open(batched.path, threads=1) as dispatcher:
        for count in (1, 3):
            dispatcher.run(batched.images[:count])
            (idle,) = dispatcher._calls._idle
            buffers = idle.buffers
            for arrays in (*buffers._inputs.values(), *buffers.outputs):
                for array in arrays.values():
                    array.fill(np.nan)
            assert_answers(
                dispatcher.run(batched.images[:count])["answer"], batched.answers[:count]
            )


# What is not a batch.


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: batch[0],
        lambda batch: batch[:0],
        lambda batch: batch[:, :1],
        lambda batch: batch[:, :, :4],
        lambda batch: batch.astype(np.float64),
        lambda batch: (batch * 255).astype(np.uint8),
        lambda batch: batch.astype(">f4"),
        lambda batch: batch.tolist(),
        torch.from_numpy,
        lambda batch: None,
    ],
)
def test_what_is_not_a_batch_is_refused(single, change):
    with (
        Dispatcher.open(single.path) as dispatcher,
        raises(InputError, "input.shape", expected=[3, 8, 8]),
    ):
        dispatcher.run(change(single.images))


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("nowhere.png", "image.unreadable"),
        (7, "image.type"),
        (np.zeros((3, 8, 8), np.float32), "image.type"),
    ],
)
def test_what_is_not_an_image_is_refused(single, image, code):
    with Dispatcher.open(single.path) as dispatcher, raises(ImageError, code):
        dispatcher.predict(image)


def test_a_target_that_the_bundle_lacks_is_named(single):
    with pytest.raises(
        BundleError,
        check=lambda error: (error.code, error.fields["target"]) == ("bundle.no-target", "coreml"),
    ):
        Dispatcher.open(single.path, "coreml")


# Residency.


def test_experts_load_when_an_image_needs_them(single, watched):
    dispatcher, runner = watched(single)
    assert dispatcher.resident == ()
    for expert in (2, 0, 2):
        dispatcher.run(single.images[of_route(single, expert)])
    assert runner.loads == {"step1_e2": 1, "step1_e0": 1}
    assert dispatcher.resident == ("step1_e0", "step1_e2")


def test_an_expert_that_was_used_again_stays(single, watched):
    """Its second use counts as the first does, which looked for its graph."""
    dispatcher, runner = watched(single, max_resident_experts=2)
    for expert in (0, 1, 0, 2):
        dispatcher.run(single.images[of_route(single, expert)])
    assert dispatcher.resident == ("step1_e0", "step1_e2")
    assert runner.alive() == {"stem", *dispatcher.resident}


def test_an_expert_makes_room_before_the_next_stage_loads(batched, watched):
    """An image that takes two stages has no more in memory than the budget, even meanwhile."""
    dispatcher, runner = watched(batched, max_resident_bytes=1)
    seen = []
    runner.before_load = lambda name: seen.append(runner.alive() - {"stem"})
    for _ in range(2):
        for image in batched.images[:4]:
            dispatcher.run(image[None])
    assert len(seen) >= 16 and not any(seen)


def test_each_expert_loads_once_for_a_batch_however_small_the_budget(
    single, watched, assert_answers
):
    dispatcher, runner = watched(single, max_resident_experts=1)
    assert_answers(dispatcher.run(single.images)["answer"], single.answers)
    assert runner.loads == {f"step1_e{expert}": 1 for expert in range(4)}
    assert len(dispatcher.resident) == 1
    assert runner.alive() == {"stem", *dispatcher.resident}


def test_images_of_resident_experts_run_first(single, watched):
    dispatcher, runner = watched(single, max_resident_experts=1)
    dispatcher.run(single.images[of_route(single, 3)])
    runner.loads.clear()
    dispatcher.run(single.images)
    assert "step1_e3" not in runner.loads


def test_the_budget_is_of_each_routed_stage(batched, watched, assert_answers):
    dispatcher, runner = watched(batched, max_resident_experts=1)
    assert_answers(dispatcher.run(batched.images)["answer"], batched.answers)
    assert sorted(name[:5] for name in dispatcher.resident) == ["step1", "step2"]
    assert set(runner.loads.values()) == {1}


def test_a_budget_of_bytes_holds(single, watched, assert_answers):
    weights = Bundle.open(single.path).target("onnx").graphs[1].weight_bytes
    dispatcher, runner = watched(single, max_resident_bytes=2 * weights + weights // 2)
    most = []
    runner.before_load = lambda name: most.append(len(dispatcher.resident))
    for image in single.images:
        dispatcher.run(image[None])
    assert_answers(dispatcher.run(single.images)["answer"], single.answers)
    assert max(most) == 1, "room is made before the load"
    assert len(dispatcher.resident) == 2


@pytest.mark.parametrize("pin", [2, (2,), "step1_e2"])
def test_a_pinned_expert_is_never_released(single, watched, pin):
    dispatcher, runner = watched(single, max_resident_experts=2, pin=[pin])
    for expert in (2, 0, 1, 3, 0, 2):
        dispatcher.run(single.images[of_route(single, expert)])
    assert runner.loads["step1_e2"] == 1
    assert "step1_e2" in dispatcher.resident


def test_a_number_pins_its_expert_in_every_routed_stage(batched, watched):
    dispatcher, _ = watched(batched, max_resident_experts=1, pin=[1])
    dispatcher.run(batched.images)
    assert {"step1_e1", "step2_e1"} <= set(dispatcher.resident)


@pytest.mark.parametrize("pin", [4, -1, (0, 1), "step1_e4", "stem", (), None])
def test_what_cannot_be_pinned_is_named(single, pin):
    with raises(InputError, "routing.unknown-route") as caught:
        Dispatcher.open(single.path, pin=[pin])
    assert f"{pin!r} cannot be pinned" in str(caught.value)


@pytest.mark.parametrize("limit", ["max_resident_experts", "max_resident_bytes"])
def test_a_budget_for_nothing_is_refused(single, limit):
    with raises(InputError, "input.invalid", name=limit, given=0):
        Dispatcher.open(single.path, **{limit: 0})


def test_the_memory_of_a_released_expert_is_freed(single):
    with Dispatcher.open(single.path, max_resident_experts=1) as dispatcher:
        dispatcher.run(single.images[of_route(single, 0)])
        session = weakref.ref(loaded_graph(dispatcher, "step1_e0")._session)
        assert session() is not None
        dispatcher.run(single.images[of_route(single, 1)])
        assert session() is None


def test_closing_frees_every_session(single):
    dispatcher = Dispatcher.open(single.path)
    dispatcher.run(single.images)
    names = ("stem", *dispatcher.resident)
    sessions = [weakref.ref(loaded_graph(dispatcher, name)._session) for name in names]
    assert len(sessions) == 5
    dispatcher.close()
    assert not any(session() for session in sessions)


def test_a_dispatcher_that_is_dropped_frees_every_session(single):
    dispatcher = Dispatcher.open(single.path)
    session = weakref.ref(loaded_graph(dispatcher, "stem")._session)
    del dispatcher
    assert session() is None


def loaded_graph(dispatcher, name):
    """A graph in a dispatcher's memory."""
    return dispatcher._graphs._residency._slots[name].value.graph


# Prewarming.


def test_prewarming_loads_the_most_used_first(single, watched):
    dispatcher, runner = watched(single)
    dispatcher.prewarm()
    assert list(runner.loads) == ["step1_e2", "step1_e3", "step1_e0", "step1_e1"]
    runner.loads.clear()
    dispatcher.run(single.images)
    assert not runner.loads


def test_prewarming_loads_as_many_as_fit_and_pinned_ones_before_others(single, watched):
    dispatcher, _ = watched(single, max_resident_experts=2)
    dispatcher.prewarm()
    assert dispatcher.resident == ("step1_e2", "step1_e3")
    dispatcher, _ = watched(single, max_resident_experts=2, pin=[1])
    dispatcher.prewarm()
    assert dispatcher.resident == ("step1_e1", "step1_e2")


def test_prewarming_without_a_prior_loads_all(batched, watched, assert_answers):
    dispatcher, _ = watched(batched)
    dispatcher.prewarm()
    assert len(dispatcher.resident) == 6
    assert_answers(dispatcher.run(batched.images)["answer"], batched.answers)


def test_prewarming_passes_a_broken_expert_over(single, watched, assert_answers):
    dispatcher, runner = watched(single)
    runner.broken = {"step1_e3"}
    dispatcher.prewarm()
    assert dispatcher.resident == ("step1_e2", "step1_e0", "step1_e1")
    runner.broken.clear()
    assert_answers(dispatcher.run(single.images)["answer"], single.answers)


def test_prewarming_in_the_background_serves_meanwhile(single, watched, assert_answers):
    dispatcher, runner = watched(single)
    started, go = threading.Event(), threading.Event()

    def hold(name):
        if name == "step1_e2":
            started.set()
            assert go.wait(30)

    runner.before_load = hold
    dispatcher.prewarm(wait=False)
    assert started.wait(30)
    ready = of_route(single, 0, count=2)
    assert_answers(dispatcher.run(single.images[ready])["answer"], single.answers[ready])
    go.set()
    dispatcher._prewarming.join(30)
    assert len(dispatcher.resident) == 4


def test_prewarming_stops_when_the_dispatcher_closes(single, watched):
    dispatcher, runner = watched(single)
    started, go = threading.Event(), threading.Event()

    def hold(name):
        started.set()
        assert go.wait(30)

    runner.before_load = hold
    dispatcher.prewarm(wait=False)
    assert started.wait(30)
    closing = threading.Thread(target=dispatcher.close)
    closing.start()
    assert wait_for(lambda: dispatcher._calls.closing)
    go.set()
    closing.join(30)
    assert list(runner.loads) == ["step1_e2"]
    assert runner.alive() == set()


def test_opening_can_prewarm(single):
    with Dispatcher.open(single.path, prewarm=True) as dispatcher:
        dispatcher._prewarming.join(30)
        assert len(dispatcher.resident) == 4


# Failures.


def test_an_expert_that_does_not_load_fails_its_images_alone(single, watched, assert_answers):
    dispatcher, runner = watched(single)
    runner.broken = {"step1_e1"}
    with pytest.raises(PartialResultError) as caught:
        dispatcher.run(single.images)
    error = caught.value
    broken = [i for i, route in enumerate(single.routes[0]) if route == (1,)]
    whole = [i for i, route in enumerate(single.routes[0]) if route != (1,)]
    assert sorted(error.failed) == broken
    assert all("step1_e1 is broken on purpose" in str(why) for why in error.failed.values())
    assert str(error).count("step1_e1") == 1
    assert_answers(error.answers["answer"][whole], single.answers[whole])
    assert np.isnan(error.answers["answer"][broken]).all()

    runner.broken.clear()
    assert_answers(dispatcher.run(single.images)["answer"], single.answers)


@pytest.mark.parametrize("stage", [1, 2])
def test_a_failure_at_one_stage_spares_the_others_images(batched, watched, stage, assert_answers):
    dispatcher, runner = watched(batched)
    runner.broken = {f"step{stage}_e0"}
    with pytest.raises(PartialResultError) as caught:
        dispatcher.run(batched.images)
    broken = [i for i, route in enumerate(batched.routes[stage - 1]) if route == (0,)]
    whole = np.setdiff1d(np.arange(len(batched.images)), broken)
    assert sorted(caught.value.failed) == broken
    assert_answers(caught.value.answers["answer"][whole], batched.answers[whole])


def test_answers_that_are_not_finite_are_not_among_those_of_the_others(
    single, watched, assert_answers
):
    dispatcher, runner = watched(single)
    load = runner.load
    runner.broken = {"step1_e1"}
    runner.load = lambda name: Spoiling(load(name)) if name == "step1_e0" else load(name)
    with pytest.raises(PartialResultError) as caught:
        dispatcher.run(single.images)
    routes = dict(enumerate(single.routes[0]))
    spoilt = [image for image, route in routes.items() if route == (0,)]
    whole = [image for image, route in routes.items() if route not in ((0,), (1,))]
    without = [image for image in routes if image not in whole]
    assert spoilt and sorted(caught.value.failed) == caught.value.fields["images"] == without
    for image in spoilt:
        error = caught.value.failed[image]
        assert (error.code, error.fields) == ("routing.not-finite", {"image": image})
    assert np.isnan(caught.value.answers["answer"][without]).all()
    assert_answers(caught.value.answers["answer"][whole], single.answers[whole])


def test_images_that_failed_load_nothing_more(batched, watched):
    dispatcher, runner = watched(batched)
    runner.broken = {"step1_e0"}
    with pytest.raises(PartialResultError) as caught:
        dispatcher.run(batched.images[of_route(batched, 0, count=3)])
    assert sorted(caught.value.failed) == [0, 1, 2]
    assert list(runner.loads) == ["step1_e0"]


def test_a_batch_of_one_fails_in_the_same_way(single, watched):
    dispatcher, runner = watched(single)
    runner.broken = {"step1_e1"}
    with pytest.raises(PartialResultError) as caught:
        dispatcher.run(single.images[of_route(single, 1)])
    assert list(caught.value.failed) == [0]
    assert np.isnan(caught.value.answers["answer"]).all()
    assert caught.value.answers["answer"].shape == (1, 5)


def test_predict_tells_which_expert_does_not_load(single, watched):
    dispatcher, runner = watched(single)
    routes = {dispatcher.predict(picture).route for picture in pictures(40)}
    assert len(routes) > 1
    dispatcher._graphs.clear()
    runner.broken = {"step1_e0", "step1_e1", "step1_e2", "step1_e3"}
    for picture in pictures(3):
        with raises(EngineError, "engine.failed", found="broken on purpose"):
            dispatcher.predict(picture)
    runner.broken.clear()
    assert {dispatcher.predict(picture).route for picture in pictures(40)} == routes


def test_a_damaged_expert_is_named_and_works_again_after_repair(copied, single, assert_answers):
    file = copied / "onnx" / "step1_e1.onnx"
    healthy = file.read_bytes()
    file.write_bytes(b"garbage")
    with Dispatcher.open(copied, verify=False) as dispatcher:
        with pytest.raises(
            PartialResultError, check=lambda error: error.code == "engine.partial-result"
        ):
            dispatcher.run(single.images)
        file.write_bytes(healthy)
        assert_answers(dispatcher.run(single.images)["answer"], single.answers)


def test_a_damaged_stem_fails_at_once(copied):
    (copied / "onnx" / "stem.onnx").write_bytes(b"garbage")
    with pytest.raises(
        EngineError,
        check=lambda error: (error.code, error.fields["graph"]) == ("engine.load-failed", "stem"),
    ):
        Dispatcher.open(copied, verify=False)


# Threads and closing.


def test_threads_get_the_answers_of_a_single_one(batched, watched, assert_answers):
    dispatcher, _ = watched(batched, max_resident_experts=1)
    shots = pictures(SHOTS)
    wanted = [dispatcher.predict(picture) for picture in shots]

    def work(seed):
        for step in range(12):
            start = (seed * 5 + step) % 24
            part = slice(start, start + 1 + (seed + step) % 7)
            assert_answers(dispatcher.run(batched.images[part])["answer"], batched.answers[part])
            position = (seed + step) % SHOTS
            given = dispatcher.predict(shots[position])
            assert given.routes == wanted[position].routes
            assert_answers(given.logits, wanted[position].logits)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(dispatcher.resident) <= 2
    assert len(dispatcher._calls._idle) <= 8


def test_buffers_are_used_again(single, watched):
    dispatcher, _ = watched(single)
    for image in single.images:
        dispatcher.run(image[None])
    assert len(dispatcher._calls._idle) == 1


def test_a_closed_dispatcher_refuses_calls_and_may_be_closed_again(single):
    dispatcher = Dispatcher.open(single.path)
    dispatcher.run(single.images[:1])
    dispatcher.close()
    dispatcher.close()
    for call in (
        lambda: dispatcher.run(single.images)["answer"],
        lambda: dispatcher.predict(pictures(1)[0]),
        dispatcher.prewarm,
        lambda: dispatcher.prewarm(wait=False),
    ):
        with pytest.raises(InputError, check=lambda error: error.code == "dispatcher.closed"):
            call()
    assert dispatcher.resident == ()


def test_closing_waits_for_calls_in_flight(single, watched, assert_answers):
    dispatcher, runner = watched(single)
    started, go = threading.Event(), threading.Event()

    def hold(name):
        started.set()
        assert go.wait(30)

    runner.before_load = hold
    with ThreadPoolExecutor(2) as pool:
        call = pool.submit(dispatcher.run, single.images)
        assert started.wait(30)
        closing = pool.submit(dispatcher.close)
        assert wait_for(lambda: dispatcher._calls.closing)
        with pytest.raises(InputError, check=lambda error: error.code == "dispatcher.closed"):
            dispatcher.run(single.images)
        assert not closing.done()
        go.set()
        assert_answers(call.result(30)["answer"], single.answers)
        closing.result(30)
    assert runner.alive() == set()


def test_a_failed_call_gives_its_buffers_back(single, watched):
    dispatcher, runner = watched(single)
    runner.broken = {"step1_e0"}
    for _ in range(3):
        with raises(PartialResultError, "engine.partial-result"):
            dispatcher.run(single.images)
    assert len(dispatcher._calls._idle) == 1
    dispatcher.close()


# Independence.

SCRIPT = """
import sys
import numpy as np
from mvmoe_deploy import Dispatcher
with Dispatcher.open(sys.argv[1], prewarm=True) as dispatcher:
    prediction = dispatcher.predict(np.full((9, 9, 3), 100, np.uint8))
    assert len(prediction.route) == 1
    answers = dispatcher.run(np.zeros((3, 3, 8, 8), np.float32))
    assert answers["answer"].shape == (3, 5)
heavy = {"torch", "onnx", "onnxscript", "coremltools", "executorch", "scipy", "pandas"}
print(sorted(heavy & set(sys.modules)))
"""


def test_answering_imports_no_pytorch(single):
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(single.path)],
        env=os.environ | {"PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "[]\n", "")
