"""Places where cells run: this process, a kernel's, a terminal's."""
