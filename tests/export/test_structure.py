"""What makes two stage modules one structure, and that a structure is exported once."""

import pytest
import torch
from torch import nn

from mvmoe_export import ExportOptions, export_bundle, programs, structure
from mvmoe_export.fingerprint import fingerprint
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.onnx import OnnxOptions, writing


def members(model, **options):
    stem, *groups = make_stages(model, **options).groups
    assert [graph.name for graph in stem.members] == ["stem"]
    return [[graph.name for graph in group.members] for group in groups]


def test_equal_experts_are_one_group(zoo):
    assert members(zoo.Foreign(experts=4)) == [[f"step1_e{expert}" for expert in range(4)]]


def test_experts_of_different_structure_split(zoo):
    assert members(zoo.Different()) == [["step1_e0"], ["step1_e1"], ["step1_e2"], ["step1_e3"]]


def test_an_activation_alone_splits(zoo):
    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Sequential(nn.Linear(16, 16), nn.Tanh() if expert == 1 else nn.ReLU())

    assert members(Model()) == [["step1_e0", "step1_e2"], ["step1_e1"]]


def test_a_number_in_an_operator_splits(zoo):
    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Sequential(nn.Linear(16, 16), nn.LeakyReLU(0.1 + 0.1 * (expert == 2)))

    assert members(Model()) == [["step1_e0", "step1_e1"], ["step1_e2"]]


def test_a_tensor_that_is_no_weight_splits_by_its_values(zoo):
    class Scaled(nn.Module):
        def __init__(self, expert):
            super().__init__()
            self.scale = torch.full((16,), 1.0 + (expert == 0))

        def forward(self, tokens):
            return tokens * self.scale

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Scaled(expert)

    assert members(Model()) == [["step1_e0"], ["step1_e1", "step1_e2"]]


def test_values_of_weights_and_buffers_do_not_split(zoo):
    assert members(zoo.Normed(experts=3)) == [["step1_e0", "step1_e1", "step1_e2"]]


def test_sharing_within_an_expert_splits(zoo):
    class Model(zoo.Foreign):
        def make_expert(self, expert):
            first, second = nn.Linear(16, 16), nn.Linear(16, 16)
            return nn.Sequential(first, nn.Tanh(), first if expert == 0 else second)

    assert members(Model()) == [["step1_e0"], ["step1_e1", "step1_e2"]]


@pytest.mark.parametrize("change", ["order", "operand"])
def test_fingerprint_sees_what_is_computed_from_what(change):
    class One(nn.Module):
        def forward(self, a, b):
            return torch.relu(a) - b

    class Other(nn.Module):
        def forward(self, a, b):
            return torch.relu(a - b) if change == "order" else torch.relu(b) - a

    inputs = [torch.ones(2), torch.ones(2)]
    assert fingerprint(One(), inputs) == fingerprint(One(), inputs)
    assert fingerprint(One(), inputs) != fingerprint(Other(), inputs)


def test_fingerprint_sees_which_value_is_the_output():
    class Model(nn.Module):
        def __init__(self, first):
            super().__init__()
            self.first = first

        def forward(self, a):
            values = a + 1, a + 2
            return values[0] if self.first else values[1]

    inputs = [torch.ones(2)]
    assert fingerprint(Model(True), inputs) != fingerprint(Model(False), inputs)


@pytest.mark.parametrize("experts", [4, 16])
def test_a_structure_is_exported_once_for_all_experts(zoo, tmp_path, monkeypatch, experts):
    made = []
    make_template = writing.make_template

    def count(name, *arguments, **options):
        made.append(name)
        return make_template(name, *arguments, **options)

    monkeypatch.setattr(writing, "make_template", count)
    manifest = export_bundle(zoo.enliven(zoo.Foreign(experts=experts)), tmp_path / "a.bundle")
    assert made == ["stem", "step1_e0"]
    assert len(manifest.targets["onnx"].graphs) == 1 + experts


def test_a_structure_is_fingerprinted_and_captured_once_for_all_targets(zoo, tmp_path, monkeypatch):
    calls = {"fingerprint": [], "capture_stage": []}

    def count(module, name, position):
        function = getattr(module, name)

        def counted(*arguments):
            calls[name].append(arguments[position])
            return function(*arguments)

        monkeypatch.setattr(module, name, counted)

    count(structure, "fingerprint", 2)
    count(programs, "capture_stage", 0)
    profiles = ExportOptions(targets={"onnx": OnnxOptions(profile=("cpu", "nnapi"))})
    model = zoo.enliven(zoo.Foreign(experts=3))
    targets = ["onnx", "executorch"]
    export_bundle(model, tmp_path / "a.bundle", targets=targets, options=profiles, resume=True)
    graphs = ["stem", "step1_e0", "step1_e1", "step1_e2"]
    assert calls["fingerprint"] == [f"graph {graph}" for graph in graphs]
    assert calls["capture_stage"] == ["stem", "step1_e0"]


def test_what_a_target_rewrites_is_a_copy_of_what_was_captured(zoo):
    _, group = make_stages(zoo.enliven(zoo.Foreign(experts=2))).groups
    before = str(group.capture().graph)
    module = group.template.build()
    for names in ((), ("views", "layer-norm", "rank")):
        programs.make_program("one", module, group.template.inputs, names, capture=group.capture)
    assert str(group.capture().graph) == before
