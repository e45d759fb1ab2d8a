"""Choosing: which model should answer, and why."""
