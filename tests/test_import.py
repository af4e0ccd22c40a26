"""What an import must not bring along: a phone's bundle is used without the tools that made it."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch", "coremltools", "onnx", "onnxscript", "executorch", "onnxruntime", "click", "rich",
    "sklearn", "scipy", "matplotlib", "networkx", "lightning_fabric", "psutil",
}  # fmt: skip

LIST_MODULES = "import sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"


def modules_after(statement):
    """Top-level modules in memory after `statement` in a fresh process."""
    result = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{LIST_MODULES}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(result.stdout))


@pytest.mark.parametrize(
    "statement",
    [
        "import mvmoe_deploy",
        "import mvmoe_deploy.bundle",
        "import mvmoe_deploy.bundle.write",
        "import mvmoe_deploy.routing",
        "import mvmoe_deploy.preprocessing",
        "import mvmoe_deploy.runtime",
        "import mvmoe_deploy.runtime.runners.onnx",
        "import mvmoe_deploy.router_health",
        "import mvmoe_deploy.verification.routers_report",
        "from mvmoe_deploy import Bundle, Dispatcher, MvmoeError, Prediction",
    ],
)
def test_the_runtime_is_imported_without_any_engine_or_framework(statement):
    loaded = modules_after(statement)
    assert "mvmoe_deploy" in loaded
    assert loaded & HEAVY == set()


def test_the_package_itself_imports_not_even_numpy():
    assert "numpy" not in modules_after("import mvmoe_deploy")


def test_an_unknown_name_is_an_attribute_error():
    import mvmoe_deploy

    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        mvmoe_deploy.Nonsense  # noqa: B018


def test_every_public_name_can_be_loaded():
    import mvmoe_deploy

    for name in mvmoe_deploy.__all__:
        assert getattr(mvmoe_deploy, name) is not None
