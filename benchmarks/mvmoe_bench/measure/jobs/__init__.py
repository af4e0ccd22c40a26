"""What one process measures: one file for each kind of job."""

from mvmoe_bench.measure.jobs.order_process import Process, run_job

__all__ = ["Process", "run_job"]
