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
from modelwatch_core.domain.monitor_kinds import DATA_QUALITY, KINDS, kind_of_analysis

_NOT_VARIABLES = frozenset({"user_environment"})
_SIMILARITY = 0.85
"""Of a name to one of ours (difflib's ratio, in [0, 1]) from which on it is taken for a misspelling."""


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
        raise InvalidInput("InvalidSettings", "; ".join(_unknown_name(name, model, kind.title) for name in unknown))
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
        For instance ``os.environ``. Empty variables count as not set.
    user_names : collection of str, optional
        Which variables, of those that are none of ours, the user set for scripts; all if not given.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``: a value that cannot be used, a setting of another kind of monitor, or a name that is so
        close to a setting that it must be a misspelling.
    """
    kind = kind_of_analysis(environment.get("analysis_type") or DATA_QUALITY.analysis_type)
    ours = kind.settings.model_fields.keys() - _NOT_VARIABLES
    fields: dict[str, Any] = {name: value for name, value in environment.items() if name in ours and value}
    others = {name: value for name, value in environment.items() if name not in ours and value}
    wrong = [_unknown_name(name, kind.settings, kind.title) for name in others if _is_meant_for_us(name)]
    if wrong:
        raise InvalidInput("InvalidSettings", "; ".join(wrong))
    own = {name: value for name, value in others.items() if user_names is None or name in user_names}
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
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


def _names_of_all_kinds() -> set[str]:
    return {name for kind in KINDS.values() for name in kind.settings.model_fields} - _NOT_VARIABLES


def _is_meant_for_us(name: str) -> bool:
    names = _names_of_all_kinds()
    return name in names or bool(difflib.get_close_matches(name, names, n=1, cutoff=_SIMILARITY))


def _unknown_name(name: str, model: type[AnalysisSettings], title: str) -> str:
    if name in _names_of_all_kinds():
        return f"{name}: not a setting of {title.lower()} monitors; remove it"
    nearest = difflib.get_close_matches(name, model.model_fields.keys() - _NOT_VARIABLES, n=1, cutoff=0)
    return f"{name}: there is no such setting; did you mean {nearest[0]}?"


def _parse_settings(value: object) -> object:
    return analysis_settings(**value) if isinstance(value, dict) else value


SettingsOfAnyKind = Annotated[SerializeAsAny[AnalysisSettings], BeforeValidator(_parse_settings)]
"""A field that holds the settings of any kind of monitor, and reads them back as that kind's own model."""
