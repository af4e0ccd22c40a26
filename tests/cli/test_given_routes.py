"""The command line with a model whose caller chooses its routes."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from task_moe import TaskMoE

from mvmoe_export import Identity, export_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("task") / "task.bundle"
    export_bundle(TaskMoE(), path, identity=Identity(name="task"), skip_verify=True)
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_run_takes_the_route_that_is_named(mvmoe, bundle, images):
    code, out, err = mvmoe("run", bundle, images, "--route", "task=depth", "--json")
    assert code == 0, err
    assert [found["route"][0] for found in json.loads(out)["results"]] == [[0, 1]] * 3
    words = ("--route", "task=segment", "--route", "power=low", "--json")
    code, out, _ = mvmoe("run", bundle, images, *words)
    assert [found["route"] for found in json.loads(out)["results"]] == [[[2], [0]]] * 3
    code, out, _ = mvmoe("run", bundle, images / "0.png", *words[:-1])
    assert code == 0 and "2 > 0" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "routing.choice-missing"),
        (("--route", "power=low"), "routing.choice-missing"),
        (("--route", "task=paint"), "routing.choice-unknown"),
        (("--route", "task="), "routing.choice-unknown"),
        (("--route", "depth"), "routing.no-such-choice"),  # there are two choices
        (("--route", "=depth"), "routing.no-such-choice"),
        (("--route", "task=depth", "--route", "task=depth"), "input.option"),
    ],
)
def test_a_wrong_choice_is_refused_as_a_whole(mvmoe, bundle, images, words, code):
    exit_code, out, err = mvmoe("run", bundle, images, *words, "--json")
    assert (exit_code, json.loads(out)["error"]["code"]) == (2, code)
    exit_code, out, err = mvmoe("run", bundle, images, *words)
    assert (exit_code, out) == (2, "") and err.startswith("error: ")


def test_the_name_alone_is_enough_for_one_choice(mvmoe, images, tmp_path):
    torch.manual_seed(0)
    model = TaskMoE()
    model.routing = (model.routing[0], model.routing[1].otherwise)
    export_bundle(model, tmp_path / "one.bundle", skip_verify=True)
    words = (tmp_path / "one.bundle", images / "0.png", "--route", "depth", "--json")
    code, out, err = mvmoe("run", *words)
    assert code == 0, err
    assert json.loads(out)["results"][0]["route"][0] == [0, 1]


def test_inspect_shows_what_may_be_chosen(mvmoe, bundle):
    code, out, _ = mvmoe("inspect", bundle)
    assert code == 0
    shown = [line.strip() for line in out.splitlines()]
    for line in ("task=depth: 0+1", "task=segment: 2", "power=low: 0"):
        assert line in shown
    _, out, _ = mvmoe("inspect", bundle, "--json")
    assert json.loads(out)["routing"][0]["routes"] == {"depth": [0, 1], "segment": [2]}


def test_verify_says_where_the_caller_chooses(mvmoe, bundle):
    code, out, err = mvmoe("verify", bundle)
    assert code == 0, err
    assert "router of stage 1" in out and "the caller chooses" in out
    code, out, _ = mvmoe("verify", bundle, "--json")
    task, power = json.loads(out)["targets"]["onnx"]["stages"]
    assert task["margin"] is None and task["router_max_abs_error"] == 0
    assert power["margin"]["min"] > 0  # of the images whose route the router gave


def test_routing_judges_what_a_router_decides_and_nothing_else(mvmoe, bundle, images):
    code, out, err = mvmoe("routing", bundle, "--data", images, "--json")
    assert code == 0, err
    task, power = json.loads(out)["engines"]["onnx"]["stages"]
    assert (task["decides"], task["verdict"]) == (False, None)
    assert task["reason"].startswith("no router decides")
    # Three images, all of them routed by the router although a caller may choose.
    assert (power["decides"], power["images"]) == (True, 3) and "needs 30" in power["reason"]
    assert mvmoe("routing", bundle, "--data", images)[0] == 0


@pytest.mark.parametrize("source", ["synthetic", "images"])
def test_bench_measures_every_named_route(mvmoe, bundle, images, tmp_path, source):
    given = images if source == "images" else source
    results = tmp_path / "results.jsonl"
    words = ("--preset", "quick", "--images", given, "-o", results, "--json")
    code, out, err = mvmoe("bench", bundle, *words)
    assert code == 0, err
    assert json.loads(out)["failures"] == []
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    routes = [line["routes"] for line in lines if line.get("kind") == "sample"]
    assert {tuple(route[0]) for route in routes} == {(0, 1), (2,)}
    if source == "images":
        assert "its task: images take depth, segment in turn" in json.loads(out)["notes"][0]
