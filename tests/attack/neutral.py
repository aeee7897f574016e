"""The neutral site on this machine, under its own address, for browsers that take a proxy.

All their traffic but that to this machine comes here; what is for the neutral site is answered, and
everything else is refused, so that nobody else exists.
"""

import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import BinaryIO
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.site import NEUTRAL, WEATHER

_HOST = urlsplit(NEUTRAL).hostname or ""
_LONGEST_WAIT = 60


class Neutral(ThreadingTCPServer):
    """The proxy. Clear ``answers`` and the neutral site is silent until it is set again."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.tls = tls
        self.answers = threading.Event()
        self.answers.set()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Tunnel(StreamRequestHandler):
    server: Neutral

    def handle(self) -> None:
        asked = _request(self.rfile)
        if asked != f"CONNECT {_HOST}:443":
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        # A browser that goes on to another page, or looks at the certificate first, hangs up.
        with suppress(OSError), self.server.tls.wrap_socket(self.connection, True) as inside:
            self._answer(inside)

    def _answer(self, inside: socket.socket) -> None:
        if not _request(inside.makefile("rb")):
            return
        self.server.answers.wait(_LONGEST_WAIT)
        body = WEATHER.encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        inside.sendall(head.encode() + body)


def _request(stream: BinaryIO) -> str:
    """Read the head of a request, and return its method and address."""
    first = stream.readline().decode("latin-1")
    while stream.readline().strip():
        pass
    return " ".join(first.split()[:2])


@contextmanager
def neutral() -> Iterator[Neutral]:
    """Run it until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(_certificate(Path(folder)))
    with Neutral(tls) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.answers.set()
            server.shutdown()


def _certificate(folder: Path) -> Path:
    """Write a certificate that the site gave to itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "neutral.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path
