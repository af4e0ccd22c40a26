"""What can be pinned where a rule keeps some of its experts; no engine is needed to say so."""

import pytest
from fake_bundles import FakeTarget, make
from valid_bundles import F32, last, stem

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.graph_stages import graph_stages
from mvmoe_deploy.bundle.unchanged import UnchangedFiles
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.runtime.graph_cache import GraphCache


@pytest.fixture
def bundle(tmp_path):
    """One routed stage that keeps three of four experts, of three strategies."""
    stage = last(
        {"type": "top_k", "experts": 4, "kept": [0, 1, 3]},
        expert_gives={"output": ("", [3], F32)},
        weights={"matrix": [4, 3]},
    )
    made = make(
        "pins",
        [stem(4), stage],
        [{"name": "answer", "kind": "logits", "tensors": ["step1.answer"]}],
        [
            FakeTarget("onnx"),
            FakeTarget("separate", strategy="experts", profile=".separate"),
            FakeTarget("bound", strategy="bind", profile=".bound", weights="onnx/weights.bin"),
        ],
    )
    for path, data in {"manifest.json": made.text.encode(), **made.files}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return Bundle.open(tmp_path)


def _cache(bundle, target, pin):
    record = bundle.target(target)
    return GraphCache(
        record,
        bundle.strategy(target),
        graph_stages(bundle.manifest, record),
        None,
        UnchangedFiles.trusted(bundle.path, record.files),
        pin=pin,
        max_per_stage=None,
        max_bytes=None,
    )


@pytest.mark.parametrize("target", ["onnx", "separate", "bound"])
@pytest.mark.parametrize("pin", [2, (2,)])
def test_an_expert_that_was_dropped_is_refused_with_those_that_are_usable(bundle, target, pin):
    with pytest.raises(InputError) as caught:
        _cache(bundle, target, [pin])
    assert caught.value.code == "routing.unknown-route"
    assert "routes of step1 have the experts [0, 1, 3] alone" in str(caught.value)


@pytest.mark.parametrize(("target", "pinned"), [("onnx", 1), ("separate", 1), ("bound", 0)])
def test_a_kept_expert_is_pinned(bundle, target, pinned):
    assert len(_cache(bundle, target, [3]).pinned) == pinned


@pytest.mark.parametrize("target", ["onnx", "separate", "bound"])
def test_of_an_expert_that_there_is_not_no_others_are_named(bundle, target):
    with pytest.raises(InputError) as caught:
        _cache(bundle, target, [4])
    assert caught.value.code == "routing.unknown-route"
    assert "alone" not in str(caught.value)
