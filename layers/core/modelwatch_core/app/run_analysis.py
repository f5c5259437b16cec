"""What every host does around the analyzer: fetch the input, analyse, store the output, report the end."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from modelwatch_core.app.fetch_inputs import fetch_inputs, write_files
from modelwatch_core.app.output_folder import END_OF_ANALYSIS
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisOutput, AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, unforeseen
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.execution_cost import Usage
from modelwatch_core.domain.hosts import Resource, Run
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.ports import AnalysisAccess, EventBus, ObjectStore, RunClaim, RunClaims

_STOPPED = Outcome.stopped("StoppedByUser: the analysis was stopped before its reports were stored.")

Analyze = Callable[[AnalysisSettings, AnalysisAccess, str], AnalysisSummary]
"""The analyzer: settings, access and the reason for its host in, a summary out, reports in ``output_path``."""

OpenAccess = Callable[[AnalysisRequest], AnalysisAccess]
"""Gives an analysis access to what its request names."""


_WORKING_FILES = ("analysis-*", "preprocessed-*")


def remove_abandoned_files() -> None:
    """Remove what analyses left that were killed: a host that keeps its disk for the next one would fill it.

    For a process that is alone in its temporary folder, before its first analysis.
    """
    for pattern in _WORKING_FILES:
        for path in Path(tempfile.gettempdir()).glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """Run one analysis in a folder of its own.

    Input that a person must fix ends the analysis as Failed with the reason. Anything else is raised, so that the
    host's own retry and failure destination see it.

    Parameters
    ----------
    memory_mebibytes : int, optional
        The memory that the host is billed for; the end of a run then says what it used.
    """

    open_access: OpenAccess
    bus: EventBus
    claims: RunClaims
    analyze: Analyze
    memory_mebibytes: int | None = None

    def __call__(self, request: AnalysisRequest, run: Run) -> AnalysisEnded | None:
        """Run the analysis, publish its end, and return it.

        Returns
        -------
        AnalysisEnded or None
            None where another run has the analysis: an invocation that was repeated.
        """
        began = monotonic()
        claim = self.claims.claim(request.subject, run.run_id)
        if claim is RunClaim.TAKEN:
            return None
        if claim is RunClaim.STOPPED:
            ended = AnalysisEnded.of(request, _STOPPED, run=run)
        else:
            ended = self._with_own_access(request, run, began)
        self.bus.publish(ended)
        return ended

    def _with_own_access(self, request: AnalysisRequest, run: Run, began: float) -> AnalysisEnded:
        try:
            access = self.open_access(request)
        except InvalidInput as error:
            return AnalysisEnded.of(request, Outcome.failed(str(error)), run=run)
        exhausted = None
        try:
            outcome = self._in_own_folder(request, run, access)
        except HostExhausted as error:
            outcome, exhausted = Outcome.failed(str(error)), error.resource
        ended = AnalysisEnded.of(request, outcome, run=run, usage=self._usage(began), exhausted=exhausted)
        # The record of one that was stopped is settled; one that its host is too small for is run once more.
        if outcome is not _STOPPED and exhausted is None:
            self._keep(ended, access.objects)
        return ended

    def _usage(self, began: float) -> Usage | None:
        if self.memory_mebibytes is None:
            return None
        return Usage(seconds=round(monotonic() - began, 3), memory_mebibytes=self.memory_mebibytes)

    @staticmethod
    def _keep(ended: AnalysisEnded, objects: ObjectStore) -> None:
        """Store the end beside the reports, where the sweep finds it if its event is lost."""
        with suppress(ModelwatchError):  # the event still reports it
            objects.write(ended.model_dump_json(), s3_layout.join(ended.output_s3_uri, END_OF_ANALYSIS))

    def _in_own_folder(self, request: AnalysisRequest, run: Run, access: AnalysisAccess) -> Outcome:
        root = Path(tempfile.mkdtemp(prefix="analysis-"))
        try:
            return self._analyzed(request, run, access, root)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _analyzed(self, request: AnalysisRequest, run: Run, access: AnalysisAccess, root: Path) -> Outcome:
        try:
            return self._stored(request, run, access, root)
        except InvalidInput as error:
            return Outcome.failed(str(error).replace(f"{root}/", ""))
        except Exception as error:
            if resource := exhausted_resource(error):
                raise HostExhausted(resource) from None
            if isinstance(error, ModelwatchError):
                raise
            raise unforeseen(error) from None

    def _stored(self, request: AnalysisRequest, run: Run, access: AnalysisAccess, root: Path) -> Outcome:
        fetch_inputs(access.objects, request.inputs, root)
        write_files(request.files, root)
        (root / "output").mkdir()
        try:
            summary = self.analyze(request.settings.relocated(root), access, request.chosen_host)
        except InvalidInput:
            with suppress(ModelwatchError):  # what was written before a script failed; the reason is why it failed
                self._store(request, access, root)
            raise
        if self.claims.claim(request.subject, run.run_id) is RunClaim.STOPPED:
            return _STOPPED
        self._store(request, access, root)
        return summary.outcome

    @staticmethod
    def _store(request: AnalysisRequest, access: AnalysisAccess, root: Path) -> None:
        for output in (*request.further_outputs, AnalysisOutput(path="output/", s3_uri=request.output_s3_uri)):
            store_files(access.objects, root / output.path, output.s3_uri)


def exhausted_resource(error: Exception) -> Resource | None:
    """Return what a host has no more of, by what it raised; None where it raised for another reason."""
    if isinstance(error, MemoryError):
        return Resource.MEMORY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Resource.STORAGE
    return None


class HostExhausted(Exception):
    """A host has not enough of something for an analysis."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(f"HostExhausted: the analysis ran out of {resource}; a larger host may have enough")
        self.resource = resource


def store_files(objects: ObjectStore, folder: Path, s3_uri: str) -> None:
    """Store the files of an output folder."""
    for path in sorted(folder.rglob("*")):
        # What a link leads to is no output: a script could have any file of the host stored.
        if path.is_file() and folder.resolve() in path.resolve().parents:
            objects.upload(path, s3_layout.join(s3_uri, path.relative_to(folder).as_posix()))
