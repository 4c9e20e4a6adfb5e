"""What the name of a recording says: whose call, when, which id. Names are hostile, hold numbers, and are never kept.

The forms are those of real switches (seen in the field): FreePBX and Issabel ``force-<number>-<ext>-YYYYMMDD-HHMMSS-<uniqueid>``
and ``out-``, ``in-``, ``q-``, ``rg-``, ``internal-``…; plain Asterisk ``YYYYMMDDHHMM_<src>-<dst>_<uniqueid>``; Yeastar
``<YYYYMMDDHHMMSS>-<uniqueid>-<caller>-<callee>-Internal``; the sids of Twilio; the uuids of Plivo, FreeSWITCH and FusionPBX. Of any
other name only a uniqueid is taken, wherever it stands.
"""

import dataclasses
import datetime as dt
import re
from zoneinfo import ZoneInfo

from telecom_records.formats.rows import RowFault
from telecom_records.formats.values import in_zone

MAX_CHARACTERS = 300
PARTY = r"[^-_/\\]{1,40}"
CASELESS = re.IGNORECASE | re.ASCII
UNIQUEID = r"\d{10}\.\d{1,9}"
FORMS = [
    re.compile(rf"[a-z]{{1,12}}-(?P<a>{PARTY})-(?P<b>{PARTY})-(?P<time>\d{{8}}-\d{{6}})(?:-(?P<id>{UNIQUEID}))?", CASELESS),
    re.compile(rf"(?P<time>\d{{12}}|\d{{14}})_(?P<a>{PARTY})-(?P<b>{PARTY})(?:_(?P<id>{UNIQUEID}))?", re.ASCII),
    re.compile(rf"(?:.*?-)?(?P<time>\d{{14}})-(?:(?P<id>{UNIQUEID})-)?(?P<a>{PARTY})-(?P<b>{PARTY})-[a-z]{{4,10}}", CASELESS),
]  # fmt: skip
SID = re.compile(r"RE[0-9a-zA-Z]{32}")
UUID = re.compile(r"[0-9a-z]{8}(?:-[0-9a-z]{4}){3}-[0-9a-z]{12}", CASELESS)
ANYWHERE = re.compile(rf"(?<![\d.])({UNIQUEID})(?!\d)", re.ASCII)
EARLIEST, LATEST = 946_684_800, 4_102_444_800  # the years 2000 and 2100: an id outside is none of Asterisk's


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """What a name says. ``local_time`` has no zone; ``epoch`` is that of the call's channel, in seconds of UTC."""

    recording_id: str = ""
    call_id: str = ""
    parties: tuple[str, ...] = ()
    local_time: dt.datetime | None = None
    epoch: int | None = None
    is_gsm: bool = False

    def instant(self, zone: ZoneInfo | None) -> dt.datetime | None:
        """Return when the recording began, in UTC: by the id, else by the local time in the source's zone, else None."""
        if self.epoch is not None:
            return dt.datetime.fromtimestamp(self.epoch, dt.UTC)
        if self.local_time is None or zone is None:
            return None
        try:
            return in_zone(self.local_time, zone)[0]
        except RowFault:  # an hour that the clocks went forward over
            return None


def read_name(name: str | bytes) -> Named:
    """Return what the last part of a name says; nothing of one that is not known. Never raises."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    text = re.split(r"[/\\]", text)[-1]
    if len(text) > MAX_CHARACTERS or not text.isprintable():
        return Named(is_gsm=_is_gsm(text))
    stem = text.rpartition(".")[0] if "." in text else text
    named = _of_stem(stem)
    return dataclasses.replace(named, is_gsm=_is_gsm(text))


def _of_stem(stem: str) -> Named:
    if SID.fullmatch(stem):
        return Named(recording_id=stem)
    if UUID.fullmatch(stem):  # a provider's id of the recording, or a switch's of the call: both are looked for
        return Named(recording_id=stem.lower(), call_id=stem.lower())
    for form in FORMS:
        if match := form.fullmatch(stem):
            call_id = match["id"] or ""
            parties = tuple(party for party in (match["a"], match["b"]) if party)
            return Named("", call_id, parties, _time(match["time"]), _epoch(call_id))
    ids = ANYWHERE.findall(stem)
    return Named(call_id=ids[0], epoch=_epoch(ids[0])) if len(ids) == 1 else Named()


def _time(digits: str) -> dt.datetime | None:
    digits = digits.replace("-", "").ljust(14, "0")
    try:
        return dt.datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007 (in the source's zone, see instant)
    except ValueError:
        return None


def _epoch(call_id: str) -> int | None:
    seconds = int(call_id.partition(".")[0] or 0)
    return seconds if EARLIEST <= seconds < LATEST else None


def _is_gsm(text: str) -> bool:
    return text.lower().endswith(".gsm")
