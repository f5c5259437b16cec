"""What Modelwatch costs, measured: ``python -m benchmarks`` runs all of it, ``python -m benchmarks NAME`` one."""

import modelwatch_analyzer.vector_instructions  # noqa: F401 (before NumPy, as the command and the images do)
