"""SageMaker's API for monitoring, served by the app's own operations."""
