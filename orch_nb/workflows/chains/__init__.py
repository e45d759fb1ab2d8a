"""Chains: planner → context → executor → reviewer, each an expert's slot with a readable prompt."""
