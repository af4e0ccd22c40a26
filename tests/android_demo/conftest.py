"""The demo's APK, built once for all workers."""

import demo_apk
import pytest


@pytest.fixture(scope="session")
def made(made_once):
    """A folder with the APK, and with what Maven and R8 have made for it."""
    if demo_apk.LACKS:
        pytest.skip(f"this machine lacks {demo_apk.LACKS}")
    folder = made_once("demo-apk", demo_apk.build)
    if (folder / "lacks.txt").exists():
        pytest.skip((folder / "lacks.txt").read_text())
    return folder


@pytest.fixture(scope="session")
def apk(made):
    """The APK, debuggable, with stand-ins for the native libraries."""
    return demo_apk.Apk(made / "demo.apk")
