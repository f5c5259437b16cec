"""The folder that a run of the demo leaves behind."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from modelwatch_core.domain.errors import InvalidInput

MARKER = ".made-by-modelwatch-demo"


class ResultsFolder:
    """A folder that each run replaces as a whole; a folder that no demo made is never touched.

    Parameters
    ----------
    path : Path
        The folder, which is replaced.

    Raises
    ------
    InvalidInput
        ``FolderNotOurs`` if there is something that no earlier run made.
    """

    def __init__(self, path: Path) -> None:
        if path.is_symlink() or (path.exists() and not (path / MARKER).is_file()):
            raise InvalidInput("FolderNotOurs", f"{path} was not created by a demo: move it, or give another --output.")
        self.path = path
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
        (path / MARKER).touch()

    def write(self, name: str, content: bytes) -> Path:
        """Write a file below the folder, and return its path."""
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise ValueError(f"{name} is outside of the folder")
        target = self.path / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target
