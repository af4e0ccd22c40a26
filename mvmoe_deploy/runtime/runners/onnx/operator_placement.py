"""Which provider ONNX Runtime really gives each node to, when it opens a graph on this machine.

It is what the session itself recorded while it cut the graph, so it holds for the providers of this
build. On a phone, with NNAPI or Core ML, the same option gives the same answer there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.contract import GraphPlacement, first_line, one_graph_per_stage
from mvmoe_deploy.runtime.runners.onnx.importing import import_onnxruntime

RECORD_ASSIGNMENT = "session.record_ep_graph_assignment_info"
"""The entry of a session's configuration that makes it remember."""

CPU_PROVIDER = "CPUExecutionProvider"

_SUFFIX = "ExecutionProvider"
_FATAL = 4


def placements(root: Path, target: Target, provider: str) -> Iterator[GraphPlacement]:
    """For the first graph of each stage its nodes by provider, where `provider` is preferred.

    Providers are named without their suffix: `CPU`. Raises what `assignment` does.
    """
    preferred = f"{provider}{_SUFFIX}"
    providers = tuple(dict.fromkeys((preferred, CPU_PROVIDER)))
    for graph in one_graph_per_stage(target):
        found = assignment(root / graph.file, providers)
        outside = Counter[str]()
        for name, types in found.items():
            if name != preferred:
                outside.update(types)
        by_unit = {name.removesuffix(_SUFFIX): types.total() for name, types in found.items()}
        yield GraphPlacement(graph.name, by_unit, None, dict(outside))


def assignment(
    model: str | Path, providers: Sequence[str] = (CPU_PROVIDER,), *, options: Any = None
) -> dict[str, Counter[str]]:
    """Node types by provider, of the graph in a file; see `assigned`.

    `providers` in the order of preference; ONNX Runtime adds its CPU provider for what they leave.
    `options` are an `onnxruntime.SessionOptions`, changed to record. Raises MissingExtraError
    without ONNX Runtime, EngineError if it does not open the graph or has no such provider.
    """
    onnxruntime = import_onnxruntime()
    missing = sorted(set(providers) - set(onnxruntime.get_available_providers()))
    if missing:
        raise EngineError(
            f"this build of ONNX Runtime has no {missing[0]}; it has "
            f"{', '.join(onnxruntime.get_available_providers())}",
            name=missing[0],
            found=onnxruntime.get_available_providers(),
        )
    chosen = options if options is not None else onnxruntime.SessionOptions()
    chosen.add_session_config_entry(RECORD_ASSIGNMENT, "1")
    chosen.log_severity_level = _FATAL
    try:
        session = onnxruntime.InferenceSession(str(model), chosen, providers=list(providers))
    except Exception as error:  # Its exceptions share no base class of their own.
        raise EngineError(
            f"{model} does not open in ONNX Runtime: {first_line(error)}", file=str(model)
        ) from error
    return assigned(session)


def assigned(session: Any) -> dict[str, Counter[str]]:
    """Node types by provider, of a session that was opened with `RECORD_ASSIGNMENT` set to `1`.

    The nodes are those that the providers were offered: what basic optimisation left, before the
    CPU provider fuses its own. Raises EngineError if the session did not record.
    """
    try:
        subgraphs = session.get_provider_graph_assignment_info()
    except Exception as error:
        raise EngineError(
            f"the session did not record its assignment ({first_line(error)}); set "
            f"{RECORD_ASSIGNMENT} to 1 in its options",
            name=RECORD_ASSIGNMENT,
        ) from error
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for subgraph in subgraphs:
        found[subgraph.ep_name].update(node.op_type for node in subgraph.get_nodes())
    return dict(found)
