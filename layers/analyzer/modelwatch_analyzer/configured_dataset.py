"""What an ``analysis_config.json`` says of the files of its dataset: where features are, and the names of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from modelwatch_analyzer.reading import FORMATS
from modelwatch_analyzer.reading.dataset import Role
from modelwatch_core.domain.analysis_settings import AnalysisSettings, DatasetFormat
from modelwatch_core.domain.errors import InvalidInput

Settings = TypeVar("Settings", bound=AnalysisSettings)

_AS_SUBJECT = re.compile(rf"\b({'|'.join(Role)})_attribute(?= (?:is|names|gives|finds|cannot)\b)")
"""An attribute where a message is about it, and does not advise it."""


def as_configured(settings: Settings, features: str | None, headers: Sequence[str]) -> Settings:
    """Return the settings with which files are read as a configuration describes them.

    Parameters
    ----------
    features : str, optional
        Where the features are in JSON, if the settings do not say.
    headers : sequence of str
        The names of columns. SageMaker Clarify has them for CSV without a header, but AWS's own examples give them for
        files that have one: a first line of these very names is no row.
    """
    form = settings.dataset_format
    if form.name == "json" and settings.features_attribute is None and features:
        return settings.model_copy(update={"features_attribute": features})
    if form.name == "csv" and form.options.get("header") is False and not settings.record_preprocessor_script:
        with_header = DatasetFormat(name=form.name, options={**form.options, "header": True})
        named = settings.model_copy(update={"dataset_format": with_header})
        with suppress(InvalidInput):  # not every file has a header
            if set(FORMATS["csv"](named, None).columns) == set(headers):
                return named
    return settings


def features_key(settings: AnalysisSettings, features: str | None) -> dict[Role, str]:
    """Return the key that says where features are, if settings have it from a configuration; see `naming_keys`."""
    return {Role.FEATURES: "features"} if settings.features_attribute == features else {}


@contextmanager
def naming_keys(keys: Mapping[Role, str]) -> Iterator[None]:
    """Let errors name the keys of the configuration that stand for attributes which nobody gave.

    Raises
    ------
    InvalidInput
        What is raised within, in these words.
    """

    def named(found: re.Match[str]) -> str:
        key = keys.get(Role(found[1]))
        return f"{key} of the analysis configuration" if key else found[0]

    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(error.code, _AS_SUBJECT.sub(named, error.message), examples=error.examples) from error
