"""The projects of the deployments, each served by gunicorn, and the certificate for all hosts."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from tests.processes import ROOT

__all__ = ["environment", "install", "make_certificate", "serve", "wait_for_answer"]

SITES = ["*.example.test", "*.shop.test", "*.evil.test"]
INSTALL = """
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
for name in ("ada", "mallory"):
    get_user_model().objects.create_user(name, password="correct horse battery")
"""


def make_certificate(path: Path) -> str:
    """Write a certificate for the hosts of all sites, and its key, to one file.

    Returns:
        The digest of its public key, as ``--ignore-certificate-errors-spki-list`` takes it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "deployments")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(site) for site in SITES])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.touch(0o600)
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


def environment(project: str, database: Path) -> dict[str, str]:
    """Return the environment of a process in one of the projects."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": f"tests.deployments.projects.{project}",
        "DATABASE_URL": f"sqlite:///{database}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def install(database: Path) -> None:
    """Make the database that the projects share, with two users."""
    command = [sys.executable, "-c", INSTALL]
    subprocess.run(
        command, cwd=ROOT, env=environment("same_origin", database), check=True, timeout=60
    )


def wait_for_answer(port: int, host: str, certificate: Path | None) -> None:
    """Wait until a project answers: to start takes longer than its clients wait, if much runs.

    Args:
        port: where it listens.
        host: what it is called.
        certificate: its own, if it speaks TLS.
    """
    request = f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with ExitStack() as stack:
        plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        if certificate is None:
            line = plain
        else:
            context = ssl.create_default_context(cafile=certificate)
            line = stack.enter_context(context.wrap_socket(plain, server_hostname=host))
        line.sendall(request.encode())
        assert line.recv(1)


@contextmanager
def serve(
    project: str, database: Path, listener: socket.socket, certificate: Path | None
) -> Iterator[None]:
    """Serve a project at a socket that listens, over TLS if there is a certificate.

    Browsers may connect from the start: who comes early waits in the socket's queue.
    """
    handle = listener.fileno()
    tls = [] if certificate is None else [f"--certfile={certificate}", f"--keyfile={certificate}"]
    command = ["gunicorn", "--worker-class=gthread", "--threads=4", f"--bind=fd://{handle}", *tls]
    with subprocess.Popen(
        [sys.executable, "-m", *command, "django.core.wsgi:get_wsgi_application()"],
        cwd=ROOT,
        env=environment(project, database),
        pass_fds=[handle],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        said: list[str] = []
        # Whatever it says, so that it never waits for a reader.
        reader = threading.Thread(target=said.extend, args=(server.stderr,))
        reader.start()
        try:
            yield
        finally:
            server.send_signal(signal.SIGQUIT)
            reader.join()
    assert "Traceback" not in "".join(said), "".join(said)
