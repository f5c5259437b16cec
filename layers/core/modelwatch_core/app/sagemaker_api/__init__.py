"""SageMaker's API for monitoring, answered by the app's own operations."""
