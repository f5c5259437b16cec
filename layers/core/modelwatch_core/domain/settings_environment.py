"""Settings of an analysis, to and from SageMaker's container environment."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError

from modelwatch_core.domain.analysis_settings import AnalysisSettings, DatasetFormat
from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import DATA_QUALITY, KINDS, MonitorKind, kind_of_analysis

_NOT_VARIABLES = frozenset({"user_environment"})
_SIMILARITY = 0.9
"""A name of several words that is at least this similar to a setting (difflib's ratio) is taken for a misspelling:
about one wrong letter in ten."""
_SIMILARITY_OF_A_WORD = 0.85
"""The same limit for a name of one word: about one wrong letter in seven."""
_SHORTEST_MISSPELLING = 6
"""Names with fewer letters resemble each other by chance: ``speed`` and ``seed``."""


def analysis_settings(**fields: Any) -> AnalysisSettings:
    """Make the settings of the kind that ``analysis_type`` names, of data quality if it names none.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``, naming each field that is wrong and how to fix it.
    """
    kind = kind_of_analysis(str(fields.get("analysis_type") or DATA_QUALITY.analysis_type))
    model = kind.settings
    unknown = [name for name in fields if name not in model.model_fields]
    if unknown:
        mistakes = (_mistake(name, kind) or f"{name}: there is no such setting; remove it" for name in unknown)
        raise InvalidInput("InvalidSettings", "; ".join(mistakes))
    try:
        return model.model_validate({**fields, "analysis_type": kind.analysis_type})
    except ValidationError as error:
        raise InvalidInput("InvalidSettings", validation_message(error)) from None


def settings_from_environment(
    environment: Mapping[str, str], *, user_names: Collection[str] | None = None
) -> AnalysisSettings:
    """Read settings from a container's environment.

    Parameters
    ----------
    environment : mapping of str to str
        For instance ``os.environ``. A setting that is empty counts as not set; the user's own variables may be empty.
    user_names : collection of str, optional
        Which variables, of those that are none of ours, the user set for scripts; all if not given.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``: a value that cannot be used, a setting of another kind of monitor, or a name that is so
        close to a setting that it must be a misspelling. No name is refused for a kind that the user's own container
        analyses: what is no common setting is that container's own.
    """
    kind = kind_of_analysis(environment.get("analysis_type") or DATA_QUALITY.analysis_type)
    ours = kind.settings.model_fields.keys() - _NOT_VARIABLES
    fields: dict[str, Any] = {name: value for name, value in environment.items() if name in ours and value}
    mistakes = {name: mistake for name in environment if name not in ours and (mistake := _mistake(name, kind))}
    if wrong := [mistake for name, mistake in mistakes.items() if environment[name]]:
        raise InvalidInput("InvalidSettings", "; ".join(wrong))
    own = {
        name: value
        for name, value in environment.items()
        if name not in ours | mistakes.keys() and (user_names is None or name in user_names)
    }
    return analysis_settings(**fields, **({"user_environment": own} if own else {}))


def environment_of(settings: AnalysisSettings) -> dict[str, str]:
    """Write settings as a container's environment; what has its default value is left out.

    ``settings_from_environment`` reads the same settings from it.
    """
    variables = {
        name: _variable(value)
        for name, value in settings
        if name not in _NOT_VARIABLES
        and value != type(settings).model_fields[name].get_default(call_default_factory=True)
    }
    return settings.user_environment | variables | {"analysis_type": settings.analysis_type}


def _variable(value: object) -> str:
    if isinstance(value, DatasetFormat):
        return json.dumps(value.sagemaker_document)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


def _mistake(name: str, kind: MonitorKind) -> str | None:
    """Return what is wrong with a name that is no setting of a kind, None where it is the user's own."""
    if kind.analysis is None:
        return None
    ours = kind.settings.model_fields.keys() - _NOT_VARIABLES
    names = {name for each in KINDS.values() for name in each.settings.model_fields} - _NOT_VARIABLES
    another = f"not a setting of {kind.title.lower()} monitors; remove it"
    if name in names:
        return f"{name}: {another}"
    if name.isupper():  # as people write variables of their own
        return None
    spelled = name.lower()
    if len(name) < _SHORTEST_MISSPELLING and spelled not in names:
        return None
    cutoff = _SIMILARITY if "_" in name else _SIMILARITY_OF_A_WORD
    for nearest in difflib.get_close_matches(spelled, sorted(names), n=1, cutoff=cutoff):
        if nearest in ours:
            return f"{name}: there is no such setting; did you mean {nearest}?"
        return f"{name}: there is no such setting; the nearest, {nearest}, is {another}"
    return None


def _parse_settings(value: object) -> object:
    return analysis_settings(**value) if isinstance(value, dict) else value


SettingsOfAnyKind = Annotated[SerializeAsAny[AnalysisSettings], BeforeValidator(_parse_settings)]
"""A field that holds the settings of any kind of monitor, and reads them back as that kind's own model."""
