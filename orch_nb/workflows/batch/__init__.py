"""One template over many rows: planned, asked side by side, and given back in order."""
