"""What a baseline and a check are: the files of an analysis, and what they say."""

from __future__ import annotations

import html
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from modelwatch.cli.local_copy import object_store
from modelwatch.cli.options import usable_output
from modelwatch.notebook.options import document_text
from modelwatch.printing import printable
from modelwatch_analyzer.analysis import REPORT, SUMMARY, Examined
from modelwatch_analyzer.documents import ANALYSIS_FILE, STATISTICS_FILE, constraints_file
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.analysis_settings import DatasetFormat
from modelwatch_core.domain.constraint_violations import ConstraintViolation, violation_text
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from modelwatch_core.domain.number_text import count_text

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 5
_NAMED = 20
_HEIGHT = 640
"""The height of the report in a notebook, in pixels."""
_COLUMNS = ("subject", "feature_name", "constraint_check_type", "description")


class ViolationsFound(ModelwatchError):
    """A check found violations."""


class UnwrittenFiles(Mapping[str, bytes]):
    """The files of an analysis, which are written when one is looked into: a verdict needs none of them.

    Parameters
    ----------
    examined : Examined

    Attributes
    ----------
    summary : AnalysisSummary
        How the analysis ended.
    """

    def __init__(self, examined: Examined) -> None:
        self.summary = examined.summary()
        self._names = tuple(self.summary.outputs.values())
        without_data = {"dataset_format": DatasetFormat(name=examined.settings.dataset_format.name)}
        settings = examined.settings.model_copy(update=without_data)
        self._examined: Examined | None = replace(examined, settings=settings)
        self._files: dict[str, bytes] = {}
        self._lock = Lock()

    def _written(self) -> dict[str, bytes]:
        with self._lock:
            if self._examined is not None:
                self._files = _written(self._examined, self._names)
                self._examined = None  # what it found may be larger than the files
        return self._files

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        return self._written()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __reduce__(self) -> tuple[type[dict[str, bytes]], tuple[dict[str, bytes]]]:
        return dict, (self._written(),)


def _written(examined: Examined, names: Iterable[str]) -> dict[str, bytes]:
    try:
        with tempfile.TemporaryDirectory(prefix="modelwatch-") as path:
            folder = Path(path)
            replace(examined, settings=examined.settings.model_copy(update={"output_path": folder})).write()
            return {name: (folder / name).read_bytes() for name in names}
    except OSError as error:
        message = f"no files can be created in a temporary folder: {error.strerror}; TMPDIR says where it is"
        raise InvalidInput("OutputNotWritable", message) from None


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _uploaded(files: Mapping[str, bytes], s3_uri: str, *, overwrite: bool) -> str:
    objects = object_store("folder")
    if not overwrite and any(not each.s3_uri.endswith("/") for each in objects.list(f"{s3_uri}/")):
        message = f"folder: {s3_uri} is not empty. Give a new folder, or overwrite=True to replace files in it."
        raise InvalidInput("OutputNotEmpty", message)
    with tempfile.TemporaryDirectory(prefix="modelwatch-") as copy:
        _write(files, Path(copy))
        for name in files:
            objects.upload(Path(copy, name), f"{s3_uri}/{name}")
    return s3_uri


