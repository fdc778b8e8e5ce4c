"""Text for an operator's terminal.

Redis and other servers are not trusted: their bytes are escaped and bounded
before they are shown.
"""

from datetime import datetime, timezone

SHOWN_MAX = 64


def shown(raw):
    """Returns foreign bytes as a short text of plain characters."""
    text = ascii(bytes(raw[:SHOWN_MAX]))[2:-1]
    return text[:SHOWN_MAX] + '...' \
        if len(raw) > SHOWN_MAX or len(text) > SHOWN_MAX else text


def printable(text):
    """Replaces characters that a terminal could obey."""
    return ''.join(c if c.isprintable() else '?' for c in text)


def utc(ms):
    """Returns a time, in ms since the epoch, as text in UTC."""
    try:
        return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime(
            '%Y-%m-%dT%H:%M:%SZ')
    except (ValueError, OverflowError, OSError):
        return 'an impossible time'
