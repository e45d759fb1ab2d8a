"""What an SDK's own log may say of a request."""

from __future__ import annotations

import logging


class Redaction(logging.Filter):
    """Keeps the values of headers out of records that an SDK makes of its requests.

    At the level DEBUG those of ``anthropic`` hold the key, those of ``openai`` the headers of the
    settings.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without values of headers."""
        if isinstance(record.args, dict) and (headers := record.args.get("headers")):
            record.args = {**record.args, "headers": dict.fromkeys(headers, "•••")}
        return True


_REDACTION = Redaction()


def redact(sdk: str) -> None:
    """Keep the values of headers out of the log of `sdk`, a package's name."""
    # A filter that is there already is not added again.
    logging.getLogger(f"{sdk}._base_client").addFilter(_REDACTION)
