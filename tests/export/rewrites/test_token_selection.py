"""`joined-selections`, `token-rows`, `flat-rows`, `token-products` and the arithmetic they need."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from mvmoe_deploy.models.token_selection import add_tokens, take_tokens, top_tokens
from mvmoe_export import rewrites
from mvmoe_export.programs import capture_stage, make_program
from mvmoe_export.rewrites import names_for
from mvmoe_export.targets.onnx.engines import ENGINES

PLACES, COUNT, WIDTH = 6, 3, 5
TOKENS, SCORES = torch.randn(1, PLACES, WIDTH), torch.randn(1, PLACES)
SEVERAL = torch.randn(3, PLACES, WIDTH), torch.randn(3, PLACES)
BY_INDEX = {
    "sort", "topk", "argmax", "max", "gather", "index_select", "index", "index_put", "scatter",
    "scatter_add",
}  # fmt: skip
CPU = names_for(ENGINES[0].needs)
SMALLEST = 2.0**-149


def named(graph):
    """The operators of a graph without their overloads."""
    return {operator.partition(".")[0] for operator in graph.operators}


class Chosen(nn.Module):
    """The chosen tokens of scores, among tokens that say their own places."""

    def __init__(self, places, count, largest=True):
        super().__init__()
        self.count, self.largest = count, largest
        self.register_buffer("places", torch.arange(places, dtype=torch.float32)[None, :, None])

    def forward(self, scores):
        order = torch.sort(scores, dim=1, descending=self.largest, stable=True).indices
        places = self.places.expand(len(scores), -1, -1)
        return take_tokens(places, order[:, : self.count])


def expected_places(row, count, largest=True):
    """Those of a stable sort, by Python's own."""
    order = sorted(range(len(row)), key=lambda place: -row[place] if largest else row[place])
    return order[:count]


def by_products(module, scores):
    """The module's graph without sort and gather."""
    graph = rewrites.AtenGraph(
        capture_stage("g", module, {"x": scores}).module(check_guards=False), (scores,)
    )
    assert rewrites.apply(graph, ["token-products"])["token-products"] == 1
    return graph.module


FINITE = st.one_of(
    st.integers(-2, 2).map(float),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.sampled_from([SMALLEST, -SMALLEST, 0.0, -0.0, 3.4e38, -3.4e38, 1.0, 1.0 + 2.0**-23]),
)
ROWS = st.lists(FINITE, min_size=PLACES, max_size=PLACES)
HARD = [1.0, 1.0 + 2.0**-23, -0.0, 0.0, SMALLEST, -3.4e38]


@pytest.fixture(scope="module", params=[True, False], ids=["highest", "lowest"])
def ranked(request):
    module = Chosen(PLACES, COUNT, request.param)
    return request.param, by_products(module, SCORES)


@settings(max_examples=150, deadline=None)
@given(row=ROWS)
@example(row=HARD)
@example(row=[2.0] * PLACES)
def test_products_choose_as_a_stable_sort_for_any_finite_scores(ranked, row):
    """Also where the difference is the smallest number there is, or none fp32 can hold."""
    largest, module = ranked
    found = module(torch.tensor([row]))[0, :, 0]
    assert found.tolist() == expected_places(torch.tensor(row).tolist(), COUNT, largest)


def test_products_are_exact_up_to_the_most_tokens_and_longer_choices_stay(check):
    scores = torch.randint(0, 300, (2, 1024), generator=torch.Generator().manual_seed(0)) / 7
    found = by_products(Chosen(1024, 600), scores)(scores)
    for row, places in zip(scores.tolist(), found[..., 0].tolist(), strict=True):
        assert places == expected_places(row, 600)
    assert check("token-products", Chosen(1025, 600), torch.randn(1, 1025)).changed == 0


def test_half_precision_chooses_by_the_scores_that_it_has():
    """Differences above the smallest normal number of fp16; ranks are whole numbers up to 2048."""
    scores = torch.randint(0, 9, (1, 50), generator=torch.Generator().manual_seed(0)).half() / 8
    module = Chosen(50, 25).half()
    found = by_products(module, scores)(scores)[0, :, 0]
    assert found.tolist() == expected_places(scores[0].tolist(), 25)


def layer(tokens, scores):
    index = top_tokens(scores, COUNT)
    return add_tokens(tokens, index, 2 * take_tokens(tokens, index))


def by_topk(tokens, scores):
    best, index = scores.topk(COUNT, 1)
    places = index.unsqueeze(-1).repeat(1, 1, WIDTH)
    return tokens.scatter_add(1, places, torch.take_along_dim(tokens, places, 1) * best[..., None])


def by_rows(tokens, scores):
    index = torch.argsort(scores[0], descending=True, stable=True)[:COUNT]
    return tokens.index_add(1, index, tokens.index_select(1, index).exp())


def by_places(tokens, scores):
    index = scores.topk(COUNT).indices
    images = torch.arange(len(tokens))[:, None]
    result = tokens.clone()
    result[images, index] += tokens[images, index] ** 2
    return result


