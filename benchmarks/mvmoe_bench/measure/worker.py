"""The process that measures: one order on stdin, lines of a results file on stdout.

`python -m mvmoe_bench.measure.worker` imports what an application would first, and times that;
its own code comes after. What engines print goes to stderr, whatever they print it to.
"""

import time

_STARTED_NS = time.monotonic_ns()

import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

from mvmoe_deploy.system.processes import end_when_closed  # noqa: E402

_INTERRUPTED = 130


def main() -> None:
    """Follow the order on stdin; exits with 130 if it was interrupted."""
    # Whoever started this may have been told to ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _end_with_starter(sys.argv[1:])
    text = sys.stdin.read()
    order = json.loads(text)
    modules = [module for subject in order["subjects"] for module in subject["engine_modules"]]
    lines = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    missing, engine_ns = None, 0
    try:
        engine_ns = _import("numpy", *modules)
    except ImportError as error:
        # Among several subjects the one that needs it fails by itself.
        missing = error if order["one_subject"] else None
    code_ns = _import("mvmoe_deploy.runtime")
    from mvmoe_bench.measure.jobs import Process, run_job

    process = Process(
        start_ns=_STARTED_NS - order["started_ns"],
        engine_import_ns=engine_ns,
        code_import_ns=code_ns,
        missing=missing,
    )
    try:
        run_job(text, process, lines)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        lines.close()
        os._exit(_INTERRUPTED)
    lines.close()
    # Engines that were damaged on purpose may fail to shut down; everything is said by now.
    os._exit(0)


def _end_with_starter(arguments: list[str]) -> None:
    """End with the process that gave us a lifeline: `--lifeline DESCRIPTOR` of a pipe."""
    if arguments[:1] == ["--lifeline"]:
        end_when_closed(int(arguments[1]))


def _import(*modules: str) -> int:
    """Import modules in order; gives the nanoseconds that took."""
    start = time.perf_counter_ns()
    for module in modules:
        importlib.import_module(module)
    return time.perf_counter_ns() - start


if __name__ == "__main__":
    main()
