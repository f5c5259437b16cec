"""The functions ``modelwatch.baseline``, ``modelwatch.check`` and ``modelwatch.load_baseline``."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from modelwatch.cli.local_analysis import analyze_locally, examine_locally
from modelwatch.cli.local_copy import local_copy
from modelwatch.notebook.frames import held_frame
from modelwatch.notebook.options import (
    dataset_options,
    document_text,
    has_statistics,
    kind_named,
    kind_settings,
    named_as_keywords,
    of_the_model,
    refuse_unknown,
)
from modelwatch.notebook.results import Baseline, Check, UnwrittenFiles
from modelwatch_analyzer.documents import ANALYSIS_FILE, CONSTRAINTS_FILE, STATISTICS_FILE
from modelwatch_analyzer.reading.dataset import DATA_FRAME
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import DATA_QUALITY, KINDS, MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import Verb
from modelwatch_core.domain.settings_environment import analysis_settings

DEFAULT_KIND = DATA_QUALITY.command_name


def baseline(data: object, kind: str = DEFAULT_KIND, **options: Any) -> Baseline:
    """Make a baseline that later data is compared with.

    Parameters
    ----------
    data : pandas.DataFrame, polars.DataFrame, Arrow table, str or Path
        A table in memory: whatever has the Arrow PyCapsule interface. The index of a pandas frame is no column. Or a
        file, a folder of files, or an S3 URI; then ``dataset_format`` says how the files are written.
    kind : str
        ``data-quality``, ``model-quality``, ``bias`` or ``explainability``.
    **options
        The options of ``modelwatch baseline KIND``, without their dashes: ``problem_type``, ``missing_values``,
        ``analysis_config`` (a path or a dict), ... Labels are a column of the data, which ``ground_truth_attribute``
        names; for captures ``ground_truth`` may name files of labels.

    Returns
    -------
    Baseline

    Raises
    ------
    InvalidInput
        What is wrong with the data or the options, and how to fix it; docs/errors.md lists the codes.
    Upstream
        If S3 or an endpoint returns an error.
    """
    with named_as_keywords():
        described = kind_named(kind)
        files = _analyze(described, data, options)
        return Baseline(kind, files, of_the_model(described, options))


def check(
    data: object,
    baseline: Baseline | str | Path,
    kind: str | None = None,
    *,
    statistics: str | Path | Mapping[str, Any] | None = None,
    **options: Any,
) -> Check:
    """Check data against a baseline.

    Parameters
    ----------
    data
        As in `baseline`.
    baseline : Baseline, str or Path
        What `baseline` returned; or a folder or file that `load_baseline` takes.
    kind : str, optional
        The kind of a baseline that is given by its files; ``data-quality`` by default.
    statistics : str, Path or dict, optional
        The baseline's ``statistics.json``, or `Baseline.statistics`, if `baseline` is a file of constraints.
    **options
        The options of ``modelwatch check KIND``. What the columns and the model are (``problem_type``,
        ``analysis_config``, ``ground_truth_attribute``, ...) is taken over from a `Baseline` unless given; None takes
        nothing over.

    Returns
    -------
    Check

    Raises
    ------
    InvalidInput, Upstream
        Like `baseline`.
    """
    if not isinstance(baseline, Baseline | str | Path):
        message = f"baseline is of type {type(baseline).__name__}: the data comes first, then a Baseline or its files"
        raise InvalidInput("UnusableArguments", message)
    if not isinstance(baseline, Baseline):
        baseline = load_baseline(baseline, statistics=statistics, kind=kind or DEFAULT_KIND)
    elif statistics is not None or kind not in (None, baseline.kind):
        message = f"the baseline is a Baseline of {baseline.kind}: leave out kind and statistics, or give its files"
        raise InvalidInput("UnusableArguments", message)
    with named_as_keywords():
        files = _analyze(kind_named(baseline.kind), data, {**baseline.options, **options}, baseline)
        return Check(baseline.kind, files, baseline)


def load_baseline(
    source: str | Path, *, statistics: str | Path | Mapping[str, Any] | None = None, kind: str = DEFAULT_KIND
) -> Baseline:
    """Load a baseline from its files: ours or SageMaker's, edited or not.

    Parameters
    ----------
    source : str or Path
        A folder, as `Baseline.save`, the shell or a baselining job wrote it; or its file of constraints:
        ``constraints.json``, or ``analysis.json`` of bias and explainability. On this machine, or an S3 URI.
    statistics : str, Path or dict, optional
        The ``statistics.json``, or `Baseline.statistics`, where `source` is a file.
    kind : str
        The kind of monitor.

    Returns
    -------
    Baseline

    Raises
    ------
    InvalidInput
        ``FileNotFound``, ``UnusableArguments`` for a baseline of another kind, and ``InvalidConstraints`` for a file
        that has none, as a report.
    Upstream
        If S3 returns an error.
    """
    described = kind_named(kind)
    if not isinstance(source, str | Path):
        message = f"baseline is of type {type(source).__name__}: give the path or S3 URI of its files"
        raise InvalidInput("UnusableArguments", message)
    with local_copy(str(source), "baseline") as path:
        if path.is_dir():
            files = {each.relative_to(path).as_posix(): each.read_bytes() for each in _files_of(path)}
        else:
            files = {described.baseline_files["constraints_s3_uri"]: path.read_bytes()}
    if isinstance(statistics, Mapping):
        files[STATISTICS_FILE] = document_text("statistics", statistics).encode()
    elif isinstance(statistics, str | Path):
        with local_copy(str(statistics), "statistics") as path:
            files[STATISTICS_FILE] = path.read_bytes()
    elif statistics is not None:
        message = f"statistics is of type {type(statistics).__name__}: give the path or S3 URI of the file, or a dict"
        raise InvalidInput("UnusableArguments", message)
    loaded = Baseline(kind, files)
    if loaded.constraints_file not in files:
        message = (
            f"baseline: {source} has neither {CONSTRAINTS_FILE} nor {ANALYSIS_FILE}: give the folder of a baseline"
        )
        raise InvalidInput("FileNotFound", message)
    found = _keys(files[loaded.constraints_file])
    if not found & described.constraint_sections:
        others = [each.command_name for each in KINDS.values() if found & each.constraint_sections]
        if others:
            fix = " or ".join(f'kind="{name}"' for name in others)
            message = f"baseline: {source} is of {' and '.join(others)}, not of {kind}: give {fix}"
            raise InvalidInput("UnusableArguments", message)
        wanted = described.baseline_files["constraints_s3_uri"]
        message = f"baseline: {source} does not hold constraints: give {wanted}, or the folder of a baseline"
        raise InvalidInput("InvalidConstraints", message)
    return loaded


def _keys(content: bytes) -> set[str]:
    """Return the keys of a JSON object; of other files none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return set()
    return set(document) if isinstance(document, dict) else set()


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _analyze(
    kind: MonitorKind, data: object, options: Mapping[str, Any], baseline: Baseline | None = None
) -> Mapping[str, bytes]:
    """Make a baseline, or check data against one; return the files that the analysis writes."""
    in_memory = not isinstance(data, str | Path)
    verb = Verb.CHECK if baseline else Verb.BASELINE
    refuse_unknown(kind, verb, options, in_memory=in_memory)
    with ExitStack() as copies:
        scratch = Path(copies.enter_context(tempfile.TemporaryDirectory(prefix="modelwatch-")))
        given = kind_settings(kind, verb, options, copies, scratch)
        source = _in_memory(data, options, scratch) if in_memory else _in_files(kind, str(data), options, copies)
        fields = {"analysis_type": kind.analysis_type, **source, **given}
        kind.shell.refuse(fields)
        against = _written(kind, baseline, scratch / "baseline") if baseline else {}
        output = scratch / "output"
        settings = analysis_settings(**fields, **against, output_path=output, publish_cloudwatch_metrics="Enabled")
        if settings.post_analytics_processor_script is None:
            return UnwrittenFiles(examine_locally(settings))
        summary = analyze_locally(settings, as_json=False)  # the script may read what is written
        return {path: (output / path).read_bytes() for path in summary.outputs.values()}


