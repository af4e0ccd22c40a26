"""Makes runs whose answers are known, and one that looks like a real one.

Loaded by the `factory` fixtures of `figures/` and `reporting/`; nothing is measured here.
"""

import hashlib
from itertools import combinations, count, product
from pathlib import Path

import numpy as np

from mvmoe_bench.measure.jobs.answers import Answer, ReferenceAnswers
from mvmoe_bench.measure.jobs.change import ChangeSample
from mvmoe_bench.measure.jobs.latency import Opened, Overhead, ReferenceMatmul, Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.jobs.paced import PacedSample
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.jobs.preparation import PreparationSample
from mvmoe_bench.measure.jobs.start import GraphLoad, Start
from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.measure.jobs.sustained import SustainedSample
from mvmoe_bench.measure.jobs.timed_run import TimedRun
from mvmoe_bench.measure.machine.held_memory import Held
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.results import RunLines
from mvmoe_deploy.routing import RouteShare

MS = 1_000_000
_IDS = count()
HOSTILE = "<script>alert(1)</script>\"'&$x^2$ --> ]]> {{ 7 * 7 }} | [a](http://x.example) \x1b[31m"


def choice(engine="ONNX Runtime 1.31.1", provider="CPUExecutionProvider"):
    return r.EngineChoice(engine=engine, provider=provider)


def subject(name, bundle="digits", target="onnx", threads=1, **fields):
    key = fields.pop("key", name if target is None else f"{name}:{bundle}:{target}")
    requested = fields.pop("requested", choice() if target else choice("PyTorch 2.13.0", None))
    return r.SubjectRecord(
        key=key, name=name, bundle=bundle, target=target, requested=requested, threads=threads
    )


def verified_output():
    return {
        "kind": "logits",
        "measure": "top-1 agreement",
        "agreement": 1.0,
        "max_abs_error": 2.1e-6,
        "max_rel_error": 4.2e-7,
        "rms_error": 5e-7,
        "psnr_db": 128.5,
    }


def parity(images=256, near_ties=2):
    return {
        "graphs": 5,
        "max_abs_error": 2e-6,
        "tolerance": 1e-4,
        "verification": {
            "images": images,
            "routing_agreement": 1.0,
            "router_error": 3.1e-7,
            "router_error_bound": 1e-5,
            "answer_error": 4.2e-7,
            "answer_error_bound": 1e-4,
            "outputs": {"answer": verified_output()},
            "near_ties": near_ties,
            "forced_routes": 1,
        },
    }


def target(experts=4, stages=1, shared=20_000_000, expert=2_000_000, checked=True):
    return {
        "format": "onnx",
        "strategy": "dispatch",
        "precision": "fp32",
        "graphs": [{}] * (1 + experts * stages),
        "bytes": shared + expert * experts * stages + 300_000,
        "sizes": {"shared": shared, "experts": [[expert] * experts] * stages} if stages else None,
        "parity": parity() if checked else None,
    }


def routes_of(experts, k):
    return list(combinations(range(experts), k))


def prior(shares):
    """One stage's shares, by route."""
    return tuple(RouteShare(route=route, share=share) for route, share in shares.items())


def bundle(name="digits", experts=4, stages=1, **fields):
    targets = fields.pop("targets", {"onnx": target(experts, stages)})
    return r.BundleRecord(
        name=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        model=fields.pop("model", "mobile_vmoe_12x192_p32_224"),
        family="mobile_vmoe",
        params_total=12_000_000,
        params_active=6_000_000,
        macs=fields.pop("macs", 250_000_000),
        experts=(experts,) * stages,
        labels=fields.pop("labels", tuple(f"class {i}" for i in range(10))),
        usage_prior=fields.pop("usage_prior", None),
        targets=targets,
        chosen_stages=fields.pop("chosen_stages", ()),
        constant_routes=fields.pop("constant_routes", {}),
        kept_experts=fields.pop("kept_experts", {}),
    )


def identity(**fields):
    return {
        "cpu": "AMD EPYC",
        "cores_logical": 2,
        "cores_physical": 2,
        "memory_bytes": 24 * 10**9,
        "os": "Linux-6.1-x86_64",
        "python": "3.11.7",
        "packages": {"mvmoe-deploy": "0.1.0", "onnxruntime": "1.31.1", "torch": "2.13.0"},
        "load_average": [0.4, 0.5, 0.6],
        **fields,
    }


def preset(name="standard"):
    return r.Preset(
        name=name, repeats=9, queries=48, seconds=2.0, most_seconds=90.0, warmup=5, starts=7,
        stream=300, cooldown=0.5,
    )  # fmt: skip


