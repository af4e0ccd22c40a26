"""Layers of a program whose weights a recipe stores in few bits, each output of them by itself.

`find.py` finds layers and says which stay precise, `replacing.py` puts others into their places, as
a target's `LayerWriter` says. What weights become is in `int8.py` and the files beside it.
"""

from mvmoe_export.layers.contract import Layer, LayerWriter, LeftLayer
from mvmoe_export.layers.find import find_layers
from mvmoe_export.layers.replacing import LayerChanges, part_name, replace_layers

__all__ = [
    "Layer",
    "LayerChanges",
    "LayerWriter",
    "LeftLayer",
    "find_layers",
    "part_name",
    "replace_layers",
]
