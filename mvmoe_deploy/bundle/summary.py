"""What `mvmoe inspect` says of a bundle: plain data from the manifest alone."""

from typing import Any

import msgspec

from mvmoe_deploy.bundle.manifest import Graph, Manifest, Target


def summarize(manifest: Manifest) -> dict[str, Any]:
    """The model, its targets and graphs, input, labels and usage prior as plain data.

    `experts` and `top_k` are of the first router (0 for a dense model); all routers' rules are in
    `routing`. A graph's `bytes` are its file and the weights that it reads, shared ones included.
    """
    rules = manifest.rules
    return {
        "format": manifest.format,
        "version": manifest.version,
        "model": {
            "name": manifest.model.name,
            "family": manifest.model.family,
            "experts": rules[0].experts if rules else 0,
            "top_k": rules[0].k if rules else 0,
            "routed_stages": len(rules),
            "params_total": manifest.model.params_total,
            "params_active": manifest.model.params_active,
            "macs": manifest.model.macs,
        },
        "routing": msgspec.to_builtins(rules),
        "source": msgspec.to_builtins(manifest.source),
        "targets": {name: _target(target) for name, target in manifest.targets.items()},
        "input": {**msgspec.to_builtins(manifest.input), "shape": list(manifest.input.shape)},
        "labels": msgspec.to_builtins(manifest.labels),
        "usage_prior": msgspec.to_builtins(manifest.usage_prior),
        "golden": {"images": manifest.golden.images, "file": manifest.golden.file.path},
    }


def _target(target: Target) -> dict[str, Any]:
    """One target: its graphs, and what it weighs."""
    sizes = {file.path: file.bytes for file in target.files}
    return {
        "strategy": target.strategy,
        "precision": target.precision,
        "batch": target.batch,
        "graphs": [_graph(graph, sizes) for graph in target.graphs],
        "weight_bytes": sizes[target.weights] if target.weights else 0,
        "bytes": sum(sizes.values()),
        "parity": msgspec.to_builtins(target.parity),
    }


def _graph(graph: Graph, sizes: dict[str, int]) -> dict[str, Any]:
    """One graph: where it stands, and the bytes it needs."""
    return {
        "name": graph.name,
        "stage": graph.stage,
        "route": list(graph.route) if graph.route is not None else None,
        "bytes": sizes[graph.file] + graph.weight_bytes,
        "file": graph.file,
        "file_bytes": sizes[graph.file],
        "weight_bytes": graph.weight_bytes,
        "exclusive_bytes": graph.exclusive_bytes,
    }
