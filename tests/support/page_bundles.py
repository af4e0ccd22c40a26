"""A reader of bundles that was written from docs/bundle.md and docs/errors.md alone.

It looks for everything that is wrong, step by step; each check has a name, so that a wrong reader
is one that lacks a check. Within a step no case of the suite breaks two checks of other codes.
"""

import hashlib
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bundles_suite import MANIFEST, Plain, RefusedError
from fake_bundles import golden_tensors, longest, routes_of, usable
from page_manifest import manifest as fields

_MOST_BYTES = 32 * 2**20
_MANY = 10_000
"""More routes than a bundle of the suite has graphs."""
_ITEM = {"float32": 4, "float16": 2, "int64": 8, "int32": 4, "int8": 1}
_WRONG = "bundle.manifest-inconsistent"
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class _Stop(Exception):  # noqa: N818
    """What follows makes no sense."""


class PageReader:
    """See `Reader`; `dropped` are the names of checks that it lacks."""

    def __init__(self, *dropped: str) -> None:
        self.dropped = frozenset(dropped)

    def read(self, root: Path) -> Plain:
        """See `Reader`."""
        content: Plain = {}
        for found in self.steps(root, content):
            for _, code in found:
                raise RefusedError(code)
        return summary(content["manifest"])

    def steps(self, root: Path, content: Plain) -> Iterator[list[tuple[str, str]]]:
        """For each step what is wrong: the name of the check, and the code."""
        for step in (
            lambda note: self._file(root, MANIFEST, note, content),
            lambda note: self._text(content, note),
            lambda note: self._version(content, note),
            lambda note: fields.check(content["json"], "$", note),
            lambda note: self._values(self._filled(content), note),
            lambda note: self._stages(content["manifest"], note),
            lambda note: self._outputs(content["manifest"], note),
            lambda note: self._prior(content["manifest"], note),
            lambda note: self._restrictions(content["manifest"], note),
            lambda note: self._paths(content["manifest"], note),
            lambda note: self._lists(content["manifest"], note),
        ):
            yield self._found(step)
        found = content["manifest"]
        for target in found["targets"].values():
            for check in (
                self._routers,
                self._graphs,
                self._sizes,
                self._compression,
                self._tensors,
                self._ranges,
                self._bound,
            ):
                yield self._found(partial(check, found, target))
        yield self._found(partial(self._shapes, found))
        yield self._found(partial(self._files, root, found))
        yield self._found(partial(self._golden, root, found))

    def _found(self, step: Callable[[Any], object]) -> list[tuple[str, str]]:
        """What one step finds, without the checks that are dropped."""
        found: dict[tuple[str, str], None] = {}

        def note(check: str, code: str) -> None:
            if check not in self.dropped:
                found[check, code] = None

        try:
            step(note)
        except _Stop:
            return list(found)
        except Exception:
            # A reader that lacks a check may come to harm later on.
            if not (found or self.dropped):
                raise
            return list(found) or [("harm", "internal.error")]
        return list(found)

    # The text.

    def _file(self, root: Path, path: str, note: Any, content: Plain) -> None:
        """A regular file that no link leads to."""
        if not root.is_dir():
            note("directory", "bundle.missing")
            raise _Stop
        here = root
        for part in path.split("/"):
            here = here / part
            if here.is_symlink():
                note("link", "bundle.file-not-plain")
            if not here.exists():
                note("missing", "bundle.file-missing")
                raise _Stop
        if not here.is_file():
            note("regular", "bundle.file-not-plain")
            raise _Stop
        content["data"] = here.read_bytes()

    def _text(self, content: Plain, note: Any) -> None:
        data: bytes = content["data"]
        if len(data) > _MOST_BYTES:
            note("32 MiB", "bundle.too-large")
            raise _Stop
        if data.startswith(_MARKS):
            note("byte order mark", "bundle.manifest-byte-order-mark")
            raise _Stop
        if _depth(data) > 64:
            note("depth", "bundle.manifest-too-deep")
            raise _Stop

        def pairs(items: list[tuple[str, Any]]) -> Plain:
            if len(dict(items)) != len(items):
                note("key twice", "bundle.manifest-duplicate-key")
            return dict(items)

        def integer(digits: str) -> int:
            if len(digits) > 4300:
                note("digits", "bundle.manifest-out-of-range")
                return 0
            return int(digits)

        def constant(name: str) -> float:
            note("NaN", "bundle.manifest-not-json")
            return float(name)

        try:
            text = data.decode()
            content["json"] = json.loads(
                text, object_pairs_hook=pairs, parse_int=integer, parse_constant=constant
            )
        except ValueError:
            note("JSON", "bundle.manifest-not-json")
            raise _Stop from None
        if any("\ud800" <= letter <= "\udfff" for letter in _letters(content["json"])):
            note("half a character", "bundle.manifest-not-json")
        if not isinstance(content["json"], dict):
            note("object", "bundle.manifest-wrong-type")
            raise _Stop

    def _version(self, content: Plain, note: Any) -> None:
        found = content["json"]
        if found.get("format") != "mvmoe-bundle":
            note("format", "bundle.unsupported-version")
        if found.get("version") != 2 or found.get("version") is True:
            note("version", "bundle.unsupported-version")

    def _filled(self, content: Plain) -> Plain:
        content["manifest"] = fields.filled(content["json"])
        return content["manifest"]

    # Fields that belong together.

    def _values(self, found: Plain, note: Any) -> None:
        """The values of rules, and of the input."""
        for part in (*found["stages"], *found["restrictions"]):
            if part["rule"] is not None:
                self._rule(part["rule"], note)
        given = found["input"]
        channels = 1 if given["channel_order"] == "L" else 3
        for name in ("mean", "std"):
            if len(given[name]) != channels:
                note(f"channels of {name}", "preprocessing.invalid")
        rule = given["resize"]
        pads = ("pad_level", "pad_place", "pad_rounding")
        for name in pads:
            if (rule == "letterbox") == (given[name] is None):
                note(f"{name} of {rule == 'letterbox'}", "preprocessing.invalid")
        if rule in ("torchvision", "letterbox") and given["crop_fraction"] != 1:
            note("crop_fraction of others", "preprocessing.invalid")
        if (rule == "torchvision") == (given["resize_size"] is None):
            note(f"resize_size of {rule == 'torchvision'}", "preprocessing.invalid")
        elif rule == "torchvision" and given["resize_size"] < max(given["height"], given["width"]):
            note("resize_size covers", "preprocessing.invalid")

    def _rule(self, rule: Plain, note: Any) -> None:
        code, experts = "routing.rule-invalid", rule["experts"]
        if rule["type"] == "top_k" and rule["k"] > experts:
            note("k", code)
        if rule["type"] == "top_p" and rule["k_max"] > experts:
            note("k_max", code)
        if rule["type"] == "threshold" and len(rule["thresholds"]) != experts:
            note("thresholds", code)
        if rule.get("kept") is not None:
            self._kept(rule, note)
        if rule["type"] == "given":
            for route in rule["routes"].values():
                if not _is_route(route, experts):
                    note("named routes", code)
            other = rule["otherwise"]
            if other is not None and other["type"] == "given":
                note("given twice", code)
            elif other is not None:
                self._rule(other, note)
                if other["experts"] != experts:
                    note("experts otherwise", code)

    def _kept(self, rule: Plain, note: Any) -> None:
        """What a rule keeps is fewer experts than all, and enough."""
        code, kept = "routing.rule-invalid", rule["kept"]
        if any(one >= other for one, other in itertools.pairwise(kept)):
            note("kept experts ascend", code)
        if max(kept) >= rule["experts"]:
            note("kept experts are some of all", code)
        if len(set(kept)) == rule["experts"]:
            note("all experts are not kept", code)
        if len(kept) < rule.get("k", 1):
            note("k of kept experts", code)

    def _stages(self, found: Plain, note: Any) -> None:
        """The flow of tensors."""
        stages = found["stages"]
        if [stage["rule"] is None for stage in stages] != [True] + [False] * (len(stages) - 1):
            note("the stem alone has no rule", _WRONG)
            raise _Stop
        _distinct((stage["name"] for stage in stages), "stage names", note)
        if stages[0]["takes"] != {"image": "image"}:
            note("the stem takes the image", _WRONG)
        self._choices([stage["rule"] for stage in stages[1:]], note)
        known = {"image"}
        for stage in stages:
            self._stage(stage, known, note)
            known |= set(stage["gives"].values())

    def _stage(self, stage: Plain, known: set[str], note: Any) -> None:
        rule = stage["rule"]
        needs = rule is not None and (rule["type"] != "given" or rule["otherwise"] is not None)
        if needs == (stage["router"] is None):
            note("router", _WRONG)
        elif needs and stage["router"] not in known - {"image"}:
            note("router is known", "bundle.tensor-unknown")
        if set(stage["takes"].values()) - known:
            note("taken is known", "bundle.tensor-unknown")
        given = list(stage["gives"].values())
        if len(set(given)) < len(given) or set(given) & known:
            note("given once", "bundle.tensor-given-twice")
        if stage["takes"].keys() & stage["gives"].keys():
            note("names of one graph", _WRONG)
        finishes, code = stage["finishes"], "bundle.finishes-invalid"
        if rule is None and finishes:
            note("the stem finishes", code)
        elif finishes:
            routes = routes_of(rule)
            if any(route not in routes for route in finishes):
                note("finishing routes", code)
            if len(set(map(tuple, finishes))) < len(finishes):
                note("finishing twice", code)
            if all(route in finishes for route in routes):
                note("finishing all", code)

    def _choices(self, rules: list[Plain], note: Any) -> None:
        seen: dict[str, tuple[set[str], bool]] = {}
        for rule in rules:
            if rule["type"] == "given":
                found = (set(rule["routes"]), rule["otherwise"] is None)
                names, alone = seen.setdefault(rule["choice"], found)
                if names != found[0]:
                    note("names of one choice", _WRONG)
                if alone != found[1]:
                    note("routers of one choice", _WRONG)

    def _outputs(self, found: Plain, note: Any) -> None:
        giver = _giver(found)
        _distinct((output["name"] for output in found["outputs"]), "output names", note)
        finishing = [i for i, stage in enumerate(found["stages"]) if stage["finishes"]]
        for output in found["outputs"]:
            tensors = output["tensors"]
            if any(tensor not in giver for tensor in tensors):
                note("output is given", "bundle.tensor-unknown")
                continue
            stages = [giver[tensor] for tensor in tensors]
            if any(one >= other for one, other in itertools.pairwise(stages)):
                note("order of an output's tensors", _WRONG)
            elif finishing and stages[0] >= finishing[0]:
                note("output is always there", "bundle.output-missing")

    def _prior(self, found: Plain, note: Any) -> None:
        """The usage prior."""
        prior, rules = found["usage_prior"], [stage["rule"] for stage in found["stages"][1:]]
        if prior is not None and len(prior) != len(rules):
            note("stages of the prior", _WRONG)
        for row, rule in zip(prior or [], rules, strict=False):
            routes, known = [item["route"] for item in row], routes_of(rule)
            if any(route not in known for route in routes):
                note("routes of the prior", _WRONG)
            if len(set(map(tuple, routes))) < len(routes):
                note("routes of the prior are distinct", _WRONG)
            if abs(sum(item["share"] for item in row) - 1) >= 1e-3:
                note("shares of the prior", _WRONG)

    def _restrictions(self, found: Plain, note: Any) -> None:
        """What an export has fixed."""
        numbers = [each["stage"] for each in found["restrictions"]]
        if any(one > other for one, other in itertools.pairwise(numbers)):
            note("restrictions ascend", _WRONG)
        if len(set(numbers)) < len(numbers):
            note("one restriction a stage", _WRONG)
        for each in found["restrictions"]:
            rule, route, kept = each["rule"], each["route"], each["kept"]
            if route is None and kept is None:
                note("restricted to something", _WRONG)
            if route is not None and kept is not None:
                note("restricted in one way", _WRONG)
            if kept is not None and not _is_route(kept, rule["experts"]):
                note("experts of a restriction", _WRONG)
            if route is not None and not _has(rule, route):
                note("route of a restriction", _WRONG)

    def _paths(self, found: Plain, note: Any) -> None:
        """Paths stay inside of the bundle."""
        self._path(found["golden"]["file"]["path"], note)
        for target in found["targets"].values():
            for path in [file["path"] for file in target["files"]]:
                self._path(path, note)
            for path in [graph["file"] for graph in target["graphs"]]:
                self._path(path, note)
            if target["weights"] is not None:
                self._path(target["weights"], note)

    def _lists(self, found: Plain, note: Any) -> None:
        """The lists of files."""
        golden = found["golden"]["file"]
        listed = {(golden["path"], *_facts(golden))}
        for target in found["targets"].values():
            paths = [file["path"] for file in target["files"]]
            listed |= {(file["path"], *_facts(file)) for file in target["files"]}
            _distinct(paths, "paths of a target", note)
            if target["weights"] not in (None, *paths):
                note("weights are listed", _WRONG)
            used = [graph["file"] for graph in target["graphs"]]
            if any(not any(f"{other}/".startswith(f"{path}/") for other in paths) for path in used):
                note("graphs' files are listed", _WRONG)
        _distinct((path.lower() for path, *_ in listed), "files are one", note)

    def _path(self, path: str, note: Any) -> None:
        parts = path.split("/")
        for name, bad in (("empty", ""), ("here", "."), ("above", "..")):
            if bad in parts:
                note(f"{name} part of a path", "bundle.path-outside")

    # Graphs.

    def _routers(self, found: Plain, target: Plain, note: Any) -> None:
        """Routers are inside of a graph only where they can be."""
        code = "bundle.routers-mismatch"
        if target["strategy"] not in ("dispatch", "gather", "all-experts", "experts", "bind"):
            note("strategy", "bundle.unknown-strategy")
            raise _Stop
        if target["routers"] == "host":
            return
        if target["strategy"] not in ("gather", "all-experts"):
            note("strategy of inner routers", code)
        if len(found["stages"]) == 1:
            note("inner routers of a dense model", code)
        if any(stage["finishes"] for stage in found["stages"]):
            note("finishing with inner routers", code)
        if any(stage["rule"]["type"] == "given" for stage in found["stages"][1:]):
            note("a caller of inner routers", code)
        names = {output["name"] for output in found["outputs"]}
        if names & {"steering", "router_logits"}:
            note("an output of that name", code)
        if "router_logits" in _giver(found):
            note("a tensor of that name", code)

    def _graphs(self, found: Plain, target: Plain, note: Any) -> None:
        """A target has the graphs of its strategy."""
        code = "bundle.graphs-mismatch"
        stages = _stages_of(found, target)
        _distinct((graph["name"] for graph in target["graphs"]), "graph names", note)
        for graph in target["graphs"]:
            if graph["stage"] >= len(stages):
                note("graph's stage", code)
            if graph["exclusive_bytes"] > graph["weight_bytes"]:
                note("exclusive bytes", _WRONG)
        for index, stage in enumerate(stages):
            routes = [
                None if graph["route"] is None else tuple(graph["route"])
                for graph in target["graphs"]
                if graph["stage"] == index
            ]
            wanted = _wanted(stage, target["strategy"], len(routes))
            if len(set(routes)) < len(routes):
                note("one graph a route", code)
            if set(wanted) - set(routes):
                note("graph of each route", code)
            if set(routes) - set(wanted):
                note("no other graph", code)

    def _sizes(self, found: Plain, target: Plain, note: Any) -> None:
        """The bytes of experts."""
        wanted = [stage["rule"]["experts"] for stage in found["stages"][1:]]
        rows = (target["sizes"] or {}).get("expert_bytes", [])
        if rows and target["strategy"] not in ("dispatch", "experts", "bind"):
            note("expert bytes of a strategy", _WRONG)
        elif rows and [len(row) for row in rows] != wanted:
            note("expert bytes", _WRONG)

    def _compression(self, found: Plain, target: Plain, note: Any) -> None:
        """What was compressed, and the accuracy that is left."""
        compression = target["compression"] or {"left": [], "calibration": None}
        names = {graph["name"] for graph in target["graphs"]}
        if any(layer["graph"] not in names for layer in compression["left"]):
            note("graphs of layers that were left", _WRONG)
        wanted = [stage["rule"]["experts"] for stage in found["stages"][1:]]
        calibration = compression["calibration"]
        for field in ("routed", "forced") if calibration else ():
            if [len(row) for row in calibration[field]] != wanted:
                note(f"experts of {field} images", _WRONG)
        accuracy = _accuracy(target)
        if accuracy and accuracy["least_loss"] > accuracy["most_loss"]:
            note("interval of the loss", _WRONG)

    def _tensors(self, found: Plain, target: Plain, note: Any) -> None:
        """What graphs take and give."""
        tensors = self._given(found, target, note)
        total = {}
        for graph in target["graphs"]:
            self._graph(found, target, graph, tensors, note)
            for tensor in (*graph["inputs"], *graph["outputs"]):
                if math.prod(tensor["shape"]) > 2**28:
                    note("elements", "bundle.too-large")
                key = (graph["stage"], tensor["name"], str(tensor["shape"]), tensor["dtype"])
                if tensor["name"] not in graph["bound"]:
                    total[key] = math.prod(tensor["shape"]) * _ITEM[tensor["dtype"]]
                self._pixels(found, graph, tensor, note)
        if sum(total.values()) > 2**32:
            note("bytes of tensors", "bundle.too-large")

    def _given(self, found: Plain, target: Plain, note: Any) -> dict[str, tuple[list[int], str]]:
        """Shape and type of every tensor of a target, as the first graph of its stage gives it."""
        given, batch = found["input"], target["batch"]
        channels = 1 if given["channel_order"] == "L" else 3
        image = [batch, channels, given["height"], given["width"]]
        tensors = {"image": (image, "float32")}
        code = "bundle.tensors-mismatch"
        outputs = {tensor for output in found["outputs"] for tensor in output["tensors"]}
        stages = _stages_of(found, target)
        for index, stage in enumerate(stages):
            first = _first_of(target, index)
            specs = {spec["name"]: (spec["shape"], spec["dtype"]) for spec in first["outputs"]}
            if specs.keys() != stage["gives"].keys():
                note("names of what is given", code)
                raise _Stop
            for name, tensor in stage["gives"].items():
                tensors[tensor] = (shape, dtype) = specs[name]
                if len(shape) < 2 or shape[0] != batch:
                    note("batch", code)
                if dtype not in ("float32", "float16"):
                    note("type of what is given", code)
                if tensor in outputs and dtype != "float32":
                    note("type of an output", code)
                if tensor in outputs and shape[1:] != _shape_in_first(found, tensor):
                    note("an output's shape in another target", code)
        if target["routers"] == "in-graph" and tensors["router_logits"] != (
            [batch, _logits_of(found)],
            "float32",
        ):
            note("logits of inner routers", code)
        for stage in stages[1:]:
            if stage["router"] is None:
                continue
            wanted = ([batch, stage["rule"]["experts"]], "float32")
            others = {
                other["rule"]["experts"]
                for other in found["stages"][1:]
                if other["router"] == stage["router"]
            }
            if len(others) > 1:
                note("one router of two sizes", _WRONG)
            elif tensors[stage["router"]] != wanted:
                note("logits", code)
        return tensors

    def _graph(self, found: Plain, target: Plain, graph: Plain, tensors: Any, note: Any) -> None:
        """One graph takes and gives what its stage does."""
        stage = _stages_of(found, target)[graph["stage"]]
        code = "bundle.tensors-mismatch"
        inputs, outputs = _triples(graph["inputs"]), _triples(graph["outputs"])
        given = [(name, *tensors[tensor]) for name, tensor in stage["gives"].items()]
        order = [name for name, _, _ in outputs]
        first = _first_of(target, graph["stage"])
        expert = target["strategy"] == "experts" and stage["rule"] and graph["route"] is not None
        if expert:
            self._expert(target, graph, note)
        elif sorted(outputs) != sorted(given):
            note("what a graph gives", code)
        elif order != [spec["name"] for spec in first["outputs"]]:
            note("order of what a graph gives", code)
        taken = {name: (name, *tensors[tensor]) for name, tensor in stage["takes"].items()}
        if stage["rule"] is not None and target["strategy"] == "experts":
            self._joining(target, stage, graph, taken, note)
            return
        if sorted(inputs[: len(taken)]) != sorted(taken.values()):
            note("what a graph takes", code)
        wanted = _own(found, stage, target, graph)
        own = inputs[len(taken) :][: len(wanted)]
        weights = [name for name, _, _ in inputs[len(taken) + len(wanted) :]]
        if set(weights) - graph["bound"].keys() or len(set(weights)) < len(weights):
            note("weights behind all others", code)
        if graph["bound"].keys() & {name for name, _, _ in [*taken.values(), *wanted]}:
            note("what is no weight is not bound", code)
        if len(own) != len(wanted) or not all(map(_fits, own, wanted)):
            note("what a strategy adds", code)

    def _expert(self, target: Plain, graph: Plain, note: Any) -> None:
        """What an expert's graph gives is what the first expert of its stage gives."""
        code, batch = "bundle.tensors-mismatch", target["batch"]
        first = next(
            other
            for other in target["graphs"]
            if other["stage"] == graph["stage"] and other["route"] is not None
        )
        if _triples(graph["outputs"]) != _triples(first["outputs"]):
            note("what experts give", code)
        for _, shape, dtype in _triples(graph["outputs"]):
            if len(shape) < 2 or shape[0] != batch:
                note("batch of what an expert gives", code)
            if dtype not in ("float32", "float16"):
                note("type of what an expert gives", code)

    def _joining(self, target: Plain, stage: Plain, graph: Plain, taken: Plain, note: Any) -> None:
        """What an expert's graph takes, or the one that joins what experts gave."""
        code = "bundle.tensors-mismatch"
        inputs = _triples(graph["inputs"])
        if any(re.match(r"slot[0-9]+_", name) for name in stage["takes"]):
            note("names of slots", code)
        some = [spec for spec in inputs if spec[0] in taken]
        if any(spec != taken[spec[0]] for spec in some) or len(set(map(str, some))) < len(some):
            note("what a part of a stage takes", code)
        if graph["route"] is not None:
            if len(some) < len(inputs) or not some:
                note("what an expert takes", code)
            return
        first = next(
            other
            for other in target["graphs"]
            if other["stage"] == graph["stage"] and other["route"] is not None
        )
        most, batch = longest(stage["rule"]), target["batch"]
        wanted = [
            (f"slot{slot}_{name}", shape, dtype)
            for slot in range(most)
            for name, shape, dtype in _triples(first["outputs"])
        ]
        if inputs[: len(some)] != some or inputs[len(some) : -1] != wanted:
            note("slots", code)
        if inputs[-1] != ("gates", [batch, most], "float32"):
            note("gates of the joining graph", code)

    def _ranges(self, found: Plain, target: Plain, note: Any) -> None:
        """Where the weights of experts are that graphs take."""
        code, rows = "bundle.ranges-invalid", target["experts"]
        binds = target["strategy"] == "bind"
        if rows and not binds:
            note("ranges of another strategy", code)
        if binds and len(rows) != len(found["stages"]) - 1:
            note("a row for each routed stage", code)
        for row, stage in zip(rows, found["stages"][1:], strict=False):
            if binds and len(row) != stage["rule"]["experts"]:
                note("an entry for each expert", code)
        room = max(
            (f["bytes"] for f in target["files"] if f["path"] == target["weights"]), default=0
        )
        taken: list[tuple[int, int]] = []
        for expert in itertools.chain.from_iterable(rows):
            start, end = expert["offset"], expert["offset"] + expert["bytes"]
            if start % 16_384:
                note("a range begins at a page", code)
            if end > room:
                note("a range ends within its file", code)
            for tensor in expert["tensors"].values():
                size = math.prod(tensor["shape"]) * _ITEM[tensor["dtype"]]
                if tensor["offset"] % 64:
                    note("a tensor begins at a multiple of 64", code)
                if tensor["offset"] < start:
                    note("a tensor begins within its range", code)
                if tensor["offset"] + size > end:
                    note("a tensor ends within its range", code)
            if any(start < other_end and other < end for other, other_end in taken):
                note("no byte in two ranges", code)
            taken += [(start, end)] if end > start else []

    def _bound(self, found: Plain, target: Plain, note: Any) -> None:
        """Which weight of which expert an input is."""
        code = "bundle.tensors-mismatch"
        for graph in target["graphs"]:
            inputs = {name: (shape, kind) for name, shape, kind in _triples(graph["inputs"])}
            stage = _stages_of(found, target)[graph["stage"]]
            if graph["bound"] and (target["strategy"] != "bind" or stage["rule"] is None):
                note("bound of another strategy, or of the stem", code)
                continue
            for name, bound in graph["bound"].items():
                if name not in inputs:
                    note("what is bound is an input", code)
                    continue
                if bound["place"] >= len(graph["route"]):
                    note("a place of the route", code)
                single = longest(stage["rule"]) == 1
                for number, expert in enumerate(target["experts"][graph["stage"] - 1]):
                    tensor = expert["tensors"].get(bound["tensor"])
                    idle = single and [number] in stage["finishes"]
                    if tensor is None and not (idle or number not in usable(stage["rule"])):
                        note("every expert has the tensor", code)
                    if tensor and tensor["shape"] != inputs[name][0]:
                        note("shape of a weight", code)
                    if tensor and tensor["dtype"] != inputs[name][1]:
                        note("type of a weight", code)

    def _pixels(self, found: Plain, graph: Plain, tensor: Plain, note: Any) -> None:
        pixels = tensor["pixels"]
        if pixels is None:
            return
        channels = len(pixels["channel_order"])
        if graph["stage"] or tensor not in graph["inputs"] or tensor["name"] != "image":
            note("pixels of the image", _WRONG)
        if pixels["channel_order"] != found["input"]["channel_order"]:
            note("order of pixels", _WRONG)
        elif {len(pixels["scale"]), len(pixels["bias"])} != {channels}:
            note("channels of pixels", _WRONG)
        if min(pixels["scale"]) <= 0:
            note("scale of pixels", _WRONG)
        if tensor["shape"][0] != 1:
            note("batch of pixels", _WRONG)

    def _shapes(self, found: Plain, note: Any) -> None:
        """Outputs have the shape of their kind; golden vectors have a size that can be read."""
        shapes = {}
        for output in found["outputs"]:
            own = {tuple(_shape_in_first(found, name)) for name in output["tensors"]}
            if len(own) > 1:
                note("one shape of an output", "bundle.output-shape")
            shape = shapes[output["name"]] = min(own)
            self._kind(output, shape, note)
        images, given = found["golden"]["images"], found["input"]
        channels = 1 if given["channel_order"] == "L" else 3
        vectors = [(images, channels, given["height"], given["width"])]
        vectors += [(images, *shape) for shape in shapes.values()]
        if any(math.prod(vector) > 2**28 for vector in vectors):
            note("elements of golden vectors", "bundle.too-large")
        experts = sum(stage["rule"]["experts"] for stage in found["stages"][1:])
        if sum(4 * math.prod(vector) for vector in vectors) + 9 * images * experts > 2**31:
            note("bytes of golden vectors", "bundle.too-large")

    def _kind(self, output: Plain, shape: tuple[int, ...], note: Any) -> None:
        classes = {
            "logits": shape[0],
            "embedding": None,
            "boxes": shape[-1] - 4,
            "mask": shape[0],
            "map": None,
            "tensor": None,
        }
        rank = {"logits": 1, "embedding": 1, "boxes": 2, "mask": 3, "map": 3}
        kind = output["kind"]
        if kind not in classes:
            note("kind", "bundle.unknown-kind")
            return
        if len(shape) != rank.get(kind, len(shape)) or (kind == "boxes" and shape[1] < 5):
            note(f"shape of {kind}", "bundle.output-shape")
        elif output["labels"] is not None and len(output["labels"]) != classes[kind]:
            note(f"labels of {kind}", _WRONG)

    # Files.

    def _files(self, root: Path, found: Plain, note: Any) -> None:
        for target in found["targets"].values():
            for file in target["files"]:
                self._checked(root, file, note)

    def _checked(self, root: Path, file: Plain, note: Any) -> bytes:
        content: Plain = {}
        self._file(root, file["path"], note, content)
        data: bytes = content["data"]
        if len(data) != file["bytes"]:
            note("size", "bundle.size-mismatch")
        elif hashlib.sha256(data).hexdigest() != file["sha256"]:
            note("hash", "bundle.hash-mismatch")
        return data

    def _golden(self, root: Path, found: Plain, note: Any) -> None:
        code = "bundle.golden-invalid"
        shapes = {
            output["name"]: _shape(found, next(iter(found["targets"].values())), name)
            for output in found["outputs"]
            for name in output["tensors"][:1]
        }
        wanted = golden_tensors(found, shapes)
        most = 2**20 + sum(
            math.prod(shape) * (1 if dtype == "BOOL" else 4) for dtype, shape in wanted.values()
        )
        if found["golden"]["file"]["bytes"] > most:
            note("size of the golden file", "bundle.size-mismatch")
            raise _Stop
        wrong: list[str] = []

        def once(check: str, code: str) -> None:
            wrong.append(check)
            note(check, code)

        data = self._checked(root, found["golden"]["file"], once)
        if wrong:
            raise _Stop
        header = int.from_bytes(data[:8], "little")
        if len(data) < 8 or header > min(2**20, len(data) - 8):
            note("header of the golden file", code)
            raise _Stop
        try:
            tensors = json.loads(data[8 : 8 + header])
        except ValueError:
            note("header is JSON", code)
            raise _Stop from None
        if not isinstance(tensors, dict):
            note("header is an object", code)
            raise _Stop
        tensors.pop("__metadata__", None)
        given = {name: (spec["dtype"], spec["shape"]) for name, spec in tensors.items()}
        if given.keys() != wanted.keys():
            note("golden vectors", code)
        elif any((dtype, list(shape)) != given[n] for n, (dtype, shape) in wanted.items()):
            note("types of golden vectors", code)
        ends = sorted(spec["data_offsets"] for spec in tensors.values())
        starts = [0, *(end for _, end in ends)]
        if [start for start, _ in ends] != starts[:-1] or starts[-1] != len(data) - 8 - header:
            note("places of golden vectors", code)


