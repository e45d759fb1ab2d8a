"""``{{ expression }}`` in prompts, in a sandbox that holds no Python."""
