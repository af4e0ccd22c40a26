"""The grid and the table of classes have each share in its own cell."""

import pytest
from matplotlib.colors import to_hex

from mvmoe_deploy.picture_look import LIGHT

KEY = "dispatcher:digits:onnx"


@pytest.fixture(scope="module")
def found(factory, shown):
    """Of ten ants nine take route 0 and one route 1; all five bees take route 1."""
    lines = [factory.answer(KEY, i, ((int(i == 9),),), "ant") for i in range(10)]
    lines += [factory.answer(KEY, 10 + i, ((1,),), "bee") for i in range(5)]
    return shown(factory.run([factory.subject("dispatcher")], lines=lines), "classes")


def test_shares_of_each_class(found):
    assert found.rows() == [
        {"true class": "ant", "route": "0", "share of the class": "90%", "images": "9"},
        {"true class": "bee", "route": "1", "share of the class": "100%", "images": "5"},
        {"true class": "ant", "route": "1", "share of the class": "10%", "images": "1"},
    ]
    assert "n = 15 images" in found.chart().caption


def test_the_grid_writes_each_share_at_its_class_and_route(found):
    (axes,) = found.axes()

    cells = {text.get_text(): text.get_position() for text in axes.texts}
    assert cells == {"90": (0, 0), "10": (1, 0), "100": (1, 1)}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ant", "bee"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]
    strong = {
        (round(patch.get_x() + 0.47), round(patch.get_y() + 0.45)): patch.get_alpha()
        for patch in axes.patches
        if to_hex(patch.get_facecolor()) == LIGHT["c1"]
    }
    assert strong == pytest.approx({(0, 0): 0.912, (1, 0): 0.208, (1, 1): 1.0})
