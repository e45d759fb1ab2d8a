"""Where a provider is: which base URLs are accepted, and what host they lead to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

# One strict form, so that no two URL parsers can disagree on the host.
_URL = re.compile(
    r"(?P<scheme>https?)://(?:(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)|\[(?P<ipv6>[0-9a-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[a-z0-9._~%!$&'()*+,;=:/-]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Official:
    """The service that a provider type is named after, and the variables of its own SDK."""

    host: str
    key_variable: str
    url_variable: str


OFFICIAL = {
    "openai": Official("api.openai.com", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": Official("api.anthropic.com", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that people run themselves: the variable with its address, and its usual port."""

    variable: str
    port: int


SERVERS = {
    "ollama": Server("OLLAMA_HOST", 11434),
    "lmstudio": Server("LMSTUDIO_BASE_URL", 1234),
}
_PLACE = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>[0-9]*))?(?P<path>/(?!/).*)?",
    re.IGNORECASE,
)
# What a server is told in order to listen everywhere; a client finds it here.
_EVERYWHERE = ("", "0.0.0.0", "[::]")  # noqa: S104


def read_host(place: str, port: int) -> str:
    """The URL that `place` means: ``host``, ``host:port``, ``:port`` or a URL already.

    `port` is the usual one, where neither scheme nor port is given. What is no place at all is
    given back, for `check_url` to refuse.
    """
    match = _PLACE.fullmatch(place.strip())
    if match is None:
        return place
    host = "127.0.0.1" if match["host"] in _EVERYWHERE else match["host"]
    usual = "" if match["scheme"] else str(port)
    stated = match["port"] or usual
    return f"{match['scheme'] or 'http'}://{host}{stated and ':'}{stated}{match['path'] or ''}"


def check_url(url: str) -> str:
    """`url` unchanged, or a ValueError that says what is wrong without repeating it."""
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    if "@" in url:
        raise ValueError("must not hold a user name or password; use api_key_env for the key")
    match = _URL.fullmatch(url)
    if match is None or int(match["port"] or 0) > 65535 or not _is_host(match):
        raise ValueError("must be http(s)://host[:port][/path] in ASCII, without ? or #")
    return url


def _is_host(match: re.Match[str]) -> bool:
    """Whether a resolver takes the host: it raises what is no error of a network for others."""
    if match["ipv6"] is None:
        return all(0 < len(label) < 64 for label in match["host"].split("."))  # RFC 1035
    try:
        return bool(ipaddress.IPv6Address(match["ipv6"]))
    except ValueError:
        return False


def site_of(url: str) -> str:
    """Name the scheme and host of a URL that `check_url` accepted."""
    scheme, host = _split(url)
    return f"{scheme}://{host}"


def keeps_key_home(url: str, provider_type: str) -> bool:
    """Whether a key sent to `url` stays on this machine or goes to the provider's own host.

    The provider's own host counts only under https.
    """
    scheme, host = _split(url)
    official = OFFICIAL.get(provider_type)
    if official and host == official.host:
        return scheme == "https"
    return _is_loopback(host)


def _split(url: str) -> tuple[str, str]:
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("not a URL that check_url accepts")
    return match["scheme"].lower(), (match["host"] or match["ipv6"]).lower()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