def _written(kind: MonitorKind, baseline: Baseline, folder: Path) -> dict[str, Path]:
    """Write what a check reads of its baseline, and return the settings that name it."""
    names = {"baseline_constraints": baseline.constraints_file}
    needs_statistics = has_statistics(kind)
    if needs_statistics is not None and STATISTICS_FILE in baseline.files:
        names["baseline_statistics"] = STATISTICS_FILE
    elif needs_statistics:
        message = f"the baseline has no {STATISTICS_FILE}, which drift is measured from: give it as statistics"
        raise InvalidInput("UnusableArguments", message)
    folder.mkdir()
    for name in names.values():
        (folder / name).write_bytes(baseline.files[name])
    return {setting: folder / name for setting, name in names.items()}


def _in_memory(data: object, options: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    held = held_frame(data)
    settings = dataset_options({**options, "dataset_format": "parquet"}).settings()
    return settings | {
        "dataset_format": {DATA_FRAME: {"data": held}},
        "dataset_source": scratch / held.label,  # a name for the report; nothing is there
    }


def _in_files(kind: MonitorKind, data: str, options: Mapping[str, Any], copies: ExitStack) -> dict[str, Any]:
    dataset = dataset_options(options)
    source = copies.enter_context(local_copy(data, "data", dataset.may_be_in_window))
    return dataset.settings(kind.captured_sides) | {"dataset_source": source}
