"""What every kind of output keeps to, whatever its numbers mean."""

import msgspec
import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.preprocessing import InputTransform

SHAPES = {
    "logits": (7,),
    "embedding": (5,),
    "boxes": (6, 7),
    "mask": (3, 4, 5),
    "map": (1, 4, 5),
    "tensor": (2, 3),
}
REFUSED = {
    "logits": [(), (2, 3), (0,)],
    "embedding": [(), (1, 2), (0,)],
    "boxes": [(), (7,), (6, 4), (0, 6), (1, 6, 7)],
    "mask": [(), (4, 5), (1, 3, 4, 5), (3, 0, 5)],
    "map": [(), (4, 5), (1, 3, 4, 5)],
    "tensor": [(), (1,) * 8, (0,)],
}
DECIDING = ("boxes", "embedding", "logits", "mask")


def arrays(name, images=3):
    values = st.floats(-100, 100, width=32)
    return npst.arrays(np.float32, (images, *SHAPES[name]), elements=values)


def test_each_built_in_kind_is_looked_at_here():
    assert sorted(SHAPES) == part_lookup.built_in_names("outputs")


@pytest.mark.parametrize("name", SHAPES)
def test_a_kind_is_found_by_its_name_and_takes_its_shapes(name):
    kind = find_kind(name)
    assert kind.name == name
    kind.require_shape(SHAPES[name])
    for shape in REFUSED[name]:
        with pytest.raises(InputError) as refused:
            kind.require_shape(shape)
        assert refused.value.code == "input.output-shape"
        assert refused.value.fields["kind"] == name
        assert refused.value.fields["found"] == list(shape)


def test_an_unknown_kind_is_refused_with_those_that_there_are():
    with raises(InputError, "part.unknown", kind="outputs", name="sound") as refused:
        find_kind("sound")
    assert refused.value.fields["installed"] == sorted(SHAPES)


def test_how_many_labels_fit():
    found = {name: find_kind(name).classes(shape) for name, shape in SHAPES.items()}
    expected = {"logits": 7, "embedding": None, "boxes": 3, "mask": 3, "map": None, "tensor": None}
    assert found == expected


@pytest.mark.parametrize("name", SHAPES)
def test_a_kind_says_whether_it_has_a_picture(name):
    kind, image = find_kind(name), Image.new("RGB", (20, 10))
    transform = InputTransform((20, 10), (20, 10), 0, 0, (20, 10))
    picture = kind.picture(np.zeros(SHAPES[name], np.float32), None, image, transform)
    assert (picture is not None) == kind.has_picture == (name in ("boxes", "mask", "map"))


def test_what_is_asked_of_each_kind():
    bounds = Bounds(agreement=0.9, answer_error=0.02)
    found = {name: find_kind(name).least_agreement(bounds) for name in SHAPES}
    expected = {"logits": 0.9, "embedding": 0.98, "boxes": 0.9, "mask": 0.9}
    assert found == {"map": None, "tensor": None, **expected}
    assert sorted(name for name in SHAPES if find_kind(name).measure) == list(DECIDING)


@pytest.mark.parametrize("name", DECIDING)
@given(data=st.data(), limit=st.floats(-1, 50))
@settings(max_examples=60, deadline=None)
def test_the_same_values_agree(name, data, limit):
    kind, values = find_kind(name), data.draw(arrays(name))
    found = kind.agreement(values, values.copy(), limit)
    assert found.agreement.shape == found.decided.shape == (3,)
    np.testing.assert_allclose(found.agreement[found.decided], 1, rtol=0, atol=1e-12)
    assert kind.summary(found) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", DECIDING)
@given(data=st.data(), bad=st.sampled_from([np.nan, np.inf, -np.inf]))
@settings(max_examples=60, deadline=None)
def test_what_is_not_finite_never_agrees(name, data, bad):
    kind, values = find_kind(name), data.draw(arrays(name))
    spoiled = values.copy()
    spoiled[1].flat[data.draw(st.integers(0, values[1].size - 1))] = bad
    for ours, theirs in ((spoiled, values), (spoiled, spoiled), (values, spoiled)):
        found = kind.agreement(ours, theirs, limit=1e9)
        assert found.decided[1]
        assert found.agreement[1] == 0
        assert kind.summary(found) < 1


@pytest.mark.parametrize("name", DECIDING)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_agreement_is_a_share_of_each_image_alone(name, data):
    kind = find_kind(name)
    ours, theirs = data.draw(arrays(name)), data.draw(arrays(name))
    found = kind.agreement(ours, theirs, 0.5)
    assert ((found.agreement >= 0) & (found.agreement <= 1)).all()
    for image in range(3):
        alone = kind.agreement(ours[[image]], theirs[[image]], 0.5)
        assert alone.agreement[0] == pytest.approx(found.agreement[image], abs=1e-12)
        assert alone.decided[0] == found.decided[image]


@pytest.mark.parametrize("name", ["map", "tensor"])
def test_what_decides_nothing_is_judged_by_its_errors_alone(name):
    values = np.zeros((2, *SHAPES[name]), np.float32)
    assert find_kind(name).agreement(values, values) is None


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_all_numbers_are_compared_in_some_part(name, data):
    kind, values = find_kind(name), data.draw(arrays(name))
    pieces = kind.values(values)
    assert sum(piece.size for piece in pieces.values()) == values.size
    assert all(len(piece) == len(values) for piece in pieces.values())
    if kind.measure:
        assert kind.decides_by in pieces


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_value_is_shown_as_a_table_and_as_json(name, data):
    kind, value = find_kind(name), data.draw(arrays(name, images=1))[0]
    table = kind.describe(value, None)
    assert all(len(row) == len(table.columns) for row in table.rows)
    found = kind.data(value, None)
    assert isinstance(msgspec.json.decode(msgspec.json.encode(found)), dict)
