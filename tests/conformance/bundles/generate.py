"""Write the conformance cases of bundles: run this file.

The codes are those that mvmoe_deploy gives. A case in which the second reader, written from the
page, finds two faults with different codes in one step is left out: no order of checks decides one.
"""

import copy
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).parent))

from bundles_reference import ReferenceReader
from bundles_suite import MANIFEST, Case, Plain, Workplace, stored
from fake_bundles import FakeBundle
from field_edits import field_edits
from page_bundles import PageReader
from valid_bundles import ALL

FOLDER = Path(__file__).parent / "cases"
Change = Callable[[Plain], Any]
Draft = tuple[str, str, list[Plain]]
"""The valid bundle, what is done to it, the edits."""


def bundles() -> dict[str, FakeBundle]:
    """The valid bundles by name."""
    return {bundle.name: bundle for bundle in (make() for make in ALL)}


BUNDLES = bundles()
CONTENTS = {
    name: {MANIFEST: bundle.text.encode(), **bundle.files} for name, bundle in BUNDLES.items()
}
"""All files of each bundle."""


# Edits


def splice(file: str, before: bytes, after: bytes) -> Plain:
    """The edit that makes one content of a file of another."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    # Not in the middle of a character.
    while start and 0x80 <= (before + b"\0")[start] < 0xC0:
        start -= 1
    while end and 0x80 <= before[len(before) - end] < 0xC0:
        end -= 1
    inserted = after[start : len(after) - end]
    return {"file": file, "at": start, "remove": len(before) - end - start, **_short(inserted)}


def _short(data: bytes) -> Plain:
    """The form of bytes that takes the least room; repeated texts are told as such."""
    for size in range(1, 200) if len(data) > 400 else ():
        times = len(data) // size
        if data[: size * times] == data[:size] * times:
            parts = [[data[:size].decode(), times], [data[size * times :].decode(), 1]]
            return {"parts": [part for part in parts if part[0]]}
    return stored(data)


def manifest_edit(bundle: str, change: Change) -> Plain:
    """The edit of a manifest that a change of its content makes; texts `@...@` are written raw."""
    content = copy.deepcopy(BUNDLES[bundle].manifest)
    changed = change(content)
    text = FakeBundle(bundle, content if changed is None else changed, {}).text
    for quoted, raw in (('"@', ""), ('@"', "")):
        text = text.replace(quoted, raw)
    return splice(MANIFEST, BUNDLES[bundle].text.encode(), text.encode())


def put(*path_and_value: Any) -> Change:
    """A change of one node; the last argument is its value."""
    *path, last, value = path_and_value

    def change(content: Plain) -> None:
        node: Any = content
        for step in path:
            node = node[step]
        node[last] = value

    return change


def drop(*path: Any) -> Change:
    """A change that takes one node away."""

    def change(content: Plain) -> None:
        node: Any = content
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]

    return change


def both(*changes: Change) -> Change:
    """Several changes: what one alone would break in two ways."""

    def change(content: Plain) -> None:
        for one in changes:
            one(content)

    return change


# The text of a manifest


SINGLE = BUNDLES["single"].text


def instead(name: str, after: bytes) -> Draft:
    """Another content of the manifest."""
    return "single", name, [splice(MANIFEST, SINGLE.encode(), after)]


def within(name: str, old: str, new: str | bytes) -> Draft:
    """Another text or bytes in the place of one."""
    assert SINGLE.count(old) == 1, old
    raw = new if isinstance(new, bytes) else new.encode()
    return instead(name, SINGLE.encode().replace(old.encode(), raw))


def texts() -> Iterator[Draft]:
    """What is no strict JSON, and what is although it looks unusual."""
    yield from encodings()
    yield from syntax()
    yield from numbers()
    yield from keys_and_depth()
    yield from whole_manifests()


def encodings() -> Iterator[Draft]:
    """Bytes, characters and escapes."""
    text, data = SINGLE, SINGLE.encode()
    end = text.rstrip()[:-1]
    yield instead("an empty file", b"")
    yield instead("cut off at its half", data[: len(data) // 2])
    yield instead("cut off before its last bracket", end.encode())
    yield instead("a second object after it", data + b"{}")
    yield instead("a letter after it", data + b"x")
    yield instead("a byte order mark of UTF-8", b"\xef\xbb\xbf" + data)
    yield instead("UTF-16, the lower byte first", b"\xff\xfe" + text.encode("utf-16-le"))
    yield instead("UTF-16, the higher byte first", b"\xfe\xff" + text.encode("utf-16-be"))
    yield instead("Latin-1", text.encode("latin-1", "replace"))
    yield within("a byte that is no UTF-8", '"fake"', b'"fa\xffke"')
    yield within("half a character, escaped", '"family":"fake"', '"family":"\\ud800"')
    yield within("half a character as a key", '"opset"', '"\\udc00"')
    yield within(
        "a character from two halves, escaped", '"family":"fake"', '"family":"\\ud83d\\ude00"'
    )
    yield within("an escaped letter", '"family":"fake"', '"family":"f\\u0061ke"')
    yield within("an overlong character", '"fake"', b'"fa\xc0\x80ke"')
    yield within("a line feed within a text", '"family":"fake"', '"family":"fa\nke"')
    yield within("a zero byte within a text", '"family":"fake"', '"family":"fa\0ke"')
    yield within("a wrong escape", '"family":"fake"', '"family":"fa\\xke"')


def syntax() -> Iterator[Draft]:
    """What other parsers take for JSON."""
    data = SINGLE.encode()
    spaced = b" \r\n\t" + data.replace(b",", b" ,\n")
    yield instead("spaces and line feeds around everything", spaced)
    yield instead("a form feed before it", b"\x0c" + data)
    yield within("true in capitals", '"fast":true', '"fast":True')
    yield within("single quotes", '"family":"fake"', "'family':'fake'")
    yield within("a key without quotes", '"family":"fake"', 'family:"fake"')
    yield within("a comma too many in an object", '"macs":100}', '"macs":100,}')
    yield within("a comma too many in an array", '"mean":[0.5]', '"mean":[0.5,]')
    yield within("a comma too few", '"family":"fake",', '"family":"fake"')
    yield within("a comment", '"macs":100}', '"macs":100/* many */}')
    yield within("a line comment", '"macs":100}', '"macs":100}//\n')


def numbers() -> Iterator[Draft]:
    """How numbers are written."""
    for number in ("NaN", "Infinity", "-Infinity", "nan"):
        yield within(f"the number {number}", '"max_abs_error":1e-06', f'"max_abs_error":{number}')
    for number in ("+100", "0100", "100.", ".5", "0x64", "1_00", "-", "1e", "1e+"):
        yield within(f"the number {number}", '"macs":100', f'"macs":{number}')
    for number in ("1e2", "100.0", "1E2", "9007199254740993", "9007199254740992", "1e400"):
        yield within(f"an integer written as {number}", '"macs":100', f'"macs":{number}')
    yield within("an integer of 4,300 digits", '"macs":100', '"macs":' + "1" * 4300)
    yield within("an integer of 4,301 digits", '"macs":100', '"macs":' + "1" * 4301)
    for number in ("1e400", "-1e400", "1E-6", "1e-400", "-0.0", "0", "1" + "0" * 29 + ".0"):
        name = number if len(number) < 20 else "1e29 written out"
        yield within(
            f"a number written as {name}", '"max_abs_error":1e-06', f'"max_abs_error":{number}'
        )


def keys_and_depth() -> Iterator[Draft]:
    """Keys that are there twice, and brackets within each other."""
    text = SINGLE
    for name, old in (
        ("at the top", '"version":2'),
        ("of a graph", '"name":"step1_e1","stage":1'),
        ("of options", '"opset":21'),
    ):
        field = old.split(",")[0]
        found = text.find(old)
        after = text[:found] + f"{field}," + text[found:]
        yield instead(f"a key twice, {name}", after.encode())
    yield within("a key twice, once escaped", '"opset":21', '"opset":21,"ops\\u0065t":21')
    yield within("a key twice in an unknown field", '"macs":100', '"macs":100,"x":{"a":1,"a":1}')
    for depth in (64, 65, 100_000):
        # Two brackets are the manifest's own.
        inner = "[" * (depth - 2) + "]" * (depth - 2)
        yield (
            "single",
            f"{depth} brackets within each other",
            [_nested(text, '"fast":true', inner)],
        )
    yield within("brackets within a text", '"reason":"r"', '"reason":"' + "[{" * 100 + '"')


def whole_manifests() -> Iterator[Draft]:
    """Sizes, other contents, formats and versions."""
    data = SINGLE.encode()
    spaces = 32 * 2**20 - len(data)
    for name, count in (("32 MiB", spaces), ("32 MiB and a byte", spaces + 1)):
        edit = {"file": MANIFEST, "at": len(data), "remove": 0, "parts": [[" ", count]]}
        yield "single", f"a file of {name}", [edit]
    for name, value in (
        ("an array", "[]"),
        ("a text", '"text"'),
        ("null", "null"),
        ("a number", "2"),
    ):
        yield instead(f"{name} instead of the object", value.encode())
    yield instead("an empty object", b"{}")
    for name, change in (
        ("version 1", put("version", 1)),
        ("version 3", put("version", 3)),
        ("a version that is a text", put("version", "2")),
        ("a version with a fraction", put("version", 2.0)),
        ("no version", drop("version")),
        ("version null", put("version", None)),
        ("another format", put("format", "mvmoe-checkpoint")),
        ("no format", drop("format")),
        ("a format that is no text", put("format", ["mvmoe-bundle"])),
        ("a format in capitals", put("format", "MVMOE-BUNDLE")),
    ):
        yield "single", name, [manifest_edit("single", change)]
    yield (
        "single",
        "another version with a field that nobody knows",
        [manifest_edit("single", both(put("version", 3), put("surprise", 1)))],
    )


def _nested(text: str, old: str, inner: str) -> Plain:
    """An edit that puts brackets into an option."""
    at = text.encode().index(old.encode())
    half = len(inner) // 2
    parts = [['"deep":', 1], ["[", half], ["]", half], [",", 1]]
    if inner:
        # The options are in a target, in the targets, in the manifest: four brackets.
        parts[1][1] = parts[2][1] = half - 2
    return {"file": MANIFEST, "at": at, "remove": 0, "parts": parts}


# Single fields


def fields() -> Iterator[Draft]:
    """Each field of each object: other types, the ends of its range, what lies beyond them."""
    seen: set[str] = set()
    for name, bundle in BUNDLES.items():
        for edit in field_edits(bundle.manifest, seen):
            after = FakeBundle(name, edit.manifest, {}).text.encode()
            if len(after) < 200_000:
                yield name, edit.name, [splice(MANIFEST, bundle.text.encode(), after)]


# Fields that belong together

ONNX = ("targets", "onnx")
GRAPHS = (*ONNX, "graphs")


def _of(bundle: str, *drafts: tuple[str, Change]) -> Iterator[Draft]:
    for name, change in drafts:
        yield bundle, name, [manifest_edit(bundle, change)]


def values() -> Iterator[Draft]:
    """Rules and inputs whose fields contradict each other."""
    rule = ("stages", 1, "rule")
    yield from _of(
        "single",
        ("k above the experts", put(*rule, "k", 3)),
        ("a rule that nobody has", put(*rule, "type", "top_q")),
        ("a rule that is a module's name", put(*rule, "type", "contract")),
        ("a rule without its type", drop(*rule, "type")),
        ("a rule whose type is a number", put(*rule, "type", 1)),
        ("a field of another rule", put(*rule, "p", 0.5)),
        ("mean of three channels for one", put("input", "mean", [0.5, 0.5, 0.5])),
        ("std of no channel", put("input", "std", [])),
        ("colour with the statistics of grey", put("input", "channel_order", "RGB")),
        ("torchvision without a size", put("input", "resize", "torchvision")),
        ("a size of another rule", put("input", "resize_size", 4)),
        ("padding of another rule", put("input", "pad_level", 0)),
        ("a place of another rule", put("input", "pad_place", "around")),
        ("a rounding of another rule", put("input", "pad_rounding", "down")),
        ("where an unknown field came from", put("source", "input", {"height": "option"})),
    )
    top_p, threshold = ("stages", 1, "rule"), ("stages", 2, "rule")
    yield from _of(
        "other-rules",
        ("k_max above the experts", put(*top_p, "k_max", 4)),
        ("p of 1", put(*top_p, "p", 1)),
        ("top_p without p", drop(*top_p, "p")),
        ("a threshold too few", put(*threshold, "thresholds", [0.5, 1])),
        ("a threshold too many", put(*threshold, "thresholds", [0.5, 1, 2, 3])),
        ("no thresholds", put(*threshold, "thresholds", [])),
        ("a threshold beyond fp32", put(*threshold, "thresholds", [0.5, 1e39, 0])),
        ("renormalize of threshold", put(*threshold, "renormalize", True)),
    )
    task, device = ("stages", 1, "rule"), ("stages", 3, "rule")
    yield from _of(
        "given-routes",
        ("no named route", put(*device, "routes", {})),
        ("a named route without an expert", put(*device, "routes", {"low-power": []})),
        (
            "a named route of an expert that there is not",
            put(*device, "routes", {"low-power": [4]}),
        ),
        ("a named route of expert -1", put(*device, "routes", {"low-power": [-1]})),
        ("a named route in another order", put(*device, "routes", {"low-power": [3, 1]})),
        ("a named route with an expert twice", put(*device, "routes", {"low-power": [3, 3]})),
        ("a route under two names", put(*device, "routes", {"low-power": [3], "flight": [3]})),
        ("a named route that is the router's", put(*device, "routes", {"low-power": [0, 1]})),
        ("a name with a space", put(*device, "routes", {"low power": [3]})),
        ("an empty name", put(*device, "routes", {"": [3]})),
        ("a name that is a control character", put(*device, "routes", {"\u0001": [3]})),
        ("a choice in capitals", put(*device, "choice", "Device")),
        ("a choice with a dash", put(*device, "choice", "device-state")),
        ("an empty choice", put(*device, "choice", "")),
        ("a choice of 64 characters", put(*device, "choice", "c" * 64)),
        ("a choice of 65 characters", put(*device, "choice", "c" * 65)),
        (
            "given within given",
            put(*device, "otherwise", {"type": "given", "experts": 4, "routes": {"a": [0]}}),
        ),
        ("a rule within given that nobody has", put(*device, "otherwise", {"type": "top_q"})),
        ("a rule within given of other experts", put(*device, "otherwise", "experts", 5)),
        ("a rule within given that leaves no route", put(*device, "otherwise", "k", 5)),
        ("a field that nobody knows within given", put(*device, "otherwise", "surprise", 1)),
        ("routes of given as an array", put(*device, "routes", [[3]])),
        ("given without routes", drop(*task, "routes")),
    )
    yield from kept_values()
    yield from _of(
        "torchvision",
        ("a size below the input's", put("input", "resize_size", 3)),
        ("a size that is the input's", put("input", "resize_size", 4)),
        ("torchvision with size null", put("input", "resize_size", None)),
        ("torchvision with a crop", put("input", "crop_fraction", 0.875)),
        ("torchvision with a crop of 1", put("input", "crop_fraction", 1)),
    )
    yield from _of(
        "every-kind",
        ("letterbox without a level", drop("input", "pad_level")),
        ("letterbox without a place", put("input", "pad_place", None)),
        ("letterbox without a rounding", drop("input", "pad_rounding")),
        ("letterbox with a crop", put("input", "crop_fraction", 0.5)),
        ("letterbox with a size", put("input", "resize_size", 6)),
        ("another rule with the fields of letterbox", put("input", "resize", "squash")),
        ("a mean of two channels", put("input", "mean", [0, 0])),
        ("a std of four channels", put("input", "std", [1, 1, 1, 1])),
    )


def kept_values() -> Iterator[Draft]:
    """Rules that keep what they cannot keep."""
    top_k, top_p = ("stages", 1, "rule"), ("stages", 2, "rule")
    given, before = ("stages", 3, "rule"), ("restrictions", 1, "rule")
    for name, rule, experts in (
        ("top_k", top_k, 4),
        ("top_p", top_p, 3),
        ("threshold", (*given, "otherwise"), 4),
        ("the rule of before", before, 4),
    ):
        yield from _of(
            "kept",
            (f"no kept expert of {name}", put(*rule, "kept", [])),
            (f"all experts of {name} kept", put(*rule, "kept", [*range(experts)])),
            (f"kept experts of {name} in another order", put(*rule, "kept", [2, 1])),
            (f"a kept expert of {name} twice", put(*rule, "kept", [1, 1])),
            (f"a kept expert of {name} that there is not", put(*rule, "kept", [1, experts])),
            (f"a kept expert of {name} below 0", put(*rule, "kept", [-1, 1])),
            (f"a kept expert of {name} beyond all rules", put(*rule, "kept", [1, 4096])),
            (f"kept experts of {name} as a number", put(*rule, "kept", 1)),
            (f"kept experts of {name} as texts", put(*rule, "kept", ["1", "2"])),
        )
    yield from _of(
        "kept",
        ("fewer kept experts than k", put(*top_k, "kept", [1])),
        ("kept experts of given", put(*given, "kept", [1, 2])),
        ("kept experts null of given", put(*given, "kept", None)),
        ("kept experts null where all are", _all_kept),
        ("kept experts null where some have no graph", put(*top_k, "kept", None)),
    )


def _all_kept(content: Plain) -> None:
    """Rules of all experts, and of the targets the one whose graphs serve any route."""
    _only("everything")(content)
    content["usage_prior"] = None
    for stage in content["stages"][1:]:
        stage["rule"].get("otherwise", stage["rule"])["kept"] = None


def flow() -> Iterator[Draft]:
    """Stages, tensors and outputs."""
    yield from _of(
        "single",
        (
            "a stem with a rule",
            both(
                put("stages", 0, "rule", {"type": "top_k", "experts": 2}),
                put("stages", 0, "router", "stem.logits"),
            ),
        ),
        (
            "a routed stage without a rule",
            both(put("stages", 1, "rule", None), put("stages", 1, "router", None)),
        ),
        ("a stage without a rule but with a router", put("stages", 1, "rule", None)),
        ("a rule without a router", put("stages", 1, "router", None)),
        ("a stem with a router", put("stages", 0, "router", "stem.logits")),
        ("two stages of one name", put("stages", 1, "name", "stem")),
        ("stages in the other order", lambda content: content["stages"].reverse()),
        ("a stem that takes two tensors", put("stages", 0, "takes", "other", "image")),
        ("a stem that calls the image otherwise", put("stages", 0, "takes", {"picture": "image"})),
        ("a stem that takes what it gives", put("stages", 0, "takes", {"image": "stem.tokens"})),
        ("a tensor that nobody gives", put("stages", 1, "takes", "tokens", "stem.token")),
        ("a stage that takes its own tensor", put("stages", 1, "takes", "tokens", "step1.answer")),
        ("a router that nobody gives", put("stages", 1, "router", "stem.logit")),
        ("a router that the stage itself gives", put("stages", 1, "router", "step1.answer")),
        ("the image as a router", put("stages", 1, "router", "image")),
        ("a tensor given twice", put("stages", 1, "gives", "answer", "stem.tokens")),
        ("a tensor given twice by one stage", put("stages", 0, "gives", "logits", "stem.tokens")),
        ("the image given", put("stages", 1, "gives", "answer", "image")),
        ("taken and given under one name", put("stages", 1, "gives", {"tokens": "step1.answer"})),
        ("an output that no stage gives", put("outputs", 0, "tensors", ["step1.answers"])),
        ("the image as an output", put("outputs", 0, "tensors", ["image"])),
        (
            "an output of two tensors of one stage",
            put("outputs", 0, "tensors", ["stem.logits", "stem.tokens"]),
        ),
        (
            "an output with a tensor twice",
            put("outputs", 0, "tensors", ["step1.answer", "step1.answer"]),
        ),
        (
            "two outputs of one name",
            lambda content: content["outputs"].append(content["outputs"][0]),
        ),
        ("a finishing stem", put("stages", 0, "finishes", [[0]])),
        ("a stage that finishes all", put("stages", 1, "finishes", [[0], [1]])),
        ("finishing before the output is there", put("stages", 1, "finishes", [[1]])),
    )
    yield from _of(
        "two-stages",
        ("two stages in a cycle", put("stages", 1, "takes", "tokens", "step2.answer")),
        ("a tensor of a later stage", put("stages", 1, "takes", "tokens", "step1.tokens")),
        ("a router of a later stage", put("stages", 1, "router", "step1.logits")),
        (
            "a tensor of an earlier stage under another name",
            put("stages", 2, "takes", "image", "image"),
        ),
        (
            "two stages in the other order",
            lambda content: content["stages"].insert(1, content["stages"].pop()),
        ),
        (
            "a stage that there is no graph for",
            lambda content: content["stages"].append(
                {**content["stages"][2], "name": "step3", "gives": {"more": "step3.more"}}
            ),
        ),
    )
    yield from _of(
        "given-routes",
        ("a router where the caller has to choose", put("stages", 1, "router", "stem.logits")),
        ("no router where one may decide", put("stages", 3, "router", None)),
        (
            "a name that only one of two stages has",
            put(
                "stages",
                1,
                "rule",
                "routes",
                {"depth": [0], "edges": [2], "both": [0, 2], "more": [1]},
            ),
        ),
        (
            "a name that one of two stages lacks",
            lambda content: content["stages"][2]["rule"]["routes"].pop("both"),
        ),
        (
            "a router in one of two stages with one choice",
            both(
                put("stages", 3, "rule", "choice", "task"),
                put("stages", 3, "rule", "routes", {"depth": [3], "edges": [3], "both": [3]}),
            ),
        ),
    )
    finishes = ("stages", 2, "finishes")
    yield from _of(
        "finishing",
        ("a finishing route that the rule lacks", put("stages", 1, "finishes", [[3]])),
        ("a finishing route of two experts", put("stages", 1, "finishes", [[0, 1]])),
        ("a finishing route without an expert", put("stages", 1, "finishes", [[]])),
        ("a finishing route twice", put("stages", 1, "finishes", [[0], [0]])),
        ("a finishing route in another order", put(*finishes, [[0], [2, 1]])),
        ("a finishing route that has a graph", put(*finishes, [[0], [1, 2], [1]])),
        ("a route that no longer finishes has no graph", put(*finishes, [[0]])),
        ("nothing finishes any more", drop(*finishes)),
        (
            "an output that is not there at an early exit",
            put("outputs", 1, "tensors", ["step1.tokens"]),
        ),
        (
            "an output of a stage that may be left out",
            put("outputs", 0, "tensors", ["step1.answer", "step2.answer"]),
        ),
        (
            "tensors of an output in another order",
            put("outputs", 0, "tensors", ["step1.answer", "stem.answer", "step2.answer"]),
        ),
        (
            "an output without its last tensor",
            put("outputs", 0, "tensors", ["stem.answer", "step1.answer"]),
        ),
    )
    yield from _of(
        "kept",
        ("a finishing route that is not kept", put("stages", 4, "finishes", [[1]])),
        ("a stage that finishes all kept routes", put("stages", 4, "finishes", [[0], [2]])),
        ("a finishing route of neither router nor name", put("stages", 3, "finishes", [[0]])),
    )


def shares(*pairs: tuple[list[int], float]) -> list[list[Plain]]:
    return [[{"route": route, "share": share} for route, share in pairs]]


def lists() -> Iterator[Draft]:
    """The usage prior, and paths and lists of files."""
    yield from _of(
        "single",
        ("a prior without a stage", put("usage_prior", [])),
        ("a prior of two stages", put("usage_prior", shares(([0], 1)) * 2)),
        ("a prior without shares", put("usage_prior", [[]])),
        ("a prior that sums to 0.9989", put("usage_prior", shares(([0], 0.9989)))),
        ("a prior that sums to 0.9991", put("usage_prior", shares(([0], 0.9991)))),
        ("a prior that sums to 1.0009", put("usage_prior", shares(([0], 1), ([1], 0.0009)))),
        ("a prior that sums to 1.0011", put("usage_prior", shares(([0], 1), ([1], 0.0011)))),
        ("a prior of a route that the rule lacks", put("usage_prior", shares(([2], 1)))),
        ("a prior of two experts", put("usage_prior", shares(([0, 1], 1)))),
        ("a prior of no expert", put("usage_prior", shares(([], 1)))),
        ("a prior with a route twice", put("usage_prior", shares(([0], 0.5), ([0], 0.5)))),
        ("no prior", put("usage_prior", None)),
    )
    prior = ("usage_prior", 0, 0, "route")
    yield from _of(
        "kept",
        ("a prior of a route that is not kept", put(*prior, [0, 2])),
        ("a prior of another kept route", put(*prior, [1, 3])),
        ("a prior of neither router nor name", put("usage_prior", 2, 0, "route", [0])),
    )
    yield from restrictions()
    yield from _of("minimal", ("a prior of a dense model", put("usage_prior", [[]])))
    yield from _of("minimal", ("an empty prior of a dense model", put("usage_prior", [])))
    first = (*ONNX, "files", 0, "path")
    for path in (
        "/stem",
        "..",
        "a/../stem",
        "./stem",
        "a//stem",
        "stem/",
        "../stem",
        "a/./b",
        "a/..",
    ):
        yield from _of("minimal", (f"a file's path {path}", put(*first, path)))
        yield from _of("minimal", (f"a graph's path {path}", put(*GRAPHS, 0, "file", path)))
    for path in ("a\\b", "C:/x", "a b", "~", "a:b", "ä", "a\0b", "%2e%2e/x"):
        yield from _of(
            "minimal", (f"a path with another character, {json.dumps(path)}", put(*first, path))
        )
    yield from _of(
        "single",
        ("weights outside", put(*ONNX, "weights", "../weights.bin")),
        ("golden vectors outside", put("golden", "file", "path", "../golden.safetensors")),
        ("weights that are not listed", put(*ONNX, "weights", "onnx/other.bin")),
        (
            "weights that are another target's",
            put("targets", "coreml", "weights", "onnx/weights.bin"),
        ),
        (
            "weights that are a folder",
            put("targets", "coreml", "weights", "coreml/model.mlpackage"),
        ),
        ("a graph that is not listed", put(*GRAPHS, 1, "file", "onnx/none.onnx")),
        (
            "a graph that is another target's",
            put("targets", "coreml", "graphs", 0, "file", "onnx/stem.onnx"),
        ),
        (
            "a graph that is half a folder's name",
            put("targets", "coreml", "graphs", 0, "file", "coreml/model.mlpack"),
        ),
        (
            "a graph that is the folder above",
            put("targets", "coreml", "graphs", 0, "file", "coreml"),
        ),
        (
            "a file listed twice",
            lambda content: content["targets"]["onnx"]["files"].append(
                content["targets"]["onnx"]["files"][0]
            ),
        ),
        ("a file in upper case beside the same one", _upper),
        (
            "two targets with other hashes of one file",
            put("targets", "onnx-nnapi", "files", 2, "sha256", "0" * 64),
        ),
        (
            "two targets with other sizes of one file",
            put("targets", "onnx-nnapi", "files", 2, "bytes", 3),
        ),
        (
            "golden vectors that are a file of a target with another hash",
            put("golden", "file", "path", "onnx/weights.bin"),
        ),
    )


def restrictions() -> Iterator[Draft]:
    """What an export is said to have fixed."""
    kept, route, last = (("restrictions", number) for number in (0, 1, 3))
    names = {"type": "given", "experts": 4, "routes": {"low": [3], "most": [0, 2]}}
    router = {**names, "otherwise": {"type": "top_k", "experts": 4}}
    yield from _of(
        "kept",
        ("no restrictions", drop("restrictions")),
        ("an empty list of restrictions", put("restrictions", [])),
        ("two restrictions of one stage", put(*route, "stage", 1)),
        ("a restriction of an earlier stage", put(*route, "stage", 4)),
        ("a restriction of a stage far behind", put(*last, "stage", 1000)),
        ("a restriction to nothing", drop(*kept, "kept")),
        ("a restriction to a null route", put(*route, "route", None)),
        ("a restriction to a route and experts", put(*kept, "route", [0, 1])),
        ("a restriction to experts and a route", put(*route, "kept", [0, 2])),
        ("a restriction to no expert", put(*kept, "kept", [])),
        ("a restriction to an expert that there is not", put(*kept, "kept", [0, 4])),
        ("a restriction to expert -1", put(*kept, "kept", [-1, 2])),
        ("a restriction to experts in another order", put(*kept, "kept", [1, 0])),
        ("a restriction to an expert twice", put(*kept, "kept", [1, 1])),
        ("a restriction to all experts", put(*kept, "kept", [0, 1, 2, 3])),
        ("a restriction to an expert beyond every integer", put(*kept, "kept", [0, 10**30])),
        ("a restriction to a route of no expert", put(*route, "route", [])),
        ("a restriction to a route in another order", put(*route, "route", [3, 0])),
        ("a restriction to a route of a dropped expert", put(*route, "route", [0, 1])),
        ("a restriction to a route of no expert of the rule", put(*route, "route", [4])),
        ("a restriction to a route beyond every integer", put(*route, "route", [10**30])),
        ("a rule of before with k above the experts", put(*last, "rule", "k", 4)),
        ("a rule of before that nobody has", put(*last, "rule", "type", "top_q")),
        ("a rule of before that is null", put(*last, "rule", None)),
        ("another rule of before than the stage's", put(*last, "rule", "experts", 9)),
        ("the route of a name", both(put(*route, "rule", names), put(*route, "route", [0, 2]))),
        ("the route of no name", both(put(*route, "rule", names), put(*route, "route", [0]))),
        ("a route of the router", both(put(*route, "rule", router), put(*route, "route", [0]))),
        (
            "a route of neither router nor name of before",
            both(put(*route, "rule", router), put(*route, "route", [0, 1])),
        ),
    )
    yield from _of(
        "constant",
        ("a constant route of one expert too few", put("restrictions", 0, "route", [0])),
        ("a constant route of one expert too many", put("restrictions", 0, "route", [0, 1, 3])),
        ("no word of the constant route", drop("restrictions")),
    )


def _upper(content: Plain) -> None:
    files = content["targets"]["onnx"]["files"]
    files.append({**files[0], "path": files[0]["path"].upper()})


def graphs() -> Iterator[Draft]:
    """Graphs that do not fit the stages."""
    yield from _of("single", ("a graph more, of a stage that there is not", _one_graph_more))
    graph = (*GRAPHS, 1)
    yield from _of(
        "single",
        ("a graph less", lambda content: content["targets"]["onnx"]["graphs"].pop()),
        ("no stem", lambda content: content["targets"]["onnx"]["graphs"].pop(0)),
        ("a graph of a route that the rule lacks", put(*graph, "route", [2])),
        ("a graph of expert -1", put(*graph, "route", [-1])),
        ("a graph of two experts", put(*graph, "route", [0, 1])),
        ("a graph of no expert", put(*graph, "route", [])),
        ("a graph for all routes", put(*graph, "route", None)),
        ("a route with two graphs", put(*graph, "route", [1])),
        ("a route beyond every integer", put(*graph, "route", [10**30])),
        ("a stem with a route", put(*GRAPHS, 0, "route", [0])),
        ("a graph of a stage that there is not", put(*graph, "stage", 2)),
        ("a graph of another stage", put(*graph, "stage", 0)),
        ("two graphs of one name", put(*graph, "name", "stem")),
        ("more exclusive bytes than bytes", put(*graph, "exclusive_bytes", 41)),
        ("as many exclusive bytes as bytes", put(*graph, "exclusive_bytes", 40)),
        ("an expert more", put("stages", 1, "rule", "experts", 3)),
        ("a strategy that nobody has", put(*ONNX, "strategy", "no-such")),
        ("a strategy that is a module's name", put(*ONNX, "strategy", "contract")),
        ("a strategy of one graph", put(*ONNX, "strategy", "gather")),
        ("bytes of one expert too few", put(*ONNX, "sizes", "expert_bytes", [[20]])),
        ("bytes of a stage too many", put(*ONNX, "sizes", "expert_bytes", [[20, 20], [20]])),
        ("bytes of no expert", put(*ONNX, "sizes", "expert_bytes", [[]])),
        ("a precision that nobody has", put(*ONNX, "precision", "int3")),
        ("a format that nobody has", put(*ONNX, "format", "tflite")),
        ("graphs in another order", lambda content: content["targets"]["onnx"]["graphs"].reverse()),
    )
    yield from _of(
        "two-stages",
        (
            "a graph of each route beside the one for all",
            lambda content: content["targets"]["gathered"]["graphs"].append(
                {**content["targets"]["gathered"]["graphs"][1], "route": [0, 1], "name": "more"}
            ),
        ),
        (
            "two graphs for all routes",
            lambda content: content["targets"]["gathered"]["graphs"].append(
                {**content["targets"]["gathered"]["graphs"][1], "name": "more"}
            ),
        ),
        ("a route in another order", put(*GRAPHS, 1, "route", [1, 0])),
        ("an expert twice in a route", put(*GRAPHS, 1, "route", [0, 0])),
        ("a strategy of a graph a route", put("targets", "gathered", "strategy", "dispatch")),
        (
            "bytes of experts that are in one graph",
            put(
                "targets",
                "gathered",
                "sizes",
                {"distinct_bytes": 1, "shared_bytes": 1, "expert_bytes": [[1, 1, 1], [1, 1, 1, 1]]},
            ),
        ),
        (
            "no bytes of experts that are in one graph",
            put(
                "targets",
                "gathered",
                "sizes",
                {"distinct_bytes": 1, "shared_bytes": 1, "expert_bytes": []},
            ),
        ),
    )
    yield from _of(
        "given-routes",
        (
            "no graph of a route with a name",
            lambda content: content["targets"]["onnx"]["graphs"].pop(1),
        ),
        (
            "a named route without a graph",
            put("stages", 1, "rule", "routes", {"depth": [0, 1], "edges": [2], "both": [1, 2]}),
        ),
    )
    yield from kept_graphs()
    yield from _of(
        "other-rules",
        ("p so large that more experts may be needed", put("stages", 1, "rule", "p", 0.7)),
        ("fewer experts at most", put("stages", 1, "rule", "k_max", 1)),
    )


def kept_graphs() -> Iterator[Draft]:
    """Graphs of experts that are not kept, or that are."""
    # In each target the stem is first, then the graphs of the first routed stage.
    separate, bound = ("targets", "separate", "graphs"), ("targets", "bound", "graphs")
    bytes_of = (*ONNX, "sizes", "expert_bytes", 0)
    yield from _of(
        "kept",
        ("a graph of a route that is not kept", put(*GRAPHS, 1, "route", [0, 2])),
        ("a graph more, of a route that is not kept", _one_more("onnx", 1, [1, 2])),
        ("no graph of a kept route", drop(*GRAPHS, 1)),
        ("a graph of an expert that is not kept", put(*separate, 1, "route", [2])),
        ("a graph more, of an expert that is not kept", _one_more("separate", 1, [2])),
        ("no graph of a kept expert", drop(*separate, 1)),
        ("no graph of a name's expert that the router lacks", _without("separate", 3, [3])),
        ("a graph more, of an expert that finishes", _one_more("separate", -2, [0])),
        ("a graph of the first kept experts", put(*bound, 1, "route", [0, 3])),
        ("no graph of more experts than p of all would need", _without("bound", 2, [0, 1])),
        ("bytes of kept experts alone", put(*bytes_of, [1, 1, 1])),
        ("bytes of an expert that is not kept", put(*bytes_of, [1, 1, 1, 1])),
    )


def _one_more(target: str, number: int, route: list[int]) -> Change:
    """One graph more, like another one, of another route."""

    def change(content: Plain) -> None:
        graphs = content["targets"][target]["graphs"]
        graphs.append({**graphs[number], "name": "more", "route": route})

    return change


def _without(target: str, stage: int, route: list[int]) -> Change:
    """Without the graph of a route."""

    def change(content: Plain) -> None:
        graphs = content["targets"][target]["graphs"]
        graphs.remove(
            next(graph for graph in graphs if (graph["stage"], graph["route"]) == (stage, route))
        )

    return change


def _one_graph_more(content: Plain) -> None:
    """A graph of a stage far beyond the last."""
    graphs = content["targets"]["onnx"]["graphs"]
    graphs.append({**graphs[1], "stage": 99, "name": "more"})


def _large_tokens(content: Plain) -> None:
    """Tensors of a gibibyte each between all stages."""
    for target in content["targets"].values():
        for graph in target["graphs"]:
            for spec in (*graph["inputs"], *graph["outputs"]):
                if spec["name"] in ("tokens", "next_tokens"):
                    spec["shape"] = [1, 2**28]


def _reversed_outputs(content: Plain) -> None:
    """What the second graph of a stage gives, in another order than the first one."""
    content["targets"]["onnx"]["graphs"][2]["outputs"].reverse()


def tensors() -> Iterator[Draft]:
    """What graphs take and give."""
    yield from _of("given-routes", ("tensors of six gibibytes", _large_tokens))
    yield from _of("two-stages", ("another order than the first graph's", _reversed_outputs))
    graph, stem = (*GRAPHS, 1), (*GRAPHS, 0)
    yield from _of(
        "single",
        ("another shape taken", put(*graph, "inputs", 0, "shape", [1, 3, 5])),
        ("another rank taken", put(*graph, "inputs", 0, "shape", [1, 12])),
        ("another type taken", put(*graph, "inputs", 0, "dtype", "float16")),
        ("another name taken", put(*graph, "inputs", 0, "name", "token")),
        ("gates of two experts", put(*graph, "inputs", 1, "shape", [1, 2])),
        ("gates in fp16", put(*graph, "inputs", 1, "dtype", "float16")),
        ("gates of another name", put(*graph, "inputs", 1, "name", "weights")),
        (
            "gates first",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].reverse(),
        ),
        ("no gates", lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].pop()),
        (
            "no tensor taken",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].pop(0),
        ),
        (
            "a tensor too many taken",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].append(
                {"name": "more", "shape": [1, 1], "dtype": "float32"}
            ),
        ),
        (
            "a tensor taken twice",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].insert(
                0, content["targets"]["onnx"]["graphs"][1]["inputs"][0]
            ),
        ),
        ("another name given", put(*graph, "outputs", 0, "name", "answers")),
        ("another shape given by one of two graphs", put(*graph, "outputs", 0, "shape", [1, 4])),
        ("another type given by one of two graphs", put(*graph, "outputs", 0, "dtype", "float16")),
        (
            "a tensor too many given",
            lambda content: content["targets"]["onnx"]["graphs"][2]["outputs"].append(
                {"name": "more", "shape": [1, 1], "dtype": "float32"}
            ),
        ),
        (
            "what a stem gives in another order",
            lambda content: content["targets"]["onnx"]["graphs"][0]["outputs"].reverse(),
        ),
        ("an image of another size", put(*stem, "inputs", 0, "shape", [1, 1, 2, 3])),
        ("an image of three channels", put(*stem, "inputs", 0, "shape", [1, 3, 2, 2])),
        ("an image in fp16", put(*stem, "inputs", 0, "dtype", "float16")),
        ("an image of another name", put(*stem, "inputs", 0, "name", "picture")),
        ("tokens of integers", _all_tokens("dtype", "int64")),
        ("tokens of another batch", _all_tokens("shape", [2, 3, 4])),
        ("tokens without a batch", _all_tokens("shape", [3])),
        ("tokens of another size everywhere", _all_tokens("shape", [1, 5])),
        ("tokens in fp16 everywhere", _all_tokens("dtype", "float16")),
        ("logits of three experts", put(*stem, "outputs", 1, "shape", [1, 3])),
        ("logits in fp16", put(*stem, "outputs", 1, "dtype", "float16")),
        ("logits of rank 3", put(*stem, "outputs", 1, "shape", [1, 2, 1])),
        ("another batch", put(*ONNX, "batch", 2)),
        (
            "pixels of another order",
            put(
                "targets",
                "coreml",
                "graphs",
                0,
                "inputs",
                0,
                "pixels",
                {"channel_order": "BGR", "scale": [1] * 3, "bias": [0] * 3},
            ),
        ),
        (
            "pixels with two scales",
            put("targets", "coreml", "graphs", 0, "inputs", 0, "pixels", "scale", [1, 1]),
        ),
        (
            "pixels with two biases",
            put("targets", "coreml", "graphs", 0, "inputs", 0, "pixels", "bias", [0, 0]),
        ),
        (
            "pixels with a scale of 0",
            put("targets", "coreml", "graphs", 0, "inputs", 0, "pixels", "scale", [0]),
        ),
        (
            "pixels with a scale below 0",
            put("targets", "coreml", "graphs", 0, "inputs", 0, "pixels", "scale", [-1]),
        ),
        (
            "pixels of a later stage",
            put(
                "targets",
                "coreml",
                "graphs",
                1,
                "inputs",
                0,
                "pixels",
                {"channel_order": "L", "scale": [1], "bias": [0]},
            ),
        ),
        (
            "pixels as what is given",
            put(
                "targets",
                "coreml",
                "graphs",
                0,
                "outputs",
                0,
                "pixels",
                {"channel_order": "L", "scale": [1], "bias": [0]},
            ),
        ),
        (
            "pixels of ONNX",
            put(*stem, "inputs", 0, "pixels", {"channel_order": "L", "scale": [1], "bias": [0]}),
        ),
    )
    yield from _of(
        "two-stages",
        (
            "tensors in another order",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].insert(
                0, content["targets"]["onnx"]["graphs"][1]["inputs"].pop(1)
            ),
        ),
        (
            "pixels of a batch",
            put(*stem, "inputs", 0, "pixels", {"channel_order": "L", "scale": [1], "bias": [0]}),
        ),
        (
            "experts as floats",
            put("targets", "gathered", "graphs", 1, "inputs", 3, "dtype", "float32"),
        ),
        (
            "experts as int32 of ONNX",
            put("targets", "gathered", "graphs", 1, "inputs", 3, "dtype", "int32"),
        ),
        (
            "no experts for gather",
            lambda content: content["targets"]["gathered"]["graphs"][1]["inputs"].pop(),
        ),
        (
            "gates of all experts for gather",
            put("targets", "gathered", "graphs", 1, "inputs", 2, "shape", [1, 3]),
        ),
        (
            "gates of the route for all-experts",
            put("targets", "executorch", "graphs", 1, "inputs", 2, "shape", [2, 2]),
        ),
        ("two routers of one tensor with other experts", put("stages", 2, "router", "stem.logits")),
    )


def _all_tokens(field: str, value: Any) -> Change:
    """Another shape or type of the stem's tokens wherever they are taken and given."""

    def change(content: Plain) -> None:
        for target in content["targets"].values():
            for graph in target["graphs"]:
                for spec in (*graph["inputs"], *graph["outputs"]):
                    if spec["name"] == "tokens":
                        spec[field] = value

    return change


