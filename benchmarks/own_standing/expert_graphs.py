"""What a graph for each expert costs against a graph for each route: both in one run.

`python -m own_standing.expert_graphs FOLDER` exports two models into FOLDER, if they are not there,
and asks two dispatchers for the same images in turn. Intervals are over processes.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns

import numpy as np
import torch
from torch import Tensor, nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.models import RoutedModel, build
from mvmoe_deploy.models.families.mobile_vmoe import PART
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.top_k import TopK

_TARGETS = ("onnx", "executorch")
_STRATEGIES = ("dispatch", "experts")
_PROCESSES, _IMAGES, _WARMUP = 5, 800, 64


class Convolutions(nn.Module):
    """Two of eight experts, each two convolutions of 48 channels over 24 x 24 places."""

    input: Preprocessing
    routing: tuple[Rule, ...]

    def __init__(self, experts: int = 8, k: int = 2, width: int = 48) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.input = Preprocessing(height=96, width=96)
        self.routing = (TopK(experts=experts, k=k, renormalize=True),)
        self.patches = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=4), nn.ReLU(), _convolution(width), nn.ReLU()
        )
        self.router = nn.Linear(width, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(_convolution(width), nn.ReLU(), _convolution(width))
            for _ in range(experts)
        )
        self.head = nn.Linear(width, 100)
        with torch.no_grad():
            self.router.weight.mul_(8)

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """The answer `[B, classes]`."""
        maps, logits = ConvolutionsStem(self)(images)
        _, gates = select(logits, self.routing[0], routes[0] if routes else None)
        every = tuple(range(self.routing[0].experts))
        answer: Tensor = ConvolutionsStep(self, every)(maps, gates)
        return answer

    def stage(self, index: int, route: Route) -> nn.Module:
        """The stem, or the step of a route."""
        return ConvolutionsStep(self, route) if index else ConvolutionsStem(self)

    def expert(self, stage: int, index: int) -> nn.Module:
        """One expert."""
        return self.experts[index]

    def join(self, stage: int, count: int) -> nn.Module:
        """What follows the experts."""
        return ConvolutionsJoin(self)


class ConvolutionsStem(nn.Module):
    """Images to maps and the router's logits."""

    def __init__(self, model: Convolutions) -> None:
        super().__init__()
        self.patches, self.router = model.patches, model.router

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps `[B, C, H, W]` and logits `[B, E]`."""
        maps = self.patches(images)
        return maps, self.router(maps.mean((2, 3)))


class ConvolutionsJoin(nn.Module):
    """The sum over experts, and the answer."""

    def __init__(self, model: Convolutions) -> None:
        super().__init__()
        self.head = model.head

    def forward(self, maps: Tensor, *outputs_and_gates: Tensor) -> Tensor:
        """The answer `[B, classes]`."""
        *outputs, gates = outputs_and_gates
        mixed = maps
        for slot, output in enumerate(outputs):
            mixed = mixed + gates[:, slot, None, None, None] * output
        answer: Tensor = self.head(mixed.relu().mean((2, 3)))
        return answer


class ConvolutionsStep(ConvolutionsJoin):
    """The whole step of one route."""

    def __init__(self, model: Convolutions, route: Route) -> None:
        super().__init__(model)
        self.experts = nn.ModuleList(model.experts[expert] for expert in route)

    def forward(self, maps: Tensor, *outputs_and_gates: Tensor) -> Tensor:
        """The answer `[B, classes]` of maps and gates `[B, len(route)]`."""
        (gates,) = outputs_and_gates
        return super().forward(maps, *(expert(maps) for expert in self.experts), gates)


def _convolution(width: int) -> nn.Conv2d:
    return nn.Conv2d(width, width, 3, padding=1)


def _models() -> dict[str, RoutedModel]:
    """The convolutions, and the demo's ViT with one layer of experts."""
    vit = build(replace(PART.presets()["digits"], moe_layers=1), seed=0)
    return {"conv": Convolutions().eval(), "vit": vit.eval()}


def _export(folder: Path) -> None:
    """Write what is not there yet."""
    from mvmoe_export import Identity, export_bundle

    for name, model in _models().items():
        for strategy in _STRATEGIES:
            path = folder / f"{name}-{strategy}.mvmoe"
            if not path.exists():
                identity = Identity(name=path.stem)
                export_bundle(model, path, strategy=strategy, targets=_TARGETS, identity=identity)


def _measure(folder: Path, name: str, target: str) -> tuple[float, float, float]:
    """Milliseconds of an image with either strategy, and the median of their ratio."""
    paths = [folder / f"{name}-{strategy}.mvmoe" for strategy in _STRATEGIES]
    both = [Dispatcher.open(path, target, threads=1) for path in paths]
    shape = both[0].bundle.manifest.input.shape
    images = np.random.default_rng(0).standard_normal((_WARMUP, 1, *shape), dtype=np.float32)
    for image in images:
        for dispatcher in both:
            dispatcher.run(image)
    spent = np.zeros((_IMAGES, 2))
    for number in range(_IMAGES):
        for which in (0, 1) if number % 2 else (1, 0):
            start = perf_counter_ns()
            both[which].run(images[number % _WARMUP])
            spent[number, which] = (perf_counter_ns() - start) / 1e6
    dispatch, experts = np.median(spent, axis=0)
    return float(dispatch), float(experts), float(np.median(spent[:, 1] / spent[:, 0]))


def _main(folder: Path) -> None:
    """Print a line for each model and target."""
    folder.mkdir(parents=True, exist_ok=True)
    _export(folder)
    for name in ("conv", "vit"):
        for target in _TARGETS:
            command = [sys.executable, "-m", __spec__.name, str(folder), name, target]
            runs = [
                [float(word) for word in subprocess.check_output(command, text=True).split()]
                for _ in range(_PROCESSES)
            ]
            dispatch, experts, ratio = np.median(runs, axis=0)
            low, high = min(run[2] for run in runs), max(run[2] for run in runs)
            print(
                f"{name} {target}: dispatch {dispatch:.3f} ms, experts {experts:.3f} ms, ratio "
                f"{ratio:.3f} ({low:.3f} to {high:.3f})"
            )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(*_measure(Path(sys.argv[1]), *sys.argv[2:]))
    else:
        _main(Path(sys.argv[1]))
