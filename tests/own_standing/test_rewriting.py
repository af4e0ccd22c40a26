"""The benchmark of rewrites: variants, ratios and partitions of real graphs."""

import pytest

from mvmoe_deploy.models import build
from mvmoe_deploy.models.presets import configuration
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.targets.onnx import OnnxOptions
from own_standing import rewriting


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny):
    folder = tmp_path_factory.mktemp("rewriting")
    model = build(configuration(tiny)).eval()
    ours = ExportOptions(targets={"onnx": OnnxOptions(profile=("cpu", "nnapi"))})
    paths = {"ours": folder / "ours", "naive": folder / "naive"}
    for name, options in (("ours", ours), ("naive", ExportOptions(rewrites=()))):
        export_bundle(model, paths[name], options=options, skip_verify=True)
    preset = rewriting.latency_only(repeats=2, iterations=3, warmup=1)
    return rewriting.measure(paths, folder / "results.jsonl", preset)


def test_every_variant_is_timed_and_compared_with_the_naive_one(measured):
    assert set(measured["ms"]) == {"onnx ours", "onnx-nnapi ours", "onnx naive"}
    assert set(measured["naive_over_ours"]) == {"onnx ours", "onnx-nnapi ours"}
    assert all(times["median"] > 0 for times in measured["ms"].values())


def test_partitions_are_those_of_the_stem_and_the_first_expert(measured):
    found = {
        (line["graph"], line["engine"]): line["partitions"]
        for line in measured["placement"]["onnx-nnapi ours"]
    }
    assert found[("stem", "nnapi")] == found[("step1_e0", "nnapi")] == 1
    naive = {
        (line["graph"], line["engine"]): line["partitions"]
        for line in measured["placement"]["onnx naive"]
    }
    assert naive[("stem", "nnapi")] > 1


def test_the_table_names_every_variant(measured, capsys):
    from rich.console import Console

    rewriting.show(Console(width=200), measured)
    shown = capsys.readouterr().out
    assert all(name in shown for name in measured["ms"])
