"""The texts in a package, which Xcode shows: of the model, and of each input and output."""

from typing import Any

from mvmoe_export.captured import CapturedFamily, CapturedGraph
from mvmoe_export.targets.coreml.options import ConversionOptions

_FEATURES = {
    "image": "Images, normalised: (pixel / 255 - mean) / std in each channel",
    "gates": "The weights of the experts' outputs, as the host took them from the router's logits",
    "experts": "The indices of the experts that the host selected",
    "logits": "The router's logits as they are: the host selects the route of the next stage",
    "answer": "The model's answer, as its last layer gives it",
}
_PASSED_ON = {True: "A tensor that a stage before gave", False: "A tensor for later stages"}
"""Of inputs and outputs without a meaning that is known here."""

_BOUND = "A weight of an expert of the route, as the bundle's file of weights has it"

_PIXELS = "One image; the graph normalises its pixels itself"


def describe(features: Any, family: CapturedFamily, graph: CapturedGraph) -> None:
    """Set the text of each of a graph's inputs and outputs (`FeatureDescription`), with shapes.

    What is neither in the family is a weight that is bound to the graph.
    """
    taken = {spec.name: spec.shape for spec in family.inputs}
    shapes = taken | {spec.name: spec.shape for spec in family.outputs}
    for feature in features:
        kind = feature.type.WhichOneof("Type")
        text = _FEATURES.get(feature.name, _PASSED_ON[feature.name in taken])
        text = _PIXELS if kind == "imageType" else text
        text = text if feature.name in shapes else _BOUND
        shape = shapes.get(feature.name, feature.type.multiArrayType.shape)
        sizes = " x ".join(map(str, shape))
        feature.shortDescription = f"{text}; {_type(feature, kind)} {sizes}{_route(family, graph)}"


def describe_model(metadata: Any, options: ConversionOptions) -> None:
    """Set a model's metadata from the job's options: who made it, labels, preprocessing."""
    identity = options.identity
    metadata.shortDescription = identity.get("description", "") or identity.get("name", "")
    metadata.author = identity.get("author", "")
    metadata.license = identity.get("license", "")
    metadata.versionString = identity.get("version", "")
    for key, fact in options.facts.items():
        metadata.userDefined[key] = fact


def _type(feature: Any, kind: str) -> str:
    """The type of a feature's elements."""
    if kind == "imageType":
        return "8-bit"
    kinds = feature.type.multiArrayType.DESCRIPTOR.enum_types_by_name["ArrayDataType"]
    name: str = kinds.values_by_number[feature.type.multiArrayType.dataType].name
    return name.lower()


def _route(family: CapturedFamily, graph: CapturedGraph) -> str:
    """The route that a graph is for."""
    if graph.route is None:
        return ""
    if family.bound:
        return f"; for all routes of {len(graph.route)} experts"
    return f"; for experts {', '.join(map(str, graph.route))}"
