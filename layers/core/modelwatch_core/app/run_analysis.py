"""What every host does around the analyzer: fetch the input, analyse, store the output, report the end."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import (
    AnalysisInput,
    AnalysisOutput,
    AnalysisRequest,
    AnalysisStatus,
    AnalysisSummary,
)
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, Upstream
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.ports import EventBus, ObjectStore

CONTRACT_ROOT = "/opt/ml/processing/"
MOST_CHANGES = 100
"""Of what a re-run changed, in events and records, which have a size; the report tells all."""

Analyze = Callable[[Mapping[str, str]], AnalysisSummary]
"""The analyzer: SageMaker's container environment in, a summary out, reports in ``output_path``."""


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """Run one analysis in a folder of its own.

    Input that a person must mend ends the analysis as Failed with the reason. Anything else is raised, so that the
    host's own retry and failure destination see it.
    """

    objects: ObjectStore
    bus: EventBus
    analyze: Analyze

    def __call__(self, request: AnalysisRequest) -> AnalysisEnded:
        """Run the analysis, publish its end, and return it."""
        root = Path(tempfile.mkdtemp(prefix="analysis-"))
        try:
            ended = self._run(request, root)
        finally:
            shutil.rmtree(root, ignore_errors=True)
        self.bus.publish(ended)
        return ended

    def _run(self, request: AnalysisRequest, root: Path) -> AnalysisEnded:
        try:
            for entry in request.inputs:
                self._fetch(entry, root)
            for name, text in request.files.items():
                self._write(root / name, text)
            (root / "output").mkdir()
            summary = self.analyze(
                {
                    name: value.replace(CONTRACT_ROOT, f"{root}/", 1) if value.startswith(CONTRACT_ROOT) else value
                    for name, value in request.environment.items()
                }
            )
        except InvalidInput as error:
            return AnalysisEnded(
                subject=request.subject,
                status=AnalysisStatus.FAILED,
                output_s3_uri=request.output_s3_uri,
                failure_reason=str(error).replace(f"{root}/", "")[:1024],
            )
        except ModelwatchError:
            raise
        except Exception as error:
            # The words of an exception that nobody foresaw may hold what stood in a row; they must not reach the
            # log, the trace, the failure destination and the mail.
            raise Upstream("AnalyzerError", f"{type(error).__name__} at {_place(error)}") from None
        for output in (*request.further_outputs, AnalysisOutput(path="output/", s3_uri=request.output_s3_uri)):
            self._store(root / output.path, output.s3_uri)
        return AnalysisEnded(
            subject=request.subject,
            status=summary.status,
            output_s3_uri=request.output_s3_uri,
            exit_message=summary.exit_message,
            violations=len(summary.violations),
            records=summary.records,
            ground_truth=summary.ground_truth,
            changes=summary.changes[:MOST_CHANGES],
        )

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _store(self, folder: Path, s3_uri: str) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.objects.upload(path, s3_layout.join(s3_uri, path.relative_to(folder).as_posix()))

    def _fetch(self, entry: AnalysisInput, root: Path) -> None:
        found = False
        for stored in self.objects.list(entry.s3_uri):
            if stored.s3_uri.endswith("/"):
                continue  # a folder marker made by a console
            path = root / entry.path
            if entry.path.endswith("/"):
                below = stored.s3_uri.removeprefix(entry.s3_uri).lstrip("/")
                path /= below or stored.s3_uri.rpartition("/")[2]
            if not path.resolve().is_relative_to(root.resolve()):
                raise InvalidInput(
                    "KeyOutsideFolder", f"the key of {stored.s3_uri} climbs out of its folder; rename it"
                )
            self.objects.download(stored.s3_uri, path)
            found = True
        if not found:
            raise InvalidInput("InputNotFound", f"there is nothing at {entry.s3_uri}; was it moved or deleted?")


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
