"""The version of the app: the one place that says it, which the deliverables without package metadata carry too."""

VERSION = "0.1.0"
