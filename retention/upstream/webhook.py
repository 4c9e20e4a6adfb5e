"""One signed POST to a recipient, to nobody else, within a fixed time.

The address comes from an officer and leads out of our network, so: its name is looked up once and the connection goes to
exactly the address that was checked (a second look-up could answer differently); private, local and special addresses
are refused unless the settings allow them; a redirect is an answer, not an instruction; only so much of an answer is read.
"""

import contextlib
import datetime as dt
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from accounts.delivery import Outcome, Result
from retention.upstream.signatures import sign

SECONDS = 15  # for everything together: a server that drips a byte a second is cut off too
ANSWER_BYTES = 65_536
TRY_AGAIN = {408, 421, 425, 429}  # of the 4xx: not now, rather than not like this
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")  # carries any IPv4 address inside


class UnsafeAddress(ValueError):
    """The address is not one to which customers' ids may be sent; the message says why, for the officer."""


def check_url(url: str) -> SplitResult:
    """Return the parts of a webhook's address. Raises UnsafeAddress; a name is looked up only when it is sent to."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UnsafeAddress("This is not an address.") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise UnsafeAddress("Write an address such as https://hooks.example.com/erasures.")
    if parts.scheme == "http" and not settings.UPSTREAM_PLAIN_HTTP:
        raise UnsafeAddress("Only https: the ids of customers must not travel in clear.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UnsafeAddress("An address with a user name, a password or a fragment is not taken.")
    if any(ord(letter) <= 32 or ord(letter) > 126 for letter in url):
        raise UnsafeAddress("The address has a space or a letter that addresses do not have.")
    return parts


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the open internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return is_public(str(found.ipv4_mapped))
        if found in SIX_TO_FOUR:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


def safe_address(host: str, port: int) -> tuple[int, tuple]:
    """Look a name up and return the family and socket address to connect to. Raises UnsafeAddress, OSError.

    Refused when *any* of its addresses is private: a name that leads inside as well is not a mistake to be lucky with.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not settings.UPSTREAM_PRIVATE_ADDRESSES and not all(is_public(str(entry[4][0])) for entry in found):
        raise UnsafeAddress("The name leads to a private address.")
    return found[0][0], found[0][4]


def post_notice(url: str, secret: str, *, notice_id: str, body: bytes, at: dt.datetime) -> Outcome:
    """POST ``body`` once, signed and dated ``at``; return what came of it. Never raises for what the other side does."""
    try:
        parts = check_url(url)
        with _connection(parts) as connection:
            headers = {
                **sign(secret, notice_id, at, body),
                "content-type": "application/json",
                "idempotency-key": notice_id,
                "user-agent": "callmama-privacy",
                "connection": "close",
            }
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body=body, headers=headers)
            response = connection.getresponse()
            outcome = _outcome(response.status, response.read(ANSWER_BYTES), notice_id)
        return outcome
    except UnsafeAddress:
        return Outcome(Result.REFUSED, "unsafe address")
    except ssl.SSLCertVerificationError:
        return Outcome(Result.FAILED, "certificate not valid")
    except TimeoutError:
        return Outcome(Result.FAILED, "timeout")
    except socket.gaierror:
        return Outcome(Result.FAILED, "name not found")
    except (
        OSError,
        http.client.HTTPException,
        ValueError,
        AttributeError,
    ) as error:  # the last when cut off in between
        return Outcome(Result.FAILED, f"no answer ({type(error).__name__})"[:80])


def _outcome(status: int, answer: bytes, notice_id: str) -> Outcome:
    said = f"HTTP {status}"
    if 200 <= status < 300:
        return Outcome(Result.CONFIRMED if confirms(answer, notice_id) else Result.TAKEN, said)
    if 300 <= status < 400:
        return Outcome(Result.REFUSED, f"{said}, a redirect")
    if 400 <= status < 500 and status not in TRY_AGAIN:
        return Outcome(Result.REFUSED, said)
    return Outcome(Result.FAILED, said)


def confirms(answer: bytes, notice_id: str) -> bool:
    """Return whether an answer confirms *this* notice: {"confirmed": "<its id>"}. A bare "true" could be any server's."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    confirmed = found.get("confirmed") if isinstance(found, dict) else None
    return isinstance(confirmed, str) and hmac.compare_digest(confirmed.encode(), notice_id.encode())


@contextlib.contextmanager
def _connection(parts: SplitResult) -> Iterator[http.client.HTTPConnection]:
    """Open the connection to the checked address, and cut it off when the time is over, whatever it is doing then."""
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    family, address = safe_address(host, port)
    raw = socket.socket(family, socket.SOCK_STREAM)
    raw.settimeout(SECONDS)
    over = threading.Event()

    def cut_off() -> None:
        over.set()
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(SECONDS, cut_off)
    watch.daemon = True
    watch.start()
    try:
        raw.connect(address)
        connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
        if tls:
            connection = http.client.HTTPSConnection(host, port, timeout=SECONDS)
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
            raw.do_handshake()
        connection.sock = raw
        yield connection
        if over.is_set():  # what looks like the end of the answer was our own cut
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        watch.cancel()
        raw.close()
