"""What is in a package: one copy of each weight, texts, and the same bytes every time."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import Preprocessing, normalize
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.coreml import CoreMLOptions, CoreMLTarget

DATA = "Data/com.apple.CoreML"


@pytest.fixture(scope="module")
def tiny(vmoe):
    return vmoe(depth=2, moe_layers=1)


@pytest.fixture(scope="module")
def package(tiny, compiled):
    return compiled(tiny)


def read(path):
    from coremltools.proto import Model_pb2

    model = Model_pb2.Model()
    model.ParseFromString((path / DATA / "model.mlmodel").read_bytes())
    return model


def constants(path):
    """By function, the name and content of each of its constants."""
    from mvmoe_export.targets.coreml.constants import BlobReader, body, values

    reader = BlobReader(path / DATA / "weights" / "weight.bin")
    found = {}
    for name, function in read(path).mlProgram.functions.items():
        contents = [reader.read(value) for value in values(body(function))]
        found[name] = [content.tobytes() for content in contents if content is not None]
    return found


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_package_has_all_graphs_over_one_copy_of_the_weights(package, tiny, assert_graphs):
    model = package.folder / "model.mlpackage"
    assert set(read(model).mlProgram.functions) == {"stem", "step1_e0", "step1_e1", "step1_e2"}
    distinct = 2 * sum(tensor.numel() for tensor in tiny.parameters())
    sizes = {path.name: len(data) for path, data in files(model).items()}
    # A blob takes a header of 64 bytes and ends at a multiple of 64.
    assert sizes["weight.bin"] <= 1.05 * distinct + 128 * len(list(tiny.parameters()))
    assert sum(sizes.values()) <= 1.05 * distinct + 4 * 100_000
    assert package.bound == 3
    assert package.converted == 3
    assert_graphs(package, 1e-2)


def test_bytes_of_weights_are_those_of_the_model(package, tiny):
    stem, *steps = package.graphs
    experts = tiny.config.experts
    blocks = 2 * sum(
        parameter.numel()
        for name, parameter in tiny.named_parameters()
        if ".experts.0." in name and parameter.numel() >= 10
    )
    assert [graph["exclusive_bytes"] for graph in steps] == [blocks] * experts
    assert all(graph["weight_bytes"] > blocks for graph in steps)
    assert stem["weight_bytes"] >= stem["exclusive_bytes"] > 0


def test_binding_gives_what_converting_each_graph_gives(package, compiled, monkeypatch):
    from mvmoe_export.targets.coreml import conversion

    monkeypatch.setattr(conversion, "find_places", lambda *_: None)
    full = compiled(package)
    assert (full.bound, full.converted) == (0, 6)
    bound, each = (constants(made.folder / "model.mlpackage") for made in (package, full))
    assert bound == each


def test_older_systems_get_a_package_for_each_graph(tiny, compiled):
    made = compiled(tiny, deployment_target="iOS17")
    names = [graph["file"] for graph in made.graphs]
    assert names == [f"{name}.mlpackage" for name in ("stem", "step1_e0", "step1_e1", "step1_e2")]
    for graph in made.graphs:
        assert graph["entry"] is None
        assert graph["weight_bytes"] == graph["exclusive_bytes"]
        assert set(read(made.folder / graph["file"]).mlProgram.functions) == {"main"}


def test_packages_say_what_they_are(package):
    description = read(package.folder / "model.mlpackage").description
    assert description.defaultFunctionName == "stem"
    metadata = description.metadata
    assert (metadata.author, metadata.license) == ("Ada", "MIT")
    assert (metadata.shortDescription, metadata.versionString) == ("Tiny", "3")
    assert json.loads(metadata.userDefined["mvmoe.labels"])[1] == "dög"
    assert json.loads(metadata.userDefined["mvmoe.preprocessing"])["channel_order"] == "L"
    assert not any("coremltools" in key for key in metadata.userDefined)
    texts = Counter()
    for function in description.functions:
        for feature in (*function.input, *function.output):
            texts[feature.name] += 1
            assert "float32 1 x" in feature.shortDescription
    assert texts == {
        "image": 1, "logits": 1, "tokens": 4, "gates": 3, "answer": 3
    }  # fmt: skip


def test_weights_beyond_fp16_are_converted_alone(zoo, compiled):
    model = zoo.enliven(zoo.Foreign())
    with torch.no_grad():
        model.experts[0][1][2].weight[0, 0] = 7e4
    made = compiled(model)
    assert (made.bound, made.converted) == (2, 4)


def test_an_image_input_is_normalised_inside(zoo, compiled, run_graph):
    model = zoo.enliven(zoo.Foreign(experts=2))
    model.embed = nn.Linear(8 * 8 * 3, 16)
    model.input = Preprocessing(height=8, width=8, channel_order="BGR")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    tensor = normalize(pixels, model.input)[None]
    raw = pixels[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
    made = compiled(model, input="image", precision="fp32")
    (described,) = read(made.folder / "model.mlpackage").description.functions[0].input
    color_space = type(described.type.imageType).BGR
    assert described.type.imageType.colorSpace == color_space
    given = run_graph(made, made.graphs[0], {"image": torch.from_numpy(raw.copy())})
    with torch.no_grad():
        tokens, logits = model.stage(0, ())(torch.from_numpy(tensor))
    np.testing.assert_allclose(given["tokens"], tokens, rtol=0, atol=2e-6)
    np.testing.assert_allclose(given["logits"], logits, rtol=0, atol=2e-6)


def test_an_image_input_takes_one_image(zoo, compiled):
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        compiled(zoo.Foreign(), input="image", batch=2)


def test_an_operator_that_is_not_converted_is_named(zoo, compiled):
    class Odd(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Sequential(nn.Linear(16, 16), Bessel())

    class Bessel(nn.Module):
        def forward(self, x):
            return torch.special.bessel_j0(x)

    with raises(InputError, "export.graph-refused", graph="step1_e0", operator="special_bessel_j0"):
        compiled(Odd())


def test_what_a_system_lacks_is_named_with_the_one_that_has_it():
    from mvmoe_export.targets.coreml.engine import _refusal

    said = (
        "No available version for topk in the coremltools.target.iOS16 opset. Please update the "
        "minimum_deployment_target to at least coremltools.target.iOS17"
    )
    error = _refusal(ValueError(said), None, "stem", CoreMLOptions(deployment_target="iOS16"))
    assert str(error) == (
        "graph stem needs topk, which iOS16 does not have; give --coreml-deployment-target iOS17"
    )


def test_unknown_options_are_refused():
    with raises(InputError, "input.option", name="the coreml deployment target", given="'iOS3'"):
        CoreMLOptions(deployment_target="iOS3")
    with raises(InputError, "input.option", name="the coreml precision", given="'int3'"):
        CoreMLOptions(precision="int3")


def test_another_process_writes_the_same_bytes(tiny, package, export_options, tmp_path):
    done = []
    options = replace(export_options, progress=done.append)
    work = CoreMLTarget().start(make_stages(tiny), options, tmp_path, tmp_path / "scratch")
    (record,) = work.finish().values()
    assert done == ["stem", "step1_e0", "step1_e1", "step1_e2"]
    assert [graph.entry for graph in record.graphs] == done
    assert {graph.file for graph in record.graphs} == {"coreml/model.mlpackage"}
    assert len(record.files) == 3
    assert files(tmp_path / "coreml") == files(package.folder)
