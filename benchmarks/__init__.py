"""What Modelwatch costs, measured: ``python -m benchmarks`` runs all of it, ``python -m benchmarks NAME`` one."""

import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before everything else, as the command and the images do)
