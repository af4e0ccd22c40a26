"""The valid bundles from which the cases of `tests/conformance/bundles` are made, one edit each."""

import copy

from fake_bundles import FakeBundle, FakeStage, FakeTarget, make

TOKENS = [3, 4]
F32, F16 = "float32", "float16"

SINGLE_CLASSES = [
    {"name": "answer", "kind": "logits", "tensors": ["step1.answer"], "labels": ["a", "ç", "日本"]}
]


def stem(experts: int | None = None, dtype: str = F32, **more: list[int]) -> FakeStage:
    """A stem that gives tokens, and the logits of so many experts."""
    gives = {"tokens": ("stem.tokens", TOKENS, dtype)}
    if experts is not None:
        gives["logits"] = ("stem.logits", [experts], F32)
    gives |= {name: (f"stem.{name}", shape, F32) for name, shape in more.items()}
    return FakeStage("stem", {"image": "image"}, gives)


def last(rule: dict, name: str = "step1", before: str = "stem", **changes) -> FakeStage:
    """A routed stage that gives the answer of three classes."""
    fields = {"router": f"{before}.logits", "takes": {"tokens": f"{before}.tokens"}, **changes}
    return FakeStage(name=name, gives={"answer": (f"{name}.answer", [3], F32)}, rule=rule, **fields)


def minimal() -> FakeBundle:
    """A dense model; every field with a default is left out."""
    dense = FakeStage("stem", {"image": "image"}, {"answer": ("stem.answer", [3], F32)})
    outputs = [{"name": "answer", "kind": "logits", "tensors": ["stem.answer"]}]
    return make("minimal", [dense], outputs, [FakeTarget("onnx")], {"height": 3, "width": 2})


def single() -> FakeBundle:
    """One routed stage, three targets, and every field that a manifest can have."""
    placement = {
        "engine": "nnapi", "partitions": 2, "nodes_outside": 1, "outside": {"Erf": 1},
        "nodes": 9, "verdict": "MAYBE",
    }  # fmt: skip
    verified = {
        "kind": "logits",
        "measure": "top-1 agreement",
        "agreement": 1.0,
        "max_abs_error": 1e-7,
        "max_rel_error": 1e-7,
        "rms_error": 1e-8,
        "psnr_db": 130,
    }
    verification = {
        "images": 2,
        "routing_agreement": 1.0,
        "router_error": 1e-7,
        "router_error_bound": 1e-4,
        "answer_error": 1e-7,
        "answer_error_bound": 1e-4,
        "outputs": {"answer": verified},
        "near_ties": 0,
        "forced_routes": 1,
    }
    onnx = FakeTarget(
        "onnx",
        weights="onnx/weights.bin",
        changes={
            "parity": {
                "graphs": 3,
                "max_abs_error": 1e-6,
                "tolerance": 0.0001,
                "verification": verification,
            },
            "options": {"opset": 21, "profile": "default", "fast": True, "limit": 0.5, "x": None},
            "rewrites": ["gelu-tanh", "erf"],
            "sizes": {"distinct_bytes": 90, "shared_bytes": 50, "expert_bytes": [[20, 20]]},
            "bounds": {"router_error": 0.001, "answer_error": 0.01, "psnr_db": 60, "reason": "r"},
        },
        graph_changes={"step1_e0": {"placement": [placement]}},
    )
    profile = FakeTarget(
        "onnx-nnapi", precision="fp16", profile=".nnapi", weights="onnx/weights.bin"
    )
    pixels = {"channel_order": "L", "scale": [0.0078125], "bias": [-1]}
    coreml = FakeTarget("coreml", "coreml")
    executorch = FakeTarget("executorch", "executorch")
    bundle = make(
        "single",
        [stem(2), last({"type": "top_k", "experts": 2, "k": 1, "renormalize": False})],
        SINGLE_CLASSES,
        [onnx, profile, coreml, executorch],
        {
            "height": 2, "width": 2, "channel_order": "L", "resize": "squash",
            "crop_fraction": 0.875, "interpolation": "bilinear", "mean": [0.5], "std": [0.25],
        },
        source={
            "checkpoint_sha256": "0123456789abcdef" * 4,
            "packages": {"torch": "2.13.0+cpu", "onnx": "1.20"},
            "weights": "ema",
            "input": {"mean": "checkpoint", "std": "default", "resize": "option"},
        },
        usage_prior=[[{"route": [0], "share": 0.75}, {"route": [1], "share": 0.25}]],
        golden={"images": 2},
    )  # fmt: skip
    image = bundle.manifest["targets"]["coreml"]["graphs"][0]["inputs"][0]
    image["pixels"] = pixels
    return bundle


