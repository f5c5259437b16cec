"""Where the template and the code it points at lie: inside an installed wheel, or in a checkout."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from modelwatch.local.errors import LocalStackError

_PACKAGE = Path(__file__).resolve().parents[1]


def find_template() -> Path:
    """Return the path of the app's template.yaml.

    Raises
    ------
    LocalStackError
        ``TemplateNotFound`` where neither the installed package nor a checkout around it has one.
    """
    for folder in (_PACKAGE / "app_files", _PACKAGE.parents[1]):
        if (template := folder / "template.yaml").is_file():
            return template
    raise LocalStackError("TemplateNotFound", "This installation has no template.yaml; give the path of one.")


def layer_folder(template: Path, content_uri: str) -> Path:
    """Return the folder that holds a layer's packages.

    In a checkout that is the layer's own folder. A wheel carries the layers' packages as packages, so there it is
    the folder that the package named like the layer is imported from.

    Parameters
    ----------
    template : Path
        The template that names the layer.
    content_uri : str
        What it says, for example ``layers/core``.
    """
    folder = (template.parent / content_uri).resolve()
    if folder.is_dir() or template.parent != _PACKAGE / "app_files":
        return folder
    package = find_spec(f"modelwatch_{Path(content_uri).name}")
    return Path(package.origin).parents[1] if package and package.origin else folder
