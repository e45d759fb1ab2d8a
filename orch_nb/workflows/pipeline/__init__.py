"""Pipelines: steps in YAML, read whole, planned, run as far as they need each other, reported."""
