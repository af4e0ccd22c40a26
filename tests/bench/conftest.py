"""One exported workload for all tests that need graphs, made once even by several workers."""

import pytest
from filelock import FileLock


@pytest.fixture(scope="session")
def graphs(tmp_path_factory, worker_id):
    """The `digits` workload, its artifacts, and the directory that `--cache` may be given."""
    from mvmoe_bench.artifacts import make_artifacts
    from mvmoe_bench.workload import make_workload

    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "graphs"
    root.mkdir(exist_ok=True)
    workload = make_workload("digits")
    with FileLock(root / "lock"):
        artifacts = make_artifacts(workload, root, lambda name: None)
    return workload, artifacts, root