def two_stages() -> FakeBundle:
    """Two routed stages with k = 2, each strategy, a batch, tensors that pass over a stage."""
    first = FakeStage(
        "step1",
        {"tokens": "stem.tokens", "image": "image"},
        {
            "next_tokens": ("step1.tokens", TOKENS, F16),
            "logits": ("step1.logits", [4], F32),
        },
        {"type": "top_k", "experts": 3, "k": 2, "renormalize": True},
        "stem.logits",
        expert_takes=("tokens",),
        join_takes=("image", "tokens"),
        expert_gives={"output": ("", [3, 4], F16), "norm": ("", [3], F32)},
    )
    second = FakeStage(
        "step2",
        {"early": "stem.tokens", "tokens": "step1.tokens", "skip": "stem.skip"},
        {"answer": ("step2.answer", [3], F32)},
        {"type": "top_k", "experts": 4, "k": 2},
        "step1.logits",
        expert_gives={"output": ("", [3], F32)},
    )
    return make(
        "two-stages",
        [stem(3, F16, skip=[5]), first, second],
        [{"name": "answer", "kind": "logits", "tensors": ["step2.answer"]}],
        [
            FakeTarget("onnx", batch=4),
            FakeTarget("gathered", "onnx", "gather", profile=".gathered"),
            FakeTarget("coreml", "coreml", "gather"),
            FakeTarget(
                "separate",
                "onnx",
                "experts",
                batch=2,
                profile=".separate",
                changes={
                    "sizes": {
                        "distinct_bytes": 9,
                        "shared_bytes": 2,
                        "expert_bytes": [[1, 1, 1], [1, 1, 1, 1]],
                    }
                },
            ),
            FakeTarget("executorch", "executorch", "all-experts", batch=2),
        ],
        usage_prior=[
            [{"route": [0, 1], "share": 0.5}, {"route": [1, 2], "share": 0.5}],
            [{"route": [0, 3], "share": 1}],
        ],
    )


def other_rules() -> FakeBundle:
    """Routes of varying length: `top_p`, and then `threshold`, which reads the stem's logits."""
    top_p = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {"next_tokens": ("step1.tokens", TOKENS, F32)},
        {"type": "top_p", "experts": 3, "p": 0.5, "k_max": 2, "renormalize": True},
        "stem.logits",
    )
    threshold = last(
        {"type": "threshold", "experts": 3, "thresholds": [0.5, -1, 2]},
        "step2",
        takes={"tokens": "step1.tokens"},
        router="stem.logits",
    )
    return make(
        "other-rules",
        [stem(3), top_p, threshold],
        [{"name": "answer", "kind": "logits", "tensors": ["step2.answer"], "labels": None}],
        [FakeTarget("onnx"), FakeTarget("gathered", "onnx", "gather", profile=".gathered")],
    )


def given_routes() -> FakeBundle:
    """The caller's task in two stages, and a device state, which a router may decide instead."""
    tasks = {"depth": [0, 1], "edges": [2], "both": [0, 2]}
    first = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {"next_tokens": ("step1.tokens", TOKENS, F32)},
        {"type": "given", "experts": 3, "choice": "task", "routes": tasks},
    )
    second = FakeStage(
        "step2",
        {"tokens": "step1.tokens"},
        {"next_tokens": ("step2.tokens", TOKENS, F32)},
        {
            "type": "given", "experts": 2, "choice": "task",
            "routes": {"depth": [0], "edges": [1], "both": [0]}, "otherwise": None,
        },
    )  # fmt: skip
    device = last(
        {
            "type": "given", "experts": 4, "routes": {"low-power": [3]},
            "otherwise": {"type": "top_k", "experts": 4, "k": 2},
        },
        "step3",
        takes={"tokens": "step2.tokens"},
        router="stem.logits",
    )  # fmt: skip
    return make(
        "given-routes",
        [stem(4), first, second, device],
        [{"name": "answer", "kind": "logits", "tensors": ["step3.answer"]}],
        [FakeTarget("onnx"), FakeTarget("everything", "executorch", "all-experts")],
        golden={"images": 3},
    )


