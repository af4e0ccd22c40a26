"""One tiny routed model, its checkpoint and bundle, and a run of everything over it."""

import dataclasses
import importlib.util
import os
import sys
from pathlib import Path

import pytest
import torch

from mvmoe_bench.measure.planning.running import Request, run_bench
from mvmoe_bench.measure.schema.records import Preset
from mvmoe_deploy.models import Checkpoint, build, save_checkpoint
from mvmoe_deploy.models.families import find_family
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.preprocessing import preprocess
from mvmoe_deploy.training import digits_split

TINY = Preset(
    name="tiny",
    repeats=2,
    queries=6,
    seconds=0.0,
    most_seconds=20.0,
    warmup=1,
    starts=1,
    stream=24,
    cooldown=0.0,
)
CONFIG = MobileVMoEConfig(
    image_size=8,
    patch_size=4,
    in_channels=1,
    num_classes=10,
    width=32,
    depth=3,
    heads=2,
    mlp_ratio=2.0,
    experts=4,
    moe_layers=2,
)


@pytest.fixture(scope="session")
def factory():
    """The module that makes runs whose answers are known."""
    file = Path(__file__).parent / "factory.py"
    spec = importlib.util.spec_from_file_location("bench_factory", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lively(config=CONFIG, seed=0):
    """A model whose router sends images to different experts."""
    model = build(config, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 10
            loud = 3.0 if "router" in name else 1.0
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(loud * noise / fan_in**0.5)
        return centred(model.eval())


def centred(model):
    """The model with router biases under which no expert is everybody's favourite."""
    pixels, _ = digits_split("test")
    state = torch.stack([torch.from_numpy(preprocess(image, model.input)) for image in pixels])
    for stage, router in enumerate(model.routers):
        route = () if stage == 0 else tuple(range(model.routing[stage - 1].k))
        arguments = (state,) if stage == 0 else (state, torch.ones(len(pixels), len(route)))
        state, logits = model.stage(stage, route)(*arguments)
        linear = [module for module in router.modules() if isinstance(module, torch.nn.Linear)][-1]
        linear.bias -= logits.mean(0)
    return model


def write_model(folder, model):
    """A checkpoint, and the bundle that is exported from it."""
    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_export import Identity, export_bundle

    save_checkpoint(Checkpoint(model), folder / "checkpoint")
    loaded = load_checkpoint(folder / "checkpoint")
    identity = Identity(name="tiny", family=loaded.config.family, checkpoint_sha256=loaded.sha256)
    export_bundle(loaded.model, folder / "tiny.mvmoe", identity=identity, skip_verify=True)


@pytest.fixture(scope="session")
def tiny(made_once):
    """A directory with `checkpoint`, `dense` and `tiny.mvmoe`: four experts, one router."""

    def write(path):
        path.mkdir()
        write_model(path, lively())
        dense = find_family(CONFIG.family).dense(CONFIG)
        save_checkpoint(Checkpoint(build(dense, seed=1)), path / "dense")

    return made_once("bench-tiny", write)


@pytest.fixture(scope="session")
def several(made_once):
    """The same with a router for each of two routed layers, and two experts a route."""

    def write(path):
        path.mkdir()
        config = dataclasses.replace(CONFIG, routers="per-layer", top_k=2, experts=3)
        write_model(path, lively(config))

    return made_once("bench-several", write)


@pytest.fixture(scope="session")
def experts_bundle(made_once, several):
    """Two of three experts at each of two stages, with a graph for each expert."""
    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_export import Identity, export_bundle

    def write(path):
        model = load_checkpoint(several / "checkpoint").model
        identity = Identity(name="experts")
        export_bundle(model, path, identity=identity, strategy="experts", skip_verify=True)

    return made_once("bench-experts.mvmoe", write)


@pytest.fixture
def ask(tiny, tmp_path):
    """Runs a benchmark of the tiny bundle on this machine; fields of `Request` override."""

    def run(**fields):
        given = {
            "bundles": (tiny / "tiny.mvmoe",),
            "output": tmp_path / "results.jsonl",
            "preset": TINY,
            "device": "host",
            "images": "digits",
        } | fields
        return run_bench(Request(**given))

    return run


@pytest.fixture(scope="session")
def measured(tiny, made_once):
    """A results file of every subject, on real images."""

    def write(path):
        request = Request(
            bundles=(tiny / "tiny.mvmoe",),
            output=path,
            preset=TINY,
            device="host",
            images="digits",
            compare=("static", "all-experts", "gather", "dense", "eager"),
            checkpoints=(tiny / "checkpoint",),
            dense=(tiny / "dense",),
        )
        run_bench(request)

    return made_once("bench-measured.jsonl", write)


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Installs a module with entry points for this process and the ones it starts."""

    def install(name, code, entry_points):
        site = tmp_path / "site"
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
        sys.modules.pop(name, None)

    return install


def lines_of(path):
    """The lines of a results file's last run."""
    from mvmoe_bench.measure.schema.results import read

    return read(Path(path))[-1].lines


def of_kind(lines, kind):
    """Those of one class of record."""
    return [line for line in lines if type(line) is kind]
