"""One process of the growth benchmark: a baseline, then a check; prints the CPU seconds of each, without imports."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.settings_environment import analysis_settings


def main(folder: Path, file_format: str) -> None:
    """Analyse baseline and current of a folder."""
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
        begun = process_time()
        analyze(settings)
        spent.append(process_time() - begun)
    print(json.dumps(spent))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
