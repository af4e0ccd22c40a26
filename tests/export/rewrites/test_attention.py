"""`attention`: scaled dot-product attention as bmm, softmax, bmm."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

attend = F.scaled_dot_product_attention
Q, K = torch.randn(2, 4, 5, 6), torch.randn(2, 4, 7, 6)
TRIANGLE = torch.ones(5, 7, dtype=torch.bool).tril()

TAKEN = {
    "batch": (lambda q, k: attend(q, k, k), Q, K),
    "no heads": (lambda q, k: attend(q, k, k), Q[0], K[0]),
    "one": (lambda q, k: attend(q, k, k), Q[0, 0], K[0, 0]),
    "five axes": (lambda q, k: attend(q, k, k), Q[None], K[None]),
    "scale": (lambda q, k: attend(q, k, k, scale=0.3), Q, K),
    "float mask": (lambda q, k, m: attend(q, k, k, attn_mask=m), Q, K, torch.randn(5, 7)),
    "head masks": (lambda q, k, m: attend(q, k, k, attn_mask=m), Q, K, torch.randn(2, 4, 5, 7)),
    "causal": (lambda q, k: attend(q, k, k, is_causal=True), Q, K),
    "causal, long": (lambda q, k: attend(k, q, q, is_causal=True), Q, K),
    "values of another width": (lambda q, k: attend(q, k, k[..., :3]), Q, K),
    "grouped heads": (lambda q, k: attend(q, k, k, enable_gqa=True), Q, K[:, :2]),
    "q is k": (lambda q: attend(q, q, q), Q),
    "fp64": (lambda q, k: attend(q, k, k), Q.double(), K.double()),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_taken(check, case):
    function, *inputs = TAKEN[case]
    graph = check("attention", function, *inputs)
    assert graph.changed == 1
    assert {"bmm.default", "softmax.int"} <= set(graph.operators)


def test_a_constant_mask_becomes_numbers(check):
    graph = check("attention", lambda q, k, mask: attend(q, k, k, mask), Q, K, mask=TRIANGLE)
    assert graph.changed == 1


def test_a_boolean_mask_that_is_an_input_is_left(check):
    assert check("attention", lambda q, k, mask: attend(q, k, k, mask), Q, K, TRIANGLE).changed == 0


class Own(nn.Module):
    def __init__(self, ways):
        super().__init__()
        self.q, self.ways = nn.Linear(6, 6), ways

    def forward(self, x, k):
        return self.ways(self.q(x), k)


@pytest.mark.parametrize(
    ("ways", "inside"),
    [
        (lambda q, k: attend(q, k, k), True),
        (lambda q, k: attend(q.transpose(1, 2).transpose(1, 2), k, k), True),
        (lambda q, k: attend(q, k, k) + q, False),
        (lambda q, k: attend(q, q, q), False),
        (lambda q, k: attend(q, q, k), False),
        (lambda q, k: attend(q, q[:, :], k), False),
    ],
)
def test_the_scale_goes_into_weights_that_nobody_else_reads(check, ways, inside):
    graph = check("attention", Own(ways), torch.randn(2, 5, 6), torch.randn(2, 5, 6))
    products = graph.module.graph.find_nodes(op="call_function", target=torch.ops.aten.mul.Tensor)
    assert len(products) == (2 if inside else 1)
