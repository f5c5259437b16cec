"""Pure rules and documents: no AWS, no I/O, no clock."""
