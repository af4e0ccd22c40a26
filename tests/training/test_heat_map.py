"""The heat map of any run is a picture that can be opened and is not absurdly large."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.picture_look import LIGHT
from mvmoe_deploy.training.heat_map import draw_class_to_expert
from mvmoe_deploy.training.training_report import DenseReport, RoutingReport, TrainReport


def _report(classes: int, experts: int, stages: int) -> TrainReport:
    shares = np.random.default_rng(0).dirichlet(np.ones(experts), size=(stages, classes))
    names = [f"{number} a rather long name of a class" for number in range(classes)]
    routing = RoutingReport(
        routing="super-class",
        checkpoint="super-class",
        test_accuracy=0.9,
        held_out_accuracy=0.9,
        router_accuracy=0.8,
        mean_gate=0.7,
        route_usage=(),
        expert_usage=shares.mean(axis=1).tolist(),
        super_classes=[names[expert::experts] for expert in range(experts)],
        class_to_expert=shares.tolist(),
    )
    return TrainReport(
        data="made up",
        classes=names,
        images={},
        processes=1,
        device="cpu",
        measure="top-1",
        dense=DenseReport(
            checkpoint="dense", test_accuracy=0.9, held_out_accuracy=0.9, confusion=[]
        ),
        routings=(routing,),
        seconds={},
    )


@pytest.mark.parametrize(("classes", "experts", "stages"), [(2, 2, 1), (12, 3, 2), (1000, 10, 1)])
def test_runs_of_any_size_can_be_drawn(
    tmp_path: Path, classes: int, experts: int, stages: int
) -> None:
    draw_class_to_expert(_report(classes, experts, stages), tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.format == "PNG"
        assert 500 < picture.width < 6100
        assert 350 < picture.height < 4600
        assert len(picture.convert("RGB").getcolors(2**24)) > 20


def test_names_are_not_formulas(tmp_path: Path) -> None:
    report = replace(_report(2, 2, 1), classes=[r"a$\b$c", r"$\frac{"], data="/tmp/$x^$")
    routing = replace(report.routings[0], super_classes=[[name] for name in report.classes])
    draw_class_to_expert(replace(report, routings=(routing,)), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").exists()


def test_a_picture_replaces_its_own_kind_alone(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    for _ in range(2):
        draw_class_to_expert(_report(2, 2, 1), path)
    Image.new("L", (8, 8)).save(path)
    before = path.read_bytes()
    with raises(InputError, "output.foreign", path=str(path)):
        draw_class_to_expert(_report(2, 2, 1), path)
    assert path.read_bytes() == before


def test_it_has_the_colours_and_the_ground_of_the_reports_pictures(tmp_path: Path) -> None:
    report = _report(2, 2, 1)
    routing = replace(report.routings[0], class_to_expert=[[[1.0, 0.0], [0.0, 1.0]]])
    draw_class_to_expert(replace(report, routings=(routing,)), tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        found = picture.convert("RGB")
    counts = {f"#{r:02x}{g:02x}{b:02x}": n for n, (r, g, b) in found.getcolors(2**24)}
    most = sorted(counts, key=counts.__getitem__, reverse=True)
    assert most[0] == LIGHT["surface"]
    # Two whole cells of four are of all images, and two of none.
    assert LIGHT["c1"] in most[:3]
    assert LIGHT["ink"] in counts and LIGHT["muted"] in counts
