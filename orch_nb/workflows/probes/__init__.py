"""What models can do, tried with a few small prompts whose answers can be checked."""