def finishing() -> FakeBundle:
    """An early exit and a cascade: images are finished at both routed stages, on some routes."""
    exit_ = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {
            "next_tokens": ("step1.tokens", TOKENS, F32),
            "logits": ("step1.logits", [3], F32),
            "answer": ("step1.answer", [3], F32),
        },
        {"type": "top_k", "experts": 3},
        "stem.logits",
        [[0]],
        expert_gives={"output": ("", TOKENS, F32)},
    )
    cascade = last(
        {"type": "threshold", "experts": 3, "thresholds": [0, 0, 0]},
        "step2",
        "step1",
        finishes=[[0], [1, 2]],
        expert_gives={"output": ("", [3], F32)},
    )
    return make(
        "finishing",
        [stem(3, answer=[3]), exit_, cascade],
        [
            {
                "name": "answer",
                "kind": "logits",
                "tensors": ["stem.answer", "step1.answer", "step2.answer"],
                "labels": ["x", "y", "z"],
            },
            {"name": "features", "kind": "tensor", "tensors": ["stem.tokens", "step1.tokens"]},
        ],
        [
            FakeTarget("onnx"),
            FakeTarget("everything", "onnx", "all-experts", profile=".all"),
            FakeTarget("separate", "executorch", "experts"),
        ],
    )


def every_kind() -> FakeBundle:
    """Outputs of every kind, from several stages; a letterboxed input in colour."""
    gives = {
        "found": ("step1.found", [6, 7], F32),
        "shape": ("step1.shape", [2, 4, 6], F32),
        "depth": ("step1.depth", [1, 4, 6], F32),
        "state": ("step1.state", [2, 1, 2, 1], F32),
    }
    heads = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        gives,
        {"type": "top_k", "experts": 2},
        "stem.logits",
    )
    outputs = [
        {"name": "boxes", "kind": "boxes", "tensors": ["step1.found"], "labels": ["a", "b", "c"]},
        {"name": "mask", "kind": "mask", "tensors": ["step1.shape"], "labels": ["thing", "rest"]},
        {"name": "depth", "kind": "map", "tensors": ["step1.depth"]},
        {"name": "state", "kind": "tensor", "tensors": ["step1.state"]},
        {"name": "embedding", "kind": "embedding", "tensors": ["stem.embedding"]},
        {"name": "classes", "kind": "logits", "tensors": ["stem.logits"]},
    ]
    return make(
        "every-kind",
        [stem(2, embedding=[8]), heads],
        outputs,
        [FakeTarget("onnx")],
        {
            "height": 4, "width": 6, "channel_order": "BGR", "resize": "letterbox",
            "pad_level": 114, "pad_place": "around", "pad_rounding": "nearest",
            "interpolation": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
        },
    )  # fmt: skip


def torchvision() -> FakeBundle:
    """The resize rule `torchvision`, in colour, one routed stage."""
    return make(
        "torchvision",
        [stem(2), last({"type": "top_k", "experts": 2})],
        [{"name": "answer", "kind": "logits", "tensors": ["step1.answer"]}],
        [FakeTarget("executorch", "executorch")],
        {"height": 2, "width": 4, "resize": "torchvision", "resize_size": 5},
    )