def separate_experts() -> Iterator[Draft]:
    """The strategy `experts`: graphs of experts, and those that join them."""
    graphs = ("targets", "separate", "graphs")
    # The stem, experts 0 to 2 of step1 and the graph that joins them, and so on.
    expert, join, other = 1, 4, 2

    def change(number: int, work: Callable[[Plain], Any]) -> Change:
        return lambda content: work(content["targets"]["separate"]["graphs"][number])

    more = {"name": "more", "shape": [2, 1], "dtype": "float32"}
    yield from _of(
        "two-stages",
        ("no graph of one expert", drop(*graphs, expert)),
        ("no graph that joins", drop(*graphs, join)),
        (
            "two graphs that join",
            lambda content: content["targets"]["separate"]["graphs"].append(
                {**content["targets"]["separate"]["graphs"][join], "name": "more"}
            ),
        ),
        ("a graph of two experts", put(*graphs, expert, "route", [0, 1])),
        ("a graph of an expert that there is not", put(*graphs, expert, "route", [3])),
        ("an expert with two graphs", put(*graphs, expert, "route", [1])),
        (
            "an expert that takes gates",
            change(
                expert,
                lambda graph: graph["inputs"].append(
                    {"name": "gates", "shape": [2, 2], "dtype": "float32"}
                ),
            ),
        ),
        (
            "an expert that takes another tensor",
            change(expert, lambda graph: graph["inputs"].append(more)),
        ),
        ("an expert that takes nothing of the stage", put(*graphs, expert, "inputs", [more])),
        (
            "an expert that takes all of the stage's tensors",
            change(
                expert,
                lambda graph: graph["inputs"].append(
                    {"name": "image", "shape": [2, 1, 2, 2], "dtype": "float32"}
                ),
            ),
        ),
        (
            "an expert that takes a tensor twice",
            change(expert, lambda graph: graph["inputs"].append(graph["inputs"][0])),
        ),
        (
            "an expert that takes another shape",
            put(*graphs, expert, "inputs", 0, "shape", [2, 3, 5]),
        ),
        ("an expert that gives another name", put(*graphs, other, "outputs", 0, "name", "result")),
        (
            "an expert that gives another shape",
            put(*graphs, other, "outputs", 0, "shape", [2, 3, 5]),
        ),
        (
            "an expert that gives another type",
            put(*graphs, other, "outputs", 0, "dtype", "float32"),
        ),
        (
            "an expert that gives one tensor less",
            change(other, lambda graph: graph["outputs"].pop()),
        ),
        (
            "an expert that gives them in another order",
            change(other, lambda graph: graph["outputs"].reverse()),
        ),
        ("experts that give integers", _experts_give("dtype", "int64")),
        ("experts that give another batch", _experts_give("shape", [1, 3])),
        ("experts that give no batch", _experts_give("shape", [3])),
        ("a join without a slot", change(join, lambda graph: graph["inputs"].pop(2))),
        (
            "a join with a slot too many",
            change(
                join,
                lambda graph: graph["inputs"].insert(
                    6, {"name": "slot2_output", "shape": [2, 3, 4], "dtype": "float16"}
                ),
            ),
        ),
        (
            "a join with slots in another order",
            change(join, lambda graph: graph["inputs"].insert(2, graph["inputs"].pop(4))),
        ),
        (
            "a join with another name of a slot",
            put(*graphs, join, "inputs", 2, "name", "slot_output"),
        ),
        (
            "a join with another shape of a slot",
            put(*graphs, join, "inputs", 2, "shape", [2, 3, 5]),
        ),
        ("a join with another type of a slot", put(*graphs, join, "inputs", 2, "dtype", "float32")),
        ("a join without gates", change(join, lambda graph: graph["inputs"].pop())),
        ("a join with gates of all experts", put(*graphs, join, "inputs", 6, "shape", [2, 3])),
        ("a join with gates in fp16", put(*graphs, join, "inputs", 6, "dtype", "float16")),
        (
            "a join with gates first",
            change(join, lambda graph: graph["inputs"].insert(0, graph["inputs"].pop())),
        ),
        (
            "a join that takes nothing of the stage",
            change(join, lambda graph: graph["inputs"].__delitem__(slice(0, 2))),
        ),
        (
            "a join that takes tensors after its slots",
            change(join, lambda graph: graph["inputs"].insert(6, graph["inputs"].pop(0))),
        ),
        ("a join that gives another shape", put(*graphs, join, "outputs", 1, "shape", [2, 5])),
        ("a stage that takes a tensor under the name of a slot", _renamed_input),
        (
            "a stage that takes a tensor under the name of what a strategy adds",
            put("stages", 1, "takes", "gates", "stem.skip"),
        ),
    )


