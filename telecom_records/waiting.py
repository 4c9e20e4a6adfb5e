"""Calls whose numbers were nobody's: sealed, and found again by keyed hashes (``telecom_records/late.py`` takes them up)."""

import dataclasses
import datetime as dt
import json
from decimal import Decimal

from accounts import keys
from telecom_records.formats import ParsedCall
from telecom_records.models import ImportRun, WaitingCall
from telecom_records.phone_numbers import PhoneParty

PURPOSE = "waiting calls"


def hash_number(e164: str) -> bytes:
    """Return the keyed hash by which a waiting call's number is found."""
    return keys.keyed_hash(e164, purpose=PURPOSE)


def keep(calls: list[ParsedCall], *, run: ImportRun, now: dt.datetime) -> None:
    """Seal and keep the calls that have a telephone number; one between extensions can become nobody's."""
    WaitingCall.objects.bulk_create(
        [
            WaitingCall(
                source_id=run.source_id,
                source_key=call.source_key,
                run=run,
                started_at=call.started_at,
                number_hashes=[hash_number(party.e164) for party in (call.caller, call.dialled) if party.e164],
                sealed=keys.seal(_to_json(call), purpose=PURPOSE, bound_to=f"{run.source_id}:{call.source_key}"),
                received_at=now,
            )
            for call in calls
            if call.caller.e164 or call.dialled.e164
        ],
        ignore_conflicts=True,
    )


def open_call(row: WaitingCall) -> ParsedCall:
    """Return the call that was sealed in ``row``. Raises cryptography's InvalidTag when the row was tampered with."""
    return _from_json(keys.unseal(bytes(row.sealed), purpose=PURPOSE, bound_to=f"{row.source_id}:{row.source_key}"))


def _to_json(call: ParsedCall) -> bytes:
    return json.dumps(dataclasses.asdict(call), default=_plain).encode()


def _plain(value):
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)


def _from_json(text: bytes) -> ParsedCall:
    values = json.loads(text)
    for name in ("caller", "dialled"):
        values[name] = PhoneParty(**values[name])
    for name in ("started_at", "answered_at", "ended_at"):
        values[name] = dt.datetime.fromisoformat(values[name]) if values[name] else None
    for name in ("duration_s", "talk_s", "cost"):
        values[name] = Decimal(values[name]) if values[name] is not None else None
    values["row_hash"] = bytes.fromhex(values["row_hash"])
    return ParsedCall(**values)