def run(subjects, bundles=None, lines=(), **fields):
    """A run with its lines; `identity`, `inputs` and others may be given."""
    inputs = {
        "source": "digits", "images": 16, "sha256": "ab" * 32, "forced": False,
        "distribution": None, "order": "shuffled", **fields.pop("inputs", {}),
    }  # fmt: skip
    threads = fields.pop("threads", 1)
    path, skipped = fields.pop("path", Path("results.jsonl")), fields.pop("skipped", 0)
    first = r.Run(
        schema="mvmoe-bench",
        version=1,
        id=fields.pop("id", f"run {next(_IDS)}"),
        started="2026-11-22T02:00:00Z",
        device=fields.pop("device", "host"),
        identity=identity(**fields.pop("identity", {})),
        preset=preset(fields.pop("preset", "standard")),
        seed=0,
        threads=threads,
        inputs=r.InputRecord(**inputs),
        bundles=tuple(bundles if bundles is not None else (bundle(),)),
        subjects=tuple(subjects),
        notes=tuple(fields.pop("notes", ())),
    )
    assert not fields, fields
    return RunLines(path, first, tuple(lines), skipped)


def laps(*, stem=5.0, select=0.1, load=0.05, expert=2.0, rest=0.05, stages=1):
    """Laps in ms; a number for each routed stage may be given as a tuple."""

    def each(value):
        values = value if isinstance(value, tuple) else (value,) * stages
        return tuple(round(v * MS) for v in values)

    return r.Laps(
        stem=round(stem * MS),
        select=each(select),
        load=each(load),
        expert=each(expert),
        rest=round(rest * MS),
    )


def sample(key, ms, repeat=0, number=0, **fields):
    return Sample(
        job=f"latency {repeat}",
        subject=key,
        repeat=repeat,
        round=number,
        position=0,
        image=fields.pop("image", number % 16),
        routes=fields.pop("routes", None),
        forced=fields.pop("forced", False),
        ns=round(ms * MS),
        cpu_ns=fields.pop("cpu_ns", round(ms * MS)),
        laps=fields.pop("laps", None),
    )


def constant(key, ms, repeats=6, rounds=10, **fields):
    """A subject that always takes the same."""
    return [
        sample(key, ms, repeat, number, **fields)
        for repeat in range(repeats)
        for number in range(rounds)
    ]


def start(key, repeat=0, **ms):
    """A start; components in ms."""
    parts = {
        "process": 20, "engine_import": 60, "code_import": 30, "parse": 2, "hash": 25, "open": 40,
        "first": 15, **ms,
    }  # fmt: skip
    return Start(
        job=f"start {repeat}",
        subject=key,
        repeat=repeat,
        first_laps=laps(load=6.0),
        **{f"{name}_ns": None if v is None else round(v * MS) for name, v in parts.items()},
    )


def held(total, files=0.0):
    """An amount of memory, of which some are mapped pages of the subject's files."""
    total, files = round(total), round(files)
    return Held(total=total, anonymous=total - files, bundle_files=files)


def memory(key, budget=None, repeat=0, *, base=60e6, added=30e6, files=4e6):
    """Of what was added, `files` are mapped pages."""
    return Memory(
        job=f"memory {repeat}",
        subject=key,
        repeat=repeat,
        memory_of="own",
        budget=budget,
        base=held(base),
        loaded=held(base + added, files if added > files else 0),
        peak_rss=round(base + added + 25e6),
        released=held(base + 3e6),
    )


def stream(key, budget, number, ms, repeat=0, **fields):
    routes = fields.pop("routes", ((0,),))
    stages = len(routes)
    return StreamSample(
        job=f"residency {budget} {repeat}",
        subject=key,
        repeat=repeat,
        budget=budget,
        number=number,
        image=number % 16,
        routes=routes,
        cold=fields.pop("cold", (False,) * stages),
        switched=fields.pop("switched", (False,) * stages),
        ns=round(ms * MS),
        laps=fields.pop("laps", laps(stages=stages)),
    )


def change(key, same, changed, repeat=0, number=0, **fields):
    """A pair of answers; `same` and `changed` are their laps."""
    stages = len(same.select)
    read = fields.pop("read", None)
    return ChangeSample(
        job=f"change {repeat}",
        subject=key,
        repeat=repeat,
        budget=fields.pop("budget", None),
        round=number,
        image=number % 16,
        before=((0,),) * stages,
        routes=((1,),) * stages,
        first=fields.pop("first", False),
        dropped=fields.pop("dropped", False),
        same=same,
        changed=changed,
        read_ns=None if read is None else round(read * MS),
        **fields,
    )


