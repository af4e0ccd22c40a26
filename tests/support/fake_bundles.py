"""Small valid bundles whose graphs are a few bytes that no engine reads."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Plain = dict[str, Any]
Given = dict[str, tuple[str, list[int], str]]
"""By the name of a graph's output: the tensor, its shape behind the batch, its type."""

_SUFFIX = {"onnx": "onnx/{name}{profile}.onnx", "executorch": "executorch/model.pte",
           "coreml": "coreml/model.mlpackage"}  # fmt: skip
_WEIGHT_TYPE = {"fp32": "float32", "fp16": "float16", "int8": "int8"}
_BYTES = {"float32": 4, "float16": 2, "int8": 1}
_INTEGER = {"onnx": "int64", "executorch": "int64", "coreml": "int32"}


@dataclass
class FakeStage:
    """A stage: what it takes by the names of its graphs' inputs, and what it gives."""

    name: str
    takes: dict[str, str]
    gives: Given
    rule: Plain | None = None
    router: str | None = None
    finishes: list[list[int]] = field(default_factory=list)
    expert_takes: tuple[str, ...] | None = None
    """Of the strategy `experts`: what an expert's graph takes; all if None."""
    join_takes: tuple[str, ...] = ()
    expert_gives: Given = field(default_factory=dict)
    weights: dict[str, list[int]] = field(default_factory=dict)
    """Of the strategy `bind`: the shapes of an expert's weights."""

    def record(self) -> Plain:
        """The stage in a manifest."""
        found: Plain = {
            "name": self.name,
            "rule": self.rule,
            "router": self.router,
            "takes": self.takes,
            "gives": {output: tensor for output, (tensor, _, _) in self.gives.items()},
        }
        return {**found, "finishes": self.finishes} if self.finishes else found


@dataclass
class FakeTarget:
    """A target; `changes` are further fields, `graph_changes` those of graphs by name."""

    name: str
    format: str = "onnx"
    strategy: str = "dispatch"
    batch: int = 1
    precision: str = "fp32"
    weights: str | None = None
    profile: str = ""
    routers: str = "host"
    changes: Plain = field(default_factory=dict)
    graph_changes: dict[str, Plain] = field(default_factory=dict)


@dataclass
class FakeBundle:
    """A bundle in memory: its manifest, and the bytes of all other files by path."""

    name: str
    manifest: Plain
    files: dict[str, bytes]

    @property
    def text(self) -> str:
        """The manifest as it is written."""
        return json.dumps(self.manifest, ensure_ascii=False, separators=(",", ":")) + "\n"


def routes_of(rule: Plain, most: int | None = None) -> list[list[int]]:
    """The routes of a rule, as docs/bundle.md counts them; of a rule with more the first `most`."""
    return [list(route) for route in itertools.islice(_routes(rule), most)]


def _routes(rule: Plain) -> Iterator[tuple[int, ...]]:
    """The routes of a rule one after the other: of 32 experts there may be millions."""
    if rule["type"] == "given":
        named = [tuple(rule["routes"][name]) for name in sorted(rule["routes"])]
        yield from dict.fromkeys(named)
        others = _routes(rule["otherwise"]) if rule.get("otherwise") else ()
        yield from (route for route in others if route not in named)
        return
    lengths = range(1, longest(rule) + 1)
    if rule["type"] == "top_k":
        lengths = range(rule.get("k", 1), rule.get("k", 1) + 1)
    for length in lengths:
        yield from itertools.combinations(usable(rule), length)


def usable(rule: Plain) -> list[int]:
    """The experts that some route has, in ascending order."""
    if rule["type"] == "given":
        named = {expert for route in rule["routes"].values() for expert in route}
        return sorted(named.union(usable(rule["otherwise"]) if rule.get("otherwise") else ()))
    kept: list[int] | None = rule.get("kept")
    return [*range(rule["experts"])] if kept is None else kept


