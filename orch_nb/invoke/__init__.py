"""Asking: from what a caller wrote to a call, and from a decision to its response.

Between the two lie the cache, one attempt with its limits, its bill, retries, breakers, the next
model when one fails, and the checks of a cascade; all of it on the session's event loop.
"""
