"""What every host does around the analyzer: fetch the input, analyse, store the output, report the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from modelwatch_core.app.output_folder import END_OF_ANALYSIS
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisOutput, AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, Upstream, place_of
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.hosts import Run
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.ports import EventBus, ObjectStore, RunClaim, RunClaims, StoredObject

_STOPPED = Outcome.stopped("StoppedByUser: the analysis was stopped before its reports were stored.")

Analyze = Callable[[AnalysisSettings], AnalysisSummary]
"""The analyzer: settings in, a summary out, reports in ``output_path``."""


_DOWNLOADS = 16
"""At a time. S3 answers in some 50 ms, so that this many fetch 100,000 small objects in some five minutes."""

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
    """

    objects: ObjectStore
    bus: EventBus
    claims: RunClaims
    analyze: Analyze

    def __call__(self, request: AnalysisRequest, run: Run) -> AnalysisEnded | None:
        """Run the analysis, publish its end, and return it.

        Returns
        -------
        AnalysisEnded or None
            None where another run has the analysis: an invocation that was repeated.
        """
        claim = self.claims.claim(request.subject, run.run_id)
        if claim is RunClaim.TAKEN:
            return None
        outcome = _STOPPED if claim is RunClaim.STOPPED else self._in_own_folder(request, run)
        ended = AnalysisEnded(subject=request.subject, output_s3_uri=request.output_s3_uri, outcome=outcome, run=run)
        if outcome is not _STOPPED:  # its record was settled by who stopped it
            self._keep(ended)
        self.bus.publish(ended)
        return ended

    def _keep(self, ended: AnalysisEnded) -> None:
        """Store the end beside the reports, where the sweep finds it if its event is lost."""
        with tempfile.TemporaryDirectory(prefix="analysis-") as folder:
            path = Path(folder) / END_OF_ANALYSIS
            path.write_text(ended.model_dump_json(), encoding="utf-8")
            with suppress(ModelwatchError):  # the event still reports it
                self.objects.upload(path, s3_layout.join(ended.output_s3_uri, END_OF_ANALYSIS))

    def _in_own_folder(self, request: AnalysisRequest, run: Run) -> Outcome:
        root = Path(tempfile.mkdtemp(prefix="analysis-"))
        try:
            return self._analyzed(request, run, root)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _analyzed(self, request: AnalysisRequest, run: Run, root: Path) -> Outcome:
        try:
            return self._stored(request, run, root)
        except InvalidInput as error:
            return Outcome.failed(str(error).replace(f"{root}/", ""))
        except ModelwatchError:
            raise
        except Exception as error:
            # The text of an unforeseen exception may hold row values; it must not reach the log, the trace, the
            # failure destination and the mail.
            raise Upstream("AnalyzerError", f"{type(error).__name__} at {place_of(error)}") from None

    def _stored(self, request: AnalysisRequest, run: Run, root: Path) -> Outcome:
        self._fetch(request.inputs, root)
        for name, text in request.files.items():
            self._write(root / name, text)
        (root / "output").mkdir()
        summary = self.analyze(request.settings.relocated(root))
        if self.claims.claim(request.subject, run.run_id) is RunClaim.STOPPED:
            return _STOPPED
        for output in (*request.further_outputs, AnalysisOutput(path="output/", s3_uri=request.output_s3_uri)):
            self._store(root / output.path, output.s3_uri)
        return summary.outcome

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _store(self, folder: Path, s3_uri: str) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.objects.upload(path, s3_layout.join(s3_uri, path.relative_to(folder).as_posix()))

    def _fetch(self, inputs: Sequence[AnalysisInput], root: Path) -> None:
        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            wanted = self._wanted(inputs, root)
            while some := list(islice(wanted, _DOWNLOADS * _DOWNLOADS)):
                list(pool.map(self._download, some))  # which raises what any of them has raised

    def _download(self, wanted: tuple[StoredObject, Path]) -> None:
        stored, path = wanted
        self.objects.download(stored.s3_uri, path)
        moment = int(stored.modified.timestamp()) * 10**9 + stored.modified.microsecond * 1000
        os.utime(path, ns=(moment, moment))  # by which the analyzer knows what is late

    def _wanted(self, inputs: Sequence[AnalysisInput], root: Path) -> Iterator[tuple[StoredObject, Path]]:
        """Yield what to fetch, and the file that it becomes.

        Raises
        ------
        InvalidInput
            ``InputNotFound``, ``KeyOutsideFolder``.
        """
        single: dict[str, list[AnalysisInput]] = {}
        for entry in inputs:
            if not entry.path.endswith("/"):
                single.setdefault(entry.s3_uri, []).append(entry)
        for stored in self.objects.find(single):
            yield from ((stored, _inside(root / entry.path, stored)) for entry in single.pop(stored.s3_uri))
        for missing in single:
            raise _not_found(missing)
        for entry in inputs:
            if entry.path.endswith("/"):
                yield from self._in_folder(entry, root)

    def _in_folder(self, entry: AnalysisInput, root: Path) -> Iterator[tuple[StoredObject, Path]]:
        found = False
        for stored in self.objects.list(entry.s3_uri):
            name = stored.s3_uri.rpartition("/")[2]
            if not name or not entry.takes(name, stored.modified):
                continue  # a folder marker made by a console, or a file of another time
            below = stored.s3_uri.removeprefix(entry.s3_uri).lstrip("/") or name
            yield stored, _inside(root / entry.path / below, stored)
            found = True
        if not found:
            raise _not_found(entry.s3_uri)


def _inside(path: Path, stored: StoredObject) -> Path:
    if ".." in path.parts:
        raise InvalidInput("KeyOutsideFolder", f"the key of {stored.s3_uri} climbs out of its folder; rename it")
    return path


def _not_found(s3_uri: str) -> InvalidInput:
    return InvalidInput("InputNotFound", f"there is nothing at {s3_uri}; was it moved or deleted?")
