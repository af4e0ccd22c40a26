"""Convolutions that XNNPACK could not run well with a weight that is an input: known beforehand."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_export.rewrites.dynamic_convolutions import becomes_products

if TYPE_CHECKING:
    from mvmoe_export.stages import GraphSpec


def require_products(graphs: Iterable["GraphSpec"]) -> None:
    """Refuse a graph with a layer that would stay a convolution though its weight is an input.

    The graphs need not be captured for that. A convolution that is no layer of its module is found
    when its graph is lowered (`lowering.require_constant_filters`). Raises InputError.
    """
    for graph in graphs:
        if not graph.bound:
            continue
        for name, layer in graph.build().named_modules():
            if f"{name}.weight" in graph.bound and _stays(layer):
                raise InputError(
                    f"graph {graph.name} would take the weight of the convolution {name} as an "
                    "input, which XNNPACK leaves to slow kernels; only convolutions without "
                    "groups, with kernels of up to 7, become products: choose a strategy with a "
                    "graph for each expert",
                    code="export.graph-refused",
                    graph=graph.name,
                    operator=name,
                )


def _stays(layer: nn.Module) -> bool:
    """Whether a layer is a convolution of which no products are made."""
    if isinstance(layer, nn.Conv1d | nn.Conv3d | nn.modules.conv._ConvTransposeNd):
        return True
    return isinstance(layer, nn.Conv2d) and not becomes_products(
        layer.kernel_size, layer.stride, layer.dilation, layer.groups
    )
