"""The fields of a manifest as the tables of docs/bundle.md list them, for `page_bundles.py`.

Each kind of field notes what is wrong by a name of its own, and says what it is with its defaults.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"
PART = r"[a-z][a-z0-9_-]*"
PATH = r"[A-Za-z0-9_./\-]+"
SHA256 = r"[0-9a-f]{64}"
CHOICE = r"[a-z][a-z0-9_]*"
COUNT = 2**53

Note = Callable[[str, str], None]
"""Takes what is wrong, and its code."""

UNKNOWN, MISSING, TYPE, RANGE = (
    f"bundle.manifest-{what}"
    for what in ("unknown-field", "missing-field", "wrong-type", "out-of-range")
)


class Kind:
    """What a value must be."""

    def check(self, value: Any, path: str, note: Note) -> None:
        raise NotImplementedError

    def filled(self, value: Any) -> Any:
        """The value with the defaults of fields that it leaves out."""
        return value


@dataclass
class Number(Kind):
    """A number; `above` and `below` are not in the range, `least` and `most` are."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False

    def check(self, value: Any, path: str, note: Note) -> None:
        kinds = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            note(f"type {path}", TYPE)
            return
        for name, holds in (
            ("least", self.least is None or value >= self.least),
            ("most", self.most is None or value <= self.most),
            ("above", self.above is None or value > self.above),
            ("below", self.below is None or value < self.below),
        ):
            if not holds:
                note(f"{name} {path}", RANGE)

    def filled(self, value: Any) -> Any:
        return value if self.whole else float(value)


@dataclass
class Text(Kind):
    least: int = 0
    most: int = 1000
    pattern: str = r"[^\x00-\x1f\x7f-\x9f]*"

    def check(self, value: Any, path: str, note: Note) -> None:
        if not isinstance(value, str):
            note(f"type {path}", TYPE)
            return
        for name, holds in (
            ("shortest", len(value) >= self.least),
            ("longest", len(value) <= self.most),
            ("characters", len(value) < self.least or re.fullmatch(self.pattern, value)),
        ):
            if not holds:
                note(f"{name} {path}", RANGE)


@dataclass
class OneOf(Kind):
    values: tuple[Any, ...]

    def check(self, value: Any, path: str, note: Note) -> None:
        kind = type(self.values[0])
        if not isinstance(value, kind) or isinstance(value, bool):
            note(f"type {path}", TYPE)
        elif value not in self.values:
            note(f"value {path}", RANGE)


class Boolean(Kind):
    def check(self, value: Any, path: str, note: Note) -> None:
        if not isinstance(value, bool):
            note(f"type {path}", TYPE)


class Option(Kind):
    """A text, a number, a boolean or null."""

    def check(self, value: Any, path: str, note: Note) -> None:
        if isinstance(value, str):
            Text().check(value, path, note)
        elif isinstance(value, (list, dict)):
            note(f"type {path}", TYPE)
        elif isinstance(value, float) and not math.isfinite(value):
            note(f"finite {path}", RANGE)


@dataclass
class Maybe(Kind):
    """A value or null."""

    kind: Kind

    def check(self, value: Any, path: str, note: Note) -> None:
        if value is not None:
            self.kind.check(value, path, note)

    def filled(self, value: Any) -> Any:
        return None if value is None else self.kind.filled(value)


@dataclass
class Array(Kind):
    kind: Kind
    least: int = 0
    most: int = 10**9

    def check(self, value: Any, path: str, note: Note) -> None:
        if not isinstance(value, list):
            note(f"type {path}", TYPE)
            return
        if len(value) < self.least:
            note(f"fewest {path}", RANGE)
        if len(value) > self.most:
            note(f"most {path}", RANGE)
        for item in value:
            self.kind.check(item, f"{path}[]", note)

    def filled(self, value: Any) -> Any:
        return [self.kind.filled(item) for item in value]


@dataclass
class Table(Kind):
    """An object whose keys are names."""

    kind: Kind
    key: Kind
    least: int = 0
    most: int = 10**9

    def check(self, value: Any, path: str, note: Note) -> None:
        if not isinstance(value, dict):
            note(f"type {path}", TYPE)
            return
        if len(value) < self.least:
            note(f"fewest {path}", RANGE)
        if len(value) > self.most:
            note(f"most {path}", RANGE)
        for key, item in value.items():
            self.key.check(key, f"key of {path}", note)
            self.kind.check(item, f"{path}{{}}", note)

    def filled(self, value: Any) -> Any:
        return {key: self.kind.filled(item) for key, item in value.items()}


