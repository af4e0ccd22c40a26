"""What this package uses of coremltools: imported here and nowhere else, in silence."""

from mvmoe_deploy.quiet_imports import import_quietly

with import_quietly():
    from coremltools import _OPSET as OPSETS
    from coremltools.converters.mil._deployment_compatibility import AvailableTarget
    from coremltools.converters.mil.mil import Function, Operation, Var, types
    from coremltools.converters.mil.mil.input_type import InternalInputType, TupleInputType
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry
    from coremltools.optimize._utils import restore_elements_from_packed_bits
    from coremltools.proto import MIL_pb2, Model_pb2

__all__ = [
    "OPSETS",
    "AvailableTarget",
    "Function",
    "InternalInputType",
    "MIL_pb2",
    "Model_pb2",
    "Operation",
    "SSAOpRegistry",
    "TupleInputType",
    "Var",
    "restore_elements_from_packed_bits",
    "types",
]