def _experts_give(field: str, value: Any) -> Change:
    """Another shape or type of what all experts of a stage give, and of the slots."""

    def change(content: Plain) -> None:
        for graph in content["targets"]["separate"]["graphs"]:
            for spec in (*graph["inputs"], *graph["outputs"]):
                if spec["name"] == "norm" or spec["name"].endswith("_norm"):
                    spec[field] = value

    return change


def _renamed_input(content: Plain) -> None:
    """The second stage takes the early tokens as `slot0_early`."""
    takes = content["stages"][2]["takes"]
    takes["slot0_early"] = takes.pop("early")
    for target in content["targets"].values():
        for graph in target["graphs"]:
            for spec in graph["inputs"]:
                if spec["name"] == "early":
                    spec["name"] = "slot0_early"


BOUND = ("targets", "onnx")
_END = len(BUNDLES["bound"].files["onnx/weights.bin"])


def bound_weights() -> Iterator[Draft]:
    """The strategy `bind`: ranges of experts, and the inputs that are their weights."""
    yield from ranges()
    yield from kept_weights()
    yield from bound_inputs()
    yield from bound_graphs()


def ranges() -> Iterator[Draft]:
    """Ranges that leave the file, have bytes in common, or do not hold their tensors."""
    # Three experts, and two of the second stage, of which the last computes nothing.
    rows = (*BOUND, "experts")
    first, second, last, nothing = (*rows, 0, 0), (*rows, 0, 1), (*rows, 1, 0), (*rows, 1, 1)
    page = 16_384
    yield from _of(
        "bound",
        ("a row too few", drop(*rows, 1)),
        ("a row too many", lambda content: content["targets"]["onnx"]["experts"].append([])),
        ("no rows", drop(*rows)),
        ("an expert too few", drop(*rows, 0, 2)),
        (
            "an expert too many",
            lambda content: content["targets"]["onnx"]["experts"][1].append(
                {"offset": 0, "bytes": 0, "tensors": {}}
            ),
        ),
        (
            "ranges with another strategy",
            lambda content: content["targets"]["plain"].update(
                experts=content["targets"]["onnx"]["experts"]
            ),
        ),
        (
            "rows without an expert with another strategy",
            put("targets", "plain", "experts", [[], []]),
        ),
        ("no file of weights", put(*BOUND, "weights", None)),
        ("another file of weights", put(*BOUND, "weights", "onnx/stem.onnx")),
        ("a range that ends where the next begins", put(*first, "bytes", page)),
        ("a range that ends a byte after the next begins", put(*first, "bytes", page + 1)),
        ("a range around all of the next", put(*first, "bytes", 2 * page)),
        (
            "two equal ranges",
            lambda content: content["targets"]["onnx"]["experts"][0].__setitem__(
                1, content["targets"]["onnx"]["experts"][0][0]
            ),
        ),
        (
            "ranges of two stages in common",
            lambda content: content["targets"]["onnx"]["experts"][1][0].update(
                offset=2 * page, bytes=_END - 2 * page
            ),
        ),
        ("an empty range within another", put(*nothing, "offset", 0)),
        ("an empty range beyond the file", put(*nothing, "offset", page * 2**30)),
        ("an empty range at no page", put(*nothing, "offset", 64)),
        ("a range at no page", _moved_range(64)),
        ("a range half a page later", _moved_range(page // 2)),
        ("a range that ends a byte after its file", put(*last, "bytes", _END - 3 * page + 1)),
        ("a range that ends with its file", put(*last, "bytes", _END - 3 * page)),
        ("a range far longer than its file", put(*last, "bytes", 2**53)),
        ("a range that begins after its file", put(*last, "offset", 5 * page)),
        ("a tensor of which a byte is beyond its range", put(*second, "bytes", 147)),
        ("a tensor before its range", put(*second, "tensors", "up", "offset", 0)),
        ("a tensor behind its range", put(*second, "tensors", "bias", "offset", 3 * page)),
        ("a tensor at 4 bytes", put(*first, "tensors", "up", "offset", 4)),
        ("a tensor at 32 bytes", put(*first, "tensors", "up", "offset", 32)),
        (
            "a tensor at 64 bytes",
            both(put(*first, "tensors", "up", "offset", 64), put(*first, "bytes", 148)),
        ),
        ("a tensor of another size than its range", put(*first, "tensors", "up", "shape", [9, 5])),
        ("a tensor in the place of another", put(*first, "tensors", "bias", "offset", 0)),
        (
            "a tensor that no graph takes",
            put(*first, "tensors", "more", {"offset": 0, "shape": [], "dtype": "int64"}),
        ),
        (
            "experts in another order",
            lambda content: content["targets"]["onnx"]["experts"][0].reverse(),
        ),
        (
            "tensors in another order",
            lambda content: content["targets"]["onnx"]["experts"][0][0].update(
                tensors=dict(
                    reversed(content["targets"]["onnx"]["experts"][0][0]["tensors"].items())
                )
            ),
        ),
        (
            "bytes of experts of two stages",
            put(
                *BOUND,
                "sizes",
                {"distinct_bytes": 1, "shared_bytes": 1, "expert_bytes": [[1, 1, 1], [1, 0]]},
            ),
        ),
        (
            "bytes of an expert too few",
            put(
                *BOUND,
                "sizes",
                {"distinct_bytes": 1, "shared_bytes": 1, "expert_bytes": [[1, 1], [1, 0]]},
            ),
        ),
    )


def _moved_range(by: int) -> Change:
    """The range of the second expert begins so many bytes later, and so do its tensors."""

    def change(content: Plain) -> None:
        expert = content["targets"]["onnx"]["experts"][0][1]
        expert["offset"] += by
        for tensor in expert["tensors"].values():
            tensor["offset"] += by

    return change


def bound_inputs() -> Iterator[Draft]:
    """Inputs that are no weights, of no expert, or of other tensors than the experts have."""
    stem, one, two, last = ((*BOUND, "graphs", number) for number in range(4))
    expert = (*BOUND, "experts", 0, 2, "tensors")
    place = {"place": 0, "tensor": "up"}
    fixed = (*BOUND, "experts", 1)
    yield from _of(
        "bound",
        ("a name that is no input", put(*one, "bound", "more_0", place)),
        ("a place beyond a route of one", put(*one, "bound", "up_0", "place", 1)),
        ("a place beyond a route of two", put(*two, "bound", "up_1", "place", 2)),
        ("one expert's weights in both places", put(*two, "bound", "up_1", "place", 0)),
        ("a tensor that no expert has", put(*one, "bound", "up_0", "tensor", "down")),
        ("a tensor that one expert lacks", drop(*expert, "bias")),
        ("another shape than the input's", put(*one, "inputs", 2, "shape", [5, 4])),
        ("another type than the input's", put(*one, "inputs", 3, "dtype", "float16")),
        ("another shape of one expert's tensor", put(*expert, "up", "shape", [5, 4])),
        ("another type of one expert's tensor", put(*expert, "up", "dtype", "int32")),
        (
            "two tensors exchanged",
            both(
                put(*one, "bound", "up_0", "tensor", "bias"),
                put(*one, "bound", "bias_0", "tensor", "up"),
            ),
        ),
        ("a weight that is not bound", drop(*one, "bound", "up_0")),
        ("no weight is bound", drop(*one, "bound")),
        ("a weight that is not taken", drop(*one, "inputs", 2)),
        (
            "a weight that is taken twice",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].append(
                content["targets"]["onnx"]["graphs"][1]["inputs"][2]
            ),
        ),
        (
            "a graph without weights",
            both(drop(*one, "bound"), drop(*one, "inputs", 3), drop(*one, "inputs", 2)),
        ),
        (
            "weights in another order",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].insert(
                2, content["targets"]["onnx"]["graphs"][1]["inputs"].pop()
            ),
        ),
        (
            "a weight before the gates",
            lambda content: content["targets"]["onnx"]["graphs"][1]["inputs"].insert(
                1, content["targets"]["onnx"]["graphs"][1]["inputs"].pop()
            ),
        ),
        ("a tensor of the stage as a weight", _as_weight("tokens", [1, 3, 4])),
        ("gates as a weight", _as_weight("gates", [1, 1])),
        ("the image as a weight of the stem", put(*stem, "bound", {"image": place})),
        (
            "gates as a weight of another strategy",
            put("targets", "plain", "graphs", 1, "bound", {"gates": place}),
        ),
        (
            "a weight of another strategy",
            lambda content: content["targets"]["plain"]["graphs"][1].update(
                inputs=content["targets"]["onnx"]["graphs"][1]["inputs"],
                bound=content["targets"]["onnx"]["graphs"][1]["bound"],
            ),
        ),
        (
            "no input as a weight of another strategy",
            put("targets", "plain", "graphs", 1, "bound", {"more": place}),
        ),
        ("nothing bound with another strategy", put("targets", "plain", "graphs", 1, "bound", {})),
        ("a tensor that an expert lacks which computes nothing", put(*fixed, 1, "tensors", {})),
        (
            "another shape of an expert that computes nothing",
            put(
                *fixed,
                1,
                {
                    "offset": 4 * 16_384,
                    "bytes": 48,
                    "tensors": {
                        "matrix": {"offset": 4 * 16_384, "shape": [1, 4, 3], "dtype": "int32"}
                    },
                },
            ),
        ),
        (
            "a tensor that an expert lacks which computes",
            both(put(*fixed, 0, "tensors", {}), put(*fixed, 0, "bytes", 0)),
        ),
        (
            "an expert lacks a tensor, and no longer finishes",
            both(_alone, drop("stages", 2, "finishes")),
        ),
        ("a weight with more than 2^28 elements", put(*last, "inputs", 2, "shape", [2**14, 2**15])),
    )