def summary(found: Plain) -> Plain:
    """What a reader has read: defaults, and the graph that each route runs."""
    return {
        "input": found["input"],
        "rules": [stage["rule"] for stage in found["stages"][1:]],
        "finishes": [stage["finishes"] for stage in found["stages"]],
        "outputs": found["outputs"],
        "restrictions": found["restrictions"],
        "targets": {
            name: {
                "bounds": target["bounds"],
                "compression": target["compression"],
                "accuracy": _accuracy(target),
                "experts": target["experts"],
                "routers": target["routers"],
                "graphs": [
                    [graph["stage"], graph["route"], graph["file"], graph["entry"], graph["bound"]]
                    for graph in target["graphs"]
                ],
            }
            for name, target in found["targets"].items()
        },
    }


def _accuracy(target: Plain) -> Plain | None:
    """The accuracy that was measured of a target."""
    verification: Plain = (target["parity"] or {}).get("verification") or {}
    return verification.get("accuracy")


def _distinct(items: Iterator[str] | list[str], check: str, note: Any) -> None:
    if any(times > 1 for times in Counter(items).values()):
        note(check, _WRONG)


def _facts(file: Plain) -> tuple[int, str]:
    return file["bytes"], file["sha256"]


def _is_route(route: list[int], experts: int) -> bool:
    rising = all(one < other for one, other in itertools.pairwise(route))
    return bool(route) and rising and route[0] >= 0 and route[-1] < experts


