"""What commands say of bundles whose graphs take the weights of experts."""

import json

import numpy as np
import pytest
from fake_bundles import FakeStage, FakeTarget, make
from page_answers import BUNDLES
from PIL import Image
from valid_bundles import bound, stem

BOUND = BUNDLES / "bind"
NO_EFFECT = "budgets of resident experts have no effect with the target onnx"


def written(bundle, root):
    """A bundle whose graphs are a few bytes, in a folder."""
    files = {"manifest.json": bundle.text.encode(), **bundle.files}
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "one.png"
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(path)
    return path


def rows(text, first):
    """The cells of the lines of a table from its title on."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(first))
    return [line.split() for line in lines[start + 1 :]]


def test_inspect_shows_where_each_experts_weights_are(mvmoe, tmp_path):
    code, out, _ = mvmoe("inspect", written(bound(), tmp_path))
    assert code == 0
    target = out.partition("target onnx:")[2].partition("target executorch:")[0]
    assert rows(target, "stage")[:5] == [
        ["1", "0", "0", "148", "2"],
        ["1", "1", "16,384", "148", "2"],
        ["1", "2", "32,768", "148", "2"],
        ["2", "0", "49,152", "48", "1"],
        ["2", "1", "0", "0", "0"],
    ]
    assert NO_EFFECT in target
    assert "more" not in target
    # A target of another strategy has none of that.
    plain = out.partition("target plain:")[2]
    assert "stage" not in plain
    assert "no effect" not in plain


def test_a_graph_for_any_experts_names_none(mvmoe, tmp_path):
    _, out, _ = mvmoe("inspect", written(bound(), tmp_path))
    # Behind the route are three sizes with their units.
    assert {row[0]: " ".join(row[1:-6]) for row in rows(out, "graph")[:4]} == {
        "stem": "-",
        "step1_e0": "any of 3",
        "step1_e0_e1": "any 2 of 3",
        "step2_e0": "any of 2",
    }


def test_of_many_experts_the_first_are_shown_and_json_has_all(mvmoe, tmp_path):
    many = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {"answer": ("step1.answer", [3], "float32")},
        {"type": "top_k", "experts": 30},
        "stem.logits",
        weights={"up": [4]},
    )
    outputs = [{"name": "answer", "kind": "logits", "tensors": ["step1.answer"]}]
    target = FakeTarget("onnx", strategy="bind", weights="onnx/weights.bin")
    path = written(make("many", [stem(30), many], outputs, [target]), tmp_path)
    _, out, _ = mvmoe("inspect", path)
    assert rows(out, "stage")[7:9] == [
        ["1", "7", f"{7 * 16_384:,}", "16", "1"],
        ["...", "and", "22", "more"],
    ]
    _, out, _ = mvmoe("inspect", path, "--json")
    found = json.loads(out)["targets"]["onnx"]
    assert found["ranges"] == [
        [{"offset": 16_384 * number, "bytes": 16, "tensors": 1} for number in range(30)]
    ]
    assert [graph["any_of"] for graph in found["graphs"]] == [None, 30]


def test_other_bundles_have_no_ranges(mvmoe):
    _, out, _ = mvmoe("inspect", BUNDLES / "experts", "--json")
    found = json.loads(out)["targets"]["onnx"]
    assert found["ranges"] == []
    assert {graph["any_of"] for graph in found["graphs"]} == {None}


def test_run_says_that_a_budget_has_no_effect(mvmoe, image):
    code, out, err = mvmoe("run", BOUND, image, "--max-resident-experts", 1)
    assert code == 0
    assert err.count(NO_EFFECT) == 1
    assert "Warning" not in err
    code, without, err = mvmoe("run", BOUND, image)
    assert code == 0
    assert "no effect" not in err
    assert out.split()[:-1] == without.split()[:-1]  # The last is the time.


def test_run_says_nothing_where_a_budget_has_one(mvmoe, image):
    code, _, err = mvmoe("run", BUNDLES / "dispatch", image, "--max-resident-experts", 1)
    assert code == 0
    assert "no effect" not in err
