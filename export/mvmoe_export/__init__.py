"""mvmoe_export: from a routed PyTorch model to a bundle. Importing it imports PyTorch."""

from mvmoe_export.bundling import Identity, export_bundle
from mvmoe_export.targets import ExportOptions

__all__ = ["ExportOptions", "Identity", "export_bundle"]