def bound() -> FakeBundle:
    """Weights that graphs take: routes of one and two experts, then an expert that finishes."""
    first = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {"next_tokens": ("step1.tokens", TOKENS, F32)},
        {"type": "top_p", "experts": 3, "p": 0.5, "k_max": 2},
        "stem.logits",
        weights={"up": [4, 5], "bias": [5]},
    )
    second = last(
        {"type": "top_k", "experts": 2},
        "step2",
        takes={"tokens": "step1.tokens"},
        router="stem.others",
        finishes=[[1]],
        weights={"matrix": [1, 4, 3]},
    )
    sizes = {"distinct_bytes": 9, "shared_bytes": 2, "expert_bytes": [[1, 1, 1], [1, 0]]}
    return make(
        "bound",
        [stem(3, others=[2], answer=[3]), first, second],
        [{"name": "answer", "kind": "logits", "tensors": ["stem.answer", "step2.answer"]}],
        [
            FakeTarget("onnx", strategy="bind", weights="onnx/weights.bin"),
            FakeTarget(
                "executorch",
                "executorch",
                "bind",
                batch=2,
                precision="fp16",
                weights="executorch/weights.bin",
                changes={"sizes": sizes},
            ),
            FakeTarget("plain", "onnx", profile=".plain"),
        ],
    )


def inner_routers() -> FakeBundle:
    """Routers inside of one graph: of two stages and two outputs, beside graphs between hosts."""
    first = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {"next_tokens": ("step1.tokens", TOKENS, F32), "logits": ("step1.logits", [2], F32)},
        {"type": "top_k", "experts": 3, "k": 2, "unit_gates": True},
        "stem.logits",
    )
    second = last(
        {"type": "top_p", "experts": 2, "p": 0.5, "k_max": 2},
        "step2",
        takes={"tokens": "step1.tokens"},
        router="step1.logits",
    )
    return make(
        "inner-routers",
        [stem(3, depth=[5]), first, second],
        [
            {"name": "answer", "kind": "logits", "tensors": ["step2.answer"]},
            {"name": "depth", "kind": "embedding", "tensors": ["stem.depth"]},
        ],
        [
            FakeTarget("onnx", strategy="gather", routers="in-graph"),
            FakeTarget("executorch", "executorch", "all-experts", batch=2, routers="in-graph"),
            FakeTarget("plain", "onnx", strategy="gather", profile=".plain"),
        ],
    )


def compressed() -> FakeBundle:
    """Weights of int8 that graphs take, calibrated on images; what was left, and what it cost."""
    first = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {"next_tokens": ("step1.tokens", TOKENS, F32)},
        {"type": "top_k", "experts": 3},
        "stem.logits",
        weights={"up": [4, 5], "up.scale": [5]},
    )
    second = last(
        {"type": "top_k", "experts": 2},
        "step2",
        takes={"tokens": "step1.tokens"},
        router="stem.others",
        weights={"matrix": [4, 3]},
    )
    router = {"graph": "stem", "operator": "linear", "layer": "router.weight", "reason": "exact"}
    head = {"graph": "step2_e0", "operator": "linear", "layer": "Kopf 日本", "reason": ""}
    calibration = {
        "images": 16,
        "sha256": "fedcba9876543210" * 4,
        "routed": [[9, 7, 0], [16, 0]],
        "forced": [[0, 1, 8], [0, 8]],
    }
    accuracy = {
        "images": 1000, "reference": 0.91, "target": 0.908, "least_loss": -0.0005,
        "most_loss": 0.0045,
    }  # fmt: skip
    verification = {
        "images": 1,
        "routing_agreement": 1.0,
        "router_error": 0.01,
        "router_error_bound": 0.05,
        "answer_error": 0.02,
        "answer_error_bound": 0.1,
        "outputs": {},
        "near_ties": 0,
        "forced_routes": 0,
        "accuracy": accuracy,
    }
    parity = {"graphs": 3, "max_abs_error": 0.02, "tolerance": 0.1, "verification": verification}
    record = {"weights": "int8", "activations": "dynamic-int8", "layers": 2, "plain_bytes": 400}
    return make(
        "compressed",
        [stem(3, others=[2]), first, second],
        [{"name": "answer", "kind": "logits", "tensors": ["step2.answer"]}],
        [
            FakeTarget(
                "onnx",
                strategy="bind",
                precision="int8",
                weights="onnx/weights.bin",
                changes={
                    "parity": parity,
                    "compression": {
                        **record,
                        "left": [router, head],
                        "calibration": calibration,
                    },
                },
            ),
            FakeTarget(
                "plain",
                precision="int8",
                profile=".plain",
                changes={"compression": {**record, "left": []}},
            ),
        ],
    )


