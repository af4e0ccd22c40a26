"""Puts the steps and zero points of known ranges into a graph, as numbers that XNNPACK reads there.

Before:  quantize(tokens, step, zero), where these are slots
After:   quantize(tokens, 0.013, -12)

A program has slots, so that one stands for all graphs of a structure; once it has numbers, it is
that of one graph. Layers that take the same values in the same range then round them once.
"""

from collections.abc import Mapping

import torch
import torch.ao.quantization.fx._decomposed
from torch import Tensor, fx
from torch.export import ExportedProgram

_QUANTIZED = torch.ops.quantized_decomposed
_QUANTIZE = _QUANTIZED.quantize_per_tensor.default
_WITH_NUMBERS = {
    _QUANTIZED.quantize_per_tensor.tensor: _QUANTIZE,
    _QUANTIZED.dequantize_per_tensor.tensor: _QUANTIZED.dequantize_per_tensor.default,
}


def put_steps(program: ExportedProgram, weights: Mapping[str, Tensor]) -> None:
    """Replace steps that are slots by what `weights` has for them; changes the program.

    The slots stay, without anything that reads them: lowering drops those.
    """
    slots = dict(program.graph_signature.inputs_to_parameters)
    made: dict[tuple[object, ...], fx.Node] = {}
    for node in list(program.graph.nodes):
        if node.target not in _WITH_NUMBERS or node.args[1].name not in slots:
            continue
        values, step, zero, *limits = node.args
        numbers = (float(weights[slots[step.name]]), int(weights[slots[zero.name]]))
        node.target, node.args = _WITH_NUMBERS[node.target], (values, *numbers, *limits)
        if node.target is not _QUANTIZE:
            continue
        same = made.setdefault(node.args, node)
        if same is not node:
            node.replace_all_uses_with(same)
            program.graph.erase_node(node)
    program.graph_module.recompile()
