"""Our baseline of the first file and our check of the second, with all reports."""

import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before everything else, as the command and the images do)

# isort: split
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.settings_environment import analysis_settings

baseline, current = map(Path, sys.argv[1:3])
with TemporaryDirectory() as folder:
    made, checked = Path(folder, "baseline"), Path(folder, "check")
    is_parquet: dict[str, Any] = {"dataset_format": {"parquet": {}}}
    analyze(analysis_settings(dataset_source=baseline, output_path=made, **is_parquet))
    files = {f"baseline_{name}": made / f"{name}.json" for name in ("statistics", "constraints")}
    found = analyze(analysis_settings(dataset_source=current, output_path=checked, **files, **is_parquet))
    print(len({violation.subject for violation in found.violations}))
