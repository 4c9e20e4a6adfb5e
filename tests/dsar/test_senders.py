"""A mail that poses as us is flagged; whoever writes from an address of their own is not."""

import pytest

from dsar.mail.senders import check_sender

OURS = ["support@callmama.com", "info@callmama.com"]
SERVER = "mx.callmama.com"


def check(address: str, name: str = "", *results: str, server: str = SERVER) -> str:
    return check_sender(name, address, results, official=OURS, server=server)


@pytest.mark.parametrize(
    "address",
    [
        "edwin@gmail.com", "priya@harbour-lights.example", "a@mama.example", "a@callme.example", "a@recall.example", "", "nonsense",
        "a@llamacall.example", "callmama.com@gmail.com", "a@xn--bcher-kva.example",
    ],
)  # fmt: skip
def test_customers_write_from_any_address(address):
    assert check(address, "Edwin Marsh, support team of nobody") == ""


@pytest.mark.parametrize(
    "domain",
    [
        "callmama.net", "callmama.com.evil.example", "callmama-support.com", "my-callmama.com", "ca11mama.com", "callrnama.com",
        "calmama.com", "callmmaa.com", "callmamma.com", "cal1mama.co", "call-mama.com", "cаllmama.com", "xn--cllmama-2fg.com",
        "CALLMÀMA.com", "callmama.com.", "secure.callmama.help",
    ],
)  # fmt: skip
def test_a_domain_that_is_easily_taken_for_ours_is_flagged(domain):
    assert check(f"x@{domain}") == ("unproved" if domain == "callmama.com." else "lookalike")


def test_a_name_that_is_our_address_is_flagged():
    assert check("x@gmail.com", "support@callmama.com") == "named"
    assert check("x@gmail.com", "Callmama (support@callmama.com)") == "named"
    assert check("x@gmail.com", "edwin@marsh.example") == ""


@pytest.mark.parametrize(
    "result",
    [
        f"{SERVER}; dkim=pass header.d=callmama.com",
        f"{SERVER} 1; spf=pass smtp.mailfrom=x; dkim=pass (2048-bit key) header.i=@callmama.com header.s=a",
        f"{SERVER}; dmarc=pass header.from=callmama.com",
    ],
)
def test_our_own_domain_is_believed_when_our_own_server_found_its_signature(result):
    assert check("support@callmama.com", "", result) == ""
    assert check("support@callmama.com", "", result, server="") == "unproved"


@pytest.mark.parametrize(
    "result",
    [
        "evil.example; dkim=pass header.d=callmama.com",
        f"{SERVER}; dkim=fail header.d=callmama.com",
        f"{SERVER}; dkim=pass header.d=com",
        f"{SERVER}; dkim=pass header.d=evil.example",
        f"{SERVER}; spf=pass smtp.mailfrom=callmama.com",
        f"{SERVER} (dkim=pass header.d=callmama.com); dkim=none",
        f"{SERVER}; dmarc=pass header.from=evil.example",
        f"x {SERVER}; dkim=pass header.d=callmama.com",
        "",
    ],
)
def test_our_own_domain_without_that_signature_is_flagged(result):
    assert check("support@callmama.com", "", result) == "unproved"
    assert check("ceo@mail.callmama.com", "", result) == "unproved"
