"""Core ML on macOS, through coremltools; the functions of one `.mlpackage`, or one each."""

import platform
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph, Target, TensorSpec
from mvmoe_deploy.errors import UnsupportedPlatformError
from mvmoe_deploy.quiet_imports import import_quietly
from mvmoe_deploy.runtime.contract import (
    Arrays,
    EngineVariant,
    GraphPlacement,
    RunnerDefaults,
    Signature,
    load_error,
    require_array,
    require_options,
    require_signature,
    require_threads,
    run_error,
)
from mvmoe_deploy.runtime.engine_versions import TestedVersions
from mvmoe_deploy.runtime.pixels import picture
from mvmoe_deploy.runtime.runners.coreml.operator_placement import placements

_OLDEST_MACOS = 13
_UNITS = {
    "all": "ALL",
    "cpuOnly": "CPU_ONLY",
    "cpuAndGPU": "CPU_AND_GPU",
    "cpuAndNeuralEngine": "CPU_AND_NE",
}
"""Core ML's names for what a graph may run on, with those of `coremltools.ComputeUnit`."""

_TYPES = {65552: "float16", 65568: "float32", 131104: "int32"}
"""`ArrayFeatureType.ArrayDataType` of Core ML's model format, with NumPy's names."""


class CoreMLRunner(RunnerDefaults):
    """Runs the graphs of a `coreml` target, one `MLModel` each."""

    name = "coreml"
    reference = "coreml-reference"
    extra = "coreml"
    packages = ("coremltools",)
    tested_versions = (TestedVersions("coremltools", "9.0", "9.1"),)

    def __init__(self, engine: Any, root: Path, target: Target, units: str = "all") -> None:
        self._engine = engine
        self._root = root
        self._units = units
        self._graphs = {graph.name: graph for graph in target.graphs}

    @classmethod
    def open(
        cls,
        root: Path,
        target: Target,
        threads: int | None,
        engine_options: Mapping[str, str] | None = None,
    ) -> Self:
        """A runner for the checked bundle at `root`; its option is `compute_units`.

        Graphs run on `all` units unless that option says otherwise. Core ML chooses its own number
        of threads: `threads` is checked and not used.
        Raises UnsupportedPlatformError, MissingExtraError or InputError.
        """
        require_threads(threads)
        require_options("Core ML", {"compute_units": _UNITS}, engine_options)
        _require_macos()
        with import_quietly():
            import coremltools
        return cls(coremltools, root, target, (engine_options or {}).get("compute_units", "all"))

    @classmethod
    def variants(cls, target: Target) -> list[EngineVariant]:
        """Each choice of compute units; all of them first."""
        _require_macos()
        return [
            EngineVariant(
                engine=f"Core ML of macOS {platform.mac_ver()[0]}",
                provider=units,
                engine_options={"compute_units": units},
                modules=("coremltools",),
                label="" if units == "all" else units,
            )
            for units in ("all", "cpuAndNeuralEngine", "cpuAndGPU", "cpuOnly")
        ]

    @classmethod
    def placements(
        cls, root: Path, target: Target, engine_options: Mapping[str, str]
    ) -> Iterator[GraphPlacement]:
        """Core ML's own plan for every function."""
        return iter(placements(root, target, engine_options.get("compute_units", "all")))

    @property
    def provider(self) -> str:
        """The compute units that it may use."""
        return self._units

    @property
    def description(self) -> str:
        """The engine and what it may run on."""
        return f"Core ML ({self._units})"

    def load(self, graph: str) -> "CoreMLGraph":
        """A model for a graph, compared with the manifest; raises EngineError that names it.

        The first load of a graph on a Neural Engine takes seconds to minutes: Core ML compiles it.
        """
        return self._open(self._graphs[graph])

    def _open(self, graph: Graph) -> "CoreMLGraph":
        """Make a model and compare it with what the manifest says of the graph."""
        units = getattr(self._engine.ComputeUnit, _UNITS[self._units])
        try:
            model = self._engine.models.MLModel(
                str(self._root / graph.file), compute_units=units, function_name=graph.entry
            )
            # Where Core ML refuses a model, coremltools warns and keeps the error. To make an
            # exception of the warning would make one of every other thread's.
            if model._framework_error is not None:
                raise model._framework_error
            model.get_compiled_model_path()  # Raises if macOS is older than the model's version.
            spec = model.get_spec()
        except Exception as error:  # Its exceptions share no base class of their own.
            raise load_error(graph, "Core ML", error) from error
        described = _description(spec, graph.entry)
        require_signature(
            graph,
            _signatures(graph.inputs, described.input),
            _signatures(graph.outputs, described.output),
        )
        return CoreMLGraph(graph, model)