def longest(rule: Plain) -> int:
    """The most experts of a route."""
    experts = rule["experts"]
    if rule["type"] == "given":
        named = max(map(len, rule["routes"].values()))
        return max(named, longest(rule["otherwise"])) if rule.get("otherwise") else named
    if rule["type"] == "top_k":
        return rule.get("k", 1)
    if rule["type"] == "threshold":
        return len(usable(rule))
    if rule.get("kept") is not None:
        return min(rule["k_max"], len(rule["kept"]))
    return min(rule["k_max"], experts, math.floor(rule["p"] * experts * (1 + 2.0**-22)) + 1)


def graphs_of(stage: FakeStage, target: FakeTarget) -> list[list[int] | None]:
    """The route of each graph of a stage."""
    if stage.rule is None or target.strategy in ("gather", "all-experts"):
        return [None]
    if target.strategy == "experts":
        left_out = stage.finishes if longest(stage.rule) == 1 else []
        experts = usable(stage.rule)
        return [*([expert] for expert in experts if [expert] not in left_out), None]
    routes = [route for route in routes_of(stage.rule) if route not in stage.finishes]
    if target.strategy == "bind":
        return [list(range(length)) for length in sorted(set(map(len, routes)))]
    return routes


def _own_inputs(rule: Plain, route: list[int] | None, target: FakeTarget) -> list[Plain]:
    """What a strategy adds to a routed stage's tensors."""
    batch, most = target.batch, longest(rule)
    if target.strategy in ("dispatch", "bind"):
        return [_spec("gates", [batch, len(route or ())], "float32")]
    if target.strategy == "all-experts":
        return [_spec("gates", [batch, rule["experts"]], "float32")]
    gates = _spec("gates", [batch, most], "float32")
    return [gates, _spec("experts", [batch, most], _INTEGER[target.format])]


def _spec(name: str, shape: list[int], dtype: str) -> Plain:
    return {"name": name, "shape": shape, "dtype": dtype}


def _weight_type(target: FakeTarget, shape: list[int]) -> str:
    """The type of a weight; of int8 only matrices are, whose scales and biases are not."""
    return (
        "float32"
        if len(shape) == 1 and target.precision == "int8"
        else (_WEIGHT_TYPE[target.precision])
    )


def _stored_bytes(stored: Plain) -> int:
    return math.prod(stored["shape"]) * _BYTES[stored["dtype"]]