def kept_weights() -> Iterator[Draft]:
    """Weights of experts that are not kept, and of those that are."""
    rows = ("targets", "bound", "experts")
    nothing = {"offset": 0, "bytes": 0, "tensors": {}}
    yield from _of(
        "kept",
        ("a kept expert without weights", put(*rows, 0, 3, nothing)),
        ("a name's expert without weights", put(*rows, 2, 3, nothing)),
        ("weights of a kept expert at one that is not", _exchanged(3, 2)),
        ("another shape of an expert that is not kept", _weights_of_dropped("float32", [1, 2])),
        ("weights of an expert that is not kept", _weights_of_dropped("float32", [4, 5])),
        ("another type of an expert that is not kept", _weights_of_dropped("int32", [4, 5])),
        ("no entry of an expert that is not kept", drop(*rows, 0, 2)),
        ("all experts kept, of which one has no weights", both(_only("bound"), _first_kept)),
    )


def _exchanged(one: int, other: int) -> Change:
    """The weights of two experts of the first routed stage in each other's place."""

    def change(content: Plain) -> None:
        row = content["targets"]["bound"]["experts"][0]
        row[one], row[other] = row[other], row[one]

    return change


def _weights_of_dropped(dtype: str, shape: list[int]) -> Change:
    """An expert that is not kept has weights, behind those of all others."""

    def change(content: Plain) -> None:
        target = content["targets"]["bound"]
        (file,) = (file for file in target["files"] if file["path"] == target["weights"])
        last = target["experts"][3][2]
        start = last["offset"]
        # The last stage's only expert with weights: nobody else's are moved.
        stored = {"up": {"offset": start, "shape": shape, "dtype": dtype}}
        assert start + 80 <= file["bytes"]
        target["experts"][0][2] = {"offset": start, "bytes": 80, "tensors": stored}
        target["experts"][3][2] = {"offset": 0, "bytes": 0, "tensors": {}}
        graph = target["graphs"][-1]
        graph["bound"], graph["inputs"] = {}, graph["inputs"][:-1]

    return change


