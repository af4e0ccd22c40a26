"""Programs: what goes into the prologue, what becomes a slot, and what is refused."""

import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_export.programs import make_program, program_weights

ALL = ("views", "slices", "projections", "rank", "attention", "layer-norm", "averages", "views")
X = torch.randn(1, 4, 8)


def run(module, *inputs, names=ALL):
    """The program of a module, after its values were compared with the module's."""
    named = {f"input{number}": given for number, given in enumerate(inputs)}
    program = make_program("graph", module.eval(), named, names)
    compare(program, module, *inputs)
    return program


def compare(program, module, *inputs):
    with torch.no_grad():
        expected = module(*inputs)
        found = program.exported.module(check_guards=False)(*inputs)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def calls(program):
    nodes = program.exported.graph.nodes
    return [str(node.target) for node in nodes if node.op == "call_function"]


class Positions(nn.Module):
    """A table that is read by an index made in forward, of a buffer, and of a constant."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(7, 8))
        self.register_buffer("index", torch.tensor([[0, 2], [1, 3]]), persistent=False)

    def forward(self, x):
        steps = torch.arange(4, device=x.device) + torch.full((4,), 2) - torch.tensor([1, 0, 1, 2])
        learned = self.table[self.index.view(-1)].view(4, 8) + self.table[steps]
        return x + learned + torch.zeros_like(x) + torch.ones(8, dtype=torch.float64).to(x.dtype)


def test_what_is_made_of_weights_is_made_at_export():
    program = run(Positions(), X)
    assert set(calls(program)) == {"aten.add.Tensor"}


@pytest.mark.parametrize("names", [ALL, ()])
def test_another_member_fills_the_slots(names):
    first, second = (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval() for _ in "12")
    program = run(first, X, names=names)
    contents = program.fill(second)
    assert set(contents) == set(program.slots)
    for slot, content in contents.items():
        program.exported.state_dict[slot] = nn.Parameter(content, requires_grad=False)
    compare(program, second, X)


def test_without_rewrites_the_slots_are_the_weights():
    program = run(nn.Linear(8, 3), X, names=())
    assert sorted(program.slots) == ["stage.bias", "stage.weight"]
    assert program.rewritten == {}


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(8, 8), nn.Linear(8, 8)
        self.other.weight = self.one.weight

    def forward(self, x, unused):
        return self.other(self.one(x)), x, self.one.weight


@pytest.mark.parametrize("names", [ALL, ()])
def test_tied_weights_unused_inputs_and_weights_as_outputs(names):
    run(Tied(), X, torch.randn(2), names=names)


def test_a_deep_model():
    run(nn.Sequential(*[nn.Tanh() for _ in range(1100)], nn.Linear(8, 8)), X)


class Branch(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Chosen(nn.Module):
    def forward(self, x):
        return x[x > 0]


class Changing(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        self.count += 1
        return x + self.count


class Greedy(nn.Module):
    def forward(self, x):
        x += 1
        return x


@pytest.mark.parametrize("module", [Branch(), Chosen(), Changing(), Greedy()])
@pytest.mark.parametrize("names", [ALL, ()])
def test_what_cannot_be_a_graph_is_refused_in_one_sentence(module, names):
    with raises(InputError, "export.graph-refused", graph="this") as error:
        make_program("this", module, {"x": X}, names)
    assert "\n" not in str(error.value)


class Passing(nn.Module):
    """Outputs that are the input, one value twice, views that show all of it, and a weight."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x):
        y = self.linear(x)
        return x, y, y, y[:], x.view_as(x), self.linear.bias


@pytest.mark.parametrize("names", [ALL, ()])
def test_every_output_has_a_value_of_its_own(names):
    program = run(Passing(), X, names=names)
    (end,) = program.exported.graph.find_nodes(op="output")
    (values,) = end.args
    assert len(set(values)) == len(values) == 6
    assert all(value.op == "call_function" for value in values)


class Seeded(nn.Module):
    def forward(self, x):
        torch.manual_seed(0)
        return x + torch.rand(8)


@pytest.mark.parametrize("names", [ALL, ()])
def test_random_numbers_are_refused_even_with_a_seed(names):
    with pytest.raises(InputError, check=lambda error: error.code == "export.graph-refused"):
        make_program("this", Seeded().eval(), {"x": X}, names)


class WithGradients(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x):
        with torch.enable_grad():
            return self.linear(x).tanh()


@pytest.mark.parametrize("names", [ALL, ()])
def test_gradients_that_are_switched_on_leave_no_trace(names):
    program = run(WithGradients(), X, names=names)
    assert not [call for call in calls(program) if "grad" in call]


class Idle(nn.Module):
    """Operators that are random in training alone."""

    def __init__(self):
        super().__init__()
        self.cells = nn.GRU(8, 8, batch_first=True, num_layers=2, dropout=0.5)
        self.drop, self.leaky = nn.Dropout(0.5), nn.RReLU()

    def forward(self, x):
        mixed = nn.functional.scaled_dot_product_attention(x, x, x)
        return self.leaky(self.drop(self.cells(x)[0] + mixed))


@pytest.mark.parametrize("names", [ALL, ()])
def test_what_is_random_in_training_alone_is_captured(names):
    run(Idle(), X, names=names)


def test_a_relu6_has_bounds_that_are_floats():
    program = run(nn.Sequential(nn.Linear(8, 8), nn.ReLU6()), X)
    (node,) = program.exported.graph.find_nodes(
        op="call_function", target=torch.ops.aten.hardtanh.default
    )
    assert [(type(bound), bound) for bound in node.args[1:]] == [(float, 0.0), (float, 6.0)]


class TwoExperts(nn.Module):
    """Two experts with a weight each, and one that both share; the second is read first."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Parameter(torch.randn(8, 8))
        self.own = nn.ParameterList(torch.randn(8, 8) for _ in range(2))

    def forward(self, x):
        late = x @ self.own[1].mT.contiguous()
        early = x @ (self.shared + self.own[0])
        return late + early + x @ (self.own[0] + self.own[1])


def test_bound_weights_are_inputs_in_the_order_in_which_they_are_read():
    module = TwoExperts()
    bound = {"own.0": 0, "own.1": 1}
    program = make_program("graph", module, {"x": X}, ALL, bound=bound)
    assert [(slot.name, slot.place) for slot in program.bound] == [
        ("place1_own_1_0", 1),  # Turned, as `mT` wants it.
        ("place0_own_0", 0),
        ("place1_own_1", 1),
    ]
    assert program.slots == ("stage.shared",)


def test_bound_weights_are_not_mixed_with_others_before_the_graph_runs():
    """A sum with a shared weight would be stored for each expert, one of two for each pair."""
    bound = {"own.0": 0, "own.1": 1}
    first, second = TwoExperts(), TwoExperts()
    second.shared = first.shared
    program = make_program("graph", first, {"x": X}, ALL, bound=bound)
    given = []
    for slot, other in zip(program.bound, (first, second, first), strict=True):
        contents = program.bound_contents(program_weights(other), slot.place)
        assert set(contents) == {one.name for one in program.bound if one.place == slot.place}
        given.append(contents[slot.name])
    compare_bound(program, (first, second, first), given)


def compare_bound(program, modules, given):
    """The program with contents of other modules, against the sum written out."""
    late, early, both = (module.own for module in modules)
    wanted = X @ late[1].mT + X @ (modules[0].shared + early[0]) + X @ (early[0] + both[1])
    found = program.exported.module(check_guards=False)(X, *given)
    torch.testing.assert_close(
        found[0] if isinstance(found, tuple | list) else found, wanted, rtol=1e-5, atol=1e-5
    )
