"""Options of targets: what is refused, what a manifest records, and the way back from a record."""

import re
import subprocess
import sys
from typing import Annotated, ClassVar

import msgspec
import pytest
from expected_errors import raises

from mvmoe_deploy.bundle import Bundle, manifest
from mvmoe_deploy.errors import InputError
from mvmoe_export import ExportOptions
from mvmoe_export.targets import find_target, options_of_record, target_names
from mvmoe_export.targets.contract import TargetOptions, description, is_tuple
from mvmoe_export.targets.coreml import CoreMLOptions
from mvmoe_export.targets.executorch import ExecuTorchOptions
from mvmoe_export.targets.onnx import OnnxOptions

CHOSEN = [
    OnnxOptions(),
    OnnxOptions(profile=("nnapi",), opset=18),
    ExecuTorchOptions(delegate=("coreml",), compute_units="cpu_only", deployment_target="iOS17"),
    CoreMLOptions(deployment_target="iOS17", precision="fp32", input="image"),
]


@pytest.mark.parametrize("chosen", CHOSEN)
def test_a_manifest_records_every_option_and_gives_them_again(chosen):
    recorded = chosen.recorded()
    assert list(recorded) == [field.name for field in msgspec.structs.fields(chosen)]
    read = msgspec.json.decode(msgspec.json.encode(recorded), type=dict[str, manifest.OptionValue])
    assert options_of_record(chosen.target, read) == chosen


def test_several_values_are_one_text_in_a_record():
    assert OnnxOptions(profile=("nnapi",)).recorded() == {
        "profile": "nnapi",
        "opset": 20,
        "precision": "fp32",
    }
    assert ExecuTorchOptions(("xnnpack", "coreml")).recorded()["delegate"] == "xnnpack,coreml"


@pytest.mark.parametrize(
    ("kind", "given", "name", "sentence"),
    [
        (OnnxOptions, {"opset": 17}, "the onnx opset", "the onnx opset is 17; give 18 to 23"),
        (OnnxOptions, {"opset": "20"}, "the onnx opset", "the onnx opset is '20'; give 18 to 23"),
        (
            OnnxOptions,
            {"profile": ()},
            "the onnx profile",
            r"the onnx profile was given as \[\]; give at least one",
        ),
        (OnnxOptions, {"profile": ("cpu", "cpu")}, "the onnx profile", "each once"),
        (
            OnnxOptions,
            {"profile": ("gpu",)},
            "the onnx profile",
            "'gpu'; give one of cpu, nnapi, coreml-ep",
        ),
        (
            OnnxOptions,
            {"precision": "bf16"},
            "the onnx precision",
            "onnx precision is 'bf16'; give one of fp16, fp32",
        ),
        (
            OnnxOptions,
            {"precision": "FP32"},
            "the onnx precision",
            "onnx precision is 'FP32'; give one of fp16, fp32",
        ),
        (
            CoreMLOptions,
            {"precision": "int3"},
            "the coreml precision",
            "is 'int3'; give one of fp16, fp32",
        ),
        (
            OnnxOptions,
            {"precision": "int5-static"},
            "the onnx precision",
            r"\(the nearest is int8-static\)",
        ),
        (
            CoreMLOptions,
            {"input": "pixels"},
            "the coreml input",
            "the coreml input is 'pixels'; give one of tensor",
        ),
        (
            CoreMLOptions,
            {"deployment_target": 16},
            "the coreml deployment target",
            "deployment target is 16; give one of iOS16",
        ),
    ],
)
def test_what_a_field_does_not_allow_is_one_sentence(kind, given, name, sentence):
    with raises(InputError, "input.option", name=name) as raised:
        kind(**given)
    assert re.search(sentence, str(raised.value))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("recorded", [{"opsets": 18}, {"opset": 99}, {"profile": "cpu,3"}])
def test_a_record_that_no_options_give_is_refused(recorded):
    with raises(InputError, "input.option", name="options"):
        options_of_record("onnx", recorded)


def test_every_option_of_every_target_is_documented():
    for name in target_names():
        target = find_target(name)
        assert (target.name, target.options.target) == (name, name)
        assert all(description(field.type) for field in msgspec.structs.fields(target.options))


def test_options_of_another_package_are_checked_alike():
    class Theirs(TargetOptions, frozen=True):
        target: ClassVar[str] = "theirs"
        level: Annotated[int, msgspec.Meta(ge=1, description="How much.")] = 1
        tags: tuple[str, ...] = ("a",)

    for chosen in (Theirs(tags=("b",)), Theirs(level=3, tags=("b", "c"))):
        assert Theirs.of_record(chosen.recorded()) == chosen
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        Theirs(tags=("b,c",))
    with raises(InputError, "input.option", name="the theirs level", given="0"):
        Theirs(level=0)
    assert [is_tuple(field.type) for field in msgspec.structs.fields(Theirs)] == [False, True]


def test_asking_for_options_imports_no_engine():
    code = (
        "import sys; from mvmoe_deploy import part_lookup\n"
        "for name in part_lookup.names('targets'): part_lookup.find('targets', name).options\n"
        "found = {'torch', 'onnx', 'onnxruntime', 'coremltools', 'executorch'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("shared_templates")
def test_an_exported_bundle_holds_what_changed_its_graphs(zoo, export):
    model = zoo.enliven(zoo.Foreign(experts=2))
    chosen = OnnxOptions(opset=18)
    path = export(model, options=ExportOptions(targets={"onnx": chosen}))
    recorded = Bundle.open(path).manifest.targets["onnx"].options
    assert recorded["opset"] == 18
    assert options_of_record("onnx", recorded) == chosen
