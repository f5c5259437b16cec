"""The kind of monitor that watches which features drive a model's predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from modelwatch_core.domain.analysis_settings import ConfiguredSettings, IntervalSettings
from modelwatch_core.domain.dataset_formats import REQUEST
from modelwatch_core.domain.documents import NonEmpty, SageMakerName
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import CHECK_ONLY, LOOKS_OPTION, Shell, ShellCommand, ShellOption

ALL_ROWS = "all"


def _row_limit(value: object) -> object:
    text = str(value)
    if text == ALL_ROWS:
        return text
    if text.isascii() and text.isdecimal() and len(text) < 16 and int(text):
        return str(int(text))
    raise ValueError(f"must be a number of rows, from 1 on, or {ALL_ROWS!r}")


RowLimit = Annotated[str, BeforeValidator(_row_limit)]
"""The most rows that are explained: a number, or ``all``."""


class ExplainabilitySettings(IntervalSettings, ConfiguredSettings):
    """What an explanation is given.

    Attributes
    ----------
    model_url : str, optional
        The model that is explained, behind an HTTP server with SageMaker's ``/invocations``.
    model_endpoint_name : str, optional
        The same, behind a live SageMaker endpoint. Without either, the analysis configuration names the model.
    model_artifact : Path, optional
        The same, as a file of trees that is loaded in process.
    allow_pickle : bool
        Whether that file may be a pickle, which runs whatever code is in it.
    max_explained_rows : str, optional
        The most rows that are explained, or ``all``. Without it the analysis configuration says how many.
    earlier_executions_results : Path, optional
        A folder with the results of executions of earlier windows, for the stability of attributions.
    """

    explains_a_model: ClassVar[bool] = True

    analysis_type: Literal["MODEL_EXPLAINABILITY"] = "MODEL_EXPLAINABILITY"
    model_url: NonEmpty | None = None
    model_endpoint_name: SageMakerName | None = None
    model_artifact: Path | None = None
    allow_pickle: bool = False
    max_explained_rows: RowLimit | None = None
    earlier_executions_results: Path | None = None

    @property
    def names_a_model(self) -> bool:
        """Whether a URL, an endpoint or a file is given."""
        return bool(self.model_url or self.model_endpoint_name or self.model_artifact)

    @property
    def explained_endpoint(self) -> str | None:
        """The endpoint, if that is given."""
        return self.model_endpoint_name


_MODEL_OPTIONS = (
    ShellOption(field="model_url", metavar="URL", help="An HTTP server with SageMaker's /invocations."),
    ShellOption(
        field="model_endpoint_name",
        name="--endpoint",
        metavar="NAME",
        help="A live SageMaker endpoint.",
        also_sets=("sagemaker_endpoint_name",),
    ),
    ShellOption(
        field="model_artifact",
        metavar="FILE|S3URI",
        help="A model of trees as a file: XGBoost's .json or .ubj, LightGBM's .txt.",
    ),
)


def _refuse_several_models(given: Mapping[str, object]) -> None:
    named = [option.option for option in _MODEL_OPTIONS if option.field in given]
    if len(named) > 1:
        raise InvalidInput("UnusableArguments", f"{' and '.join(named)} each name a model: give one of them")


EXPLAINABILITY = MonitorKind(
    monitoring_type="ModelExplainability",
    title="Explainability",
    settings=ExplainabilitySettings,
    analysis="modelwatch_analyzer.explainability.analysis",
    metric_namespace="explainability-metrics",
    constraint_sections=frozenset({"explanations"}),
    is_metric_of_a_part=lambda _, dimensions: "Label" in dimensions,
    checks=frozenset(
        {
            "feature_attribution_drift_check",
            "feature_set_check",
            "feature_attribution_change_check",
            "feature_rank_check",
            "attribution_stability_check",
            "attribution_rank_agreement_check",
            "explanation_consistency_check",
        }
    ),
    captured_sides=(REQUEST,),
    schedule_parameters=frozenset({"analysis_config"}),
    baseline_parameters=frozenset({"analysis_config"}),
    baseline_files={"constraints_s3_uri": "analysis.json"},
    earlier_report="analysis.json",
    shell=Shell(
        watches="Which features drive a model's predictions.",
        baseline=ShellCommand(
            help="Explain a model on training data: analysis.json, which later explanations are compared with.",
            details="The model is the one that --model-url, --endpoint or --model-artifact names, or else the "
            "predictor of the configuration. 1,000 rows are explained by default, drawn at random; "
            "--max-explained-rows says how many, or all. The number of requests is printed before the first one, the "
            "expected time after it. methods.shap.max_model_calls of the configuration (100 by default) limits them; "
            "rows are sampled to fit.",
            data="A file, or a folder of files, of training data; local or in S3.",
            example="--data train.csv --dataset-format csv --output baseline "
            "--analysis-config analysis_config.json --model-url http://127.0.0.1:8080/invocations",
        ),
        check=ShellCommand(
            help="Compare what drives a model now with a baseline: NDCG, and the change of each feature.",
            data="A file, or a folder of files, to explain; local or in S3.",
            example="--data today.csv --dataset-format csv --output report "
            "--analysis-config analysis_config.json --endpoint my-endpoint "
            "--constraints baseline/analysis.json",
        ),
        constraints="analysis.json of the baseline, edited or not.",
        options=(
            ShellOption(
                field="analysis_config",
                metavar="FILE|S3URI",
                help="SageMaker's analysis_config.json: headers, methods.shap and predictor.",
                required=True,
            ),
            *_MODEL_OPTIONS,
            ShellOption(
                field="allow_pickle",
                help="Accept a pickle as --model-artifact. A pickle runs any code that it contains.",
            ),
            ShellOption(
                field="max_explained_rows",
                metavar="N|all",
                help="The most rows to explain, drawn at random; 1000 unless the configuration says otherwise.",
            ),
            LOOKS_OPTION,
            ShellOption(
                field="earlier_executions_results",
                name="--earlier-results",
                metavar="DIR|S3URI",
                help="Results of earlier executions, for the stability of attributions.",
                verbs=CHECK_ONLY,
            ),
        ),
        refuse=_refuse_several_models,
    ),
)
