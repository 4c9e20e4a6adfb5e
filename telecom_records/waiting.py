"""Calls and messages whose numbers were nobody's: sealed, and found again by keyed hashes (``telecom_records/late.py`` takes them up)."""

import dataclasses
import datetime as dt
import json
from decimal import Decimal

from accounts import keys
from telecom_records.formats.rows import ParsedCall, ParsedMessage, ParsedRow
from telecom_records.models import ImportRun, WaitingCall
from telecom_records.phone_numbers import PhoneParty

PURPOSE = "waiting calls"
PARTIES = {"caller", "dialled", "sender", "recipient"}
INSTANTS = {"started_at", "answered_at", "ended_at", "sent_at"}
NUMBERS = {"duration_s", "talk_s", "cost"}


def hash_number(e164: str) -> bytes:
    """Return the keyed hash by which a waiting call's number is found."""
    return keys.keyed_hash(e164, purpose=PURPOSE)


def keep(rows: list[ParsedRow], *, run: ImportRun, now: dt.datetime) -> None:
    """Seal and keep the rows that have a telephone number; a call between extensions can become nobody's."""
    WaitingCall.objects.bulk_create(
        [
            WaitingCall(
                source_id=run.source_id,
                source_key=row.source_key,
                run=run,
                started_at=row.instant,
                number_hashes=[hash_number(party.e164) for party in row.parties if party.e164],
                sealed=keys.seal(_to_json(row), purpose=PURPOSE, bound_to=f"{run.source_id}:{row.source_key}"),
                received_at=now,
            )
            for row in rows
            if any(party.e164 for party in row.parties)
        ],
        batch_size=5_000,
        ignore_conflicts=True,
    )


def open_row(row: WaitingCall) -> ParsedCall | ParsedMessage:
    """Return the call or message that was sealed in ``row``. Raises cryptography's InvalidTag when it was tampered with."""
    values = json.loads(keys.unseal(bytes(row.sealed), purpose=PURPOSE, bound_to=f"{row.source_id}:{row.source_key}"))
    values.pop("row_hash", None)  # of calls that waited since before it was made of the rest
    for name in PARTIES & values.keys():
        values[name] = PhoneParty(**values[name])
    for name in INSTANTS & values.keys():
        values[name] = dt.datetime.fromisoformat(values[name]) if values[name] else None
    for name in NUMBERS & values.keys():
        values[name] = Decimal(values[name]) if values[name] is not None else None
    return ParsedMessage(**values) if "sent_at" in values else ParsedCall(**values)


def _to_json(row: ParsedRow) -> bytes:
    return json.dumps(dataclasses.asdict(row), default=str).encode()
