"""Public documents that several rules rest on; rules with a source of their own name it themselves.

See `mvmoe_export.sources` for those that targets rest on too.
"""

from mvmoe_export.sources import Source, issue

ANE_GUIDE = Source("sbryngelson/ane-guide, reverse-engineered", "https://ane-guide.readthedocs.io")
RF_DETR = issue("roboflow/rf-detr", 1495, note="MLComputePlan on an M3 Pro", kind="pull")
MULTIFUNCTION = Source(
    "coremltools, Multifunction Models",
    "https://apple.github.io/coremltools/docs-guides/source/multifunction-models.html",
)
