"""A small detector: two routed stages, and a head for the maps of each of its three scales."""

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing.top_k import TopK

SIDE, WIDTH, CLASSES = 64, 16, 3
AROUND = {"pad_level": 114, "pad_place": "around", "pad_rounding": "nearest"}


class Detector(nn.Module):
    outputs = {"found": "boxes"}  # [N, 4 + CLASSES]: corners in pixels of the input, then scores

    def __init__(self, counts: tuple[int, ...] = (4, 6)) -> None:
        super().__init__()
        self.input = Preprocessing(height=SIDE, width=SIDE, resize="letterbox", **AROUND)
        self.routing = tuple(TopK(experts=n, k=2, renormalize=True) for n in counts)
        self.experts = nn.ModuleList([nn.ModuleList([nn.Conv2d(3, WIDTH, 4, stride=4)])])
        for n in counts:
            self.experts.append(nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, 2, 1) for _ in range(n)))
        self.routers = nn.ModuleList(nn.Linear(WIDTH, n) for n in counts)
        self.heads = nn.ModuleList(nn.Conv2d(WIDTH, 4 + CLASSES, 1) for _ in self.experts)

    def forward(self, images: Tensor, routes: tuple[tuple[int, ...], ...] | None = None) -> Tensor:
        found = []
        for image in images.split(1):
            state = self.stage(0, ())(image)
            for index, rule in enumerate(self.routing, start=1):
                members, gates = select(state["logits"], rule, routes and routes[index - 1])
                route = tuple(members[0].nonzero().flatten().tolist())
                state = self.stage(index, route)(state["maps"], state["found"], gates[:, route])
            found.append(state["found"])
        return torch.cat(found)

    def stage(self, index: int, route: tuple[int, ...]) -> nn.Module:
        return Level(self, index, route) if index else Stem(self, index, (0,))


class Level(nn.Module):
    def __init__(self, model: Detector, index: int, route: tuple[int, ...]) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.experts[index][expert] for expert in route)
        self.head, self.router = model.heads[index], model.routers[index : index + 1]

    def forward(self, maps: Tensor, found: Tensor | None, gates: Tensor) -> dict[str, Tensor]:
        maps = sum(g[:, None, None, None] * e(maps) for g, e in zip(gates.T, self.experts)).relu()
        rows = self.head(maps).flatten(2).transpose(1, 2).sigmoid()
        rows = torch.cat([rows[..., :4] * SIDE, rows[..., 4:]], dim=2)
        found = rows if found is None else torch.cat([found, rows], dim=1)
        given = {"maps": maps, "found": found}
        return given | {"logits": router(maps.mean((2, 3))) for router in self.router}


class Stem(Level):
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return super().forward(image, None, torch.ones(1, 1))