@dataclass
class Record(Kind):
    """An object with the fields that a table lists; `optional` has their defaults."""

    required: dict[str, Kind]
    optional: dict[str, tuple[Kind, Any]] = field(default_factory=dict)

    def check(self, value: Any, path: str, note: Note) -> None:
        if not isinstance(value, dict):
            note(f"type {path}", TYPE)
            return
        for name in self.required.keys() - value.keys():
            note(f"missing {path}.{name}", MISSING)
        known = self.required | {name: kind for name, (kind, _) in self.optional.items()}
        for name, item in value.items():
            if name in known:
                known[name].check(item, f"{path}.{name}", note)
            else:
                note(f"unknown {path}", UNKNOWN)

    def filled(self, value: Any) -> Any:
        known = self.required | {name: kind for name, (kind, _) in self.optional.items()}
        defaults = {name: default for name, (_, default) in self.optional.items()}
        return {name: known[name].filled(item) for name, item in (defaults | value).items()}


class RuleKind(Kind):
    """A routing rule, by its `type`."""

    def __init__(self, records: dict[str, Record]) -> None:
        self.records = records

    def check(self, value: Any, path: str, note: Note) -> None:
        if not isinstance(value, dict):
            note(f"type {path}", TYPE)
        elif "type" not in value:
            note(f"missing {path}.type", MISSING)
        elif not isinstance(value["type"], str):
            note(f"type {path}.type", TYPE)
        elif value["type"] not in self.records:
            note(f"rule {path}", "bundle.unknown-rule")
        else:
            rest = {name: item for name, item in value.items() if name != "type"}
            self.records[value["type"]].check(rest, f"{path}<{value['type']}>", note)

    def filled(self, value: Any) -> Any:
        rest = {name: item for name, item in value.items() if name != "type"}
        return {"type": value["type"], **self.records[value["type"]].filled(rest)}


def whole(least: int, most: int) -> Number:
    return Number(least, most, whole=True)


name, text, path, sha256 = Text(1, 200, NAME), Text(), Text(1, 500, PATH), Text(64, 64, SHA256)
part = Text(1, 64, PART)
count = whole(0, COUNT)
error = Number(0, 1e30)
share = Number(0, 1)
relative = Number(above=0, most=1)
dtype = OneOf(("float32", "float16", "int64", "int32", "int8"))
shape = Array(whole(1, 2**31 - 1), 0, 8)
order = OneOf(("RGB", "BGR", "L"))
file = Record({"path": path, "bytes": count, "sha256": sha256})
route = Array(Number(whole=True))
factors = Array(Number(-1e6, 1e6), 1, 3)

_experts = whole(1, 4096)
_kept = (Maybe(Array(whole(0, 4095), 1, 4096)), None)
records = {
    "top_k": Record(
        {"experts": _experts},
        {
            "k": (_experts, 1),
            "renormalize": (Boolean(), False),
            "unit_gates": (Boolean(), False),
            "kept": _kept,
        },
    ),
    "top_p": Record(
        {"experts": _experts, "p": Number(0, below=1), "k_max": _experts},
        {"renormalize": (Boolean(), False), "kept": _kept},
    ),
    "threshold": Record(
        {"experts": _experts, "thresholds": Array(Number(-3e38, 3e38), 1, 4096)}, {"kept": _kept}
    ),
}
rule = RuleKind(records)
records["given"] = Record(
    {"experts": _experts, "routes": Table(route, name, 1, 4096)},
    {"choice": (Text(1, 64, CHOICE), "route"), "otherwise": (Maybe(rule), None)},
)

trained = (
    "channel_order", "resize", "crop_fraction", "resize_size", "pad_level", "pad_place",
    "pad_rounding", "interpolation", "mean", "std",
)  # fmt: skip

given_input = Record(
    {"height": whole(1, 8192), "width": whole(1, 8192)},
    {
        "channel_order": (order, "RGB"),
        "resize": (OneOf(("timm", "torchvision", "squash", "border", "letterbox")), "timm"),
        "crop_fraction": (Number(above=0, most=1), 1.0),
        "resize_size": (Maybe(whole(1, 8192)), None),
        "pad_level": (Maybe(whole(0, 255)), None),
        "pad_place": (Maybe(OneOf(("around", "right-bottom"))), None),
        "pad_rounding": (Maybe(OneOf(("nearest", "down"))), None),
        "interpolation": (OneOf(("nearest", "bilinear", "bicubic", "lanczos")), "bicubic"),
        "mean": (Array(Number(-1000, 1000)), [0.485, 0.456, 0.406]),
        "std": (Array(Number(1e-6, 1000)), [0.229, 0.224, 0.225]),
    },
)

tensor = Record(
    {"name": name, "shape": shape, "dtype": dtype},
    {
        "pixels": (
            Maybe(Record({"channel_order": order, "scale": factors, "bias": factors})),
            None,
        )
    },
)

placement = Record(
    {
        "engine": name,
        "partitions": count,
        "nodes_outside": count,
        "outside": Table(count, name),
    },
    {"nodes": (Maybe(count), None), "verdict": (Maybe(text), None)},
)

graph = Record(
    {
        "name": name,
        "stage": whole(0, 1000),
        "route": Maybe(route),
        "file": path,
        "weight_bytes": count,
        "exclusive_bytes": count,
        "inputs": Array(tensor, 1, 10_000),
        "outputs": Array(tensor, 1, 64),
    },
    {
        "entry": (Maybe(name), None),
        "bound": (Table(Record({"place": whole(0, 100_000), "tensor": name}), name, 0, 10_000), {}),
        "placement": (Array(placement, 0, 20), []),
    },
)