def _has(rule: Plain, route: list[int]) -> bool:
    """Whether a route is one of a rule's, of which there may be millions."""
    if rule["type"] == "given":
        other = rule["otherwise"]
        return route in rule["routes"].values() or (other is not None and _has(other, route))
    least = rule["k"] if rule["type"] == "top_k" else 1
    inside = _is_route(route, rule["experts"]) and set(route) <= set(usable(rule))
    return inside and least <= len(route) <= longest(rule)


def _depth(data: bytes) -> int:
    """How many objects and arrays stand within each other, outside of texts."""
    outside = re.sub(rb'"(?:[^"\\]|\\.)*(?:"|\\?$)', b"", data, flags=re.DOTALL)
    depth = deepest = 0
    for byte in re.findall(rb"[\[\]{}]", outside):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _letters(content: Any) -> Iterator[str]:
    """The characters of all texts."""
    if isinstance(content, str):
        yield from content
    elif isinstance(content, dict):
        yield from itertools.chain.from_iterable(content)
        yield from itertools.chain.from_iterable(map(_letters, content.values()))
    elif isinstance(content, list):
        yield from itertools.chain.from_iterable(map(_letters, content))


def _giver(found: Plain) -> dict[str, int]:
    return {
        tensor: index
        for index, stage in enumerate(found["stages"])
        for tensor in stage["gives"].values()
    }


