"""What stands in a number column: told apart before it is parsed."""

import pytest

from telecom_records.phone_numbers import classify, normalise_e164


@pytest.mark.parametrize(
    ("raw", "country", "kind", "e164"),
    [
        ("+442079460123", "", "e164", "+442079460123"),
        ("020 7946 0123", "GB", "e164", "+442079460123"),
        ("00442079460123", "GB", "e164", "+442079460123"),
        ("011442079460123", "US", "e164", "+442079460123"),
        ("(312) 555-0117", "US", "e164", "+13125550117"),
        ("442079460123", "GB", "e164", "+442079460123"),
        ("sip:+442079460123@host.example;user=phone", "", "e164", "+442079460123"),
        ("whatsapp:+442079460123", "", "e164", "+442079460123"),
        ("02079460123", "", "unknown", None),
        ("7002", "PT", "extension", None),
        ("Ext.10016", "SE", "extension", None),
        ("*60", "PT", "service_code", None),
        ("s", "GB", "service_code", None),
        ("anonymous", "GB", "anonymous", None),
        ("sip:anonymous@anonymous.invalid", "GB", "anonymous", None),
        ("1-800-FLOWERS", "US", "alphanumeric", None),
        ("client1", "GB", "alphanumeric", None),
        ("sip:edwin@pbx.example", "GB", "sip_uri", None),
        ("", "GB", "unknown", None),
        ("1924109099999999999", "PT", "unknown", None),
    ],
)
def test_a_number_column_is_classified(raw, country, kind, e164):
    party = classify(raw, country)
    assert (party.kind, party.e164) == (kind, e164)


def test_a_withheld_number_is_marked_and_its_word_is_not_kept():
    party = classify("Restricted", "GB")
    assert (party.restricted, party.value) == (True, "")


def test_a_typed_number_that_is_none_gets_a_clear_message():
    with pytest.raises(ValueError, match="not a telephone number in international form"):
        normalise_e164("hello", "")
