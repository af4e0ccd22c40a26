"""An export leaves the caller's model in the mode that it was in."""

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_export.evaluation_mode import evaluation_mode


@pytest.fixture
def mixed(zoo):
    """A model in training mode with parts in evaluation mode, as in fine-tuning."""
    model = zoo.enliven(zoo.Foreign(experts=2)).train()
    model.embed.eval()
    model.experts[0][1].eval()
    return model


def modes(model):
    return {name: module.training for name, module in model.named_modules()}


@pytest.mark.usefixtures("shared_templates")
def test_an_export_leaves_every_module_in_its_mode(mixed, export):
    before = modes(mixed)
    assert set(before.values()) == {True, False}
    export(mixed)
    assert modes(mixed) == before


def test_a_refused_export_leaves_every_module_in_its_mode(mixed, export):
    before = modes(mixed)
    with raises(InputError, "export.too-many-graphs", limit=1):
        export(mixed, strategy="dispatch", max_graphs=1)
    with raises(InputError, "part.unknown", kind="targets", name="no-such-target"):
        export(mixed, targets=["no-such-target"])
    assert modes(mixed) == before


def test_the_modes_come_back_whatever_the_body_raises(mixed):
    before = modes(mixed)
    with pytest.raises(KeyboardInterrupt), evaluation_mode(mixed):
        assert not any(modes(mixed).values())
        raise KeyboardInterrupt
    assert modes(mixed) == before


def test_what_is_no_module_is_left_alone():
    with evaluation_mode(object()):
        pass
