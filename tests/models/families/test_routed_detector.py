"""The routed detector: its sizes, its routing, its boxes, and what it learns from."""

import math

import pytest
import torch
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import (
    Checkpoint,
    build,
    find_family,
    load_checkpoint,
    preset,
    save_checkpoint,
)
from mvmoe_deploy.models.counting import count
from mvmoe_deploy.models.families.routed_detector import RoutedDetector, RoutedDetectorConfig
from mvmoe_deploy.models.families.routed_detector.detection_losses import (
    assign,
    detection_losses,
    overlaps_of,
)
from mvmoe_deploy.models.families.routed_detector.network import REACH, cells
from mvmoe_deploy.models.stage_tensors import run_stage
from mvmoe_deploy.training.datasets.shapes import draw_shapes

FAMILY = find_family("routed_detector")
CONFIG = preset("routed_detector_tiny")


@pytest.fixture(scope="module")
def model() -> RoutedDetector:
    """Norms with statistics of their own, so that each is seen."""
    made = build(CONFIG, seed=0)
    generator = torch.Generator().manual_seed(0)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(0.1 * torch.randn(module.num_features, generator=generator))
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    for router in made.routers:
        router.linear.weight.data.mul_(4)
    return made.eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_sizes_are_those_worked_out_by_hand(model):
    stem, (a, b, c), head, classes = 8, (12, 16, 20), 12, 5

    def block(width, given):  # A kernel without a bias, and a norm's weight and bias.
        return 9 * width * given + 2 * given

    shared = block(3, stem) + block(stem, stem) + block(stem, a) + block(a, b) + block(b, c)
    routers = (a + 1) * 2 + (b + 1) * 3 + (c + 1) * 4 + 2 * (a + b + c)  # And their norms.
    heads = (a + b + c) * head + 3 * head + 2 * (4 * head * head + head)
    heads += 3 * (block(head, head) + (head + 1) * (4 + classes))
    experts = [block(width, width) for width in (a, b, c)]
    counted = count(model)
    rest = shared + routers + heads
    assert counted.params_total == rest + 2 * experts[0] + 3 * experts[1] + 4 * experts[2]
    assert counted.params_active == rest + 2 * sum(experts)


def test_a_row_for_each_cell_of_each_scale(model, images):
    rows = model(images)
    assert rows.shape == (5, 8 * 8 + 4 * 4 + 2 * 2, 4 + 5)
    centres, strides = cells(64)
    assert centres[:2].tolist() == [[4, 4], [12, 4]] and centres[-1].tolist() == [48, 48]
    assert strides.unique().tolist() == [8, 16, 32]
    middles = (rows[..., :2] + rows[..., 2:4]) / 2
    assert bool((rows[..., 2:4] > rows[..., :2]).all())
    assert bool(((middles - centres).abs() <= REACH * strides[:, None]).all())
    assert bool(((rows[..., 4:] >= 0) & (rows[..., 4:] <= 1)).all())


def test_an_image_does_not_depend_on_its_batch(model, images):
    with torch.no_grad():
        together = model(images)
        for number, image in enumerate(images):
            # fp32 in another order of additions; the largest coordinate is about 100.
            torch.testing.assert_close(model(image[None])[0], together[number], atol=1e-3, rtol=0)


def test_two_experts_a_stage_whose_gates_sum_to_one(model, images):
    output = model.forward_routed(images)
    assert [members.shape[1] for members in output.members] == [2, 3, 4]
    for members, gates in zip(output.members, output.gates, strict=True):
        assert members.sum(dim=1).tolist() == [2] * 5
        torch.testing.assert_close(gates.sum(dim=1), torch.ones(5))
        assert bool(((gates > 0) == members).all())


def test_stages_and_joined_experts_answer_as_the_model(model, images):
    routes = [(1, 0), (2, 0), (3, 1)]
    image = images[:1]
    with torch.no_grad():
        wanted = model.forward_routed(image, routes)
        state = {"image": image} | run_stage(model.stage(0, ()), {"image": image}, alone="found")
        joined = dict(state)
        for index, route in enumerate(routes, start=1):
            gates = wanted.gates[index - 1][:, route]
            state |= run_stage(model.stage(index, route), state, gates, "found")
            join = model.join(index, 2)
            taken = [joined[name] for name in (["scale_1", "scale_2"] if index == 3 else [])]
            maps = joined["maps"]
            given = [model.expert(index, expert)(maps) for expert in route]
            joined |= join(*taken, maps, *given, gates)
    for given in (state, joined):
        torch.testing.assert_close(given["found"], wanted.logits, atol=1e-3, rtol=0)


