"""What is measured: what frames cost, what choosing gives, what a proxy takes. Run with ``python -m``."""
