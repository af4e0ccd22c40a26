"""Rules with routes of different lengths, one of another distribution, from export to answer."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest
import torch
from best_share import BestShare
from expected_errors import raises

from mvmoe_deploy import Dispatcher, part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_export.parity.pytorch import verify_against_model

OURS = [TopP(experts=3, p=0.5, k_max=2), Threshold(experts=3, thresholds=(0.0, 0.1, -0.1))]
THEIRS = BestShare(experts=3, p=0.5, k_max=2)
TOLERANCE = 1e-5


@pytest.fixture
def plugin(monkeypatch):
    """The rule `best_share` as an installed plug-in."""
    entry = EntryPoint("rules.best_share", "best_share", part_lookup.GROUP)
    monkeypatch.setattr(part_lookup, "entry_points", lambda group: [entry])


@pytest.mark.parametrize("strategy", ["dispatch", "all-experts", "gather", "experts"])
@pytest.mark.parametrize("rule", [*OURS, THEIRS], ids=lambda rule: rule.name)
def test_routes_of_different_lengths_are_exported_verified_and_run(
    zoo, export, plugin, rule, strategy
):
    model = zoo.Foreign(experts=3)
    model.routing = (rule,)
    model = zoo.enliven(model)
    path = export(model, strategy=strategy)
    bundle = Bundle.open(path, plugins=rule is THEIRS)
    assert bundle.manifest.rules == (rule,)
    golden = bundle.golden()
    routes = list(map(route_of, golden["members.1"]))
    assert {len(route) for route in routes} >= {1, 2}
    verify_against_model(bundle, model).require_ok()
    verify_bundle(bundle).require_ok()
    with Dispatcher.open(path, plugins=rule is THEIRS, threads=1) as dispatcher:
        together = dispatcher.run(golden["image"])["answer"]
        alone = [dispatcher.run(image[None])["answer"][0] for image in golden["image"]]
    with torch.no_grad():
        wanted = model(torch.from_numpy(golden["image"])).numpy()
    for given in (together, alone, golden["outputs.answer"]):
        np.testing.assert_allclose(given, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_a_bundle_of_such_a_rule_is_opened_only_with_leave(zoo, export, plugin):
    model = zoo.Foreign(experts=3)
    model.routing = (THEIRS,)
    path = export(zoo.enliven(model))
    for opening in (Bundle.open, Dispatcher.open):
        with raises(BundleError, "part.plugin-not-allowed", kind="rules", name="best_share"):
            opening(path)
