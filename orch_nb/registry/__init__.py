"""Which models exist, and what is known about them."""