def constant() -> FakeBundle:
    """A model whose only routed stage was given a constant route, and is one no more."""
    dense = FakeStage("stem", {"image": "image"}, {"answer": ("stem.answer", [3], F32)})
    outputs = [{"name": "answer", "kind": "logits", "tensors": ["stem.answer"]}]
    before = {"type": "top_k", "experts": 4, "k": 2}
    return make(
        "constant",
        [dense],
        outputs,
        [FakeTarget("onnx")],
        restrictions=[{"stage": 1, "rule": before, "route": [0, 3]}],
    )


def kept() -> FakeBundle:
    """Rules of each kind that select from some of their experts, in each strategy."""
    top_k = {"type": "top_k", "experts": 4, "k": 2}
    top_p = {"type": "top_p", "experts": 3, "p": 0.25, "k_max": 2}
    threshold = {"type": "threshold", "experts": 4, "thresholds": [0.5, -1, 2, 0]}
    single = {"type": "top_k", "experts": 3}
    first = FakeStage(
        "step1",
        {"tokens": "stem.tokens"},
        {"next_tokens": ("step1.tokens", TOKENS, F32)},
        {**top_k, "kept": [0, 1, 3]},
        "stem.logits",
        expert_gives={"output": ("", TOKENS, F32)},
        weights={"up": [4, 5]},
    )
    # Of all experts no route would need two.
    second = FakeStage(
        "step2",
        {"tokens": "step1.tokens"},
        {"next_tokens": ("step2.tokens", TOKENS, F32)},
        {**top_p, "kept": [1, 2]},
        "stem.others",
        expert_gives={"output": ("", TOKENS, F32)},
        weights={"up": [4, 5]},
    )
    # A name may have an expert that the router cannot select.
    third = FakeStage(
        "step3",
        {"tokens": "step2.tokens"},
        {"next_tokens": ("step3.tokens", TOKENS, F32)},
        {
            "type": "given", "experts": 4, "routes": {"low": [3]},
            "otherwise": {**threshold, "kept": [1, 2]},
        },
        "stem.logits",
        expert_gives={"output": ("", TOKENS, F32)},
        weights={"up": [4, 5]},
    )  # fmt: skip
    fourth = last(
        {**single, "kept": [0, 2]},
        "step4",
        takes={"tokens": "step3.tokens"},
        router="stem.others",
        finishes=[[0]],
        expert_gives={"output": ("", [3], F32)},
        weights={"matrix": [4, 3]},
    )
    sizes = {
        "distinct_bytes": 9, "shared_bytes": 2,
        "expert_bytes": [[1, 1, 0, 1], [0, 1, 1], [0, 1, 1, 1], [0, 0, 1]],
    }  # fmt: skip
    return make(
        "kept",
        [stem(4, others=[3], answer=[3]), first, second, third, fourth],
        [{"name": "answer", "kind": "logits", "tensors": ["stem.answer", "step4.answer"]}],
        [
            FakeTarget("onnx", changes={"sizes": sizes}),
            FakeTarget("separate", "onnx", "experts", profile=".separate"),
            FakeTarget("bound", "onnx", "bind", profile=".bound", weights="onnx/weights.bin"),
            FakeTarget("gathered", "executorch", "gather"),
            FakeTarget("everything", "onnx", "all-experts", profile=".all"),
        ],
        usage_prior=[
            [{"route": [0, 3], "share": 1}],
            [{"route": [1, 2], "share": 0.5}, {"route": [2], "share": 0.5}],
            [{"route": [3], "share": 1}],
            [{"route": [2], "share": 1}],
        ],
        # Copies: a case changes one place.
        restrictions=copy.deepcopy(
            [
                {"stage": 1, "rule": top_k, "kept": [0, 1, 3]},
                {"stage": 2, "rule": {**threshold, "kept": [0, 2, 3]}, "route": [0, 3]},
                {"stage": 3, "rule": top_p, "kept": [1, 2], "route": None},
                {"stage": 6, "rule": single, "route": None, "kept": [0, 2]},
            ]
        ),
    )


ALL = [
    minimal,
    single,
    two_stages,
    other_rules,
    given_routes,
    finishing,
    every_kind,
    torchvision,
    bound,
    inner_routers,
    compressed,
    constant,
    kept,
]