def _first_kept(content: Plain) -> None:
    """The first rule keeps all experts; a graph of two experts serves it all the same."""
    content["stages"][1]["rule"]["kept"] = None


def _as_weight(name: str, shape: list[int]) -> Change:
    """An input that is no weight, bound to a tensor of its own shape that every expert has."""

    def change(content: Plain) -> None:
        target = content["targets"]["onnx"]
        target["graphs"][1]["bound"][name] = {"place": 0, "tensor": name}
        for expert in target["experts"][0]:
            stored = {"offset": expert["offset"], "shape": shape, "dtype": "float32"}
            expert["tensors"][name] = stored

    return change


def _alone(content: Plain) -> None:
    """Leave the other targets out, which a change of the stages would break as well."""
    content["targets"] = {"onnx": content["targets"]["onnx"]}


def bound_graphs() -> Iterator[Draft]:
    """Graphs of lengths that routes have, and of others."""
    graphs, last = (*BOUND, "graphs"), (*BOUND, "graphs", 3)
    yield from _of(
        "bound",
        ("no graph of one expert", drop(*graphs, 1)),
        ("no graph of two experts", drop(*graphs, 2)),
        (
            "a graph of three experts",
            lambda content: content["targets"]["onnx"]["graphs"].append(
                {**content["targets"]["onnx"]["graphs"][2], "name": "more", "route": [0, 1, 2]}
            ),
        ),
        ("a graph of other experts than the first", put(*graphs, 2, "route", [1, 2])),
        ("a graph of the first experts in another order", put(*graphs, 2, "route", [1, 0])),
        ("a graph for all routes", put(*last, "route", None)),
        ("two graphs of one length", put(*graphs, 2, "route", [0])),
        (
            "a graph of each expert",
            lambda content: content["targets"]["onnx"]["graphs"].append(
                {**content["targets"]["onnx"]["graphs"][3], "name": "more", "route": [1]}
            ),
        ),
        (
            "the first expert finishes, and has weights",
            both(_alone, put("stages", 2, "finishes", [[0]])),
        ),
        (
            "the first expert finishes, and has no weights",
            both(
                _alone,
                put("stages", 2, "finishes", [[0]]),
                lambda content: content["targets"]["onnx"]["experts"][1].reverse(),
            ),
        ),
        (
            "every route of one expert finishes, and has a graph",
            both(_alone, put("stages", 1, "finishes", [[0], [1], [2]])),
        ),
        (
            "every route of one expert finishes, and has no graph",
            both(_alone, put("stages", 1, "finishes", [[0], [1], [2]]), drop(*graphs, 1)),
        ),
        (
            "experts of longer routes lack what finishing alone would allow",
            both(
                _alone,
                put("stages", 1, "finishes", [[0], [1], [2]]),
                drop(*graphs, 1),
                put(*BOUND, "experts", 0, 0, {"offset": 0, "bytes": 0, "tensors": {}}),
            ),
        ),
    )


