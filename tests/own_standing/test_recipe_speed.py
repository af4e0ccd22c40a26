"""The benchmark of recipes: every target against the first of its format, and the table."""

from rich.console import Console

from mvmoe_deploy.models import build
from mvmoe_deploy.models.presets import preset
from mvmoe_export import export_bundle
from own_standing import recipe_speed


def test_every_target_is_timed_against_the_first_of_its_format(tmp_path, capsys):
    path = tmp_path / "bundle"
    model = build(preset("digits")).eval()
    export_bundle(model, path, precision=("fp32", "int8"), skip_verify=True)
    data = recipe_speed.measure(path, blocks=2, rounds=2)
    assert [(row["target"], row["stage"]) for row in data] == [
        ("onnx", 0), ("onnx-int8", 0), ("onnx", 1), ("onnx-int8", 1),
    ]  # fmt: skip
    assert data[0]["times_as_fast"]["value"] == 1
    sizes = {
        name: sum(file.stat().st_size for file in (path / name).iterdir())
        for name in ("onnx", "onnx-int8")
    }
    assert data[1]["share_of_bytes"] == sizes["onnx-int8"] / sizes["onnx"]
    assert all(row["median_ms"] > 0 for row in data)
    recipe_speed.show(Console(width=200), data)
    assert "onnx-int8" in capsys.readouterr().out
