"""
What a figure depends on beside the code: the machine, its load, versions, and which code it was.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

CHECKOUT = Path(__file__).resolve().parents[1]


def circumstances() -> dict[str, Any]:
    """As a JSON object."""
    return {
        "date_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": said("git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"),
        "changed_files": len(said("git", "-C", str(CHECKOUT), "status", "--porcelain").splitlines()),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "sandbox": said("bwrap", "--version") or "none",
        "file_system": _file_system(tempfile.gettempdir()),
        "load_average": os.getloadavg()[0],
    }


def sentence(around: dict[str, Any]) -> str:
    """The same for people, in one line."""
    return (
        f"commit {around['commit']}, {around['changed_files']} files changed; {around['cores']} cores of {around['processor']}, "
        f"{around['memory_gb']} GB, Linux {around['kernel']}, Python {around['python']}, SQLite {around['sqlite']} on {around['file_system']}, "
        f"{around['sandbox']}; load average {around['load_average']:.2f}; {around['date_utc']}"
    )


def said(*command: str) -> str:
    """What a command printed; empty where it is not there or failed."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _file_system(folder: str) -> str:
    """The type of the file system that holds ``folder``: where commits go."""
    mounts = [mount for mount in psutil.disk_partitions(all=True) if Path(folder).is_relative_to(mount.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else "unknown"