def compressed() -> Iterator[Draft]:
    """Types of weights, layers that were left, calibration and accuracy."""
    yield from types_of_weights()
    yield from records_of_compression()


def types_of_weights() -> Iterator[Draft]:
    """Weights alone may be of int8; one number has a byte."""
    stem, one, two = ((*ONNX, "graphs", number) for number in range(3))
    first, last = (*ONNX, "experts", 0, 0), (*ONNX, "experts", 1, 1)
    yield from _of(
        "compressed",
        ("a range of a byte too few for int8", put(*last, "bytes", 11)),
        (
            "a tensor of int8 of a number more than its range",
            put(*last, "tensors", "matrix", "shape", [13]),
        ),
        ("int8 given as float32", put(*one, "inputs", 2, "dtype", "float32")),
        ("float32 given as int8", put(*one, "inputs", 3, "dtype", "int8")),
        (
            "an expert with float32 where others have int8",
            put(*first, "tensors", "up", "dtype", "float32"),
        ),
        (
            "an expert with int8 where others have float32",
            put(*first, "tensors", "up.scale", "dtype", "int8"),
        ),
        ("all experts with int8 scales", _scales("int8")),
        ("all experts with float16 scales", _scales("float16")),
        ("an image of int8", put(*stem, "inputs", 0, "dtype", "int8")),
        ("tokens of int8 that a graph takes", put(*one, "inputs", 0, "dtype", "int8")),
        ("gates of int8", put(*one, "inputs", 1, "dtype", "int8")),
        ("tokens of int8 that a graph gives", put(*one, "outputs", 0, "dtype", "int8")),
        ("tokens of int8 that every graph gives and takes", _tokens_of_int8),
        ("logits of int8", put(*stem, "outputs", 1, "dtype", "int8")),
        ("an answer of int8", put(*two, "outputs", 0, "dtype", "int8")),
    )
    yield from _of(
        "two-stages",
        (
            "indices of int8",
            put("targets", "gathered", "graphs", 1, "inputs", -1, "dtype", "int8"),
        ),
        ("what experts give of int8", _experts_give("dtype", "int8")),
    )


