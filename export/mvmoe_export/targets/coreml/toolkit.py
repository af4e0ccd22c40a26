"""What is used of coremltools, imported without its warnings about the machine."""

import logging

from mvmoe_deploy.quiet_imports import import_quietly, without_packages
from mvmoe_deploy.runtime.runners.coreml_reference.converters import CONVERTERS

with import_quietly(), without_packages(*CONVERTERS):
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
