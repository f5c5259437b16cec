"""SageMaker's API for monitoring: its requests in our parameters, and our records in its shapes."""