class CoreMLGraph:
    """One model. Core ML wants it used by one thread at a time."""

    def __init__(self, graph: Graph, model: Any) -> None:
        self._graph = graph
        self._model = model
        self._running = threading.Lock()

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call that hands `inputs` to Core ML and copies what it gives to `outputs`."""
        for spec in self._graph.inputs:
            require_array(spec, inputs[spec.name])
        for spec in self._graph.outputs:
            require_array(spec, outputs[spec.name])

        def predict() -> Any:
            return self._model.predict(
                {spec.name: _taken(spec, inputs[spec.name]) for spec in self._graph.inputs}
            )

        def call() -> None:
            try:
                # One line: nothing can be raised between the end of the call and that of the lock.
                with self._running: result = predict()  # fmt: skip  # noqa: E701
                for spec in self._graph.outputs:
                    given = np.asarray(result[spec.name])
                    np.copyto(outputs[spec.name], given.reshape(spec.shape), casting="same_kind")
            except Exception as error:
                raise run_error(self._graph.name, "Core ML", error) from error

        return call


def _require_macos() -> None:
    """Refuse a system without Core ML as this runner needs it."""
    version = platform.mac_ver()[0] if sys.platform == "darwin" else ""
    if not version or int(version.split(".")[0]) < _OLDEST_MACOS:
        found = f"macOS {version}" if version else platform.system()
        raise UnsupportedPlatformError(
            f"Core ML runs on macOS {_OLDEST_MACOS}+ only, and this is {found}; use such a Mac",
            name="Core ML",
            expected=f"macOS {_OLDEST_MACOS}",
            found=found,
        )


def _taken(spec: TensorSpec, array: np.ndarray) -> Any:
    """An input as coremltools takes it: fp16 goes in as fp32, and Core ML narrows it again."""
    if spec.pixels is not None:
        return picture(spec, array)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _description(spec: Any, entry: str | None) -> Any:
    """What a model says of one of its functions."""
    name = entry or spec.description.defaultFunctionName or "main"
    found = [function for function in spec.description.functions if function.name == name]
    return found[0] if found else spec.description


def _signatures(specs: Sequence[TensorSpec], features: Sequence[Any]) -> list[Signature]:
    """Inputs or outputs of a model; an image as the tensor that the manifest makes of it."""
    images = {spec.name: spec for spec in specs if spec.pixels is not None}
    return [
        _image(feature, images[feature.name]) if feature.name in images else _feature(feature)
        for feature in features
    ]


def _feature(feature: Any) -> Signature:
    """Name, shape and type of one input or output."""
    if feature.type.WhichOneof("Type") != "multiArrayType":
        return feature.name, [], str(feature.type.WhichOneof("Type"))
    array = feature.type.multiArrayType
    return feature.name, list(array.shape), _TYPES.get(array.dataType, str(array.dataType))


def _image(feature: Any, spec: TensorSpec) -> Signature:
    """An image input of one image."""
    if feature.type.WhichOneof("Type") != "imageType":
        return feature.name, [], str(feature.type.WhichOneof("Type"))
    image = feature.type.imageType
    return feature.name, [1, spec.shape[1], image.height, image.width], spec.dtype
