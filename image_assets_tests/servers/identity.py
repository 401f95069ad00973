"""A managed identity to test with: the token endpoint that a machine of Azure's has, and a certificate for loopback."""

import base64
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HEADER = "the secret of this machine"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(days=1))
    certificate = made.add_extension(here, critical=False).sign(key, hashes.SHA256())
    written = folder / "certificate.pem", folder / "key.pem"
    written[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    written[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    )
    return written


@contextmanager
def managed_identity() -> Iterator[str]:
    """The address at which this machine's identity is given tokens, as an App Service has one."""
    with served(_Tokens) as address:
        yield f"{address}/token"


@dataclass
class Vault:
    """A Key Vault: as much of its interface as reads secrets, to whoever has a token.

    Attributes:
        url: where it is.
        secrets: by name.
    """

    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    may_read: bool = True


@contextmanager
def key_vault(certificate: Path, key: Path) -> Iterator[Vault]:
    """A vault over TLS."""
    vault = Vault()

    class Secrets(JsonHandler):
        def do_GET(self) -> None:
            _, folder, name = (urlsplit(self.path).path.rstrip("/") + "/").split("/")[:3]
            if not (self.headers["Authorization"] or "").startswith("Bearer "):
                # A client sees that a token is for the host that it asks: all of its name but the first part.
                audience = vault.url.replace("127.", "", 1)
                login = "https://login.microsoftonline.com/tenant"
                told = f'Bearer authorization="{login}", resource="{audience}"'
                self.answer(401, {}, **{"WWW-Authenticate": told})
            elif not vault.may_read:
                self.answer(403, {"error": {"code": "Forbidden", "message": "Caller is not authorized"}})
            elif not name:
                ids = [
                    {"id": f"{vault.url}/{folder}/{each}", "attributes": {"enabled": True}} for each in vault.secrets
                ]
                self.answer(200, {"value": ids, "nextLink": None})
            else:
                self.answer(200, {"id": f"{vault.url}/{folder}/{name}/1", "value": vault.secrets[name]})

    with served(Secrets, certificate, key) as address:
        vault.url = address
        yield vault


@contextmanager
def served(
    handler: type[BaseHTTPRequestHandler], certificate: Path | None = None, key: Path | None = None
) -> Iterator[str]:
    """A server on a free port; over TLS where it has a certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def login_at(address: str, certificate: Path) -> dict[str, str]:
    """What the environment of a machine with an identity has, and whom it trusts."""
    return {
        "IDENTITY_ENDPOINT": address,
        "IDENTITY_HEADER": HEADER,
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "SSL_CERT_FILE": str(certificate),
        "REQUESTS_CA_BUNDLE": str(certificate),
    }


class JsonHandler(BaseHTTPRequestHandler):
    """Answers in JSON and writes no line per request."""

    def answer(self, status: int, told: object, **headers: str) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its parent calls it
        pass


class _Tokens(JsonHandler):
    def do_GET(self) -> None:
        if self.headers["X-IDENTITY-HEADER"] != HEADER:
            self.answer(403, {})
            return
        (audience,) = parse_qs(urlsplit(self.path).query)["resource"]
        now = int(time.time())
        token = {"access_token": _token(audience, now), "expires_on": str(now + 3_600), "token_type": "Bearer"}
        self.answer(200, {**token, "resource": audience})


def _token(audience: str, now: int) -> str:
    """One that nobody has signed: Azurite looks at what it says."""
    claims = {"iss": "https://sts.windows.net/tenant/", "aud": audience, "oid": "machine", "tid": "tenant"}
    times = {"iat": now - 60, "nbf": now - 60, "exp": now + 3_600}
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part({**claims, **times})}.c2ln"


def _part(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