def _wanted(stage: Plain, strategy: str, graphs: int) -> list[tuple[int, ...] | None]:
    """The routes of a stage's graphs; the first ones where there are many more than graphs."""
    if stage["rule"] is None or strategy in ("gather", "all-experts"):
        return [None]
    if strategy == "experts":
        left_out = stage["finishes"] if longest(stage["rule"]) == 1 else []
        experts = usable(stage["rule"])
        return [*((expert,) for expert in experts if [expert] not in left_out), None]
    # A rule may have millions; one more than there are graphs is missing, which is known then.
    routes = routes_of(stage["rule"], max(_MANY, graphs + len(stage["finishes"]) + 1))
    running = [tuple(route) for route in routes if route not in stage["finishes"]]
    if strategy == "bind":
        return [tuple(range(length)) for length in sorted(set(map(len, running)))]
    return running


def _stages_of(found: Plain, target: Plain) -> list[Plain]:
    """What the graphs of a target are of: the stages, or with inner routers all of them as one."""
    if target["routers"] == "host":
        stages: list[Plain] = found["stages"]
        return stages
    gives = {output["name"]: output["tensors"][-1] for output in found["outputs"]}
    whole = {"rule": None, "router": None, "takes": {"image": "image"}, "finishes": []}
    return [{**whole, "gives": {**gives, "router_logits": "router_logits"}}]


