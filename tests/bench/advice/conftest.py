"""Graphs written by hand for rules, and two small exports of one model: ours and the naive one."""

from types import SimpleNamespace

import pytest

from mvmoe_bench.advice import GraphView, Op, OperatorTensor, TargetView
from mvmoe_deploy.bundle import manifest

MODEL = {
    "image_size": 32,
    "patch_size": 8,
    "num_classes": 5,
    "width": 32,
    "depth": 2,
    "heads": 2,
    "mlp_ratio": 2.0,
    "experts": 3,
    "moe_layers": 1,
}


def tensor(*shape, dtype="float16"):
    return OperatorTensor(shape, dtype)


def op(kind, *shape, dtype="float16", inputs=(), **fields):
    """An operator with one output."""
    return Op(kind, tuple(inputs), (tensor(*shape, dtype=dtype),), **fields)


def placed(engine, partitions, outside=None, nodes=None):
    """What an engine's tool said of a graph at export."""
    counts = outside or {}
    return manifest.Placement(
        engine=engine,
        partitions=partitions,
        nodes_outside=sum(counts.values()),
        outside=counts,
        nodes=nodes,
    )


def record(format="coreml", files=("model",), **changes):
    """A target's record; its graphs matter only by the files that they are in."""
    spec = (manifest.TensorSpec(name="image", shape=(1, 1, 4, 4), dtype="float32"),)
    fields = {
        "format": format,
        "strategy": "dispatch",
        "precision": "fp16" if format == "coreml" else "fp32",
        "batch": 1,
        "graphs": tuple(
            manifest.Graph(
                name=f"g{number}",
                stage=0,
                route=None,
                file=file,
                weight_bytes=1,
                exclusive_bytes=1,
                inputs=spec,
                outputs=spec,
            )
            for number, file in enumerate(files)
        ),
        "weights": None,
        "files": (manifest.File(path="a", bytes=1, sha256="0" * 64),),
        "parity": None,
    }
    return manifest.Target(**fields | changes)


def stem(*ops, placement=(), weight_bytes=1000):
    """A graph that every image runs."""
    return GraphView("stem", 0, None, tuple(ops), weight_bytes, tuple(placement))


def target(*graphs, name="target", others=None, **fields):
    """A target of graphs written by hand; `others` are the bundle's other targets."""
    told = record(**fields)
    return TargetView(name, told, graphs, {name: told, **(others or {})})


@pytest.fixture(scope="session")
def hand():
    """What tests write graphs with."""
    return SimpleNamespace(
        op=op, placed=placed, record=record, stem=stem, target=target, tensor=tensor
    )


@pytest.fixture(scope="session")
def exported(made_once):
    """Two bundles of one model: `ours` for NNAPI and Core ML, `naive` for NNAPI, not rewritten."""
    from mvmoe_deploy.bundle import Bundle

    def write(root):
        from mvmoe_deploy.models import build
        from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
        from mvmoe_export import ExportOptions, export_bundle
        from mvmoe_export.targets.onnx import OnnxOptions

        root.mkdir()
        model = build(MobileVMoEConfig(**MODEL), seed=0).eval()
        nnapi = {"onnx": OnnxOptions(profile=("nnapi",))}
        for name, targets, rewrites in (
            ("ours", ("onnx", "coreml"), None),
            ("naive", ("onnx",), ()),
        ):
            options = ExportOptions(targets=nnapi, rewrites=rewrites)
            export_bundle(model, root / name, targets=targets, options=options, skip_verify=True)

    root = made_once("advisor", write)
    return SimpleNamespace(**{name: Bundle.open(root / name) for name in ("ours", "naive")})
