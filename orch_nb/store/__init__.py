"""What is remembered: answers on disk, and the session's calls in memory."""