def _logits_of(found: Plain) -> int:
    """How many logits all routers give together."""
    return sum(stage["rule"]["experts"] for stage in found["stages"][1:])


def _own(
    found: Plain, stage: Plain, target: Plain, graph: Plain
) -> list[tuple[str, list[int], str]]:
    """What a strategy adds to what a stage's graphs take; `int` is either type of integers."""
    rule, batch = stage["rule"], target["batch"]
    if target["routers"] == "in-graph":
        return [("steering", [batch, _logits_of(found)], "float32")]
    if rule is None:
        return []
    if target["strategy"] in ("dispatch", "bind"):
        return [("gates", [batch, len(graph["route"] or ())], "float32")]
    if target["strategy"] == "all-experts":
        return [("gates", [batch, rule["experts"]], "float32")]
    most = longest(rule)
    return [("gates", [batch, most], "float32"), ("experts", [batch, most], "int")]


def _fits(given: tuple[str, list[int], str], wanted: tuple[str, list[int], str]) -> bool:
    types = ("int64", "int32") if wanted[2] == "int" else (wanted[2],)
    return given[:2] == wanted[:2] and given[2] in types


def _shape(found: Plain, target: Plain, tensor: str) -> list[int]:
    """The shape of a tensor behind the batch."""
    stages = _stages_of(found, target)
    stage = next(i for i, each in enumerate(stages) if tensor in each["gives"].values())
    name = next(name for name, given in stages[stage]["gives"].items() if given == tensor)
    outputs = _first_of(target, stage)["outputs"]
    return next(spec["shape"][1:] for spec in outputs if spec["name"] == name)


def _shape_in_first(found: Plain, tensor: str) -> list[int]:
    """Its shape in the first target."""
    return _shape(found, next(iter(found["targets"].values())), tensor)


def _first_of(target: Plain, stage: int) -> Plain:
    """The first graph of a stage that gives what the stage does."""
    return next(
        graph
        for graph in target["graphs"]
        if graph["stage"] == stage
        and (target["strategy"] != "experts" or stage == 0 or graph["route"] is None)
    )


def _triples(specs: list[Plain]) -> list[tuple[str, list[int], str]]:
    """Tensors of a graph: name, shape, type."""
    return [(spec["name"], spec["shape"], spec["dtype"]) for spec in specs]