def _aligned(offset: int, step: int) -> int:
    return -(-offset // step) * step


class _Making:
    """Makes one bundle."""

    def __init__(self, image: list[int], stages: list[FakeStage], outputs: list[Plain]) -> None:
        self.stages = stages
        self.outputs = outputs
        self.files: dict[str, bytes] = {}
        self.tensors: dict[str, tuple[list[int], str]] = {"image": (image, "float32")}
        for stage in stages:
            for tensor, shape, dtype in stage.gives.values():
                self.tensors[tensor] = (shape, dtype)

    def target(self, target: FakeTarget) -> Plain:
        """The record of a target, whose files are made too."""
        graphs = [
            self._graph(target, index, route)
            for index, stage in enumerate(self.stages_of(target))
            for route in graphs_of(stage, target)
        ]
        paths = {path for graph in graphs for path in self._write(target, graph)}
        experts, size = self._ranges(target)
        if target.weights is not None:
            text = f"weights {target.weights}".encode() * 4
            # Beyond the last range there is a page more, for cases that need one.
            room = _aligned(size, 16_384) + 64
            self.files[target.weights] = b"w" * room if experts else text
            paths.add(target.weights)
        return {
            "format": target.format,
            "strategy": target.strategy,
            "precision": target.precision,
            "batch": target.batch,
            "graphs": [{**g, **target.graph_changes.get(g["name"], {})} for g in graphs],
            "weights": target.weights,
            "files": [self.file(path) for path in sorted(paths)],
            "parity": None,
            **({"experts": experts} if experts else {}),
            **({"routers": target.routers} if target.routers != "host" else {}),
            **target.changes,
        }

    def stages_of(self, target: FakeTarget) -> list[FakeStage]:
        """What the graphs of a target are of: with inner routers all stages as one."""
        if target.routers == "host":
            return self.stages
        gives: Given = {
            output["name"]: (output["tensors"][-1], *self.tensors[output["tensors"][-1]])
            for output in self.outputs
        }
        experts = sum(stage.rule["experts"] for stage in self.stages if stage.rule)
        gives["router_logits"] = ("router_logits", [experts], "float32")
        return [FakeStage("model", {"image": "image"}, gives)]

    def _ranges(self, target: FakeTarget) -> tuple[list[list[Plain]], int]:
        """The weights of each expert of each routed stage, and where the last of them ends."""
        rows, end = [], 0
        for stage in self.stages[1:] if target.strategy == "bind" else ():
            row = []
            assert stage.rule is not None
            for expert in range(stage.rule["experts"]):
                # What only finishes images is never computed, nor what no route has.
                runs = [expert] not in stage.finishes and expert in usable(stage.rule)
                weights = stage.weights if runs else {}
                start = _aligned(end, 16_384) if weights else 0
                tensors = self._stored(target, weights, start)
                for stored in tensors.values():
                    end = stored["offset"] + _stored_bytes(stored)
                found = {"offset": start, "bytes": end - start if tensors else 0}
                row.append({**found, "tensors": tensors})
            rows.append(row)
        return rows, end

    def _stored(self, target: FakeTarget, weights: dict[str, list[int]], start: int) -> Plain:
        """The tensors of one expert, from the beginning of its range on."""
        found, at = {}, start
        for name, shape in weights.items():
            kind = _weight_type(target, shape)
            found[name] = {"offset": at, "shape": list(shape), "dtype": kind}
            at = _aligned(at + _stored_bytes(found[name]), 64)
        return found

    def file(self, path: str) -> Plain:
        """The record of a file."""
        data = self.files[path]
        return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def _graph(self, target: FakeTarget, index: int, route: list[int] | None) -> Plain:
        """The record of a graph."""
        stage = self.stages_of(target)[index]
        name = stage.name + "".join(f"_e{expert}" for expert in route or ())
        found: Plain = {
            "name": name,
            "stage": index,
            "route": route,
            "file": _SUFFIX[target.format].format(name=name, profile=target.profile),
            "weight_bytes": 40,
            "exclusive_bytes": 8,
            "inputs": self._inputs(stage, target, route),
            "outputs": self._outputs(stage, target, route),
        }
        if target.strategy == "bind" and stage.weights and route is not None:
            found["bound"] = {
                f"{tensor}_{place}": {"place": place, "tensor": tensor}
                for place in range(len(route))
                for tensor in stage.weights
            }
        return found if target.format == "onnx" else {**found, "entry": name}

    def _inputs(self, stage: FakeStage, target: FakeTarget, route: list[int] | None) -> list[Plain]:
        """What a graph takes."""
        joined = stage.rule is not None and target.strategy == "experts"
        taken = list(stage.takes)
        if joined:
            taken = list(stage.join_takes if route is None else stage.expert_takes or taken)
        found = [self._taken(target, name, stage.takes[name]) for name in taken]
        if target.routers == "in-graph":
            experts = sum(stage.rule["experts"] for stage in self.stages if stage.rule)
            return [*found, _spec("steering", [target.batch, experts], "float32")]
        if stage.rule is None or (joined and route is not None):
            return found
        if not joined:
            weights = [
                _spec(f"{name}_{place}", shape, _weight_type(target, shape))
                for place in range(len(route or ()) if target.strategy == "bind" else 0)
                for name, shape in stage.weights.items()
            ]
            return [*found, *_own_inputs(stage.rule, route, target), *weights]
        most = longest(stage.rule)
        slots = [
            _spec(f"slot{slot}_{name}", [target.batch, *shape], dtype)
            for slot in range(most)
            for name, (_, shape, dtype) in stage.expert_gives.items()
        ]
        return [*found, *slots, _spec("gates", [target.batch, most], "float32")]

    def _taken(self, target: FakeTarget, name: str, tensor: str) -> Plain:
        shape, dtype = self.tensors[tensor]
        return _spec(name, [target.batch, *shape], dtype)

    def _outputs(
        self, stage: FakeStage, target: FakeTarget, route: list[int] | None
    ) -> list[Plain]:
        """What a graph gives."""
        expert = stage.rule is not None and target.strategy == "experts" and route is not None
        gives = stage.expert_gives if expert else stage.gives
        return [
            _spec(name, [target.batch, *shape], dtype) for name, (_, shape, dtype) in gives.items()
        ]

    def _write(self, target: FakeTarget, graph: Plain) -> list[str]:
        """Make the files of a graph; gives their paths."""
        file = graph["file"]
        if target.format == "coreml":
            paths = [f"{file}/Manifest.json", f"{file}/Data/model.mlmodel"]
        else:
            paths = [file]
        for path in paths:
            self.files[path] = f"file {path} of {target.format}".encode()
        return paths


def golden_tensors(
    manifest: Plain, shapes: dict[str, list[int]]
) -> dict[str, tuple[str, list[int]]]:
    """Type and shape of every golden vector; `shapes` are those of the outputs."""
    images = manifest["golden"]["images"]
    given = manifest["input"]
    channels = 1 if given.get("channel_order") == "L" else 3
    found = {"image": ("F32", [images, channels, given["height"], given["width"]])}
    for number, stage in enumerate(manifest["stages"][1:], start=1):
        experts = stage["rule"]["experts"]
        if stage["router"] is not None:
            found[f"logits.{number}"] = ("F32", [images, experts])
        found[f"members.{number}"] = ("BOOL", [images, experts])
        found[f"gates.{number}"] = ("F32", [images, experts])
    for output in manifest["outputs"]:
        found[f"outputs.{output['name']}"] = ("F32", [images, *shapes[output["name"]]])
    return found


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """A safetensors file whose tensors are zeros."""
    header, offset = {}, 0
    for name, (dtype, shape) in tensors.items():
        end = offset + math.prod(shape) * (1 if dtype == "BOOL" else 4)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(offset)


def make(
    name: str,
    stages: list[FakeStage],
    outputs: list[Plain],
    targets: list[FakeTarget],
    given: Plain | None = None,
    **changes: Any,
) -> FakeBundle:
    """A bundle; `given` is the manifest's `input`, `changes` are further fields of the manifest."""
    given = given or {
        "height": 2, "width": 2, "channel_order": "L", "mean": [0.5], "std": [0.5],
    }  # fmt: skip
    channels = 1 if given.get("channel_order") == "L" else 3
    making = _Making([channels, given["height"], given["width"]], stages, outputs)
    manifest: Plain = {
        "format": "mvmoe-bundle",
        "version": 2,
        "model": {
            "family": "fake", "name": name, "params_total": 9, "params_active": 7, "macs": 100,
        },
        "source": {"checkpoint_sha256": None, "packages": {"torch": "2.13.0+cpu"}},
        "input": given,
        "stages": [stage.record() for stage in stages],
        "outputs": outputs,
        "targets": {target.name: making.target(target) for target in targets},
        "usage_prior": None,
        "golden": {"images": 1},
        **changes,
    }  # fmt: skip
    shapes = {output["name"]: making.tensors[output["tensors"][0]][0] for output in outputs}
    making.files["golden.safetensors"] = safetensors(golden_tensors(manifest, shapes))
    manifest["golden"]["file"] = making.file("golden.safetensors")
    return FakeBundle(name, manifest, making.files)
