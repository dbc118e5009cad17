"""Conformance checks: what a plug-in must do, as functions that its author can run."""
