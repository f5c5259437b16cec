"""One process of the growth benchmark: a baseline, then a check; prints the seconds of each, without imports.

Where the number of processes is given, it prints wall seconds and the CPU seconds of this one, with imports.
"""

from __future__ import annotations

import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

# isort: split
import json
import sys
from pathlib import Path
from time import perf_counter, process_time

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.parts import Workers
from modelwatch_core.domain.settings_environment import analysis_settings


def main(folder: Path, file_format: str, workers: str = "") -> None:
    """Analyse baseline and current of a folder, by so many processes if their number is given, else by one."""
    clock = perf_counter if workers else process_time
    host = Host(gather=Workers(int(workers or 1)))
    dataset_format = {"csv": {"header": True}} if file_format == "csv" else {"parquet": {}}
    spent = []
    for name, files in (
        ("baseline", {}),
        (
            "current",
            {f"baseline_{each}": folder / "baseline" / f"{each}.json" for each in ("statistics", "constraints")},
        ),
    ):
        settings = analysis_settings(
            dataset_source=folder / f"{name}.{file_format}",
            output_path=folder / name,
            dataset_format=dataset_format,
            **files,
        )
        begun = clock()
        analyze(settings, host)
        spent.append(clock() - begun)
    print(json.dumps([sum(spent), process_time()] if workers else spent))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
