"""Whether this machine can analyse, and run the local stack."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from modelwatch.doctor.problem import Problem
from modelwatch_core.domain.errors import ModelwatchError

SUPPORTED = ((3, 11), (3, 13))
LEAST_DISK, LEAST_MEMORY = 2 << 30, 2 << 30
"""The bytes of free disk and of memory that a window of a few hundred megabytes takes."""
ENGINES = ("docker", "podman", "finch")


def python(_: None) -> Iterator[Problem]:
    """Yield a problem if this Python is not one that is tested."""
    oldest, newest = SUPPORTED
    if not oldest <= sys.version_info[:2] <= newest:
        found, wanted = ".".join(map(str, sys.version_info[:2])), f"{oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
        yield Problem("PythonNotSupported", f"this is Python {found}", f"use one of {wanted}")


def disk(_: None) -> Iterator[Problem]:
    """Yield a problem if the temporary folder has little space."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        message = f"{folder} has {free >> 20:,} MiB free, less than {LEAST_DISK >> 20:,}"
        yield Problem("LittleDiskSpace", message, "free some, or set TMPDIR to a folder with more")


def memory(_: None) -> Iterator[Problem]:
    """Yield a problem if there is little memory; only where the system says how much there is."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return
    if total < LEAST_MEMORY:
        message = f"this machine has {total >> 20:,} MiB of memory, less than {LEAST_MEMORY >> 20:,}"
        yield Problem("LittleMemory", message, "analyse smaller windows, or use a larger machine")


def engine(_: None) -> Iterator[Problem]:
    """Yield a note if there is no container engine: only building the analyzer's image needs one."""
    if not any(map(shutil.which, ENGINES)):
        message = f"there is no container engine ({', '.join(ENGINES)}): everything but sam build works"
        yield Problem("NoContainerEngine", message, "install one before you deploy", serious=False)


def analysis(_: None) -> Iterator[Problem]:
    """Yield a problem if a small baseline cannot be made."""
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_core.domain.settings_environment import analysis_settings

    with tempfile.TemporaryDirectory(prefix="modelwatch-doctor-") as folder:
        data = Path(folder, "data.csv")
        data.write_text("age,plan\n" + "".join(f"{age},{'ab'[age % 2]}\n" for age in range(20, 60)))
        form, output = {"csv": {"header": True}}, Path(folder, "output")
        try:
            read = analyze(analysis_settings(dataset_source=data, dataset_format=form, output_path=output)).records.read
        except ModelwatchError as error:
            yield Problem(error.code, error.message, "docs/errors.md says what to do about it")
            return
    if read != 40:
        yield Problem("AnalysisBroken", f"{read} of 40 rows were read", "reinstall modelwatch")


def local_stack(_: None) -> Iterator[Problem]:
    """Yield a problem if the local stack does not start."""
    try:
        from modelwatch.local import LocalStack
    except ModuleNotFoundError as missing:
        message, fix = (
            f"{missing.name} is not installed, which the local stack needs",
            "in a checkout of Modelwatch: pip install '.[local]'",
        )
        yield Problem("MissingExtra", message, fix, serious=False)
        return
    try:
        with LocalStack(start=datetime.now(UTC)):
            pass
    except ModelwatchError as error:
        yield Problem(error.code, error.message, "docs/errors.md says what to do about it")
