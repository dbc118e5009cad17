"""What is measured: each benchmark is a script or a package that runs with ``python -m``."""
