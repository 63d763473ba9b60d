"""What the kernel knows of processes."""

from __future__ import annotations

from contextlib import suppress

import psutil


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all its children, those that have ended included."""
    process = psutil.Process(pid)
    living = 0.0
    for child in process.children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile, and counts below
            living += sum(child.cpu_times()[:2])
    return float(sum(process.cpu_times()[:4]) + living)


def worker_pss(pid: int) -> float:
    """Mean proportional set size of a server's worker processes, in MiB."""
    sizes = [child.memory_full_info().pss for child in psutil.Process(pid).children()]
    return float(sum(sizes) / len(sizes) / 2**20)
