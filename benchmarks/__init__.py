"""What Modelwatch costs, measured: ``python -m benchmarks`` runs all of it, ``python -m benchmarks NAME`` one."""
