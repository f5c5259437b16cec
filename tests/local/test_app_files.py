"""Finding the template and the layers, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelwatch_core
from modelwatch.local import app_files
from modelwatch.local.errors import LocalStackError


def test_in_a_checkout_the_template_is_at_the_root() -> None:
    template = app_files.find_template()
    assert template.name == "template.yaml"
    assert (template.parent / "pyproject.toml").is_file()
    assert app_files.layer_folder(template, "layers/core") == template.parent / "layers" / "core"


def test_in_a_wheel_the_template_is_in_the_package_and_layers_are_the_installed_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "modelwatch"
    (package / "app_files").mkdir(parents=True)
    (package / "app_files" / "template.yaml").touch()
    monkeypatch.setattr(app_files, "_PACKAGE", package)
    template = app_files.find_template()
    assert template == package / "app_files" / "template.yaml"
    assert app_files.layer_folder(template, "layers/core") == Path(modelwatch_core.__file__).parents[1]
    assert not app_files.layer_folder(template, "layers/nothing").exists()


def test_an_installation_without_a_template_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_files, "_PACKAGE", tmp_path / "lib" / "python" / "modelwatch")
    with pytest.raises(LocalStackError) as caught:
        app_files.find_template()
    assert caught.value.code == "TemplateNotFound"