def sustained(key, second, ms, **fields):
    """The answers of five seconds, which end at `second` of a long run."""
    return SustainedSample(
        job="sustained",
        subject=key,
        repeat=fields.pop("repeat", 0),
        at_ns=round(second * 1e9),
        answers=fields.pop("answers", 100),
        median_ns=round(ms * MS),
        slowest_ns=round(fields.pop("slowest", 2 * ms) * MS),
        thermal=fields.pop("thermal", None),
        headroom=fields.pop("headroom", None),
        pss=fields.pop("pss", None),
        celsius=fields.pop("celsius", None),
    )


def paced(key, frame, ms, repeat=0, late=0.1):
    """The answer to one frame of a camera."""
    return PacedSample(
        job=f"paced {repeat}", subject=key, repeat=repeat, frame=frame, image=frame % 16,
        late_ns=round(late * MS), ns=round(ms * MS),
    )  # fmt: skip


def timed(key, of="sample", seconds=10.0, repeat=0, warmup=3, **fields):
    """What a process says of the answers that it timed."""
    return TimedRun(
        job=f"{of} {repeat}", subject=key, repeat=repeat, of=of, warmup=warmup,
        wall_ns=round(seconds * 1e9), **fields,
    )  # fmt: skip


def yardstick(ms, repeat=0, number=0):
    flop = 2 * 512**3
    return ReferenceMatmul(
        job=f"latency {repeat}", repeat=repeat, round=number, flop=flop, ns=round(ms * MS)
    )


def answer(key, image, routes, label=None, *, given=0, error=1e-6):
    return Answer(
        job="latency 0", subject=key, image=image, name=f"image {image}", label=label,
        routes=routes, answer=given, max_abs_error=error, max_rel_error=error,
    )  # fmt: skip


def lifelike(*, seed=0, experts=4, k=1, stages=1, repeats=9, rounds=48, slower=1.0, **fields):
    """Every kind of line, with noise, two targets and repeats that have luck of their own."""
    rng = np.random.default_rng(seed)
    names = ["dispatcher", "static", "all-experts", "gather", "dense"]
    subjects = [subject(name) for name in names]
    executorch = choice("ExecuTorch 1.4.1", "XNNPACK")
    subjects.append(subject("dispatcher", target="executorch", requested=executorch))
    subjects += [subject("eager", target=None), subject("compile", target=None)]
    all_routes = routes_of(experts, k)
    weights = np.exp(-0.6 * np.arange(len(all_routes)))
    weights /= weights.sum()
    shares = dict(zip(all_routes, weights.tolist(), strict=True))
    shared = {"onnx": target(experts, stages), "executorch": target(experts, stages, 18_000_000)}
    the_bundle = bundle(
        experts=experts, stages=stages, usage_prior=(prior(shares),) * stages, targets=shared
    )
    base = {
        "dispatcher:digits:onnx": 8.2 * slower, "static:digits:onnx": 8.03,
        "all-experts:digits:onnx": 14.6, "gather:digits:onnx": 8.5, "dense:digits:onnx": 7.7,
        "dispatcher:digits:executorch": 9.9, "eager": 15.4, "compile": 10.6,
    }  # fmt: skip
    usage = (all_routes, weights)
    lines = _latency_lines(rng, subjects, base, usage, (stages, repeats, rounds))
    lines += _fresh_lines(rng, subjects, experts, all_routes)
    lines += _stream_lines(rng, subjects, experts, usage, stages)
    lines += _change_lines(rng, subjects, stages)
    lines += _paced_lines(rng, subjects)
    lines += _sustained_lines(rng, subjects)
    lines += _answer_lines(rng, subjects, all_routes, weights, stages)
    lines += _placement_lines()
    lines += _preparation_lines(rng, subjects, repeats)
    return run(subjects, [the_bundle], lines, **fields)


