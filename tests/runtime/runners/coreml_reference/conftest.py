"""Makes `.mlpackage` directories: of single ops, of PyTorch modules, and damaged ones."""

import gc
import itertools
import shutil
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mvmoe_deploy.quiet_imports import import_quietly

with import_quietly():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813

from mvmoe_deploy.runtime.runners.coreml_reference.load import load_function


@pytest.fixture(scope="session", autouse=True)
def frozen():
    """Conversions end with a garbage collection; without this it takes half a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def coreml():
    """coremltools and its builder of programs."""
    return SimpleNamespace(ct=ct, mb=mb)


@pytest.fixture(scope="session")
def op_package(tmp_path_factory):
    """Write a program that is made with coremltools' builder, without any optimisation."""
    numbers = itertools.count()
    folder = tmp_path_factory.mktemp("ops")

    def write(build, *arrays, target="iOS17", outputs=None):
        version = getattr(ct.target, target)
        types = {
            "float32": ct.converters.mil.mil.types.fp32,
            "float16": ct.converters.mil.mil.types.fp16,
            "int32": ct.converters.mil.mil.types.int32,
        }
        specs = [mb.TensorSpec(array.shape, types[str(array.dtype)]) for array in arrays]
        program = mb.program(input_specs=specs, opset_version=version)(build)
        model = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=version,
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
            compute_precision=ct.precision.FLOAT32,
        )
        path = folder / f"{next(numbers)}.mlpackage"
        model.save(str(path))
        return path

    return write


@pytest.fixture(scope="session")
def run_op(op_package):
    """Evaluate a program that is made with coremltools' builder; gives its outputs in order."""

    def run(build, *arrays, target="iOS17"):
        path = op_package(build, *arrays, target=target)
        function = load_function(path)
        shutil.rmtree(path)
        result = function.run(dict(zip(function.inputs, arrays, strict=True)))
        results = list(result.values())
        return results[0] if len(results) == 1 else results

    return run


@pytest.fixture(scope="session")
def convert(tmp_path_factory):
    """Convert a PyTorch module as a user would; gives the package's path."""
    numbers = itertools.count()
    folder = tmp_path_factory.mktemp("models")

    def make(
        module,
        *examples,
        target="iOS16",
        precision="FLOAT32",
        inputs=None,
        outputs=("out",),
        edit=lambda model: model,
    ):
        names = [f"in{index}" for index in range(len(examples))]
        model = ct.convert(
            torch.export.export(module.eval(), examples).run_decompositions({}),
            inputs=inputs
            or [
                ct.TensorType(name=name, shape=tuple(example.shape))
                for name, example in zip(names, examples, strict=True)
            ],
            outputs=[ct.TensorType(name=name) for name in outputs],
            minimum_deployment_target=getattr(ct.target, target),
            compute_precision=getattr(ct.precision, precision),
            skip_model_load=True,
        )
        path = folder / f"{next(numbers)}.mlpackage"
        edit(model).save(str(path))
        return path

    return make


class Convnet(nn.Module):
    """What a mobile network is made of."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.Hardswish(),
            nn.Conv2d(8, 8, 3, 1, 1, groups=8),
            nn.ReLU6(),
            nn.MaxPool2d(3, 2, 1),
            nn.Conv2d(8, 16, 1),
            nn.SiLU(),
            nn.AvgPool2d(2, padding=1, count_include_pad=False),
        )
        self.head = nn.Sequential(nn.Linear(16, 12), nn.GELU(), nn.LayerNorm(12), nn.Linear(12, 5))

    def forward(self, x):
        x = self.features(x)
        x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
        x = x * torch.sigmoid(x.mean((2, 3), keepdim=True))
        return self.head(x.mean((2, 3))).softmax(-1)


@pytest.fixture(scope="session")
def convnet():
    """A small network with lively statistics, and an image for it."""
    torch.manual_seed(0)
    model = Convnet().eval()
    model.features[1].running_mean.normal_()
    model.features[1].running_var.uniform_(0.5, 2)
    return model, torch.randn(1, 3, 32, 32)


@pytest.fixture(scope="session")
def healthy(convert, convnet):
    """A package that runs, to be copied and damaged."""
    return convert(*convnet, precision="FLOAT16", target="iOS18")


@pytest.fixture
def damaged(healthy, tmp_path):
    """A copy of the healthy package, with its model file and its weight file."""
    path = shutil.copytree(healthy, tmp_path / "copy.mlpackage")
    data = path / "Data" / "com.apple.CoreML"
    return SimpleNamespace(
        path=path, model=data / "model.mlmodel", weights=data / "weights" / "weight.bin"
    )
