"""Work of many prompts, over the session's own line from a prompt to its record."""
