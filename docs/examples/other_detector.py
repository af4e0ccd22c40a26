"""A detector of another framework, cut at its routers: no line of it is changed."""

import json
from pathlib import Path

import torch
from their_detector import TheirDetector  # the framework's own class
from torch import Tensor, nn

from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing.top_k import TopK

AROUND = {"pad_level": 114, "pad_place": "around", "pad_rounding": "nearest"}


def make() -> nn.Module:
    """For `--model other_detector.py:make`; the weights come from the checkpoint."""
    numbers = json.loads(Path(__file__).with_name("configuration.json").read_text())
    return OtherDetector(TheirDetector(**numbers), numbers["side"])


class OtherDetector(nn.Module):
    outputs = {"found": "boxes"}

    def __init__(self, theirs: TheirDetector, side: int) -> None:
        super().__init__()
        self.theirs, levels = theirs, {"mean": (0.0,) * 3, "std": (1.0,) * 3}
        self.input = Preprocessing(height=side, width=side, resize="letterbox", **AROUND, **levels)
        routers = [name for name, _ in theirs.named_modules() if name.endswith(".router")]
        self.routed = [theirs.get_submodule(name.removesuffix(".router")) for name in routers]
        counts = [(len(layer.experts), layer.k) for layer in self.routed]
        self.routing = tuple(TopK(experts=n, k=k, renormalize=True) for n, k in counts)

    def forward(self, images: Tensor, routes: tuple[tuple[int, ...], ...] | None = None) -> Tensor:
        found = []
        for image in images.split(1):
            state = self.stage(0, ())(image)
            for index, rule in enumerate(self.routing, start=1):
                members, gates = select(state["logits"], rule, routes and routes[index - 1])
                route = tuple(members[0].nonzero().flatten().tolist())
                scales = [state["scale_1"], state["scale_2"]] if index == 3 else []
                state |= self.stage(index, route)(*scales, state["maps"], gates[:, route])
            found.append(state["found"])
        return torch.cat(found)

    def stage(self, index: int, route: tuple[int, ...]) -> nn.Module:
        return (Stem, Step, Step, LastStep)[index](self, index, route)

    def expert(self, stage: int, index: int) -> nn.Module:
        return Expert(self.routed[stage - 1].experts[index])

    def join(self, stage: int, count: int) -> nn.Module:
        return (LastJoin if stage == 3 else Join)(self, stage)


class Stem(nn.Module):
    """The layers up to the next routed one and its router, or the head."""

    def __init__(self, model: OtherDetector, index: int, route: tuple[int, ...] = ()) -> None:
        super().__init__()
        *layers, head = model.theirs.layers
        first, *last = [layers.index(layer) for layer in model.routed][max(0, index - 1) :]
        begin, end = (first + 1, last[0] if last else None) if index else (0, first)
        self.name, self.layers = f"scale_{index}", nn.Sequential(*layers[begin:end])
        self.end = model.routed[index].router if index < len(model.routed) else head
        self.experts = nn.ModuleList(model.expert(index, expert) for expert in route)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        maps = self.layers(image)
        return {"maps": maps, "logits": self.end(maps)}

    def mixed(self, maps: Tensor, gates: Tensor) -> Tensor:
        return mix([expert(maps) for expert in self.experts], gates)


class Step(Stem):
    def forward(self, maps: Tensor, gates: Tensor) -> dict[str, Tensor]:
        mixed = self.mixed(maps, gates)
        return {self.name: mixed} | super().forward(mixed)


class LastStep(Stem):
    def forward(self, scale_1: Tensor, scale_2: Tensor, maps: Tensor, gates: Tensor) -> dict:
        return corners(self.end([scale_1, scale_2, self.layers(self.mixed(maps, gates))]))


class Expert(nn.Module):
    def __init__(self, expert: nn.Module) -> None:
        super().__init__()
        self.expert = expert

    def forward(self, maps: Tensor) -> Tensor:
        return self.expert(maps)


class Join(Stem):
    def forward(self, *outputs_and_gates: Tensor) -> dict[str, Tensor]:
        mixed = mix(outputs_and_gates[:-1], outputs_and_gates[-1])
        return {self.name: mixed} | super().forward(mixed)


class LastJoin(Stem):
    def forward(self, scale_1: Tensor, scale_2: Tensor, *outputs_and_gates: Tensor) -> dict:
        mixed = mix(outputs_and_gates[:-1], outputs_and_gates[-1])
        return corners(self.end([scale_1, scale_2, self.layers(mixed)]))


def mix(outputs: list[Tensor], gates: Tensor) -> Tensor:
    return sum(gate[:, None, None, None] * output for gate, output in zip(gates.T, outputs))


def corners(found: Tensor) -> dict[str, Tensor]:
    """Their middles, sizes and scores `[B, 4 + C, N]` as rows `[B, N, 4 + C]` with corners."""
    places, sizes, scores = found.transpose(1, 2).split([2, 2, found.shape[1] - 4], dim=2)
    return {"found": torch.cat([places - sizes / 2, places + sizes / 2, scores], dim=2)}
