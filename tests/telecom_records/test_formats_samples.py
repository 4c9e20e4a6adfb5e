"""Files that real switches and providers wrote, where they are on this machine: exact counts and values."""

from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from telecom_records.formats import ParsedCall, detect_format
from tests.telecom_records.format_files import read

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "cdr" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real files are not on this machine")

# beginning of the name, format, zone, country: calls, different keys, rejects
FILES = [
    ("asterisk_cdr_custom", "asterisk-custom", "Etc/GMT-3", "MG", 14, 14, {}),
    ("asterisk_min", "freepbx-dmy", "Europe/Lisbon", "PT", 100, 100, {}),
    ("freepbx", "freepbx", "Europe/Lisbon", "PT", 100, 100, {}),
    ("freeswitch_csv", "freeswitch-csv", "Asia/Shanghai", "CN", 10, 8, {}),
    ("freeswitch_json", "freeswitch", "", "", 1, 1, {}),
    ("opensips_flatstore__cgrates__cgrates__flatstore_fullSuccessfull", "sip-events", "", "", 4, 4, {}),
    ("opensips_flatstore__cgrates__cgrates__flatstore_fullMissed", "sip-events", "", "", 3, 3, {}),
    ("broadworks", "broadworks", "", "", 2, 2, {}),
    ("cdrstats", "cdr-stats", "Europe/Madrid", "ES", 5, 5, {}),
    ("cgrates_csv", "cgrates-wide", "", "DE", 2, 2, {}),
    ("cgrates_header", "cgrates", "", "", 1, 1, {}),
    ("3cx", "3cx", "", "FR", 300, 300, {}),
    ("cucm", "cucm", "", "", 3, 3, {}),
    ("didww", "didww", "", "", 4, 4, {}),
    ("plivo_json__plivo__plivo-python__callList", "plivo", "", "", 2, 2, {}),
    ("plivo_json__plivo__plivo-python__messageList", "plivo", "", "", 0, 0, {"not_a_call": 20}),
    ("plivo_json__plivo__plivo-python__recordingList", "plivo", "", "", 0, 0, {"not_a_call": 3}),
    ("twilio_json__RJPearson94__twilio-sdk-go__callsPage", "twilio", "", "", 0, 0, {"not_finished": 1}),
    ("twilio_json__RJPearson94__twilio-sdk-go__callsPaginator", "twilio", "", "", 0, 0, {"not_finished": 2}),
    ("twilio_json__RJPearson94__twilio-sdk-go__messages", "twilio", "", "", 0, 0, {"not_a_call": 1}),
    ("twilio_json__RJPearson94__twilio-sdk-go__recordings", "twilio", "", "", 0, 0, {"not_a_call": 1}),
]
ASKED_FOR = {"freepbx-dmy"}  # a person must say so


def rows_of(start: str, format: str, zone: str = "", country: str = ""):
    (path,) = SAMPLES.glob(f"{start}*")
    data = path.read_bytes()
    if format not in ASKED_FOR and "message" not in start and "recordingList" not in start:
        assert detect_format(data[: 256 * 1024]) == format
    return read(data, format, zone=ZoneInfo(zone) if zone else None, country=country)


@pytest.mark.parametrize(("start", "format", "zone", "country", "calls", "keys", "rejects"), FILES)
def test_each_row_of_a_real_file_is_a_call_or_a_reject(start, format, zone, country, calls, keys, rejects):
    rows = rows_of(start, format, zone, country)
    taken = [row for row in rows if isinstance(row, ParsedCall)]
    assert (len(taken), len({row.source_key for row in taken})) == (calls, keys)
    assert Counter(row.code for row in rows if not isinstance(row, ParsedCall)) == rejects


def told(row: ParsedCall) -> tuple:
    """Return what a test compares: start, answer and end as text, the two sides, seconds, and status."""
    times = (row.started_at, row.answered_at, row.ended_at)
    return (
        *(each.isoformat(sep=" ").removesuffix("+00:00") if each else None for each in times),
        row.caller.value, row.dialled.value, *(float(each) if each is not None else None for each in (row.duration_s, row.talk_s)),
        row.billed_s, row.status,
    )  # fmt: skip


VALUES = [
    ("freeswitch_csv", "freeswitch-csv", "Asia/Shanghai", 2,
     ("2020-02-10 14:41:00", None, "2020-02-10 14:41:00", "0", "1002", 2, 0, 0, "no_answer")),
    ("freeswitch_json", "freeswitch", "", 0,
     ("2018-01-11 10:25:44.534355", "2018-01-11 10:25:47.954373", "2018-01-11 10:26:55.494269", "1001", "1002", 70.96, 67.54, 68, "answered")),
    ("opensips_flatstore__cgrates__cgrates__flatstore_fullSuccessfull", "sip-events", "", 1,
     ("2015-07-09 15:10:47", "2015-07-09 15:10:47", "2015-07-09 15:10:51", "1002", "1001", 4, 4, None, "answered")),
    ("opensips_flatstore__cgrates__cgrates__flatstore_fullMissed", "sip-events", "", 2,
     ("2015-07-09 15:11:27", None, None, "1002", "1001", None, None, None, "busy")),
    ("broadworks", "broadworks", "", 1,
     ("2016-04-19 21:00:06.909000", "2016-04-19 21:00:07.037000", "2016-04-19 21:00:30.322000", "+4986517174964", "1001",
      23.413, 23.285, None, "answered")),
    ("cdrstats", "cdr-stats", "Europe/Madrid", 0,
     ("2015-10-21 10:13:10", None, None, "904151440", "+34798400122", 55, 50, 50, "answered")),
    ("cgrates_csv", "cgrates-wide", "", 0,
     ("2013-11-07 08:42:25", "2013-11-07 08:42:26", "2013-11-07 08:42:36", "1001", "+4986517174963", 11, 10, 10, "answered")),
    ("cgrates_header", "cgrates", "", 0,
     ("2018-01-07 17:00:00", "2018-01-07 17:00:10", "2018-01-07 17:05:10", "1001", "1002", 310, 300, 300, "answered")),
    ("3cx", "3cx", "", 0,
     ("2020-05-04 10:53:43", "2020-05-04 10:53:43", "2020-05-04 10:58:59", "0639983834", "610", 316, 315, 315, "answered")),
    ("3cx", "3cx", "", 1, ("2020-05-04 10:58:46", None, "2020-05-04 10:59:02", "315", "184", 16, None, None, "cancelled")),
    ("cucm", "cucm", "", 0,
     ("2020-04-19 19:22:35", "2020-04-19 19:22:40", "2020-04-19 19:24:40", "+15551234567", "+15559876543", 125, 120, 125, "answered")),
    ("didww", "didww", "", 0, ("2017-06-26 01:11:42", None, None, "4", "+97286259404", None, 0, 0, "failed")),
    ("didww", "didww", "", 1, ("2017-06-17 08:50:47", None, None, "", "+97286259413", None, 54, 54, "answered")),
    ("plivo_json__plivo__plivo-python__callList", "plivo", "", 1,
     ("2015-07-26 11:14:49", "2015-07-26 11:15:02", "2015-07-26 11:15:14", "+14158572518", "+14153268174", 25, 12, 960, "answered")),
]  # fmt: skip


@pytest.mark.parametrize(("start", "format", "zone", "place", "values"), VALUES)
def test_a_real_row_becomes_what_it_says(start, format, zone, place, values):
    assert told(rows_of(start, format, zone)[place]) == values