def of_every_expert(tokens, scores):
    """One choice for each column, the tokens of all of them."""
    columns = torch.stack([scores, -scores, scores.sin()], -1)
    index = columns.topk(COUNT, 1).indices.transpose(1, 2).flatten(1)
    places = index.unsqueeze(-1).expand(-1, -1, WIDTH)
    return tokens.scatter_add(1, places, tokens.gather(1, places))


def gates(tokens, scores):
    """A router of experts inside a graph: the gates of those that it chose."""
    best, index = scores.softmax(-1).topk(2)
    return torch.zeros_like(scores).scatter(-1, index, best) @ tokens[:, :PLACES]


def members(tokens, scores):
    index = scores.topk(2).indices
    return torch.zeros_like(scores).scatter(-1, index, 1.0) @ tokens[:, :PLACES]


def sorted_scores(tokens, scores):
    best, index = torch.sort(scores, dim=-1, descending=True, stable=True)
    return take_tokens(tokens, index[:, 1:4]) * best[:, 1:4, None]


def best_of(tokens, scores):
    return take_tokens(tokens, scores.argmax(-1, keepdim=True)), scores.topk(2).values


def one_each(tokens, scores):
    """The first of a whole sort."""
    index = top_tokens(scores, 1)
    return add_tokens(tokens, index, scores.gather(1, index)[..., None] * tokens[:, :1])


WAYS = [
    one_each,
    layer,
    by_topk,
    by_rows,
    by_places,
    of_every_expert,
    gates,
    members,
    sorted_scores,
    best_of,
]


@pytest.mark.parametrize("way", WAYS)
def test_products_for_every_way_to_say_it(check, way):
    graph = check("token-products", way, TOKENS, SCORES, before=("views", "arithmetic"))
    assert graph.changed >= 1
    assert not named(graph) & BY_INDEX


@pytest.mark.parametrize("way", [one_each, layer, by_topk, of_every_expert, gates, sorted_scores])
def test_products_for_several_images(check, way):
    graph = check("token-products", way, *SEVERAL, before=("views",))
    assert not named(graph) & BY_INDEX


def numbers(tokens, scores):
    """Places that are read as numbers."""
    index = top_tokens(scores, COUNT)
    return take_tokens(tokens, index) + index[..., None]


def of_others(tokens, scores):
    """Rows of a table with more entries than were chosen from."""
    return take_tokens(torch.cat([tokens, tokens], 1), top_tokens(scores, COUNT))


def beside_others(tokens, scores):
    """The CLS token, and those that are chosen."""
    first = torch.zeros(len(scores), 1, dtype=torch.int64)
    return take_tokens(tokens, torch.cat([first, top_tokens(scores, COUNT)], 1))


@pytest.mark.parametrize("way", [numbers, of_others, beside_others])
def test_choices_that_are_no_one_hot_matrix_stay(check, way):
    assert check("token-products", way, TOKENS, SCORES).changed == 0


def test_the_weights_of_an_expert_are_gathered_and_not_multiplied(check):
    def expert(x, scores, stack):
        index = scores.topk(1).indices[0]
        return x @ stack.index_select(0, index)[0]

    x = torch.randn(1, 4, 128)
    large, small = torch.randn(PLACES, 128, 128), torch.randn(PLACES, 128, 4)
    assert check("token-products", expert, x, SCORES, stack=large).changed == 0
    assert check("token-products", expert, x, SCORES, stack=small).changed == 1


@pytest.mark.parametrize("way", [layer, by_topk, of_every_expert])
@pytest.mark.parametrize("images", [(TOKENS, SCORES), SEVERAL], ids=["one", "three"])
def test_rows_are_taken_and_added_as_rows(check, way, images):
    graph = check("token-rows", way, *images)
    assert not named(graph) & {"gather", "scatter_add", "sort"}
    assert {"topk", "index_select", "index_put"} <= named(graph)


def test_sorts_of_which_all_are_read_and_by_elements_of_one_number(check):
    def whole(scores):
        best, index = torch.sort(scores, dim=-1, descending=True, stable=True)
        return best, scores.gather(1, index)

    graph = check("token-rows", whole, SCORES)
    assert "topk" in named(graph) and "gather" in named(graph)


def one_by_one(tokens, scores, first, second):
    """What each expert makes of its tokens, one after the other."""
    result, columns = torch.zeros_like(tokens), scores[:, :, None] * first
    for expert in range(3):
        index = top_tokens(columns[..., expert], COUNT)
        rows = F.gelu(F.linear(take_tokens(tokens, index), second[expert]))
        result = add_tokens(result, index, rows)
    return tokens + result


WEIGHTS = {"first": torch.randn(3), "second": torch.randn(3, WIDTH, WIDTH)}