def _scales(dtype: str) -> Change:
    """Every expert's scales of another type, and the input of the graph too."""

    def change(content: Plain) -> None:
        target = content["targets"]["onnx"]
        target["graphs"][1]["inputs"][3]["dtype"] = dtype
        for expert in target["experts"][0]:
            expert["tensors"]["up.scale"]["dtype"] = dtype

    return change


def _tokens_of_int8(content: Plain) -> None:
    """What the stem passes on, wherever it is given or taken."""
    for target in content["targets"].values():
        for graph in target["graphs"]:
            specs = graph["inputs"] if graph["stage"] else graph["outputs"]
            if graph["stage"] < 2:
                specs[0]["dtype"] = "int8"


def records_of_compression() -> Iterator[Draft]:
    """What a target says of its layers, of the images that found its ranges, and of its loss."""
    record = (*ONNX, "compression")
    left, calibration = (*record, "left"), (*record, "calibration")
    accuracy = (*ONNX, "parity", "verification", "accuracy")
    yield from _of(
        "compressed",
        ("no compression", put(*record, None)),
        ("no layer was left", put(*left, [])),
        ("a layer of a graph that there is not", put(*left, 1, "graph", "step2_e1")),
        ("a layer of a graph of another target", put(*left, 0, "graph", "step1_e1")),
        ("a layer of a graph in capitals", put(*left, 0, "graph", "Stem")),
        ("a layer twice", _first_left_twice),
        ("no calibration", drop(*calibration)),
        ("a calibration without images", put(*calibration, "images", 0)),
        ("images of an expert too few", put(*calibration, "routed", [[9, 7], [16, 0]])),
        ("images of an expert too many", put(*calibration, "routed", [[9, 7, 0, 0], [16, 0]])),
        ("images of a stage too few", put(*calibration, "routed", [[9, 7, 0]])),
        ("images of a stage too many", put(*calibration, "routed", [[9, 7, 0], [16, 0], []])),
        ("images of the stem", put(*calibration, "routed", [[], [9, 7, 0], [16, 0]])),
        ("images of the stages exchanged", put(*calibration, "routed", [[16, 0], [9, 7, 0]])),
        ("no images of any stage", put(*calibration, "routed", [])),
        ("forced images of an expert too few", put(*calibration, "forced", [[0, 1, 8], [0]])),
        (
            "forced images of an expert too many",
            put(*calibration, "forced", [[0, 1, 8], [0, 8, 0]]),
        ),
        ("forced images of a stage too few", put(*calibration, "forced", [[0, 1, 8]])),
        ("no forced images of any stage", put(*calibration, "forced", [])),
        ("more images of an expert than there are", put(*calibration, "routed", 0, 0, 17)),
        ("no accuracy", drop(*accuracy)),
        ("an accuracy of no images", put(*accuracy, "images", 0)),
        (
            "a loss of one number",
            both(put(*accuracy, "least_loss", 0.25), put(*accuracy, "most_loss", 0.25)),
        ),
        (
            "a loss whose ends are exchanged",
            both(put(*accuracy, "least_loss", 0.25), put(*accuracy, "most_loss", 0.125)),
        ),
        (
            "a loss that is all gain",
            both(put(*accuracy, "least_loss", -1), put(*accuracy, "most_loss", -0.5)),
        ),
    )


def _first_left_twice(content: Plain) -> None:
    """The first layer that was left is there twice."""
    left = content["targets"]["onnx"]["compression"]["left"]
    left.insert(0, left[0])


def _only(name: str) -> Change:
    """Leave the other targets out, which a change of the stages would break as well."""

    def change(content: Plain) -> None:
        content["targets"] = {name: content["targets"][name]}

    return change


def inner_routers() -> Iterator[Draft]:
    """Routers inside of a graph: where they cannot be, and graphs that they cannot have."""
    target = ("targets", "onnx")
    graph = (*target, "graphs", 0)
    image, steering = (*graph, "inputs", 0), (*graph, "inputs", 1)
    logits = (*graph, "outputs", 2)
    only = _only("onnx")
    yield from _of(
        "inner-routers",
        ("another strategy", put(*target, "strategy", "dispatch")),
        ("the strategy bind", put(*target, "strategy", "bind")),
        ("a strategy that nobody has", put(*target, "strategy", "other")),
        ("the other strategy that can", put(*target, "strategy", "all-experts")),
        ("routers on the host, and one graph", put(*target, "routers", "host")),
        ("a stage that finishes images early", both(only, put("stages", 2, "finishes", [[0]]))),
        (
            "a caller's rule",
            both(
                only,
                put(
                    "stages",
                    1,
                    "rule",
                    {
                        "type": "given",
                        "experts": 3,
                        "routes": {"a": [0]},
                        "otherwise": {"type": "top_k", "experts": 3},
                    },
                ),
            ),
        ),
        (
            "an output called router_logits",
            both(only, put("outputs", 1, "name", "router_logits")),
        ),
        ("an output called steering", both(only, put("outputs", 1, "name", "steering"))),
        (
            "a tensor called router_logits",
            both(
                only,
                put("stages", 0, "gives", "depth", "router_logits"),
                put("outputs", 1, "tensors", ["router_logits"]),
            ),
        ),
        ("a second graph", lambda content: _second_graph(content, stage=0)),
        ("a graph of a routed stage", lambda content: _second_graph(content, stage=1)),
        ("the graph of another stage", put(*graph, "stage", 1)),
        ("the graph of a route", put(*graph, "route", [0, 1])),
        ("no steering", drop(*steering)),
        ("steering of one router", put(*steering, "shape", [1, 3])),
        ("steering of a logit more", put(*steering, "shape", [1, 6])),
        ("steering of two images", put(*steering, "shape", [2, 5])),
        ("steering of halves", put(*steering, "dtype", "float16")),
        ("steering of another name", put(*steering, "name", "gates")),
        ("steering twice", lambda content: _twice(content, "inputs")),
        ("steering before the image", lambda content: _turned(content, "inputs")),
        ("another image", put(*image, "shape", [1, 1, 2, 3])),
        ("no logits of routers", drop(*logits)),
        ("logits of one router", put(*logits, "shape", [1, 3])),
        ("logits of a router more", put(*logits, "shape", [1, 7])),
        ("logits of halves", put(*logits, "dtype", "float16")),
        ("logits of another name", put(*logits, "name", "logits")),
        ("logits first", lambda content: _turned(content, "outputs")),
        ("no output", drop(*graph, "outputs", 0)),
        ("a tensor between stages given too", lambda content: _twice(content, "outputs")),
        (
            "a weight that is an input",
            put(*graph, "bound", {"steering": {"place": 0, "tensor": "up"}}),
        ),
        (
            "bytes of experts",
            put(
                *target,
                "sizes",
                {"distinct_bytes": 1, "shared_bytes": 1, "expert_bytes": [[1, 1, 1], [1, 1]]},
            ),
        ),
        ("neither host nor graph", put(*target, "routers", "caller")),
        ("the host, said", put("targets", "plain", "routers", "host")),
        ("the graph, said of graphs of stages", put("targets", "plain", "routers", "in-graph")),
    )
    yield from _of(
        "finishing",
        (
            "inner routers where images are finished",
            both(
                only,
                put("targets", "onnx", "routers", "in-graph"),
                put("targets", "onnx", "strategy", "gather"),
            ),
        ),
    )
    yield from _of(
        "minimal",
        (
            "inner routers of a dense model",
            both(
                put("targets", "onnx", "routers", "in-graph"),
                put("targets", "onnx", "strategy", "gather"),
            ),
        ),
    )


def _second_graph(content: Plain, stage: int) -> None:
    """One graph more."""
    graphs = content["targets"]["onnx"]["graphs"]
    graphs.append({**graphs[0], "name": "more", "stage": stage})


def _twice(content: Plain, field: str) -> None:
    """The last tensor once more, under another name where it is given."""
    specs = content["targets"]["onnx"]["graphs"][0][field]
    specs.append(specs[-1] if field == "inputs" else {**specs[-1], "name": "tokens"})


def _turned(content: Plain, field: str) -> None:
    """The tensors in the opposite order."""
    content["targets"]["onnx"]["graphs"][0][field].reverse()


