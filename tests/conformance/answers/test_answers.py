"""The bundles on mvmoe_deploy, on a second dispatcher, and on wrong ones, which must fail."""

import pytest
from msgspec.structs import replace
from page_answers import BUNDLES, PageDispatcher, faults
from wrong_answers import WRONG

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle

NAMES = ["dispatch", "experts", "bind", "two_stages", "in_graph", "kept"]


def golden(name):
    return Bundle.open(BUNDLES / name).golden()


@pytest.mark.filterwarnings("ignore:budgets of resident experts have no effect")
@pytest.mark.parametrize("name", NAMES)
def test_mvmoe_answers_as_the_golden_vectors(name):
    Bundle.open(BUNDLES / name).verify()
    with Dispatcher.open(BUNDLES / name, threads=1, max_resident_experts=1) as dispatcher:
        dispatcher.check().require_ok()
        answers = dispatcher.run(golden(name)["image"])
        assert answers.keys() == {"answer"}


@pytest.mark.parametrize("name", NAMES)
def test_a_dispatcher_written_from_the_page_does(name):
    assert faults(PageDispatcher(BUNDLES / name), golden(name)) == []


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_a_wrong_dispatcher_is_caught(wrong):
    for name in WRONG[wrong]:
        assert faults(wrong(BUNDLES / name), golden(name)), name


@pytest.mark.parametrize("name", NAMES)
def test_no_golden_image_is_a_near_tie(name):
    """Another engine's rounding decides no route."""
    bundle = Bundle.open(BUNDLES / name)
    vectors = bundle.golden()
    for stage, rule in enumerate(bundle.manifest.rules, start=1):
        logits = vectors[f"logits.{stage}"]
        assert (rule.margins(logits) > 1e-3 * abs(logits).max()).all()
        assert len({tuple(row) for row in vectors[f"members.{stage}"]}) > 1


def test_in_one_bundle_images_would_take_an_expert_that_is_not_kept():
    """And of them every expert that is; scores are those of all four."""
    (rule,) = Bundle.open(BUNDLES / "kept").manifest.rules
    assert rule.kept == (0, 2, 3)
    vectors = golden("kept")
    every, _ = replace(rule, kept=None).select(vectors["logits.1"])
    assert every[:, 1].any()
    assert vectors["members.1"].any(axis=0).tolist() == [True, False, True, True]
    assert (vectors["gates.1"].sum(axis=1) < 0.999).all()


def test_the_bundles_are_small_and_of_these_strategies():
    strategies = {name: Bundle.open(BUNDLES / name).strategy("onnx").name for name in NAMES}
    assert strategies == {
        "dispatch": "dispatch",
        "experts": "experts",
        "bind": "bind",
        "two_stages": "dispatch",
        "in_graph": "gather",
        "kept": "experts",
    }
    assert Bundle.open(BUNDLES / "in_graph").target("onnx").routers == "in-graph"
    files = [path for path in BUNDLES.rglob("*") if path.is_file()]
    # Experts of `bind` begin at a page each: 16 KiB, whatever they have.
    assert sum(path.stat().st_size for path in files) < 490_000 + 6 * 16_384
    assert {path.parent.name for path in BUNDLES.glob("*/manifest.json")} == set(NAMES)
