"""Writes `outputs.json` and `checks.json` beside this file: what mvmoe_deploy makes of outputs.

The Kotlin and Swift tests read them. Run it after a change of docs/outputs.md:

    python kotlin/mvmoe-core/src/test/resources/outputs/generate.py

Numbers of fp32 are 8 hexadecimal digits of their bits each, the most significant first.
"""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.outputs import OutputKind, find_kind
from mvmoe_deploy.outputs.contract import ALL_COUNT
from mvmoe_deploy.preprocessing.input_transform import InputTransform
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.choices import selector_in_turn
from mvmoe_deploy.routing.contract import members_of, route_of
from mvmoe_deploy.routing.plain_data import rule_from
from mvmoe_deploy.runtime.engine_check import Answered, check_answers

HERE = Path(__file__).parent
KINDS = ("logits", "embedding", "boxes", "mask", "map", "tensor")
LIMITS = (ALL_COUNT, 0.0, 1e-3, 0.05, 0.3)
SHAPES = ([3], [1], [4, 5], [4, 4], [2, 6], [1, 2, 3], [5, 4, 4], [1, 1, 1, 1], [1] * 7, [1] * 8)
TRANSFORMS = (
    InputTransform(image=(9, 7), resized=(12, 9), left=2, top=1, input=(8, 8)),
    InputTransform(image=(6, 11), resized=(4, 8), left=-2, top=0, input=(8, 8)),
    InputTransform(image=(31, 20), resized=(8, 5), left=0, top=-1, input=(8, 8)),
)


def bits(array: np.ndarray) -> str:
    """An array's numbers in C order."""
    return np.ascontiguousarray(array, ">f4").tobytes().hex()


def number(value: float | None) -> float | str | None:
    """A number as JSON can have it."""
    return "inf" if value is not None and math.isinf(value) else value


def values(kind: str, rng: np.random.Generator) -> np.ndarray:
    """One image's output."""
    if kind == "boxes":
        return boxes(rng)
    shape = {"logits": (rng.integers(1, 6),), "embedding": (rng.integers(1, 6),)}.get(kind)
    if shape is None:
        shape = (rng.integers(1, 4), 3, 4)
    # Few levels, so that there are ties.
    return rng.choice(np.float32([-1, -0.5, 0, 0.25, 1]), size=shape)


def boxes(rng: np.random.Generator) -> np.ndarray:
    """Rows that overlap by about as much as matters; some of a pixel, and some without area."""
    count, classes = rng.integers(1, 12), rng.integers(1, 4)
    corner = rng.choice([4.0, 5.0, 12.0], size=(count, 2)) + rng.uniform(-0.5, 0.5, (count, 2))
    size = rng.choice([0.7, 1.5, 4.0, 6.0, -1.0], p=[0.1, 0.2, 0.4, 0.2, 0.1], size=(count, 2))
    scores = rng.choice([0.1, 0.25, 0.26, 0.5, 0.5, 0.9], size=(count, classes))
    return np.float32(np.concatenate([corner, corner + size, scores], axis=1))


