"""A webhook's address leads where it was checked to lead, and never inside."""

import socket

import pytest

from accounts.delivery import Result
from retention.upstream import webhook
from retention.upstream.webhook import UnsafeAddress, check_url, is_public, post_notice, safe_address
from tests.factories import NOW
from tests.retention.recipients import SECRET, Endpoint, confirm

PRIVATE = [
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_and_special_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_open_internet_are(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example.test/", "file:///etc/passwd", "https://", "//hooks.example.test", "hooks.example.test",
        "https://user:secret@hooks.example.test/", "https://hooks.example.test/#x", "https://hooks.example.test:99999/",
        "https://hooks.example.test:0/", "https://hooks.example.test/a b", "https://hooks.example.test/\r\nx: y",
        "https://hooks.exämple.test/", "https://[::1", "gopher://x/", "",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url):
    with pytest.raises(UnsafeAddress):
        check_url(url)


def test_plain_http_is_for_trying_out(settings):
    assert check_url("http://hooks.example.test/").hostname == "hooks.example.test"
    settings.UPSTREAM_PLAIN_HTTP = False
    with pytest.raises(UnsafeAddress):
        check_url("http://hooks.example.test/")


def test_a_name_that_leads_inside_as_well_is_refused(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(UnsafeAddress):
        safe_address("hooks.example.test", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]"])
def test_a_local_server_is_not_reached_however_it_is_written(host):
    with Endpoint(confirm) as endpoint:
        url = endpoint.url.replace("127.0.0.1", host)
        outcome = post_notice(url, SECRET, notice_id="n", body=b"{}", at=NOW)
    assert outcome.result in (Result.REFUSED, Result.FAILED) and endpoint.calls == []


def test_the_address_that_was_checked_is_the_one_that_is_used(monkeypatch, settings):
    """A name that answers differently the second time (DNS rebinding) gains nothing: it is asked once."""
    settings.UPSTREAM_PRIVATE_ADDRESSES = True
    asked, real = [], socket.getaddrinfo

    def once(host, port, *args, **kwargs):
        asked.append(host)
        assert asked == ["hooks.example.test"], "it was looked up again"
        return real("127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with Endpoint((204, b"")) as endpoint:
        url = endpoint.url.replace("127.0.0.1", "hooks.example.test")
        outcome = post_notice(url, SECRET, notice_id="n", body=b"{}", at=NOW)
    assert (outcome.result, outcome.answer) == (Result.TAKEN, "HTTP 204")
    ((headers, _),) = endpoint.calls
    assert headers["Host"].startswith("hooks.example.test:")


def test_only_so_much_of_an_answer_is_read(settings, monkeypatch):
    settings.UPSTREAM_PRIVATE_ADDRESSES = True
    monkeypatch.setattr(webhook, "ANSWER_BYTES", 10)
    with Endpoint((200, b'{"confirmed": "n"}')) as endpoint:
        assert post_notice(endpoint.url, SECRET, notice_id="n", body=b"{}", at=NOW).result is Result.TAKEN


def test_a_certificate_that_nobody_vouches_for_is_not_believed(settings, tmp_path):
    import datetime as dt
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    settings.UPSTREAM_PRIVATE_ADDRESSES = True
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1)).not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with Endpoint(confirm) as endpoint:
        endpoint.server.socket = context.wrap_socket(endpoint.server.socket, server_side=True)
        url = endpoint.url.replace("http://127.0.0.1", "https://localhost")
        outcome = post_notice(url, SECRET, notice_id="n", body=b"{}", at=NOW)
    assert (outcome.result, outcome.answer, endpoint.calls) == (Result.FAILED, "certificate not valid", [])