stored = Record({"offset": count, "shape": shape, "dtype": dtype})
expert_weights = Record(
    {"offset": count, "bytes": count, "tensors": Table(stored, name, 0, 10_000)}
)

bounds_defaults = {
    "router_error": 1e-4,
    "answer_error": 1e-4,
    "psnr_db": 90.0,
    "agreement": 1.0,
    "routing_agreement": 1.0,
    "own_error_factor": 8.0,
    "conditioned_error": 5e-3,
    "reason": "",
}

bounds = Record(
    {},
    {
        "router_error": (relative, 1e-4),
        "answer_error": (relative, 1e-4),
        "psnr_db": (Number(0, 1000), 90.0),
        "agreement": (share, 1.0),
        "routing_agreement": (share, 1.0),
        "own_error_factor": (Number(0, 1e9), 8.0),
        "conditioned_error": (share, 5e-3),
        "reason": (text, ""),
    },
)

verified_output = Record(
    {
        "kind": part,
        "measure": Maybe(text),
        "agreement": Maybe(share),
        "max_abs_error": error,
        "max_rel_error": error,
        "rms_error": error,
        "psnr_db": Maybe(Number(-1000, 10_000)),
    }
)

loss = Number(-1, 1)
accuracy = Record(
    {"images": count, "reference": share, "target": share, "least_loss": loss, "most_loss": loss}
)

verification = Record(
    {
        "images": count,
        "routing_agreement": share,
        "router_error": error,
        "router_error_bound": error,
        "answer_error": error,
        "answer_error_bound": error,
        "outputs": Table(verified_output, name, 0, 64),
        "near_ties": count,
        "forced_routes": count,
    },
    {"accuracy": (Maybe(accuracy), None)},
)

counts = Array(Array(count, 0, 100_000), 0, 1000)
calibration = Record({"images": count, "sha256": sha256, "routed": counts, "forced": counts})
left = Record({"graph": name, "operator": name, "layer": text, "reason": text})
compression = Record(
    {
        "weights": name,
        "activations": name,
        "layers": count,
        "left": Array(left, 0, 100_000),
        "plain_bytes": count,
    },
    {"calibration": (Maybe(calibration), None), "smoothed": (count, 0)},
)

target = Record(
    {
        "format": name,
        "strategy": part,
        "precision": part,
        "batch": whole(1, 4096),
        "graphs": Array(graph, 1, 100_000),
        "weights": Maybe(path),
        "files": Array(file, 1, 200_000),
        "parity": Maybe(
            Record(
                {"graphs": count, "max_abs_error": error, "tolerance": error},
                {"verification": (Maybe(verification), None)},
            )
        ),
    },
    {
        "routers": (OneOf(("host", "in-graph")), "host"),
        "options": (Table(Option(), name), {}),
        "rewrites": (Array(name, 0, 100), []),
        "sizes": (
            Maybe(
                Record(
                    {"distinct_bytes": count, "shared_bytes": count},
                    {"expert_bytes": (Array(Array(count), 0, 1000), [])},
                )
            ),
            None,
        ),
        "experts": (Array(Array(expert_weights, 0, 100_000), 0, 1000), []),
        "bounds": (bounds, bounds_defaults),
        "compression": (Maybe(compression), None),
    },
)

stage = Record(
    {
        "name": name,
        "rule": Maybe(rule),
        "router": Maybe(name),
        "takes": Table(name, name, 1, 64),
        "gives": Table(name, name, 1, 64),
    },
    {"finishes": (Array(route, 0, 1024), [])},
)

restriction = Record(
    {"stage": whole(1, 1000), "rule": rule},
    {"route": (Maybe(route), None), "kept": (Maybe(route), None)},
)

output = Record(
    {"name": name, "kind": part, "tensors": Array(name, 1, 1000)},
    {"labels": (Maybe(Array(text, 0, 1_000_000)), None)},
)

manifest = Record(
    {
        "format": OneOf(("mvmoe-bundle",)),
        "version": OneOf((2,)),
        "model": Record(
            {
                "family": text,
                "name": text,
                "params_total": count,
                "params_active": count,
                "macs": count,
            }
        ),
        "source": Record(
            {"checkpoint_sha256": Maybe(sha256), "packages": Table(text, name)},
            {
                "weights": (Maybe(text), None),
                "input": (
                    Table(OneOf(("default", "checkpoint", "option")), OneOf(trained)),
                    {},
                ),
            },
        ),
        "input": given_input,
        "stages": Array(stage, 1, 1000),
        "outputs": Array(output, 1, 64),
        "targets": Table(target, name, 1, 100),
        "usage_prior": Maybe(Array(Array(Record({"route": route, "share": share})))),
        "golden": Record({"images": whole(1, 10_000), "file": file}),
    },
    {"restrictions": (Array(restriction, 0, 1000), [])},
)
