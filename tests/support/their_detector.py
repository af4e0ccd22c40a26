"""A detector as another framework would have it: layers in a row, three of them routed, and a head.

Written for the tests: it has the structure of routed detectors in use and no line of theirs. Its
routing is inside of `forward`, its boxes are middles and sizes, `[B, 4 + C, N]`.
"""

import torch
from torch import Tensor, nn


def conv(width: int, given: int, stride: int = 1) -> nn.Sequential:
    """A convolution, its norm and SiLU."""
    kernel = nn.Conv2d(width, given, 3, stride, 1, bias=False)
    return nn.Sequential(kernel, nn.BatchNorm2d(given), nn.SiLU())


class PooledRouter(nn.Module):
    """Logits `[B, E]` of maps."""

    def __init__(self, width: int, experts: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, experts)

    def forward(self, maps: Tensor) -> Tensor:
        return self.linear(maps.mean((2, 3)))


class RoutedConvs(nn.Module):
    """The `k` best experts of each image, weighted by their renormalised softmax."""

    def __init__(self, width: int, experts: int, k: int) -> None:
        super().__init__()
        self.k = k
        self.router = PooledRouter(width, experts)
        self.experts = nn.ModuleList(conv(width, width) for _ in range(experts))

    def forward(self, maps: Tensor) -> Tensor:
        best, chosen = self.router(maps).softmax(1).topk(self.k)
        best = best / best.sum(1, keepdim=True)
        mixed = []
        for image, gates, experts in zip(maps.split(1), best, chosen.tolist(), strict=True):
            outputs = [self.experts[expert](image) for expert in experts]
            mixed.append(sum(gate * output for gate, output in zip(gates, outputs, strict=True)))
        return torch.cat(mixed)


class ThreeScales(nn.Module):
    """Middles, sizes and scores `[B, 4 + C, N]` from the layers that it `reads`."""

    def __init__(self, widths: list[int], classes: int, side: int, reads: list[int]) -> None:
        super().__init__()
        self.reads, self.side = reads, side
        self.cells = nn.ModuleList(nn.Conv2d(width, 4 + classes, 1) for width in widths)

    def forward(self, scales: list[Tensor]) -> Tensor:
        rows = [cell(maps).flatten(2) for cell, maps in zip(self.cells, scales, strict=True)]
        found = torch.cat(rows, dim=2).sigmoid()
        return torch.cat([found[:, :4] * self.side, found[:, 4:]], dim=1)


class TheirDetector(nn.Module):
    """Layers by number; the routed ones are 3, 5 and 7."""

    def __init__(
        self, side: int, classes: int, widths: list[int], experts: list[int], k: int
    ) -> None:
        super().__init__()
        self.numbers = {
            "side": side, "classes": classes, "widths": widths, "experts": experts, "k": k,
        }  # fmt: skip
        a, b, c = widths
        one, two, three = (RoutedConvs(w, n, k) for w, n in zip(widths, experts, strict=True))
        rows = [conv(3, a, 2), conv(a, a, 2), conv(a, a, 2), one, conv(a, b, 2), two]
        rows += [conv(b, c, 2), three, ThreeScales(widths, classes, side, reads=[3, 5, 7])]
        self.layers = nn.ModuleList(rows)

    def forward(self, images: Tensor) -> Tensor:
        *layers, head = self.layers
        given = []
        for layer in layers:
            given.append(layer(given[-1] if given else images))
        return head([given[number] for number in head.reads])