@pytest.mark.parametrize("before", [(), ("views", "slices")], ids=["as it is", "slices"])
@pytest.mark.parametrize("images", [(TOKENS, SCORES), SEVERAL], ids=["one", "three"])
def test_experts_choose_take_and_add_at_once(check, before, images):
    graph = check("joined-selections", one_by_one, *images, before=before, **WEIGHTS)
    assert graph.changed == 9
    for what in (("sort.stable",), ("gather.default", "index_select.default")):
        assert sum(map(graph.operators.count, what)) == 1
    put = ("scatter_add.default", "index_put.default")
    assert sum(map(graph.operators.count, put)) == 1


def test_what_is_not_the_same_stays_apart(check):
    def two(tokens, scores):
        """The second chooses among what the first has added."""
        index = top_tokens(scores, COUNT)
        tokens = add_tokens(tokens, index, take_tokens(tokens, index))
        index = top_tokens(tokens[..., 0], COUNT)
        return add_tokens(tokens, index, take_tokens(tokens, index))

    assert check("joined-selections", two, TOKENS, SCORES).changed == 0


def test_chosen_rows_stay_a_matrix(check):
    before = ("joined-selections", "token-rows")
    graph = check("flat-rows", one_by_one, TOKENS, SCORES, before=before, **WEIGHTS)
    layers = graph.module.graph.find_nodes(op="call_function", target=torch.ops.aten.linear.default)
    assert [node.meta["val"].ndim for node in layers] == [2, 2, 2]
    # The tokens as a matrix and back; the places of all; the tokens that are added to.
    assert graph.operators.count("reshape.default") <= 6
    assert check("flat-rows", lambda x: F.gelu(x.flatten(1)), TOKENS).changed == 0


def test_a_graph_that_chooses_nothing_stays_as_it_was_captured():
    module = nn.Sequential(nn.Linear(4, 4), nn.Hardsigmoid())
    program = make_program("g", module, {"x": torch.randn(1, 4)}, CPU)
    assert program.rewritten == {}
    called = {str(node.target) for node in program.exported.graph.nodes}
    assert "aten.hardsigmoid.default" in called


@settings(max_examples=6, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=30))
def test_ceilings_and_minimums_by_other_operators(check, row):
    x = torch.tensor(row)
    assert check("ceilings", torch.ceil, x).changed == 1
    graph = check("minimums", torch.minimum, x, x.flip(0))
    assert "minimum.default" not in graph.operators


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("name", ["cpu", "nnapi", "coreml-ep"])
def test_onnx_runtime_chooses_as_a_stable_sort(name, largest):
    """Its top-k too gives equal scores in their order."""
    import onnxruntime

    from mvmoe_export.targets.onnx.profiles import REWRITES
    from mvmoe_export.targets.onnx.template import make_template

    module = Chosen(50, 25, largest)
    scores = torch.randint(0, 9, (40, 50), generator=torch.Generator().manual_seed(0)) / 8
    inputs = {"scores": scores[:1]}
    template = make_template("g", module, inputs, ("chosen",), 20, rewrites=REWRITES[name])
    session = onnxruntime.InferenceSession(
        template.body.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    filled = template.fill(module)
    for row in scores.numpy():
        (found,) = session.run(None, {"scores": row[None], **filled})
        assert found[0, :, 0].tolist() == expected_places(row.tolist(), 25, largest)
    hard = np.array([*HARD, *[-1.0] * 44], np.float32)[None]
    (found,) = session.run(None, {"scores": hard, **filled})
    assert found[0, :, 0].tolist() == expected_places(hard[0].tolist(), 25, largest)


def attending(heads, joint=False):
    """Two experts' heads, each among its own tokens; joint: the second's are of the first."""

    def way(tokens, scores, first, second):
        result = tokens
        for expert, weight in enumerate((first, second)):
            read = result if joint else tokens
            rows = take_tokens(read, top_tokens(scores if expert else -scores, COUNT))
            parts = F.linear(rows, weight).chunk(3, -1)
            q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts)
            mixed = F.scaled_dot_product_attention(q, k, v, scale=0.3)
            result = result + mixed.transpose(1, 2).flatten(2).sum() * tokens
        return result

    return way


QKV = {name: torch.randn(12, WIDTH) for name in ("first", "second")}


@pytest.mark.parametrize("before", [(), ("views", "slices")], ids=["as it is", "slices"])
@pytest.mark.parametrize("images", [(TOKENS, SCORES), SEVERAL], ids=["one", "three"])
@pytest.mark.parametrize("heads", [1, 2])
def test_experts_attend_side_by_side(check, heads, images, before):
    graph = check("joined-attention", attending(heads), *images, before=before, **QKV)
    assert graph.changed == 2
    assert graph.operators.count("scaled_dot_product_attention.default") == 1
    # Of one head each, q, k and v are cut out of both experts' at once.
    assert graph.operators.count("cat.default") == (1 if heads == 1 else 3)


def test_attentions_that_depend_on_each_other_stay_apart(check):
    graph = check("joined-attention", attending(1, joint=True), TOKENS, SCORES, **QKV)
    assert graph.changed == 0
