"""Public documents that several rules rest on; rules with a source of their own name it themselves.

What they say was carried over as facts. Figures are theirs, of their devices.
"""

APPLE_RULES = (
    "Apple, coreai-models, Neural Engine Rules (https://github.com/apple/coreai-models/blob/main/"
    "skills/skills/model-authoring/references/neural_engine_rules.md)"
)

APPLE_TRANSFORMERS = (
    "Apple, Deploying Transformers on the Apple Neural Engine "
    "(https://machinelearning.apple.com/research/neural-engine-transformers)"
)

ANE_GUIDE = "sbryngelson/ane-guide, reverse-engineered (https://ane-guide.readthedocs.io)"

ORT_CHECKER = (
    "onnxruntime, Model Usability Checker "
    "(https://onnxruntime.ai/docs/tutorials/mobile/helpers/model-usability-checker.html)"
)

TYPED_EXECUTION = (
    "coremltools, Typed Execution Workflow Example "
    "(https://apple.github.io/coremltools/docs-guides/source/typed-execution-example.html)"
)

MULTIFUNCTION = (
    "coremltools, Multifunction Models "
    "(https://apple.github.io/coremltools/docs-guides/source/multifunction-models.html)"
)
