"""PyTorch's operators are listed once in a block, and again after it."""

import torch
import torch._export.utils as lister
from torch import nn

from mvmoe_export.pytorch_listing import operators_listed_once


def test_decompositions_list_operators_once(monkeypatch):
    calls = []
    listing = lister._materialize_cpp_cia_ops
    monkeypatch.setattr(lister, "_materialize_cpp_cia_ops", lambda: calls.append(1) or listing())
    program = torch.export.export(nn.ReLU(), (torch.ones(2),))
    calls.clear()
    plain = program.run_decompositions({})
    assert len(calls) > 1, "PyTorch does so itself now: leave operators_listed_once out"
    calls.clear()
    with operators_listed_once():
        program.run_decompositions({})
        quick = program.run_decompositions({})
    assert len(calls) == 1
    assert str(quick.graph) == str(plain.graph)
    program.run_decompositions({})
    assert len(calls) > 2
