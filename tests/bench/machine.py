"""What the kernel knows of processes."""

from __future__ import annotations

import psutil


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all its children, those that have ended included."""
    process = psutil.Process(pid)
    living = sum(child.cpu_times().user + child.cpu_times().system for child in process.children())
    return float(sum(process.cpu_times()[:4]) + living)


def worker_pss(pid: int) -> float:
    """Mean proportional set size of a server's worker processes, in MiB."""
    sizes = [child.memory_full_info().pss for child in psutil.Process(pid).children()]
    return float(sum(sizes) / len(sizes) / 2**20)
