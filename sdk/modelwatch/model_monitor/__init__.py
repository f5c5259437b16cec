"""Monitors of models, with the names and signatures of SageMaker's Python SDK."""

from modelwatch.model_monitor.alert_actions import ModelDashboardIndicatorAction, MonitoringAlertActions
from modelwatch.model_monitor.alerts import MonitoringAlertHistorySummary, MonitoringAlertSummary
from modelwatch.model_monitor.analysis_config import BiasAnalysisConfig, ExplainabilityAnalysisConfig
from modelwatch.model_monitor.baselining import BaseliningJob
from modelwatch.model_monitor.bias import ModelBiasMonitor
from modelwatch.model_monitor.cron import CronExpressionGenerator
from modelwatch.model_monitor.data_capture import DataCaptureConfig
from modelwatch.model_monitor.data_quality import DefaultModelMonitor
from modelwatch.model_monitor.dataset_format import DatasetFormat, MonitoringDatasetFormat
from modelwatch.model_monitor.execution import MonitoringExecution
from modelwatch.model_monitor.explainability import ModelExplainabilityMonitor
from modelwatch.model_monitor.files import Constraints, ConstraintViolations, Statistics
from modelwatch.model_monitor.inputs import BatchTransformInput, EndpointInput, MonitoringOutput
from modelwatch.model_monitor.model_quality import ModelQualityMonitor
from modelwatch.model_monitor.monitor import ModelMonitor
from modelwatch.model_monitor.monitoring_config import (
    DataQualityDistributionConstraints,
    DataQualityMonitoringConfig,
)
from modelwatch.model_monitor.network_config import NetworkConfig

__all__ = [
    "BaseliningJob",
    "BatchTransformInput",
    "BiasAnalysisConfig",
    "ConstraintViolations",
    "Constraints",
    "CronExpressionGenerator",
    "DataCaptureConfig",
    "DataQualityDistributionConstraints",
    "DataQualityMonitoringConfig",
    "DatasetFormat",
    "DefaultModelMonitor",
    "EndpointInput",
    "ExplainabilityAnalysisConfig",
    "ModelBiasMonitor",
    "ModelDashboardIndicatorAction",
    "ModelExplainabilityMonitor",
    "ModelMonitor",
    "ModelQualityMonitor",
    "MonitoringAlertActions",
    "MonitoringAlertHistorySummary",
    "MonitoringAlertSummary",
    "MonitoringDatasetFormat",
    "MonitoringExecution",
    "MonitoringOutput",
    "NetworkConfig",
    "Statistics",
]