def test_it_starts_as_its_dense_twin(images):
    dense = build(CONFIG.dense(), seed=3).eval()
    model = FAMILY.from_dense(dense, CONFIG).eval()
    with torch.no_grad():
        # Gates sum to 1, and all experts are the dense one.
        torch.testing.assert_close(model(images), dense(images), atol=1e-3, rtol=0)
    with pytest.raises(InputError, check=lambda error: error.code == "model.config-invalid"):
        FAMILY.from_dense(dense, CONFIG.replace(head_width=16))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"image_size": 72}, "image_size"),
        ({"image_size": 32}, "image_size"),
        ({"experts": (4, 1, 4)}, "experts"),
        ({"experts": (4, 8, 16), "top_k": 5}, "experts"),
        ({"widths": (0, 1, 1)}, "widths"),
        ({"widths": (1, 1)}, "widths"),
    ],
)
def test_sizes_that_make_no_network_are_refused(fields, name):
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == name):
        RoutedDetectorConfig(**fields)


def test_the_input_is_the_whole_image():
    assert build(CONFIG, seed=0).input.resize == "letterbox"


def boxes(*found):
    """Labels `[1, M, 5]`."""
    return torch.tensor([[list(box) for box in found]], dtype=torch.float32)


def test_a_box_is_found_at_the_scale_of_its_longer_side():
    centres, strides = cells(128)
    for box, stride in (
        ((0, 20, 20, 60, 30), 8),
        ((0, 20, 20, 30, 70), 16),
        ((0, 0, 0, 100, 9), 32),
    ):
        found = assign(boxes(box), centres, strides)
        assert set(strides[found.positive[0]].tolist()) == {stride}


def test_cells_around_the_middle_answer_if_they_lie_in_the_box():
    centres, strides = cells(64)
    # The middle is at (20, 20), a cell's; three cells each way lie within 1.5 strides of it.
    found = assign(boxes((3, 0, 10, 40, 30)), centres, strides)
    answering = centres[found.positive[0]].tolist()
    assert answering == [[x, y] for y in (12, 20, 28) for x in (12, 20, 28)]
    assert set(found.classes[found.positive].tolist()) == {3}


def test_a_box_between_all_cells_has_the_nearest():
    centres, strides = cells(64)
    found = assign(boxes((1, 6, 6, 9, 9)), centres, strides)
    assert centres[found.positive[0]].tolist() == [[4, 4]]


def test_a_cell_that_two_boxes_want_answers_for_the_smaller():
    centres, strides = cells(64)
    found = assign(boxes((0, 0, 0, 40, 40), (1, 12, 12, 28, 28)), centres, strides)
    at = centres.tolist().index([20.0, 20.0])
    assert found.classes[0, at] == 1


def test_without_boxes_no_cell_answers():
    centres, strides = cells(64)
    assert not assign(boxes((-1, 0, 0, 0, 0)), centres, strides).positive.any()


def test_overlaps_worked_out_by_hand():
    pair = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2]])
    generous, shared = overlaps_of(*pair)
    assert shared.item() == pytest.approx(1 / 3, abs=1e-5)
    assert generous.item() == pytest.approx(1 / 3, abs=1e-5)  # Nothing around the union is free.
    apart, none = overlaps_of(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[3.0, 0, 4, 1]]))
    assert none.item() == 0 and apart.item() == pytest.approx(-0.5, abs=1e-5)


def test_a_perfect_answer_costs_nothing_and_a_missed_box_does():
    centres, strides = cells(64)
    label = boxes((2, 10, 10, 30, 30))
    raw = torch.full((1, len(centres), 4 + 5), -20.0)
    rows = torch.zeros_like(raw)
    rows[..., :4] = torch.tensor([10.0, 10, 30, 30])
    positive = assign(label, centres, strides).positive
    raw[..., 6] = torch.where(positive, 20.0, -20.0)
    right = detection_losses(raw, rows, label, centres, strides)
    assert sum(right.values()).item() == pytest.approx(0, abs=1e-4)
    raw[..., 6] = -20.0
    missed = detection_losses(raw, rows, label, centres, strides)
    assert missed["scores"].item() == pytest.approx(20, abs=0.1)
    rows[..., :4] += 40
    assert detection_losses(raw, rows, label, centres, strides)["overlap"].item() > 2


def test_boxes_come_nearer_and_every_router_learns():
    drawn = draw_shapes(8, side=64)
    images = torch.from_numpy(drawn.images).permute(0, 3, 1, 2) / 255
    label = torch.from_numpy(drawn.boxes)
    label[..., 1:] *= 64
    model = build(CONFIG, seed=0).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    overlaps, sums = [], []
    for _ in range(30):
        terms = FAMILY.losses(model.forward_routed(images), label, 0.0)
        overlaps.append(terms["overlap"].item())
        sums.append(sum(terms.values()))
        optimizer.zero_grad()
        sums[-1].backward()
        optimizer.step()
    # That of the scores rises first: they are to be the overlaps, which begin near 0.
    assert overlaps[-1] < 0.7 * overlaps[0] and all(math.isfinite(each.item()) for each in sums)
    assert all(router.linear.weight.grad.abs().sum() > 0 for router in model.routers)


def test_a_stored_detector_answers_the_same(model, images, tmp_path):
    save_checkpoint(Checkpoint(model, labels=list("abcde")), tmp_path / "stored")
    stored = load_checkpoint(tmp_path / "stored").model
    with torch.no_grad():
        assert torch.equal(stored(images), model(images))
