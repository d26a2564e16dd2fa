"""SSRF-safe fetching of pages from unknown hosts: public addresses only, limits on bytes, seconds and redirects.

Every connection goes to the address that was checked, so that neither a redirect nor DNS rebinding reaches this machine
or its network.
"""

from __future__ import annotations

import codecs
import ipaddress
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from matcher.domain import MatcherError

MOST_BYTES = 2 << 20  # of a page, after it is unpacked
SECONDS = 20.0  # for a page, with its redirects
PATIENCE = 5.0  # seconds without a byte
REDIRECTS = 5
PORTS = frozenset({80, 443})
ACCEPTED = (
    ("Accept", "text/html, text/plain;q=0.9"),
    ("Accept-Language", "fr"),
    ("Accept-Encoding", "gzip"),
    ("Connection", "close"),
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str, int], list[str]]
Connect = Callable[[str, int, float], httpcore.NetworkStream]


class Refused(MatcherError):
    """An address that is not fetched, or a page that is not read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """What came from `url`, the last of the redirects; `body` is text where the type is one."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The media type, in lower case, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body decoded by its stated charset, else UTF-8, byte by byte cp1252 where it is not."""
        stated = re.search(r"charset=[\"']?([\w.:-]{1,40})", self.headers.get("content-type", ""), re.I)
        inside = re.search(rb"<meta[^>]{0,200}?charset=[\"']?\s*([\w.:-]{1,40})", self.body[:4096], re.I)
        for name in (stated and stated[1], inside and inside[1].decode("ascii", "replace")):
            if name and (codec := _text_codec(name)):
                return self.body.decode(codec, errors="replace")
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            return self.body.decode("cp1252", errors="replace")


def host_of(url: str) -> str:
    """The host of an address, in small letters; "" where it names none that can be read."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def public(address: str) -> bool:
    """Whether an IP address is of the public internet, and so is any IPv4 address it carries."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    carried: list[Any] = []
    if isinstance(ip, ipaddress.IPv6Address):
        carried = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            carried.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    never = ("is_site_local", "is_multicast", "is_reserved", "is_unspecified")
    every = (ip, *filter(None, carried))
    return all(one.is_global and not any(getattr(one, each, False) for each in never) for one in every)


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


