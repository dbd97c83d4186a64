# SPDX-License-Identifier: Apache-2.0
"""TLS on both sides, with server and client certificates."""

import http.client
import json
import shutil
import ssl
import subprocess

import pytest

from conftest import Sink

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(not OPENSSL, reason="openssl is not here")

PUSH = json.dumps({"streams": [{"stream": {"job": "x"}, "values": [["1700000000000000000", "no space left"]]}]}).encode()


def openssl(*arguments):
    done = subprocess.run([OPENSSL, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """An authority, a certificate for 127.0.0.1 and one for a client that it signed, and a stranger's."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("authority", "strange"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\n")
    for name, signer in (("server", "authority"), ("client", "authority"), ("stranger", "strange")):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
                "-out", folder / f"{name}.csr")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{signer}.crt", "-CAkey", folder / f"{signer}.key",
                "-CAcreateserial", "-days", 2, "-extfile", folder / "extensions", "-out", folder / f"{name}.crt")
    return folder


def configure(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


def push(port, papers, client=None):
    """The status, or the name of what went wrong."""
    context = ssl.create_default_context(cafile=papers / "authority.crt")
    if client:
        context.load_cert_chain(papers / f"{client}.crt", papers / f"{client}.key")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
    try:
        connection.request("POST", "/loki/api/v1/push", PUSH, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected) as error:
        return type(error).__name__
    finally:
        connection.close()


def test_clients_come_over_tls(daemons, sink, rules, papers, tmp_path):
    config = configure(tmp_path, f"server: {{tls: {{certificate: {papers}/server.crt, key: {papers}/server.key}}}}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    assert push(daemon.port, papers) == 204
    assert b"failure_category" in sink.requests[0][2]
    plain = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.request("GET", "/ready")
        plain.getresponse()
    assert len(sink.requests) == 1


def test_clients_show_certificates(daemons, sink, rules, papers, tmp_path):
    config = configure(tmp_path, f"server: {{tls: {{certificate: {papers}/server.crt, key: {papers}/server.key, "
                                 f"client_authority: {papers}/authority.crt}}}}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    assert push(daemon.port, papers, "client") == 204
    assert push(daemon.port, papers) != 204
    assert push(daemon.port, papers, "stranger") != 204
    assert len(sink.requests) == 1


def serving(papers, ask):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "server.crt", papers / "server.key")
    if ask:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(papers / "authority.crt")
    return context


@pytest.mark.parametrize("settings, status", [
    ("authority: {p}/authority.crt", 204),
    ("authority: {p}/strange.crt", 502),
    ("authority: {p}/strange.crt, insecure_skip_verify: true", 204),
])
def test_loki_is_reached_over_tls(daemons, rules, papers, tmp_path, settings, status):
    sink = Sink(serving(papers, False))
    try:
        config = configure(tmp_path, f"loki: {{tls: {{{settings.format(p=papers)}}}}}\n")
        daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config, "--no-verdicts")
        assert daemon.push(PUSH)[0] == status
        assert len(sink.requests) == (status == 204)
    finally:
        sink.close()


@pytest.mark.parametrize("client, status", [("client", 204), ("stranger", 502), (None, 502)])
def test_loki_is_shown_a_certificate(daemons, rules, papers, tmp_path, client, status):
    sink = Sink(serving(papers, True))
    try:
        own = f", certificate: {papers}/{client}.crt, key: {papers}/{client}.key" if client else ""
        config = configure(tmp_path, f"loki: {{tls: {{authority: {papers}/authority.crt{own}}}}}\n")
        daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config, "--no-verdicts")
        assert daemon.push(PUSH)[0] == status
    finally:
        sink.close()


@pytest.mark.parametrize("text", ["server: {{tls: {{certificate: {p}/none, key: {p}/server.key}}}}",
                                  "server: {{tls: {{certificate: {p}/server.crt, key: {p}/client.key}}}}"])
def test_wrong_papers_are_told(rules, papers, tmp_path, text):
    from conftest import binary
    config = configure(tmp_path, text.format(p=papers) + "\n")
    done = subprocess.run([binary(), "--listen", "127.0.0.1:0", "--rules", rules, "--config.file", config],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "level=error" in done.stderr
