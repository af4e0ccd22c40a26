"""What lowering for ExecuTorch leaves out gives nothing: facts of its pinned version."""

import gc

import pytest
import torch
from executorch.backends.xnnpack.partition.graphs import bilinear_2d, sdpa
from executorch.exir.backend.canonical_partitioners.group_partitioner import GroupBasedPartitioner
from torch import nn

from mvmoe_export.targets.executorch.shortcuts import shortcuts, without_attention_patterns


def calls(pattern):
    return [str(node.target) for node in pattern.graph.nodes if node.op == "call_function"]


def test_patterns_of_resizing_are_the_operator_as_a_whole():
    for pattern in bilinear_2d.get_graphs_dict():
        (call,) = calls(pattern)
        assert "aten.upsample_bilinear2d.vec" in call


def test_patterns_of_attention_have_a_softmax():
    for pattern in sdpa.get_graphs():
        assert any("softmax" in call for call in calls(pattern))


@pytest.mark.parametrize(("layer", "searched"), [(nn.Softmax(-1), True), (nn.ReLU(), False)])
def test_attention_is_searched_for_where_there_may_be_one(layer, searched, monkeypatch):
    monkeypatch.setattr(sdpa, "get_graphs", lambda: ["a pattern"])
    program = torch.export.export(layer, (torch.ones(2, 3),))
    with without_attention_patterns([program]):
        assert sdpa.get_graphs() == (["a pattern"] if searched else [])
    assert sdpa.get_graphs() == ["a pattern"]


def test_all_is_as_before_afterwards():
    before = bilinear_2d.get_graphs_dict
    with shortcuts():
        assert not gc.isenabled()
        assert bilinear_2d.get_graphs_dict() == {}
    assert gc.isenabled()
    assert bilinear_2d.get_graphs_dict is before


def test_partitions_are_merged_until_nothing_is_merged_any_more(monkeypatch):
    def merge_one(self, partitions, *others):
        if len(partitions) > 2:
            partitions.popitem()

    monkeypatch.setattr(GroupBasedPartitioner, "_merge_partitions", merge_one)
    partitions = dict.fromkeys(range(5))
    with shortcuts():
        GroupBasedPartitioner._merge_partitions(None, partitions)
    assert len(partitions) == 2
    assert GroupBasedPartitioner._merge_partitions is merge_one
