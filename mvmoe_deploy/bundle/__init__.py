"""The bundle: the directory that ships. Its format, reading, writing and integrity."""

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.read import Bundle

__all__ = ["Bundle", "Manifest"]
