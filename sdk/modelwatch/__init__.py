"""What users import and type: the monitor classes, the shell command, the local stack."""
