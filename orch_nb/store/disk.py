"""What a disk that does not play along raises."""

from __future__ import annotations


def disk_errors() -> tuple[type[Exception], ...]:
    """The errors of SQLite and of the file system, to be caught."""
    import sqlite3  # noqa: PLC0415 - 5 ms that `%load_ext` need not pay

    # SQLite quotes a damaged schema, which need not be text, in the message of its error.
    return sqlite3.Error, OSError, UnicodeDecodeError
