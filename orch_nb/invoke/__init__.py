"""Asking: one attempt with its limits, retries, and the next model when one fails."""
