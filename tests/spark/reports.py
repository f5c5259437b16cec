"""Makes the reports of all kinds on Spark, with each number of partitions; run by .venv-spark.

The first argument is a folder that `tests.parts.datasets` has filled, the second one Spark's master; what follows are
numbers of partitions. The reports are in folders named by partitions and kind. Each file is a part.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from modelwatch.spark.gather import SparkGather
from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.reading import files as reading_files
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import settings_from_environment
from tests.parts.datasets import KINDS, baseline_of, check_of


def main(folder: Path, master: str, partitions: list[int]) -> None:
    """Make them."""
    reading_files.PART_BYTES = 1
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    try:
        for count in partitions:
            host = Host(gather=SparkGather(session, count))
            for kind in KINDS:
                baseline = folder / str(count) / kind / "baseline"
                analyze(settings_from_environment(baseline_of(kind, folder, baseline)), host)
                check = folder / str(count) / kind / "check"
                analyze(settings_from_environment(check_of(kind, folder, check, baseline)), host)
        _refuse(folder, host)
    finally:
        session.stop()


def _refuse(folder: Path, host: Host) -> None:
    """Analyse files of which executors find the third and the fifth damaged."""
    environment = baseline_of("DATA_QUALITY", folder, folder / "refused")
    environment |= {"dataset_source": str(folder / "damaged"), "dataset_format": '{"csv": {"header": false}}'}
    try:
        analyze(settings_from_environment(environment), host)
    except InvalidInput as error:
        (folder / "refused.json").write_text(json.dumps([error.code, error.message]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(count) for count in sys.argv[3:]])