@dataclass(frozen=True)
class Result:
    """What an analysis found. Jupyter shows its report.

    Attributes
    ----------
    kind : str
        The kind of monitor: ``data-quality``, ``model-quality``, ``bias`` or ``explainability``.
    files : mapping of str to bytes
        The content of each file by its name, as `save` writes it. What an analysis found is made into files when one
        is first looked into.
    """

    kind: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def statistics(self) -> dict[str, Any]:
        """What was measured: ``statistics.json``, or ``analysis.json`` of bias and explainability. Empty without."""
        return self._document(STATISTICS_FILE) or self._document(ANALYSIS_FILE)

    @property
    def report(self) -> str | None:
        """The report, as one self-contained page of HTML; None of a baseline that was loaded without one."""
        return self.files[REPORT].decode() if REPORT in self.files else None

    @cached_property
    def summary(self) -> AnalysisSummary | None:
        """Records, warnings and notes of the analysis; None of a baseline of SageMaker's own files."""
        if isinstance(self.files, UnwrittenFiles):
            return self.files.summary
        return AnalysisSummary.model_validate_json(self.files[SUMMARY]) if SUMMARY in self.files else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know though it is no violation."""
        return self.summary.warnings if self.summary else ()

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path | str:
        """Write the files, SageMaker's among them, into a folder, which is made if it does not exist.

        Parameters
        ----------
        folder : str or Path
            A folder on this machine, or an S3 URI.
        overwrite : bool
            Whether the folder may hold files; those of the same names are replaced.

        Returns
        -------
        Path or str
            The folder.

        Raises
        ------
        InvalidInput
            ``OutputNotEmpty``, ``OutputNotAFolder``, ``OutputNotWritable``, ``UnusableArguments``; of S3
            ``AccessDenied``, ``BucketNotFound``, ``NoCredentials``.
        Upstream
            If S3 returns an error.
        """
        files = dict(self.files)  # made first: where that fails, no folder is left
        if isinstance(folder, str) and folder.startswith("s3://"):
            return _uploaded(files, folder.rstrip("/"), overwrite=overwrite)
        if str(folder).startswith("s3:/"):
            raise InvalidInput("UnusableArguments", "folder: a Path cannot name a place in S3: give its URI as a str")
        target = usable_output(Path(folder), "folder", overwrite="overwrite=True" if not overwrite else None)
        _write(files, target)
        return target

    def _document(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.files[name]) if name in self.files else {}
        return document

    def _records(self) -> str:
        return count_text(self.summary.records.read, "row") if self.summary else "loaded from files"

    def _repr_html_(self) -> str | None:
        if self.report is None:
            return None
        # A link to a place in the page itself would lead to the notebook that holds the page.
        page = self.report.replace('href="#', 'href="about:srcdoc#')
        text = html.escape(page, quote=True)
        style = f"width: 100%; height: {_HEIGHT}px; border: 0"
        return f'<iframe sandbox="" title="Modelwatch report" style="{style}" srcdoc="{text}"></iframe>'


@dataclass(frozen=True, repr=False)
class Baseline(Result):
    """What later data is compared with.

    Attributes
    ----------
    options : mapping of str to object
        What a check takes over unless it says otherwise: what the columns and the model are.
    """

    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def constraints_file(self) -> str:
        """The name of the file with the constraints: that of bias and explainability is their analysis."""
        return constraints_file(self.files)

    @property
    def constraints(self) -> dict[str, Any]:
        """A copy of what later data should satisfy; `with_constraints` changes it."""
        return self._document(self.constraints_file)

    def with_constraints(self, constraints: Mapping[str, Any]) -> Baseline:
        """Return the baseline with other constraints: a document as `constraints` has it, edited.

        Raises
        ------
        InvalidInput
            ``UnusableArguments`` for what JSON cannot hold.
        """
        text = document_text("constraints", constraints, allow_nan=False) + "\n"
        return Baseline(self.kind, {**self.files, self.constraints_file: text.encode()}, self.options)

    def __repr__(self) -> str:
        return f"<Baseline {self.kind}: {self._records()}>"


@dataclass(frozen=True, repr=False)
class Check(Result):
    """What was found in data that was compared with a baseline.

    Attributes
    ----------
    baseline : Baseline
        What it was compared with.
    """

    baseline: Baseline

    @property
    def violations(self) -> list[ConstraintViolation]:
        """The constraints that the data does not satisfy, with subject, check and description."""
        return list(self.summary.violations) if self.summary else []

    @property
    def constraints(self) -> dict[str, Any]:
        """The constraints of the baseline."""
        return self.baseline.constraints

    def table(self) -> pl.DataFrame:
        """Return the violations, one a row.

        Returns
        -------
        polars.DataFrame
            Columns of text: ``subject``, ``feature_name``, ``constraint_check_type``, ``description``, and those that
            only the kind has, such as ``facet``.
        """
        import polars as pl

        rows = [{"subject": violation.subject, **violation.model_dump(mode="json")} for violation in self.violations]
        names = dict.fromkeys((*_COLUMNS, *(name for row in rows for name in row)))
        texts = {name: [None if (value := row.get(name)) is None else str(value) for row in rows] for name in names}
        return pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String))

    def raise_for_violations(self) -> None:
        """End a build that has violations.

        Raises
        ------
        ViolationsFound
            With the number of violations, and the first ones, a line each.
        """
        if self.violations:
            raise ViolationsFound("ViolationsFound", self._text(_NAMED))

    def __bool__(self) -> bool:
        raise TypeError("a check is neither true nor false: look at .violations, or call .raise_for_violations()")

    def __repr__(self) -> str:
        return f"<Check {self.kind}: {self._text(_SHOWN)}>"

    def _text(self, limit: int) -> str:
        found = self.violations
        lines = [f"{count_text(len(found), 'violation')} in {self._records()}"]
        lines += [printable(f"{each.subject}: {violation_text(each)}") for each in found[:limit]]
        lines += [f"and {len(found) - limit:,} more"] if len(found) > limit else []
        return "\n  ".join(lines)
