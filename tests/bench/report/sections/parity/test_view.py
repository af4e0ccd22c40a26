"""Each figure of the export's verification is in its own column, in its own words."""

import pytest

KEY = "dispatcher:digits:onnx"


@pytest.fixture(scope="module")
def run(factory):
    """A target within its bounds, and one whose router is beyond its bound."""
    good, bad = factory.target(), factory.target()
    good["parity"]["verification"] |= {"near_ties": 3, "forced_routes": 7}
    good["parity"]["verification"]["outputs"]["answer"]["agreement"] = 0.5
    bad["parity"]["verification"] |= {"router_error": 2e-3, "images": 1024}
    bad["parity"]["verification"]["outputs"] = {
        "answer": {**factory.verified_output(), "psnr_db": None},
        "depth": {**factory.verified_output(), "kind": "map", "measure": None, "agreement": None},
    }
    bundle = factory.bundle(targets={"onnx": good, "coreml": bad})
    return factory.run([factory.subject("dispatcher")], [bundle], factory.constant(KEY, 8.0))


def test_figures_of_the_verification(shown, run):
    good, bad, depth = shown(run, "parity").rows()

    assert good == {
        "bundle": "digits", "target": "onnx", "verdict": "within bounds", "route": "100%",
        "near-ties": "3", "forced": "7", "router": "3.1e-07", "answer": "4.2e-07",
        "output": "answer", "measure": "top-1 agreement", "agreement": "50.00%",
        "absolute": "2.1e-06", "PSNR dB": "128.5", "images": "256",
    }  # fmt: skip
    assert bad["verdict"] == "beyond a bound"
    assert (bad["router"], bad["PSNR dB"], bad["images"]) == ("2.0e-03", "exact", "1,024")
    assert (bad["output"], bad["agreement"]) == ("answer", "100%")
    assert (depth["target"], depth["output"]) == (bad["target"], "depth")
    assert (depth["measure"], depth["agreement"], depth["PSNR dB"]) == ("-", "-", "128.5")


def test_tones_of_verdicts(shown, run):
    tables = [block for block in shown(run, "parity").blocks if hasattr(block, "columns")]

    good, bad, _ = tables[0].rows
    assert (good[2].tone, bad[2].tone, good[3].tone, good[10].tone) == ("good", "bad", "", "bad")


def test_rows_of_the_plot_have_error_and_bound(shown, run):
    rows = shown(run, "parity").chart().plot.rows

    assert [(row.name, row.error, row.bound) for row in rows] == [
        ("onnx: answer", 4.2e-7, 1e-4),
        ("onnx: router", 3.1e-7, 1e-5),
        ("coreml: answer", 4.2e-7, 1e-4),
        ("coreml: router", 2e-3, 1e-5),
    ]