def changed(kind: str, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What an engine may make of it: off by rounding, by more, or not finite."""
    size = rng.choice([0.0, 1e-4, 2e-2, 0.4])
    given = np.float32(wanted + size * rng.uniform(-1, 1, wanted.shape))
    if rng.random() < 0.05:
        given.flat[rng.integers(given.size)] = rng.choice([np.nan, np.inf])
    if kind == "embedding" and rng.random() < 0.1:
        given[:] = 0
    return given


def agreement(kind: OutputKind, given: np.ndarray, wanted: np.ndarray, limit: float) -> Any:
    """Of one image; null where it decides nothing."""
    found = kind.agreement(given[None], wanted[None], limit)
    return None if found is None or not found.decided[0] else float(found.agreement[0])


def comparison(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Both sides of one image, with the agreement by each limit."""
    kind, wanted = find_kind(name), values(name, rng)
    if name == "embedding" and rng.random() < 0.1:
        wanted[:] = 0
    given = changed(name, wanted, rng)
    return {
        "kind": name,
        "shape": list(wanted.shape),
        "given": bits(given),
        "wanted": bits(wanted),
        "agreements": [[limit, agreement(kind, given, wanted, limit)] for limit in LIMITS],
    }


def shape_of(name: str, shape: list[int]) -> dict[str, Any]:
    """Whether a kind can have a shape, and with how many classes."""
    kind = find_kind(name)
    fits = kind.fits(tuple(shape))
    classes = kind.classes(tuple(shape)) if fits else None
    return {"kind": name, "shape": shape, "fits": fits, "classes": classes}


def view(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """What an output says, in the pixels of a photograph."""
    kind, value = find_kind(name), values(name, rng)
    labels = [f"class {index}" for index in range(kind.classes(value.shape) or 0)]
    transform = TRANSFORMS[rng.integers(len(TRANSFORMS))]
    begin = (transform.left, transform.top)
    data = kind.data(value, labels, transform)
    found = {
        "kind": name,
        "shape": list(value.shape),
        "values": bits(value),
        "labels": labels,
        "transform": [*transform.image, *transform.resized, *begin, *transform.input],
    }
    if name == "logits":
        return found | {"best": [[x.index, x.label, x.probability] for x in data.best]}
    if name == "boxes":
        return found | {"boxes": [[x.index, x.label, x.score, *x.box] for x in data.boxes]}
    columns, rows = transform.cells_of_image((value.shape[2], value.shape[1]))
    inside = (rows >= 0)[:, None] & (columns >= 0)
    if name == "map":
        pixels = value[0][rows[:, None], columns]
        return found | {"pixels": bits(pixels), "inside": inside.astype(int).ravel().tolist()}
    picture = kind.picture(value, labels, None, transform)
    pixels = np.where(inside, np.asarray(picture, np.int64), -1)
    return found | {
        "shares": [[x.index, x.label, x.share] for x in data.classes],
        "pixels": pixels.ravel().tolist(),
    }


TOP_K: dict[str, Any] = {"type": "top_k", "experts": 3}
TOP_P: dict[str, Any] = {"type": "top_p", "experts": 3, "p": 0.5, "k_max": 2}
GIVEN: dict[str, Any] = {"type": "given", "experts": 3, "routes": {"b": [0, 2], "a": [1]}}
RULES = (
    [TOP_K],
    [{"type": "top_k", "experts": 4, "k": 2, "renormalize": True}, TOP_P],
    [{"type": "threshold", "experts": 3, "thresholds": [0.0, 0.5, 0.5]}],
    [GIVEN],
    [GIVEN | {"otherwise": TOP_K}],
)


def rows_of(rule: dict[str, Any], count: int, rng: np.random.Generator) -> np.ndarray:
    """Logits of few levels; none where there is no router."""
    if rule["type"] == "given" and "otherwise" not in rule:
        return np.zeros((count, 0), np.float32)
    return rng.choice(np.float32([-1, 0, 0.5, 0.50001, 2]), size=(count, rule["experts"]))


def routes_of(rule: Rule, rows: np.ndarray) -> list[Route]:
    """The routes that golden images take by logits `[n, E]`."""
    return [selector_in_turn(rule, image).select_one(row)[0] for image, row in enumerate(rows)]


def answers_to(wanted: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """What an engine gave: mostly what is wanted, but for the last bits."""
    if rng.random() < 0.7:
        return np.float32(wanted * (1 + rng.uniform(-1e-5, 1e-5, wanted.shape)))
    return np.stack([changed(kind, value, rng) for value in wanted])


def check(rng: np.random.Generator) -> dict[str, Any]:
    """Golden answers, and what an engine gave instead; with the figures."""
    data = RULES[rng.integers(len(RULES))]
    rules, count = [rule_from(rule) for rule in data], int(rng.integers(1, 6))
    size = rng.choice([1e-6, 2e-5, 2.0], p=[0.5, 0.3, 0.2])
    golden: dict[str, np.ndarray] = {}
    given = []
    for stage, (plain, rule) in enumerate(zip(data, rules, strict=True), start=1):
        wanted = rows_of(plain, count, rng)
        members = members_of(routes_of(rule, wanted), rule.experts)
        if stage > 1:
            members[rng.random(count) < 0.2] = False  # finished before
        golden |= {f"logits.{stage}": wanted} if wanted.size else {}
        golden[f"members.{stage}"] = members
        given.append(np.float32(wanted + size * rng.uniform(-1, 1, wanted.shape)))
    kinds = rng.choice(KINDS, size=2, replace=False).tolist()
    answers = {}
    for kind in kinds:
        first = values(kind, rng)
        scales = rng.choice([0.5, 1.0], size=count)
        golden[f"outputs.{kind}"] = np.stack([np.float32(first * scale) for scale in scales])
        answers[kind] = answers_to(golden[f"outputs.{kind}"], kind, rng)
    taken = [routes_of(rule, rows) for rule, rows in zip(rules, given, strict=True)]
    answered = [
        Answered(
            [routes[image] for routes in taken],
            [rows[image] for rows in given],
            {kind: array[image] for kind, array in answers.items()},
        )
        for image in range(count)
    ]
    verified = rng.random() < 0.5
    verification = SimpleNamespace(router_error_bound=2e-4, answer_error_bound=3e-2)
    target = SimpleNamespace(
        bounds=Bounds(agreement=0.9),
        parity=SimpleNamespace(verification=verification) if verified else None,
    )
    manifest = SimpleNamespace(
        rules=rules, outputs=[SimpleNamespace(name=kind, kind=kind) for kind in kinds]
    )
    found = check_answers(golden, answered, manifest, target)
    return {
        "rules": data,
        "images": count,
        "verified": verified,
        "stages": [
            {
                "wanted": [bits(row) for row in logits_in(golden, stage)],
                "members": [list(route_of(row)) for row in golden[f"members.{stage}"]],
                "given": [bits(row) for row in rows],
                "routes": [list(one.routes[stage - 1]) for one in answered],
            }
            for stage, rows in enumerate(given, start=1)
        ],
        "outputs": [
            {
                "kind": kind,
                "shape": list(golden[f"outputs.{kind}"].shape[1:]),
                "wanted": [bits(value) for value in golden[f"outputs.{kind}"]],
                "given": [bits(value) for value in answers[kind]],
            }
            for kind in kinds
        ],
        "ok": found.ok,
        "rerouted": list(found.rerouted),
        "near_ties": list(found.near_ties),
        "router_error": number(found.router_error),
        "router_error_bound": found.router_error_bound,
        "answer_error": number(found.answer_error),
        "answer_error_bound": found.answer_error_bound,
        "checked": {
            name: [number(one.error), one.agreement, one.least_agreement, one.agrees]
            for name, one in found.outputs.items()
        },
    }


def files() -> dict[str, Any]:
    """The content of both files."""
    rng = np.random.default_rng(17)
    return {
        "outputs": {
            "shapes": [shape_of(kind, list(shape)) for kind in KINDS for shape in SHAPES],
            "comparisons": [
                comparison(kind, rng)
                for kind, count in zip(KINDS, (60, 60, 300, 60, 4, 4), strict=True)
                for _ in range(count)
            ],
            "views": [
                view(kind, rng) for kind in ("logits", "boxes", "mask", "map") for _ in range(20)
            ],
        },
        "checks": {"checks": [check(rng) for _ in range(120)]},
    }


def text_of(content: dict[str, list[Any]]) -> str:
    """JSON with a line for each case."""
    parts = [
        f" {json.dumps(name)}: [\n" + ",\n".join(f"  {json.dumps(case)}" for case in cases) + "\n ]"
        for name, cases in content.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / f"{name}.json").write_text(text_of(content), encoding="utf-8")