def _latency_lines(rng, subjects, base, usage, shape):
    routes, weights = usage
    stages, repeats, rounds = shape
    lines = []
    luck = {s.key: rng.normal(1, 0.012, repeats) for s in subjects}
    for repeat in range(repeats):
        for s in subjects:
            opened = Opened(
                job=f"latency {repeat}", subject=s.key, repeat=repeat, actual=s.requested,
                open_ns=round(rng.normal(60, 4) * MS),
            )  # fmt: skip
            lines.append(opened)
        for number in range(rounds):
            wobble = 1 + abs(rng.normal(0, 0.01)) + (rng.random() < 0.03) * rng.exponential(0.1)
            taken = tuple(routes[i] for i in rng.choice(len(routes), stages, p=weights))
            for s in subjects:
                routed = s.name in ("dispatcher", "static")
                extra = 0.25 * sum(route[0] == 1 for route in taken) if routed else 0
                ms = (base[s.key] + extra) * luck[s.key][repeat] * wobble * rng.lognormal(0, 0.004)
                its = laps(
                    stem=ms * 0.72, select=0.09 / stages, load=0.04 / stages,
                    expert=(ms * 0.28 - 0.2) / stages, rest=0.07, stages=stages,
                ) if s.name == "dispatcher" else None  # fmt: skip
                lines.append(
                    sample(s.key, ms, repeat, number, routes=taken if routed else None, laps=its)
                )
            if number % 8 == 0:
                lines.append(yardstick(rng.normal(5.4, 0.05) * wobble, repeat, number))
        lines.append(Overhead(job=f"latency {repeat}", repeat=repeat, ns=180, n=1001))
        lines.append(r.Done(job=f"latency {repeat}", load_average=(1.1, 0.9, 0.7)))
    return lines


