"""What this package uses of coremltools: imported here and nowhere else, in silence.

In a process of our own coremltools finds none of the packages whose models it converts, PyTorch
included: that takes a sixth of the time, and nothing is converted there.
"""

from mvmoe_deploy.quiet_imports import import_quietly, without_packages_anywhere
from mvmoe_deploy.runtime.runners.coreml_reference.converters import CONVERTERS
from mvmoe_deploy.system.own_process import is_own_process

_UNUSED = ("torch", *CONVERTERS) if is_own_process() else ()

with import_quietly(), without_packages_anywhere(*_UNUSED):
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
