"""The ports, served by AWS through boto3."""
