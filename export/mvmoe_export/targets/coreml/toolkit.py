"""What is used of coremltools, imported without its warnings about the machine."""

import logging

from mvmoe_deploy.quiet_imports import import_quietly, without_packages

_CONVERTERS = (
    "executorch",
    "libsvm",
    "sklearn",
    "tensorflow",
    "torchao",
    "torchaudio",
    "torchvision",
    "transformers",
    "xgboost",
)
"""Whose models coremltools converts too, and what it imports for that alone where it is installed:
ExecuTorch, torchao and scikit-learn take three times as long as coremltools itself."""

with import_quietly(), without_packages(*_CONVERTERS):
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto import load as milproto
    from coremltools.converters.mil.mil import Builder
    from coremltools.libmilstoragepython import _BlobStorageReader, _BlobStorageWriter
    from coremltools.proto import FeatureTypes_pb2, MIL_pb2, Model_pb2

logging.getLogger("coremltools").setLevel(logging.CRITICAL)

__all__ = [
    "Builder",
    "FeatureTypes_pb2",
    "MIL_pb2",
    "Model_pb2",
    "_BlobStorageReader",
    "_BlobStorageWriter",
    "ct",
    "milproto",
]
