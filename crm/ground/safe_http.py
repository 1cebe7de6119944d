"""Outgoing HTTP to addresses that people typed: it never reaches our own network.

requests-hardened resolves a name once, refuses private addresses and pins the rest, so a name that answers differently
the second time gains nothing. Added here: the ranges it leaves out, HTTPS on 443 or 8443 only, no proxies of the
environment, a limit of size and of whole time. Hosts that the administrator lists (SAFE_HTTP_HOSTS) are exempt.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES, InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

from crm.ground.sentences import said

CONNECT, WHOLE = 3.0, 10.0  # seconds
MOST_BYTES = 256 * 1024
PORTS = (443, 8443)
# "IPv4-compatible" and 6to4 spellings of IPv4, and the metadata address of one large provider.
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MORE_BLOCKED = [
    ipaddress.ip_network(text)
    for text in (
        "::/96",
        "2002::/16",
        "168.63.129.16/32",
        "0.0.0.0/8",
        "fec0::/10",
    )
]


class Unsafe(Exception):
    """The address may not be called; the sentence says why. It will never work."""


class Unanswered(Exception):
    """No usable answer; the request may have arrived all the same. Trying again may help."""


@dataclass(frozen=True)
class Answer:
    """Args: status: of HTTP. text: the first 256 KiB, decoded. retry_after: seconds the other side asked for."""

    status: int
    text: str
    retry_after: float | None = None


class _Filter(IPFilterAdapter):
    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        address = ipaddress.ip_address(host["host"].strip("[]"))
        if _blocked(address):
            raise InvalidIPAddress(address)
        return host, pool


# Names that mean inside hosts wherever they are asked for (RFC 6761, RFC 8375).
INSIDE_NAMES = (".localhost", ".local", ".internal", ".home.arpa")


def _listed(host: str, port: int) -> bool:
    return f"{host}:{port}" in settings.SAFE_HTTP_HOSTS


def check(url: str) -> None:
    """What can be said of an address without asking the network. Raises Unsafe."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Unsafe(said("url.none", "“%s” is not an address.") % url[:200]) from None
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise Unsafe(said("url.not_https", "“%s” is not an address that starts with https://.") % url[:200])
    if parts.username or parts.password:
        raise Unsafe(said("url.user", "An address must not contain a user or password."))
    if _listed(parts.hostname, port):
        return
    if parts.scheme != "https" or port not in PORTS:
        raise Unsafe(
            said("url.port", "Only https:// on port 443 or 8443 is called; an administrator can list other hosts.")
        )
    name = parts.hostname.rstrip(".").lower()
    literal = _literal(name)
    if (literal is not None and _blocked(literal)) or name == "localhost" or name.endswith(INSIDE_NAMES):
        raise Unsafe(said("url.private", "This address leads into a private network."))


def check_host(host: str, port: int, known: Iterable[str] = ()) -> None:
    """A mail server that somebody typed in: not one of our own network, unless it is listed (INSIDE_MAIL_HOSTS).

    Every address that the name has now is looked at; a name that nobody knows is left to the connection, which says so.

    Args:
        known: names that are exempt as well: those that were in use before this was asked.
    Raises Unsafe.
    """
    name = host.strip().rstrip(".").lower()
    listed = {entry.strip().rstrip(".").lower() for entry in (*settings.INSIDE_MAIL_HOSTS, *known)}
    if name in listed or f"{name}:{port}" in listed:
        return
    try:
        found = {str(row[4][0]).partition("%")[0] for row in socket.getaddrinfo(name, port, proto=socket.IPPROTO_TCP)}
    except (OSError, UnicodeError):
        return
    for address in map(_meant, map(ipaddress.ip_address, found)):
        if not address.is_global or _blocked(address):
            told = said(
                "host.private",
                "“%s” leads into a private network; who runs the server can list it (INSIDE_MAIL_HOSTS).",
            )
            raise Unsafe(told % host[:100])


# IPv6 addresses that carry one of IPv4: mapped, translated (RFC 2765), and NAT64's (RFC 6052).
_CARRIERS = [ipaddress.ip_network(text) for text in ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")]


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries; any other is itself."""
    carries = address.version == 6 and any(address in network for network in _CARRIERS)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if carries else address


def _literal(host: str) -> Address | None:
    """The address that a host spells out, also as 0177.0.0.1 or 2130706433; None for a name, which is asked for later."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _blocked(address: Address) -> bool:
    address = _meant(address)
    if not address.is_global:
        return True
    networks = [*MORE_BLOCKED, *EXTRA_BLOCKED_NET_RANGES]
    return any(address in network for network in networks if network.version == address.version)


def _session(url: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy of the environment, no .netrc
    parts = urlsplit(url)
    if not _listed(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)):
        session.mount("https://", _Filter(is_https_proto=True))
        session.mount("http://", _Filter(is_https_proto=False))
    return session


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST without following redirects, within ten seconds in all. Raises Unsafe, Unanswered.

    In a thread of its own: the timeouts of sockets count from byte to byte, and a server that drips one every nine
    seconds would hold a worker for as long as it likes.
    """
    check(url)
    outcome: queue.Queue[Answer | Exception] = queue.Queue(1)

    def work() -> None:
        try:
            outcome.put(_post(url, body, headers))
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=work, daemon=True, name="safe_http").start()
    try:
        found = outcome.get(timeout=WHOLE)
    except queue.Empty:
        raise Unanswered(said("server.late", "The server did not answer in time.")) from None
    if isinstance(found, Exception):
        raise found
    return found


def _post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    end = time.monotonic() + WHOLE
    with _session(url) as session:
        try:
            response = session.post(
                url, data=body, headers=headers, allow_redirects=False, stream=True, timeout=(CONNECT, WHOLE)
            )
            text = _read(response, end)
        except InvalidIPAddress as error:
            raise Unsafe(said("url.private", "This address leads into a private network.")) from error
        except (requests.ConnectTimeout, requests.exceptions.SSLError) as error:
            raise Unanswered(said("server.unreachable", "The server cannot be reached.")) from error
        except requests.Timeout as error:
            raise Unanswered(said("server.late", "The server did not answer in time.")) from error
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
            raise Unanswered(said("server.broke", "The connection broke.")) from error
        except requests.ConnectionError as error:
            raise Unanswered(said("server.failed", "The connection failed.")) from error
        except requests.RequestException as error:
            raise Unsafe(said("url.not_called", "The address cannot be called: %s") % error) from error
    wait = response.headers.get("Retry-After", "")
    seconds = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 9 else None
    return Answer(response.status_code, text, None if seconds is None else min(seconds, 6 * 3600))


def _read(response: requests.Response, end: float) -> str:
    found = b""
    for piece in response.iter_content(8192):
        found += piece
        if len(found) >= MOST_BYTES:
            break
        if time.monotonic() > end:
            raise Unanswered(said("server.late", "The server did not answer in time."))
    response.close()
    return found[:MOST_BYTES].decode("utf-8", errors="replace")


__all__ = ["Answer", "Unanswered", "Unsafe", "check", "post"]
