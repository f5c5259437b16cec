"""Where to find the template and the code that it refers to: in an installed wheel, or in a checkout."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from modelwatch.local.errors import LocalStackError

_PACKAGE = Path(__file__).resolve().parents[1]


def find_template() -> Path:
    """Return the path of the app's template.yaml.

    Raises
    ------
    LocalStackError
        ``TemplateNotFound`` if neither the installed package nor the checkout around it has one.
    """
    for folder in (_PACKAGE / "app_files", _PACKAGE.parents[1]):
        if (template := folder / "template.yaml").is_file():
            return template
    raise LocalStackError(
        "TemplateNotFound",
        f"No template.yaml in {_PACKAGE / 'app_files'} or {_PACKAGE.parents[1]}; pass the path of one.",
    )


JOB_IMAGE = "modelwatch-job"
"""The name, for the parameter JobImageUri, of the analyzer's own image."""


def program_of_the_analyzer() -> tuple[str, ...]:
    """Return the entry point of the analyzer's image for processing jobs, as a program of this machine."""
    return sys.executable, str(find_template().parent / "analyzer_container" / "job.py")


def program_of_spark() -> tuple[str, ...] | None:
    """Return the ``spark-submit`` of the checkout's ``.venv-spark``, with what it needs to know; None without one."""
    root = find_template().parent
    environment = root / ".venv-spark"
    submit = environment / "bin/spark-submit"
    if not submit.is_file():
        return None
    (site,) = (environment / "lib").glob("python3.*/site-packages")
    path = os.pathsep.join(str(root / folder) for folder in ("layers/core", "layers/analyzer", "sdk"))
    variables = {
        "PYSPARK_PYTHON": environment / "bin/python",
        "PYTHONPATH": path,
        "SPARK_HOME": site / "pyspark",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    quiet = ("--conf", "spark.ui.enabled=false", "--conf", "spark.ui.showConsoleProgress=false")
    given = (f"{name}={value}" for name, value in variables.items())
    return ("env", *given, str(submit), "--master", "local[2]", *quiet)


def layer_folder(template: Path, content_uri: str) -> Path:
    """Return the folder that holds a layer's packages.

    In a checkout that is the layer's own folder. A wheel contains the layers' packages themselves, so there it is
    the folder from which the package named after the layer is imported.

    Parameters
    ----------
    template : Path
        The template that defines the layer.
    content_uri : str
        The layer's ContentUri, for example ``layers/core``.
    """
    folder = (template.parent / content_uri).resolve()
    if folder.is_dir() or template.parent != _PACKAGE / "app_files":
        return folder
    package = find_spec(f"modelwatch_{Path(content_uri).name}")
    return Path(package.origin).parents[1] if package and package.origin else folder
