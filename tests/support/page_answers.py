"""A dispatcher of bundles for ONNX Runtime that was written from docs/bundle.md alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from page_routing import PageReader as PageRouting

BUNDLES = Path(__file__).parents[1] / "conformance" / "answers" / "bundles"
ROUTER_BOUND = ANSWER_BOUND = 1e-4
"""How far logits and outputs may be off, relative to the largest value of the golden vectors."""

Tensors = dict[str, np.ndarray]
Plain = dict[str, Any]


class PageDispatcher:
    """Answers one preprocessed image at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
        self.target = self.manifest["targets"]["onnx"]
        self.routing = PageRouting()
        self._sessions: dict[str, Any] = {}

    def answer(self, image: np.ndarray) -> tuple[list[list[int]], list[np.ndarray], Tensors]:
        """Routes, the routers' logits and the outputs of an image `[1, C, H, W]`."""
        if self.target.get("routers") == "in-graph":
            return self.answer_at_once(image)
        tensors: Tensors = {"image": image}
        routes, logits = [], []
        for index, stage in enumerate(self.manifest["stages"]):
            route: list[int] = []
            gates: list[float] = []
            if stage["rule"] is not None:
                logits.append(tensors[stage["router"]][0])
                route, gates = self.routing.select(stage["rule"], logits[-1].tolist())
                routes.append(route)
            taken = {name: tensors[tensor] for name, tensor in stage["takes"].items()}
            given = self.run_stage(index, stage["rule"], route, gates, taken)
            tensors |= {tensor: given[name] for name, tensor in stage["gives"].items()}
        outputs = {
            output["name"]: tensors[output["tensors"][-1]] for output in self.manifest["outputs"]
        }
        return routes, logits, outputs

    def answer_at_once(
        self, image: np.ndarray
    ) -> tuple[list[list[int]], list[np.ndarray], Tensors]:
        """The same from one graph that has the routers inside."""
        rules = [stage["rule"] for stage in self.manifest["stages"][1:]]
        count = sum(rule["experts"] for rule in rules)
        steering = np.zeros((1, count), np.float32)
        given = self.run(self.graph(0, None), {"image": image, "steering": steering})
        left, routes, logits = given["router_logits"][0], [], []
        for rule in rules:
            logits.append(left[: rule["experts"]])
            left = left[rule["experts"] :]
            routes.append(self.routing.select(rule, logits[-1].tolist())[0])
        outputs = {output["name"]: given[output["name"]] for output in self.manifest["outputs"]}
        return routes, logits, outputs

    def run_stage(
        self, index: int, rule: Plain | None, route: list[int], gates: list[float], taken: Tensors
    ) -> Tensors:
        """What the graphs of a stage give."""
        if rule is None:
            return self.run(self.graph(index, None), taken)
        row = np.float32([gates])
        if self.target["strategy"] == "bind":
            graph = self.graph(index, list(range(len(route))))
            weights = self.weights(index, graph["bound"], route)
            return self.run(graph, {**taken, "gates": row, **weights})
        if self.target["strategy"] == "dispatch":
            return self.run(self.graph(index, route), {**taken, "gates": row})
        slots: Tensors = {}
        for slot, expert in enumerate(route):
            given = self.run(self.graph(index, [expert]), taken)
            slots |= {f"slot{slot}_{name}": array for name, array in given.items()}
        return self.run(self.graph(index, None), {**taken, **slots, "gates": row})

    def weights(self, stage: int, bound: Plain, route: list[int]) -> Tensors:
        """The weights that a graph takes, from the file in which they lie."""
        path = self.root / self.target["weights"]
        found = {}
        for name, of in bound.items():
            expert = self.target["experts"][stage - 1][route[of["place"]]]
            stored = expert["tensors"][of["tensor"]]
            kind = np.dtype(stored["dtype"]).newbyteorder("<")
            mapped = np.memmap(path, kind, "r", stored["offset"], tuple(stored["shape"]))
            found[name] = np.asarray(mapped)
        return found

    def graph(self, stage: int, route: list[int] | None) -> Plain:
        """The graph of a stage and route."""
        return next(
            graph
            for graph in self.target["graphs"]
            if (graph["stage"], graph["route"]) == (stage, route)
        )

    def run(self, graph: Plain, tensors: Tensors) -> Tensors:
        """What a graph gives for those of the tensors that it takes."""
        import onnxruntime

        path = str(self.root / graph["file"])
        if path not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._sessions[path] = onnxruntime.InferenceSession(path, options)
        names = [spec["name"] for spec in graph["outputs"]]
        fed = {spec["name"]: tensors[spec["name"]] for spec in graph["inputs"]}
        return dict(zip(names, self._sessions[path].run(names, fed), strict=True))


def faults(dispatcher: PageDispatcher, golden: Tensors) -> list[str]:
    """What a dispatcher answers otherwise than the golden vectors."""
    found = []
    for number, image in enumerate(golden["image"]):
        routes, logits, outputs = dispatcher.answer(image[None])
        for stage, route in enumerate(routes, start=1):
            wanted = golden[f"members.{stage}"]
            if route != np.flatnonzero(wanted[number]).tolist():
                found.append(f"image {number}: route {route} at stage {stage}")
            found += _off(logits[stage - 1], golden[f"logits.{stage}"], number, ROUTER_BOUND)
        for name, output in outputs.items():
            found += _off(output[0], golden[f"outputs.{name}"], number, ANSWER_BOUND)
    return found


def _off(given: np.ndarray, wanted: np.ndarray, image: int, bound: float) -> list[str]:
    """Whether an image's values are further off than a bound."""
    error = float(np.abs(given - wanted[image]).max() / np.abs(wanted).max())
    return [] if error <= bound else [f"image {image}: off by {error:.2g}"]