class _Timed(httpcore.NetworkStream):
    """A connection whose reads end at a deadline, however slowly the bytes come."""

    def __init__(self, stream: httpcore.NetworkStream, end: float) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._rest(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._rest(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._rest(timeout)), self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _rest(self, timeout: float | None) -> float:
        rest = self._end - time.monotonic()
        if rest <= 0:
            raise httpcore.ReadTimeout("the time of this page is over")
        return min(rest, timeout or PATIENCE)


class _Checked(httpcore.NetworkBackend):
    """Connections to the addresses that passed the check, and to no others."""

    def __init__(self, resolve: Resolve, connect: Connect, may: Callable[[str], bool]) -> None:
        self._resolve, self._connect, self._may = resolve, connect, may
        self.end = 0.0  # when the page being fetched has to be there

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = []
        with suppress(OSError, UnicodeError):
            addresses = self._resolve(host, port)
        if not addresses:
            raise httpcore.ConnectError(f"{host} is unknown")
        if not all(map(self._may, addresses)):
            raise Refused(f"{host} is not on the public internet")
        return _Timed(self._connect(addresses[0], port, min(timeout or PATIENCE, PATIENCE)), self.end)


_NETWORK = httpcore.SyncBackend()


class Fetcher:
    """One request at a time, with pauses between them; proxies and cookies are not used."""

    def __init__(
        self,
        *,
        pause: float = 1.0,
        seconds: float = SECONDS,
        most: int = MOST_BYTES,
        resolve: Resolve = resolved,
        connect: Connect = _NETWORK.connect_tcp,
        may: Callable[[str], bool] = public,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from matcher.domain import __version__

        self.agent = f"maillage/{__version__} (what structures say they do; obeys robots.txt and noindex)"
        self._network = _Checked(resolve, connect, may)
        self._pool = httpcore.ConnectionPool(
            network_backend=self._network, max_connections=1, max_keepalive_connections=0
        )
        self._pause, self._seconds, self._most, self._sleep = pause, seconds, most, sleep
        self._last = -1e9
        self.requests = 0

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def get(self, url: str, allowed: Callable[[str], bool] = lambda _: True, pause: float = 0.0) -> Page:
        """The page at the end of the redirects, each of which `allowed` may refuse.  Raises Refused."""
        end = time.monotonic() + self._seconds
        seen: set[str] = set()
        for _ in range(REDIRECTS + 1):
            address = checked(url)
            if address in seen:
                raise Refused(f"{host_of(address)} redirects in a circle")
            if not allowed(address):
                raise Refused(f"{address} is not to be read")
            seen.add(address)
            rest = self._last + max(self._pause, pause) - time.monotonic()
            if rest > 0:
                self._sleep(rest)
            self._last = time.monotonic()
            self.requests += 1
            self._network.end = end
            with self._answered("GET", address, [("User-Agent", self.agent), *ACCEPTED]) as answer:
                pairs = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in answer.headers}
                body = b"" if "location" in pairs else self._body(answer, pairs, end, address)
            page = Page(address, answer.status, pairs, body)
            where = page.headers.get("location")
            if not 300 <= page.status < 400 or not where:
                return page
            url = joined(address, where)
        raise Refused(f"{host_of(url)} redirects more than {REDIRECTS} times")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status that the answer to a POST has; redirects are not followed.  Raises Refused."""
        self._network.end = time.monotonic() + self._seconds
        with self._answered("POST", url, [("Connection", "close"), *headers.items()], body) as answer:
            return answer.status

    @contextmanager
    def _answered(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], content: bytes | None = None
    ) -> Iterator[httpcore.Response]:
        limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE)}
        asked = self._pool.stream(method, url, headers=headers, content=content, extensions=limits)
        try:
            with asked as answer:
                yield answer
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise Refused(f"{host_of(url)} did not answer ({type(error).__name__})") from None

    def _body(self, answer: httpcore.Response, headers: Mapping[str, str], end: float, url: str) -> bytes:
        packing = headers.get("content-encoding", "identity").strip().lower()
        if packing not in ("identity", "", "gzip", "x-gzip"):
            raise Refused(f"{host_of(url)} packs its pages as {packing[:20]}")
        unpack = zlib.decompressobj(wbits=31) if "gzip" in packing else None
        body = bytearray()
        for block in answer.iter_stream():
            if time.monotonic() > end:
                raise Refused(f"{host_of(url)} took more than {self._seconds:.0f} s")
            room = self._most + 1 - len(body)
            try:
                body += unpack.decompress(block, room) if unpack else block[:room]
            except zlib.error:
                raise Refused(f"{host_of(url)} sent a damaged page") from None
            if len(body) > self._most:
                raise Refused(f"{host_of(url)} sent a page of more than {self._most >> 10} KB")
        return bytes(body)


def checked(url: str) -> str:
    """The address in plain ASCII.  Raises Refused for anything but http(s) on its usual port, without a password."""
    try:
        parsed = httpx.URL(url if "://" in url else f"http://{url}")
        plain = parsed.copy_with(fragment=None)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
    except (httpx.InvalidURL, ValueError, UnicodeError, TypeError):
        raise Refused(f"{url[:100]!r} is no address") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or len(str(plain)) > 2_000:
        raise Refused(f"{url[:100]!r} is no address of a web page")
    if parsed.userinfo or port not in PORTS:
        raise Refused(f"{parsed.host} is asked for with a password or on port {port}")
    return str(plain)


def joined(base: str, where: str) -> str:
    try:
        return urljoin(base, where.strip())
    except ValueError:
        raise Refused(f"{host_of(base)} leads to no address") from None


def _text_codec(name: str) -> str:
    """The codec of a stated charset, "" where it is unknown or none that a page in French is written in (zip, rot13 ...)."""
    codec = ""
    with suppress(LookupError, ValueError):
        codec = codecs.lookup(name).name
    return codec if codec.startswith(("utf-8", "utf-16", "iso8859", "cp125", "mac-", "ascii")) else ""
