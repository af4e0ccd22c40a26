"""How many pieces ONNX Runtime's mobile providers would cut a graph into, as its own tool says."""

from collections import Counter
from typing import Any

import onnx

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.runtime.runners.onnx.importing import import_onnxruntime
from mvmoe_export.targets.onnx.shape_inference import inferred as with_shapes

_CHECKER = "onnxruntime.tools.mobile_helpers.usability_checker"
_COREML_OPERATORS = "coreml_supported_mlprogram_ops.md"


def placement(model: onnx.ModelProto) -> tuple[manifest.Placement, ...]:
    """Pieces and verdict for NNAPI and for Core ML (ML Program), of a graph of fixed shapes.

    The tool is onnxruntime's mobile usability checker (`onnxruntime.tools`); what it does not check
    may still keep a node from the provider. Nothing of a graph without nodes, such as that of an
    expert which adds nothing: the tool divides by their number.
    """
    if not model.graph.node:
        return ()
    usability_checker = import_onnxruntime(_CHECKER)
    inferred = with_shapes(model)
    if not inferred.graph.value_info:
        # Every node gives an output of the graph; the tool would ask for shapes all the same.
        inferred.graph.value_info.extend(inferred.graph.output)
    nodes = Counter(node.op_type for node in model.graph.node)
    nnapi = usability_checker.check_nnapi_partitions(inferred, True)
    coreml = usability_checker.check_coreml_partitions(inferred, True, _COREML_OPERATORS)
    return _record("nnapi", nnapi, nodes), _record("coreml-ep", coreml, nodes)


def _record(engine: str, found: Any, nodes: Counter[str]) -> manifest.Placement:
    """The manifest's record of what the tool found."""
    refused = {name.split(":")[-1] for name in found.unsupported_ops}
    refused |= {name.split(":")[-1] for name in found.ops_with_unsupported_rank}
    return manifest.Placement(
        engine=engine,
        partitions=found.num_partitions,
        nodes=found.num_nodes,
        nodes_outside=found.num_nodes - found.num_supported_nodes,
        outside={name: nodes[name] for name in sorted(refused)},
        verdict=found.suitability().name,
    )
