"""Runs a command, and writes what it used to a file as JSON: CPU seconds, wall seconds, peak memory in bytes, status.

It is a small process of its own, since Linux counts the memory of the process that starts a command as that of the
command: the benchmarks import more than what they measure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

if __name__ == "__main__":
    path, *command = sys.argv[1:]
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(path, "w", encoding="utf-8") as written:  # noqa: PTH123 - without pathlib it starts sooner
        json.dump([usage.ru_utime + usage.ru_stime, wall, peak, process.returncode], written)
