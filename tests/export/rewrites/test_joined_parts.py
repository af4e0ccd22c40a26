"""`joined-parts`: layers that were cut into parts, and are added up, are one layer again."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.uoe import UoEConfig
from mvmoe_deploy.runtime.contract import run
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_export import rewrites
from mvmoe_export.programs import make_program
from mvmoe_export.stages import make_stages

torch.manual_seed(0)
X = torch.randn(2, 5, 12)
SIZES = {"image_size": 16, "patch_size": 4, "width": 16, "depth": 2, "num_classes": 5}


def weights(count=2, features=6):
    found = {}
    for number in range(count):
        found[f"a{number}"] = torch.randn(features, 12)
        found[f"c{number}"] = torch.randn(features)
        found[f"b{number}"] = torch.randn(7, features)
    return found


def slices(x, activation=F.gelu, **w):
    """An MLP in as many slices as there are weights."""
    count = len(w) // 3
    parts = [
        F.linear(activation(F.linear(x, w[f"a{n}"], w[f"c{n}"])), w[f"b{n}"]) for n in range(count)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


@pytest.mark.parametrize("count", [2, 3, 5])
def test_slices_of_an_mlp_are_one_mlp(check, count):
    graph = check("joined-parts", slices, X, **weights(count))
    assert graph.changed == 1
    assert graph.operators.count("linear.default") == 2
    assert graph.operators.count("gelu.default") == 1


@pytest.mark.parametrize("activation", [F.hardswish, F.relu, F.silu, torch.sigmoid, torch.tanh])
def test_slices_of_any_activation_are_joined(check, activation):
    graph = check("joined-parts", lambda x, **w: slices(x, activation, **w), X, **weights())
    assert graph.changed == 1
    assert graph.operators.count("linear.default") == 2


def heads(x, sizes, biased, **w):
    """Attention in parts of some heads each."""
    total = None
    for number, count in enumerate(sizes):
        qkv = F.linear(x, w[f"q{number}"], w[f"p{number}"])
        shape = (*x.shape[:2], count, 6 // count)
        q, k, v = (part.reshape(shape).transpose(1, 2) for part in qkv.chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(*x.shape[:2], 6)
        part = F.linear(mixed, w[f"o{number}"], w[f"r{number}"] if biased else None)
        total = part if total is None else total + part
    return total


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("biased", [False, True])
def test_groups_of_heads_are_one_attention(check, count, parts, biased):
    w = {}
    for number in range(parts):
        w |= {f"q{number}": torch.randn(18, 12), f"p{number}": torch.randn(18)}
        w |= {f"o{number}": torch.randn(7, 6), f"r{number}": torch.randn(7)}
    graph = check("joined-parts", lambda x, **w: heads(x, (count,) * parts, biased, **w), X, **w)
    assert graph.changed == 1
    assert graph.operators.count("scaled_dot_product_attention.default") == 1
    assert graph.operators.count("linear.default") == 2


def test_parts_that_differ_are_left_alone(check):
    w = weights()

    def other_function(x, **w):
        one = F.linear(F.gelu(F.linear(x, w["a0"], w["c0"])), w["b0"])
        return one + F.linear(F.relu(F.linear(x, w["a1"], w["c1"])), w["b1"])

    def other_input(x, **w):
        one = F.linear(F.gelu(F.linear(x, w["a0"], w["c0"])), w["b0"])
        return one + F.linear(F.gelu(F.linear(2 * x, w["a1"], w["c1"])), w["b1"])

    def read_twice(x, **w):
        one = F.linear(F.gelu(F.linear(x, w["a0"], w["c0"])), w["b0"])
        return one + F.linear(F.gelu(F.linear(x, w["a1"], w["c1"])), w["b1"]), one

    def weighed(x, **w):
        one = F.linear(F.gelu(F.linear(x, w["a0"], w["c0"])), w["b0"])
        return 0.5 * one + F.linear(F.gelu(F.linear(x, w["a1"], w["c1"])), w["b1"])

    for function in (other_function, other_input, read_twice, weighed):
        assert check("joined-parts", function, X, **w).changed == 0
    assert (
        check(
            "joined-parts",
            lambda x, a, b: F.linear(x, a) + F.linear(x, b),
            X,
            a=torch.randn(3, 12),
            b=torch.randn(3, 12),
        ).changed
        == 0
    )


def test_heads_that_attend_with_other_heads_are_left_alone(check):
    """A softmax over heads is no sum of parts."""

    def mixed(x, q0, q1, o0, o1):
        parts = [F.linear(F.linear(x, q).softmax(-1), o) for q, o in ((q0, o0), (q1, o1))]
        return parts[0] + parts[1]

    w = {"q0": torch.randn(6, 12), "q1": torch.randn(6, 12)}
    w |= {"o0": torch.randn(7, 6), "o1": torch.randn(7, 6)}
    assert check("joined-parts", mixed, X, **w).changed == 0


def test_entries_of_a_stack_are_taken_out_at_once(check):
    def gathered(x, index, first, bias, second):
        total = None
        for slot in range(2):
            one = index[0, slot : slot + 1]
            a, c, b = (w.index_select(0, one)[0] for w in (first, bias, second))
            part = F.linear(F.gelu(F.linear(x, a, c)), b)
            total = part if total is None else total + part
        return total

    stacks = {"first": torch.randn(4, 6, 12), "bias": torch.randn(4, 6)}
    stacks["second"] = torch.randn(4, 7, 6)
    graph = check("joined-parts", gathered, X, torch.tensor([[3, 1]]), **stacks)
    assert graph.changed == 1
    assert graph.operators.count("index_select.default") == 3
    assert "cat.default" not in graph.operators


def test_a_graph_without_parts_is_not_looked_at_again():
    """Its program stays as it was captured."""
    plain = nn.Sequential(nn.Linear(12, 6), nn.GELU(), nn.Linear(6, 7))
    program = make_program("plain", plain, {"x": X}, ("joined-parts",))
    assert program.rewritten == {}
    captured = torch.export.export(plain, (X,))
    assert rewrites.concerned(("joined-parts",), captured) == ()


def test_weights_are_stored_in_parts_and_joined_in_the_graph():
    model = build(UoEConfig(**SIZES), seed=0).eval()
    spec = make_stages(model).specs[1].graphs[0]
    module = spec.build()
    program = make_program(spec.name, module, spec.inputs, ("joined-parts",))
    assert program.rewritten == {"joined-parts": 4}
    own = {tuple(tensor.shape) for tensor in module.state_dict().values()}
    assert {tuple(tensor.shape) for tensor in program.fill(module).values()} <= own
    inputs = [torch.randn(tensor.shape) for tensor in spec.inputs.values()]
    with torch.no_grad():
        given = program.exported.module(check_guards=False)(*inputs)
        torch.testing.assert_close(given, module(*inputs), rtol=0, atol=1e-5)


def test_weights_that_are_inputs_are_not_joined():
    """They would be copied in every run."""
    model = build(UoEConfig(**SIZES), seed=0).eval()
    spec = make_stages(model, "bind").specs[1].graphs[0]
    program = make_program(
        spec.name, spec.build(), spec.inputs, ("joined-parts",), bound=spec.bound
    )
    assert program.rewritten == {"joined-parts": 0}


def test_a_bundle_stores_each_expert_once(tmp_path):
    """Six routes of two of four experts, each joined by ONNX Runtime when it loads the graph."""
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_export import export_bundle

    model = build(UoEConfig(**SIZES), seed=0).eval()
    export_bundle(model, tmp_path / "b", skip_verify=True)
    record = Bundle.open(tmp_path / "b").target("onnx")
    assert record.rewrites == ("joined-parts",)
    stored = sum(tensor.nbytes for tensor in model.state_dict().values())
    assert record.sizes.distinct_bytes <= stored
    runner = open_runner(tmp_path / "b", record)
    step = next(graph for graph in record.graphs if graph.route == (1, 3))
    tokens, gates = torch.randn(1, 17, 16), torch.ones(1, 2)
    outputs = {spec.name: torch.zeros(spec.shape).numpy() for spec in step.outputs}
    inputs = {"tokens": tokens.numpy(), "gates": gates.numpy()}
    given = run(runner.load(step.name), inputs, outputs)["answer"]
    wanted = model.stage(1, (1, 3))(tokens, gates).detach()
    torch.testing.assert_close(torch.from_numpy(given), wanted, rtol=0, atol=1e-5)
