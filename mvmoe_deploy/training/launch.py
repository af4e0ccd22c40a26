"""Lightning Fabric for a run: one process, or several that are started here or by a cluster."""

import contextlib
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from mvmoe_deploy.errors import InputError, MissingExtraError, MvmoeError
from mvmoe_deploy.system.processes import end_with_parent, interruptible, usable_cores
from mvmoe_deploy.text import counted
from mvmoe_deploy.training.train_options import TrainOptions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

_INTERRUPTED = 130
_END_SECONDS = 5
"""Seconds that processes have to clean up when they are ended."""


def launch(options: TrainOptions, function: Callable[["Fabric"], None]) -> None:
    """`function(fabric)` on every process of the run; it must be picklable if there are several.

    On one machine the processes are spawned here. A cluster manager or `torchrun` (needed for
    several machines) has started them already: then each calls this itself.

    Raises what the function raised, and InputError for devices or machines that do not exist.
    """
    fabric = _fabric(options)
    if _local_processes(options) == 1 or _started_by_cluster():
        fabric.launch()
        with _threads(options.threads):
            function(fabric)
    else:
        _spawn(fabric, options.threads, function)


def processes_of(options: TrainOptions) -> int:
    """Processes of the whole run, on all machines."""
    return _local_processes(options) * options.num_nodes


def gathered(fabric: "Fabric", value: Any) -> list[Any]:
    """The `value` of every process, in order of rank, on every process."""
    if fabric.world_size == 1:
        return [value]
    values: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(values, value)
    return values


def _fabric(options: TrainOptions) -> "Fabric":
    """Fabric for the machines and the precision of `options`."""
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.utilities.exceptions import MisconfigurationException
    except ImportError as error:
        raise MissingExtraError.from_import(
            error, "lightning-fabric, which runs the training,", "train"
        ) from error
    _hide_fabric_notes()
    if options.num_nodes > 1 and not _started_by_cluster():
        raise InputError(
            f"num_nodes {options.num_nodes} was given, but nothing has started this process as one "
            "of several machines; start it with torchrun or a cluster manager on each of them",
            code="input.option",
            name="num_nodes",
            given=options.num_nodes,
        )
    several = processes_of(options) > 1
    try:
        return Fabric(
            accelerator=options.accelerator,
            devices=_local_processes(options),
            num_nodes=options.num_nodes,
            strategy=_ddp() if several else "auto",
            precision=options.precision,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise InputError(
            f"accelerator {options.accelerator!r} with {options.devices} devices on "
            f"{options.num_nodes} machines cannot be used here ({error}); give what this machine "
            "has",
            code="input.option",
            name="accelerator",
            given=options.accelerator,
        ) from error


def _ddp() -> "DDPStrategy":
    """Data parallel training in which an expert may get no image of a batch."""
    from lightning_fabric.strategies.ddp import DDPStrategy

    # popen would run the caller's whole program again; spawn runs one function.
    start: Literal["popen", "spawn"] = "popen" if _started_by_cluster() else "spawn"
    return DDPStrategy(find_unused_parameters=True, start_method=start)


def require_devices(options: TrainOptions) -> None:
    """Refuse more CPU processes on one machine than it has cores; raises InputError.

    They would take turns on the cores: the run would be slower than with fewer.
    """
    on_cpu = options.accelerator == "cpu" or (
        options.accelerator == "auto"
        and not torch.cuda.is_available()
        and not torch.backends.mps.is_available()
    )
    cores = usable_cores()
    if on_cpu and options.devices != "auto" and options.devices > cores:
        raise InputError(
            f"devices {options.devices} was given, but this program may use "
            f"{counted(cores, 'CPU core')}; give at most {cores}, one process for each",
            code="input.option",
            name="devices",
            given=options.devices,
            expected=cores,
        )


def _local_processes(options: TrainOptions) -> int:
    """Processes on this machine: as many as asked for, or one for each CUDA device."""
    if options.devices != "auto":
        return options.devices
    cuda = options.accelerator in ("auto", "cuda") and torch.cuda.is_available()
    return torch.cuda.device_count() if cuda else 1


def _started_by_cluster() -> bool:
    """Whether something else has started the processes (torchrun, SLURM, MPI, LSF, by hand)."""
    from lightning_fabric.plugins.environments.lsf import LSFEnvironment
    from lightning_fabric.plugins.environments.mpi import MPIEnvironment
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

    clusters = (TorchElasticEnvironment, SLURMEnvironment, LSFEnvironment, MPIEnvironment)
    return "LOCAL_RANK" in os.environ or any(cluster.detect() for cluster in clusters)


def _spawn(fabric: "Fabric", threads: int, function: Callable[["Fabric"], None]) -> None:
    """Spawn the processes; an error of one comes back as itself, not as a traceback in text."""
    errors = torch.multiprocessing.get_context("spawn").SimpleQueue()
    port = os.environ.get("MASTER_PORT")
    others = set(multiprocessing.active_children())
    try:
        # Partial: Fabric looks into plain arguments for tensors, and refuses frozen dataclasses.
        fabric.launch(partial(_run_spawned, errors=errors, threads=threads, function=function))
    except ProcessRaisedException as error:
        if not errors.empty():
            raise errors.get() from error
        raise
    finally:
        _end(set(multiprocessing.active_children()) - others)
        # Fabric leaves its port in the environment, where the next run would use it.
        if port is None:
            os.environ.pop("MASTER_PORT", None)


def _run_spawned(
    fabric: "Fabric", errors: Any, threads: int, function: Callable[["Fabric"], None]
) -> None:
    """Run in a spawned process: the function, its error put aside for the parent."""
    _hide_fabric_notes()
    end_with_parent()
    try:
        with interruptible(), _threads(threads):
            function(fabric)
    except MvmoeError as error:
        errors.put(error)
        raise
    except KeyboardInterrupt:
        # Nothing is left half-written. PyTorch would treat an interruption as success.
        sys.exit(_INTERRUPTED)


def _end(processes: Iterable[BaseProcess]) -> None:
    """End processes that an error or an interruption here has left at work.

    Else they would go on, and Python waits for them at its own end.
    """
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_END_SECONDS)
        if process.is_alive():  # It waits for another process, inside of PyTorch.
            process.kill()
            process.join()


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute on `count` CPU threads, 0 for as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _hide_fabric_notes() -> None:
    """Only warnings of Fabric: its notes about ranks would tear the progress bars."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
