"""Whole models, ours and foreign: each rewrite alone, and all together, keep what they compute."""

import logging
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mvmoe_deploy import part_lookup
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_export.programs import make_program
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.executorch.job import REWRITES as EXECUTORCH

XNNPACK = EXECUTORCH["xnnpack"]
WIDTH, HEADS = 32, 2


class Fused(nn.Module):
    """Attention with one layer for q, k, v and a tensor of five axes, cosine or scaled."""

    def __init__(self, cosine=False):
        super().__init__()
        self.qkv, self.out, self.cosine = (
            nn.Linear(WIDTH, 3 * WIDTH),
            nn.Linear(WIDTH, WIDTH),
            cosine,
        )

    def forward(self, x, mask=None):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, HEADS, -1).permute(2, 0, 3, 1, 4).unbind(0)
        if self.cosine:
            scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
            mixed = scores.softmax(-1) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).reshape(b, n, c))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.both, self.out = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        a, b = self.both(x).chunk(2, -1)
        return self.out(F.silu(a) * b)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(WIDTH))

    def forward(self, x):
        return x.mul_(self.gamma)


class Layer(nn.Module):
    def __init__(self, norm=nn.LayerNorm, cosine=False, mlp=Gated):
        super().__init__()
        self.norms = nn.ModuleList([norm(WIDTH), norm(WIDTH)])
        self.attention, self.mlp = Fused(cosine), mlp()
        self.scales = nn.ModuleList([Scaled(), Scaled()])

    def forward(self, x):
        x = x + self.scales[0](self.attention(self.norms[0](x)))
        x += self.scales[1](self.mlp(self.norms[1](x)))
        return x


class Foreign(nn.Module):
    """A ViT of no class of ours, with a learned token and mean pooling."""

    def __init__(self, **layer):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.layers = nn.Sequential(Layer(**layer), Layer(**layer))
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        return self.head(self.layers(x).mean(1))


class Windows(nn.Module):
    """Shifted windows with a table of relative positions, and the merging of neighbours."""

    def __init__(self):
        super().__init__()
        self.attention, self.norm = Fused(), nn.LayerNorm(WIDTH)
        self.table = nn.Parameter(torch.randn(49, HEADS))
        place = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij"))
        place = place.flatten(1)
        steps = (place[:, :, None] - place[:, None]) + 3
        self.register_buffer("index", steps[0] * 7 + steps[1], persistent=False)
        self.merge = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        b, h, w, c = x.shape
        y = torch.roll(self.norm(x), (-2, -2), (1, 2)).view(b, h // 4, 4, w // 4, 4, c)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        bias = self.table[self.index.view(-1)].view(16, 16, -1).permute(2, 0, 1)[None]
        y = self.attention(y, bias).view(b, h // 4, w // 4, 4, 4, c)
        x = x + torch.roll(y.permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c), (2, 2), (1, 2))
        corners = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return self.merge(torch.cat(corners, -1))


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        self.less, self.more = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)

    def forward(self, x):
        weights = F.relu(self.less(F.adaptive_avg_pool2d(x, 1)))
        return x * F.hardsigmoid(self.more(weights))


def convolutions():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.Hardswish(inplace=True),
        Squeeze(),
        nn.GroupNorm(4, 16),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(2, 1),
        nn.AvgPool2d(3, 1, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 5),
    )


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.tokens = nn.LayerNorm(WIDTH), nn.Linear(9, 9)
        self.mlp = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU())

    def forward(self, x):
        x = x + self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp(x)


IMAGE, TOKENS = torch.randn(1, 3, 12, 12), torch.randn(1, 9, WIDTH)
ENCODER = {"d_model": WIDTH, "nhead": HEADS, "dim_feedforward": 48, "batch_first": True}
MODELS = {
    "foreign": (Foreign, IMAGE),
    "foreign, batch": (Foreign, torch.randn(3, 3, 12, 12)),
    "foreign, rms norm": (lambda: Foreign(norm=nn.RMSNorm), IMAGE),
    "foreign, cosine": (lambda: Foreign(cosine=True, mlp=lambda: nn.GELU("tanh")), IMAGE),
    "windows": (Windows, torch.randn(1, 8, 8, WIDTH)),
    "convolutions": (convolutions, IMAGE),
    "encoder, norm first": (lambda: nn.TransformerEncoderLayer(**ENCODER, norm_first=True), TOKENS),
    "encoder, norm last": (lambda: nn.TransformerEncoderLayer(**ENCODER), TOKENS),
    "mixer": (Mixer, TOKENS),
}


def made(name, names=XNNPACK):
    make, inputs = MODELS[name]
    torch.manual_seed(0)
    model = make().eval()
    with torch.no_grad():
        expected = model(inputs.clone())
    program = make_program(name, model, {"input": inputs}, names)
    found = program.exported.module(check_guards=False)(inputs.clone())
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    return program


@pytest.mark.parametrize("name", MODELS)
def test_all_rewrites_together(name):
    values = [node.meta["val"] for node in made(name).exported.graph.nodes if "val" in node.meta]
    assert max(value.ndim for value in values) <= 4


@pytest.mark.parametrize(
    "rewrite", sorted({*part_lookup.built_in_names("rewrites")} - {"gelu-tanh"})
)
@pytest.mark.parametrize("name", ["windows", "convolutions"])
def test_each_rewrite_alone(name, rewrite):
    made(name, [rewrite])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 2, "renormalize": True, "routers": "per-layer"},
        {"pool": "mean", "router_input": "mean"},
    ],
)
def test_every_stage_of_our_models(options):
    sizes = {"image_size": 8, "patch_size": 4, "num_classes": 5, "width": 32, "depth": 2}
    config = MobileVMoEConfig(**sizes, heads=2, experts=2, moe_layers=1, **options)
    stages = make_stages(build(config).eval())
    for _, graph in stages.graphs:
        module, inputs = graph.build(), list(graph.inputs.values())
        program = make_program(graph.name, module, graph.inputs, XNNPACK)
        with torch.no_grad():
            expected, found = module(*inputs), program.exported.module(check_guards=False)(*inputs)
        pairs = (
            zip(expected, found, strict=True)
            if isinstance(expected, tuple)
            else [(expected, found)]
        )
        for one, other in pairs:
            torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["foreign, rms norm", "foreign, cosine", "windows"])
def test_xnnpack_takes_a_foreign_model_in_one_piece(name):
    executorch = pytest.importorskip("executorch.exir")
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    from mvmoe_export.targets.executorch.shortcuts import shortcuts

    logging.disable(logging.WARNING)
    try:
        with shortcuts():
            lowered = executorch.to_edge_transform_and_lower(
                made(name).exported, partitioner=[XnnpackPartitioner()]
            )
    finally:
        logging.disable(logging.NOTSET)
    nodes = lowered.exported_program().graph.nodes
    calls = Counter(str(node.target) for node in nodes if node.op == "call_function")
    assert calls["executorch_call_delegate"] == 1
    assert {name for name in calls if "getitem" not in name} == {"executorch_call_delegate"}


def test_xnnpack_keeps_the_tanh_form_of_gelu():
    executorch = pytest.importorskip("executorch.exir")
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.runtime import Runtime

    model, x = nn.GELU(approximate="tanh"), torch.linspace(-4, 4, 64)[None]
    program = make_program("gelu", model, {"input": x}, XNNPACK).exported
    lowered = executorch.to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    method = Runtime.get().load_program(lowered.to_executorch().buffer).load_method("forward")
    torch.testing.assert_close(method.execute([x])[0], model(x), rtol=0, atol=1e-5)
