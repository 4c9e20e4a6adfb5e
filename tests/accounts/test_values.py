"""What a field may hold, how it is masked, and how secrets are kept."""

import os
import threading

import pytest
from cryptography.exceptions import InvalidTag
from django.core.exceptions import ValidationError

from accounts import keys
from accounts.masking import mask
from accounts.validators import passes_luhn, refuse_card_numbers, validate_e164, validate_time_zone
from callmama_privacy import secrets_store


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4242",
        "my card is 4242-4242-4242-4242.",
        "4242424242424242",
        "378282246310005",
        "x 6011 1111 1111 1117 y",
    ],
)
def test_card_numbers_are_refused_in_free_text(text):
    with pytest.raises(ValidationError, match="never stored here"):
        refuse_card_numbers(text)


@pytest.mark.parametrize(
    "text", ["", "+442079460123", "call 4242 4242 4242 4243", "ticket 20261123", "+44 2079 460123 and 12"]
)
def test_other_numbers_are_left_alone(text):
    refuse_card_numbers(text)


@pytest.mark.parametrize(
    ("digits", "valid"), [("79927398713", True), ("79927398710", False), ("0", True), ("18", True), ("19", False)]
)
def test_luhn(digits, valid):
    assert passes_luhn(digits) is valid


@pytest.mark.parametrize(
    "number", ["+0123456789", "442079460123", "+44 2079", "+1234567890123456", "+44207946012a", "+٤٤٢٠٧٩٤٦٠"]
)
def test_what_is_no_international_number_is_refused(number):
    with pytest.raises(ValidationError, match="international form"):
        validate_e164(number)


@pytest.mark.parametrize("zone", ["", "Berlin", "UTC+8", "Europe/Atlantis", "../etc/passwd"])
def test_what_is_no_zone_is_refused(zone):
    with pytest.raises(ValidationError, match="not a time zone"):
        validate_time_zone(zone)


@pytest.mark.parametrize(
    ("clear", "masked"),
    [
        ("", ""),
        ("anneke.brandt@example.test", "a•••@example.test"),
        ("a@example.test", "a•••@example.test"),
        ("+442079460123", "+44 ••• 123"),
        ("Anneke Brandt", "•••"),
        ("12 Sea Lane, Leith", "•••"),
    ],
)
def test_masking(clear, masked):
    assert mask(clear) == masked


def test_a_secret_is_made_once_by_whoever_is_first_and_only_its_owner_reads_it(tmp_path):
    barrier, found = threading.Barrier(8), []

    def read():
        barrier.wait()
        found.append(secrets_store.read_or_make(tmp_path / "secrets", "one"))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 8 and len(found[0]) >= 40
    assert os.listdir(tmp_path / "secrets") == ["one"]
    assert (tmp_path / "secrets" / "one").stat().st_mode & 0o777 == 0o600


def test_what_is_sealed_opens_only_for_its_row_and_purpose():
    sealed = keys.seal(b"secret", purpose="a", bound_to="1")
    assert keys.unseal(sealed, purpose="a", bound_to="1") == b"secret"
    for purpose, row in [("a", "2"), ("b", "1")]:
        with pytest.raises(InvalidTag):
            keys.unseal(sealed, purpose=purpose, bound_to=row)
    assert keys.seal(b"secret", purpose="a", bound_to="1") != sealed
