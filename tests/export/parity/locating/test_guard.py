"""The route guard names the operator that an exporter got wrong, with its stage and layer."""

import pytest

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_export import export_bundle
from mvmoe_export.targets.onnx import template


@pytest.fixture
def wrong_exporter(monkeypatch):
    """Lets the ONNX exporter take another operator for one that makes a value of some graph."""
    export = template._export

    def plant(graph, value, kind):
        def wrongly(name, *others):
            model = export(name, *others)
            if name == graph:
                (node,) = [one for one in model.graph if one.outputs[0].name == value]
                node.op_type = kind
                node.attributes.clear()
            return model

        monkeypatch.setattr(template, "_export", wrongly)

    return plant


@pytest.mark.parametrize(("strategy", "graph"), [("dispatch", "step1_e0"), ("experts", "step1_e0")])
def test_the_wrong_operator_is_named(wrong_exporter, model, tmp_path, strategy, graph):
    wrong_exporter(graph, "gelu", "Tanh")
    with pytest.raises(CheckFailedError) as caught:
        export_bundle(model, tmp_path / "bad.bundle", targets=["onnx"], strategy=strategy)
    fields = caught.value.fields
    assert (fields["target"], fields["graph"], fields["stage"]) == ("onnx", graph, int(graph[4]))
    assert (fields["operator"], fields["node"]) == ("aten.gelu.default", "gelu")
    assert (fields["engine_operator"], fields["engine_value"]) == ("Tanh", "gelu")
    assert fields["layer"] == f"experts.0.{graph[-1]}.1"
    assert "at operator aten.gelu.default (gelu) near layer experts." in str(caught.value)
    assert not list(tmp_path.iterdir())
