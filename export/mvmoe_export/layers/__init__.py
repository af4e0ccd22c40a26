"""Layers of a program whose weights a recipe stores in few bits, each output of them by itself.

`found.py` says which layers there are and which stay precise, `replacing.py` puts others into their
places, as a target's `LayerWriter` says. What weights become is in `eight_bits.py` and beside it.
"""

from mvmoe_export.layers.contract import Layer, LayerRanges, LayerWriter, PreciseLayer, Range
from mvmoe_export.layers.found import find_layers, left_layer
from mvmoe_export.layers.ranges import Ranges, WatchedGraph
from mvmoe_export.layers.replacing import LayerChanges, needs_ranges, part_name, replace_layers

__all__ = [
    "Layer",
    "LayerChanges",
    "LayerRanges",
    "LayerWriter",
    "PreciseLayer",
    "Range",
    "Ranges",
    "WatchedGraph",
    "find_layers",
    "left_layer",
    "needs_ranges",
    "part_name",
    "replace_layers",
]