def _answer_in_second_target(shape: list[int]) -> Change:
    """All graphs of the second target that give the answer say that it has this shape."""

    def change(content: Plain) -> None:
        for graph in list(content["targets"].values())[1]["graphs"]:
            for tensor in graph["outputs"]:
                if tensor["name"] == "answer":
                    tensor["shape"] = shape

    return change


def shapes() -> Iterator[Draft]:
    """Outputs whose shapes do not fit their kinds, and what is too large."""
    yield from _of(
        "every-kind",
        *(
            (f"{name} as {kind}", put("outputs", number, "kind", kind))
            for number, name in enumerate(
                ["boxes", "mask", "depth", "state", "embedding", "classes"]
            )
            for kind in ("logits", "embedding", "boxes", "mask", "map", "tensor", "video")
        ),
        ("a label of boxes too few", put("outputs", 0, "labels", ["a", "b"])),
        ("a label of a mask too many", put("outputs", 1, "labels", ["a", "b", "c"])),
        ("labels of a map", put("outputs", 2, "labels", ["a"])),
        ("no labels of a map", put("outputs", 2, "labels", [])),
        ("labels of a tensor", put("outputs", 3, "labels", ["a", "b"])),
        ("labels of an embedding", put("outputs", 4, "labels", ["a"] * 8)),
        ("labels of logits", put("outputs", 5, "labels", ["a", "b"])),
        ("a label of logits too few", put("outputs", 5, "labels", ["a"])),
        ("boxes with one score", _given_shape("found", [1, 6, 5])),
        ("boxes without a score", _given_shape("found", [1, 6, 4])),
        ("an output in fp16", _given_shape("depth", "float16")),
        ("an output of integers", _given_shape("state", "int64")),
        ("an output with 2^28 elements", _given_shape("state", [1, 2**14, 2**14, 1])),
        ("an output with more than 2^28 elements", _given_shape("state", [1, 2**14, 2**14 + 1])),
        ("a tensor of rank 8", _given_shape("state", [1] * 8)),
        (
            "three outputs of a gibibyte for each golden image",
            both(
                _given_shape("embedding", [1, 2**28]),
                _given_shape("state", [1, 2**14, 2**14]),
                _given_shape("depth", [1, 1, 2**14, 2**14]),
            ),
        ),
    )
    yield from _of(
        "finishing",
        (
            "tensors of an output with different shapes",
            put("outputs", 0, "tensors", ["stem.tokens", "step1.answer"]),
        ),
        ("labels of the first output", put("outputs", 0, "labels", ["x", "y"])),
    )
    yield from _of(
        "single",
        ("no labels", put("outputs", 0, "labels", [])),
        ("a label too many", put("outputs", 0, "labels", ["a", "b", "c", "d"])),
        ("labels null", put("outputs", 0, "labels", None)),
        ("two equal labels", put("outputs", 0, "labels", ["a", "a", "a"])),
        ("an output with another shape in the second target", _answer_in_second_target([1, 4])),
        ("an output with another rank in the second target", _answer_in_second_target([1, 3, 1])),
    )
    yield from _of(
        "minimal",
        (
            "many large golden images",
            both(
                put("input", "height", 8192),
                put("input", "width", 8192),
                put(*GRAPHS, 0, "inputs", 0, "shape", [1, 3, 8192, 8192]),
                put("golden", "images", 10),
            ),
        ),
        (
            "two large golden images",
            both(
                put("input", "height", 8192),
                put("input", "width", 8192),
                put(*GRAPHS, 0, "inputs", 0, "shape", [1, 3, 8192, 8192]),
                put("golden", "images", 2),
            ),
        ),
        (
            "a tensor too large",
            both(
                put("input", "height", 8192),
                put("input", "width", 8192),
                put(*ONNX, "batch", 4),
                put(*GRAPHS, 0, "inputs", 0, "shape", [4, 3, 8192, 8192]),
                put(*GRAPHS, 0, "outputs", 0, "shape", [4, 3]),
            ),
        ),
    )


def _given_shape(name: str, value: Any) -> Change:
    """Another shape or type of what one stage gives."""
    field = "dtype" if isinstance(value, str) else "shape"

    def change(content: Plain) -> None:
        for target in content["targets"].values():
            for graph in target["graphs"]:
                for spec in graph["outputs"]:
                    if spec["name"] == name:
                        spec[field] = value

    return change


# Files


def files() -> Iterator[Draft]:
    """Files that are missing, altered, or no files."""
    coreml = "coreml/model.mlpackage"
    for path in (MANIFEST, "golden.safetensors", "onnx/weights.bin", f"{coreml}/Manifest.json"):
        for what, name in (("remove", "missing"), ("link", "a link"), ("folder", "a folder")):
            yield "single", f"{path}: {name}", [{"file": path, "do": what}]
    yield "single", "a package that is missing", [{"file": coreml, "do": "remove"}]
    yield "single", "a package that is a link", [{"file": coreml, "do": "link"}]
    yield "single", "a folder of files that is a link", [{"file": "onnx", "do": "link"}]
    yield "single", "a folder of files that is missing", [{"file": "executorch", "do": "remove"}]
    yield "single", "no bundle", [{"file": ".", "do": "remove"}]
    for path in ("onnx/weights.bin", "onnx/step1_e1.onnx", "golden.safetensors"):
        data = BUNDLES["single"].files[path]
        for name, after in (
            ("cut off", data[:-1]),
            ("a byte longer", data + b"\0"),
            ("empty", b""),
            ("another byte", data[:-1] + bytes([data[-1] ^ 1])),
        ):
            yield "single", f"{path}: {name}", [splice(path, data, after)]
    path = "onnx/extra.onnx"
    yield "single", "a file that is not listed", [_new(path)]
    yield from _of(
        "single",
        ("a size that is not the file's", put(*ONNX, "files", 0, "bytes", 5)),
        ("a hash that is not the file's", put(*ONNX, "files", 0, "sha256", "0" * 64)),
        ("a size of golden vectors that makes no sense", put("golden", "file", "bytes", 2**40)),
        ("another number of golden images", put("golden", "images", 3)),
    )


def _new(path: str) -> Plain:
    """An edit that makes a new file."""
    return {"file": path, "at": 0, "remove": 0, "text": "what nobody listed"}


def golden() -> Iterator[Draft]:
    """Golden vectors that are damaged although their hash is right, or are others."""
    name = "given-routes"
    data = BUNDLES[name].files["golden.safetensors"]
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])

    def with_header(change: Change) -> bytes:
        content = copy.deepcopy(header)
        changed = change(content)
        text = json.dumps(content if changed is None else changed, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + data[8 + size :]

    for what, after in (
        ("without a vector", with_header(drop("gates.3"))),
        ("with a vector too many", with_header(put("more", header["image"]))),
        ("with another name", with_header(lambda c: c.update(answer=c.pop("outputs.answer")))),
        (
            "with logits of a stage without a router",
            with_header(put("logits.1", header["logits.3"])),
        ),
        ("in another type", with_header(put("image", "dtype", "I32"))),
        ("members as numbers", with_header(put("members.1", "dtype", "U8"))),
        ("in another shape", with_header(put("outputs.answer", "shape", [3, 3, 1]))),
        ("of an unknown type", with_header(put("image", "dtype", "F33"))),
        ("beyond the end", with_header(put("outputs.answer", "data_offsets", [10**6, 10**6 + 36]))),
        ("in the place of another", with_header(put("gates.3", header["gates.2"]))),
        ("that are cut off", data[:-4]),
        ("that are longer", data + bytes(8)),
        ("without a header", b""),
        ("of seven bytes", data[:7]),
        ("with a header that is longer than the file", (2**20).to_bytes(8, "little") + data[8:]),
        ("with a header of 2^63 bytes", (2**63).to_bytes(8, "little") + data[8:]),
        ("with a header that is no JSON", data[:8] + b"x" + data[9:]),
        ("with a header that is an array", with_header(lambda content: [1])),
        ("with notes", with_header(put("__metadata__", {"made": "by hand"}))),
    ):
        yield (
            name,
            f"golden vectors {what}",
            [splice("golden.safetensors", data, after), _listed(name, after)],
        )


def _listed(bundle: str, data: bytes) -> Plain:
    """The edit of a manifest that lists other golden vectors."""
    facts = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return manifest_edit(bundle, lambda content: content["golden"]["file"].update(facts))


FILES = {
    "text": texts,
    "fields": fields,
    "values": values,
    "flow": flow,
    "lists": lists,
    "graphs": graphs,
    "tensors": tensors,
    "experts": separate_experts,
    "bound": bound_weights,
    "inner": inner_routers,
    "compressed": compressed,
    "shapes": shapes,
    "files": files,
    "golden": golden,
}


# What is written


def valid() -> list[Plain]:
    """The valid bundles, with what is read of them."""
    found = []
    with Workplace(CONTENTS) as place:
        for name, contents in CONTENTS.items():
            code, read = place.outcome(ReferenceReader(), name, [])
            assert code is None, (name, code)
            kept = {path: _short(data) for path, data in contents.items()}
            found.append({"name": name, "files": kept, "read": read})
    return found


def codes_of_the_page(root: Path) -> set[str]:
    """The codes of the first step at which the second reader finds something."""
    return {code for _, code in next(filter(None, PageReader().steps(root, {})), [])}


def cases(name: str) -> list[Case]:
    """The cases of a file, without those in which an order of checks would decide."""
    found = []
    reader = ReferenceReader()
    with Workplace(CONTENTS) as place:
        for bundle, title, edits in FILES[name]():
            with place.edited(bundle, edits) as root:
                if len(codes_of_the_page(root)) > 1:
                    continue
                code = reader.code(root)
            found.append({"name": title, "bundle": bundle, "edits": edits, "code": code})
    return found


def text(name: str) -> str:
    """A file: a case a line."""
    lines = ",\n".join(
        json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases(name)
    )
    return f'{{"cases":[\n{lines}\n]}}\n'


def valid_text() -> str:
    """The file of valid bundles."""
    lines = ",\n".join(
        json.dumps(bundle, ensure_ascii=False, separators=(",", ":")) for bundle in valid()
    )
    return f'{{"bundles":[\n{lines}\n]}}\n'


def main() -> None:
    """Write every file."""
    (FOLDER / "valid.json").write_text(valid_text(), encoding="utf-8")
    for name in FILES:
        (FOLDER / f"{name}.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