def _fresh_lines(rng, subjects, experts, routes):
    lines = []
    for repeat in range(7):
        for s in subjects[:2] + subjects[5:6]:
            jitter = rng.normal(1, 0.04)
            skip = {"parse": None, "hash": None} if s.name == "static" else {}
            lines.append(start(s.key, repeat, open=40 * jitter, engine_import=62 * jitter, **skip))
            budgets = [None] if s.name == "static" else [1, max(1, experts // 2), None]
            for budget in dict.fromkeys(budgets):
                resident = experts if budget is None else budget
                added = 22e6 + 2e6 * (1 if s.name == "static" else resident) + rng.normal(0, 2e5)
                lines.append(
                    memory(s.key, budget, repeat, base=61e6 + rng.normal(0, 3e5), added=added)
                )
        for route in [None, *routes[:12]]:
            name = "stem" if route is None else "step1_e" + "_".join(map(str, route))
            ms = 21.0 if route is None else 3.1
            lines.append(
                GraphLoad(
                    job=f"load {repeat}",
                    subject=subjects[0].key,
                    repeat=repeat,
                    graph=name,
                    stage=0 if route is None else 1,
                    route=route,
                    load_ns=round(ms * rng.normal(1, 0.05) * MS),
                    first_ns=round(ms * 0.6 * MS),
                    warm_ns=round(ms * 0.4 * MS),
                )
            )
    return lines


def _stream_lines(rng, subjects, experts, usage, stages):
    routes, weights = usage
    lines = []
    order = [
        tuple(routes[i] for i in rng.choice(len(routes), stages, p=weights)) for _ in range(120)
    ]
    budgets = sorted({1, 2, max(1, experts // 2), experts})
    for s in (subjects[0], subjects[5]):
        for budget in budgets:
            for repeat in range(6):
                lines += _stream(rng, s.key, budget, repeat, order)
    return lines


def _stream(rng, key, budget, repeat, order):
    """One sequence with the least recently used expert released first."""
    resident = [[] for _ in order[0]]
    lines, before, luck = [], None, rng.normal(1, 0.01)
    for number, taken in enumerate(order):
        cold = []
        for stage, route in enumerate(taken):
            missing = [e for e in route if e not in resident[stage]]
            cold.append(bool(missing))
            kept = [e for e in resident[stage] if e not in route] + list(route)
            resident[stage] = kept[-max(budget, len(route)) :]
        switched = tuple(before is None or a != b for a, b in zip(taken, before or taken))  # noqa: B905
        ms = (8.2 + 3.3 * sum(cold) + 0.15 * any(switched)) * luck * rng.lognormal(0, 0.01)
        fields = {"routes": taken, "cold": tuple(cold), "switched": switched}
        lines.append(stream(key, budget, number, ms, repeat, **fields))
        before = taken
    return lines


def _change_lines(rng, subjects, stages):
    lines = []
    for s in (subjects[0], subjects[5]):
        for budget, repeat, number in product((None, 1), range(6), range(12)):
            load = 0.05 if budget is None else 12.0
            same, changed = (
                laps(stem=5 * rng.lognormal(0, 0.01), load=ms / stages, stages=stages)
                for ms in (0.05, load * rng.lognormal(0, 0.02))
            )
            fields = {"first": number < 4, "dropped": number > 8, "budget": budget}
            lines.append(change(s.key, same, changed, repeat, number, **fields))
    return lines


def _paced_lines(rng, subjects):
    """A minute at 30 frames a second in nine processes, on a phone that saves power."""
    key, lines = subjects[0].key, []
    for repeat in range(9):
        luck = rng.normal(1, 0.01)
        frames = [paced(key, n, 11.5 * luck * rng.lognormal(0, 0.03), repeat) for n in range(200)]
        lines += [*frames, timed(key, "paced", 6.7, repeat, thermal="none")]
    return lines


def _sustained_lines(rng, subjects):
    """Ten minutes, the last four of them on a warm phone."""
    statuses = ["none"] * 36 + ["light"] * 36 + ["moderate"] * 48
    return [
        sustained(
            subjects[0].key, 5 * second, (10.0 if status == "moderate" else 8.2) * luck,
            slowest=15 * luck, thermal=status, headroom=0.5 + second / 200, pss=81_000_000,
        )
        for second, status in enumerate(statuses, start=1)
        for luck in [rng.lognormal(0, 0.01)]
    ]  # fmt: skip


def _answer_lines(rng, subjects, routes, weights, stages):
    lines = []
    for image in range(160):
        number = image % 10
        home = min(number * len(routes) // 10, len(routes) - 1)
        index = home if rng.random() < 0.95 else int(rng.choice(len(routes)))
        for s in subjects:
            tells = (routes[index],) * stages if s.name in ("dispatcher", "static") else None
            error = 10 ** rng.normal(-6, 0.2)
            given = number if image % 40 else (number + 1) % 10
            fields = {"given": given, "error": error}
            lines.append(answer(s.key, image, tells, f"class {number}", **fields))
    wrong = tuple(range(0, 160, 40))
    lines += [reference("routed", wrong, 160), reference("dense", (1, *wrong), 160)]
    return lines


def reference(model, wrong, images, bundle="digits"):
    """Which images a PyTorch model answers wrongly."""
    return ReferenceAnswers(
        job="reference answers", bundle=bundle, model=model, images=images, wrong=tuple(wrong)
    )


def prepared(key, decode, resize, repeat=0, number=0):
    """A picture that became an input; ms."""
    return PreparationSample(
        job=f"preparation {repeat}", subject=key, repeat=repeat, image=number,
        decode_ns=round(decode * MS), resize_ns=round(resize * MS),
    )  # fmt: skip


def _preparation_lines(rng, subjects, repeats):
    """Photos of a phone's camera, which take longer than the model."""
    return [
        prepared(subjects[0].key, 14 * luck, 6 * luck, repeat, number)
        for repeat in range(repeats)
        for number in range(8)
        for luck in [rng.lognormal(0, 0.02)]
    ]


def _placement_lines():
    advice = r.Advice(
        bundle="digits", target="coreml", graph="stem", engine="Neural Engine",
        rule="large-reshape", severity="warning",
        text="Two reshapes of rank 5 may leave the Neural Engine; keep tensors at rank 4.",
        reason="Core ML's Neural Engine backend takes tensors up to rank 4.",
        source="apple/ml-ane-transformers (https://github.com/apple/ml-ane-transformers)",
    )  # fmt: skip
    placed = PlacementLine(
        job="placement", subject="dispatcher:digits:onnx", graph="stem",
        by_unit={"CPUExecutionProvider": 118}, cost_by_unit=None, outside={},
    )  # fmt: skip
    return [advice, placed]


def hostile():
    """Names that would like to be code, wherever a file may put them."""
    s = subject("dispatcher", bundle=HOSTILE, key=HOSTILE)
    other = subject(HOSTILE, bundle=HOSTILE, key="other")
    the_bundle = bundle(
        HOSTILE,
        model=HOSTILE,
        labels=(HOSTILE,),
        targets={"onnx": target(), HOSTILE: target()},
    )
    lines = constant(s.key, 8.0, routes=((0,),), laps=laps())
    lines += constant("other", 9.0)
    lines += [answer(s.key, 0, ((0,),), HOSTILE), start(s.key)]
    lines += [memory(s.key), stream(s.key, 1, 0, 8.0)]
    lines += [
        r.Failure(job="x", subject=s.key, message=HOSTILE),
        PlacementLine(
            job="x", subject=s.key, graph=HOSTILE, by_unit={HOSTILE: 1}, cost_by_unit=None,
            outside={HOSTILE: 2},
        ),
        r.Advice(
            bundle=HOSTILE, target=HOSTILE, graph=HOSTILE, engine=HOSTILE, rule=HOSTILE,
            severity="problem", text=HOSTILE, reason=HOSTILE, source=HOSTILE,
        ),
    ]  # fmt: skip
    return run(
        [s, other], [the_bundle], lines, notes=[HOSTILE],
        identity={"cpu": HOSTILE, HOSTILE: [HOSTILE]},
        inputs={"source": HOSTILE, "order": HOSTILE},
    )  # fmt: skip
