"""Parts of another distribution work without a change in this one: one module each.

`package/` is the example of `docs/contributing.md`.
"""

import json

import numpy as np
import pytest
import torch
from top_p import TopP
from torch import Tensor, nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_export import ExportOptions, Identity, export_bundle

FOREIGN = "mvmoe-foreign"


def succeeds(*arguments: str) -> None:
    """Run `mvmoe` in this process; it ends with exit code 0."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 0


class Stem(nn.Module):
    def __init__(self, model: "Tiny") -> None:
        super().__init__()
        self.features, self.router = model.features, model.router

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        tokens = torch.neg(torch.neg(self.features(images.flatten(1))))
        return tokens, self.router(tokens)


class Step(nn.Module):
    def __init__(self, model: "Tiny", route: tuple[int, ...]) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.experts[expert] for expert in route)

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor:
        return sum(gates[:, slot, None] * each(tokens) for slot, each in enumerate(self.experts))


class Tiny(nn.Module):
    """A model whose routes have one or two experts, by another distribution's rule."""

    def __init__(self) -> None:
        super().__init__()
        self.input = Preprocessing(height=4, width=4)
        self.routing = (TopP(experts=3, most=2, share=0.5),)
        self.features = nn.Linear(48, 8)
        self.router = nn.Linear(8, 3)
        self.experts = nn.ModuleList(nn.Linear(8, 5) for _ in range(3))

    def stage(self, index: int, route: tuple[int, ...]) -> nn.Module:
        return Step(self, route) if index else Stem(self)

    def forward(self, images: Tensor, routes: list[tuple[int, ...]] | None = None) -> Tensor:
        tokens = self.features(images.flatten(1))
        _, gates = select(self.router(tokens), self.routing[0], routes[0] if routes else None)
        answers = torch.stack([each(tokens) for each in self.experts], dim=1)
        return (gates[:, :, None] * answers).sum(1)


@pytest.fixture
def exported(foreign, tmp_path):
    """A bundle that needs another distribution's rule, made with its rewrite, and its model."""
    torch.manual_seed(0)
    model = Tiny()
    path = tmp_path / "tiny.mvmoe"
    export_bundle(
        model,
        path,
        identity=Identity(name="tiny"),
        options=ExportOptions(rewrites=("double-negation",)),
    )
    return model, path


def test_every_part_is_listed_with_its_distribution(foreign, capsys):
    succeeds("parts", "--json")
    listed = json.loads(capsys.readouterr().out)["parts"]
    found = {
        f"{kind}.{part['name']}"
        for kind, of_kind in listed.items()
        for part in of_kind
        if part["distribution"] == FOREIGN
    }
    assert found == set(foreign["entry-points"]["mvmoe.parts"])


def test_a_command_is_called_like_ours(foreign, capsys):
    succeeds("hello", "world", "--json")
    assert json.loads(capsys.readouterr().out) == {"text": "hello world"}


def test_a_rule_and_a_rewrite_are_exported_and_run_where_plug_ins_are_allowed(exported):
    model, path = exported
    images = np.random.default_rng(0).random((16, 3, 4, 4), np.float32) * 4 - 2
    with Dispatcher.open(path, plugins=True) as dispatcher:
        answers = dispatcher.run(images)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    # fp32 of two engines over sums of 48 products.
    np.testing.assert_allclose(answers, wanted, rtol=0, atol=1e-5)
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["targets"]["onnx"]["rewrites"] == ["double-negation"]
    assert {len(graph["route"] or ()) for graph in manifest["targets"]["onnx"]["graphs"]} == {
        0,
        1,
        2,
    }


def test_a_bundle_imports_no_plug_in_without_leave(exported):
    with pytest.raises(BundleError, match="plug-ins are not allowed here"):
        Dispatcher.open(exported[1])


def test_device_subject_measurement_section_and_advice_are_used(exported, tmp_path, capsys):
    results, report = tmp_path / "results.jsonl", tmp_path / "report.md"
    bench = ["bench", str(exported[1]), "--plugins", "--device", "elsewhere", "--preset", "quick"]
    succeeds(*bench, "--compare", "zeros", "-o", str(results), "--json")
    capsys.readouterr()
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert lines[0]["device"] == "elsewhere"
    assert {"zeros onnx", "dispatcher onnx"} <= {s["key"] for s in lines[0]["subjects"]}
    assert any(line.get("job") == "idle" and line.get("ns") == 7 for line in lines)
    assert any(line.get("rule") == "graphs-counted" for line in lines)
    succeeds("report", str(results), "-o", str(report))
    assert "0 subjects failed." in report.read_text()
