"""The folder that a run of the demo leaves behind."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from modelwatch_core.domain.errors import InvalidInput

MARK = ".made-by-modelwatch-demo"


class ResultsFolder:
    """A folder of our own, replaced whole at each run; a folder of anybody else's is never touched.

    Parameters
    ----------
    path : Path
        Where to; made anew.

    Raises
    ------
    InvalidInput
        ``FolderNotOurs`` if something is there that no earlier run made.
    """

    def __init__(self, path: Path) -> None:
        if path.is_symlink() or (path.exists() and not (path / MARK).is_file()):
            raise InvalidInput(
                "FolderNotOurs", f"{path} was not made by a demo: move it away, or give another --output."
            )
        self.path = path
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
        (path / MARK).touch()

    def write(self, name: str, content: bytes) -> Path:
        """Write a file below the folder, and give its path."""
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise ValueError(f"{name} lies outside of the folder")
        target = self.path / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target
