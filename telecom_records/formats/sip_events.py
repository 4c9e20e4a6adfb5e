"""Kamailio and OpenSIPS: accounting events, paired into calls.

A switch of this kind writes transactions, not calls: an INVITE that was answered begins one, a BYE ends it, in any
order, and with the tags exchanged when the called party hangs up. An INVITE that failed is a call by itself. The text
of acc's flat store has no header, its width says which extra columns there are; a table of events has one.
"""

from typing import Any, BinaryIO

from telecom_records.formats.family import SIP, Family, Format, Read, Row, Rows, cell, either, ids
from telecom_records.formats.rows import RowFault, Settings
from telecom_records.formats.tables import HeaderTable, WidthTable
from telecom_records.formats.values import since_1970, zoned

EVENT = ["method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time"]
LAYOUTS = {
    7: EVENT,
    12: [*EVENT, "reqtype", "account", "destination", "extra", "dialog"],  # OpenSIPS, as CGRateS sets it up
    13: [*EVENT, "src_user", "src_domain", "src_ip", "dst_ouser", "dst_user", "dst_domain"],  # Kamailio, as shipped
}
METHODS = {"INVITE", "BYE", "ACK", "CANCEL"}
CHALLENGES = {"401", "407"}
MAX_WAITING = 50_000  # dialogs that wait for their other half, and as many that are remembered as over


def _is_row(row: Row) -> bool:
    return row["method"] in METHODS and row["sip_code"].isdigit() and len(row["sip_code"]) == 3 and bool(row["callid"])


FLAT = WidthTable(LAYOUTS, is_row=_is_row, delimiter="|")
TABLE = HeaderTable(
    called="a table of events of Kamailio or OpenSIPS",
    needed=(frozenset({"method", "from_tag", "to_tag", "callid", "sip_code", "time"}),),
    delimiters=",;|\t",
)


def _time(text: str, column: str, settings: Settings, near: int | None):
    """Read the time of an event: the flat store counts seconds from 1970, a table holds a local date and time."""
    return (since_1970(1) if text.isdigit() else zoned)(text, column, settings, near)


def _status(row: Row, answered: bool) -> str:
    return "answered" if answered else SIP.get(cell(row, "sip_code"), "failed")


CALLS = Family(
    key=ids(("callid", "from_tag", "to_tag", "time")),
    group=either("callid"),
    caller=("src_user", "account", "from_uri"),
    dialled=("dst_ouser", "dst_user", "destination", "to_uri"),
    started=(("time", _time),),
    answered=(("answer_time", _time),),
    ended=(("end_time", _time),),
    status=_status,
)


class Pairs:
    """Makes rows of calls from events. Only so many wait, and the one that waited longest then goes on its own."""

    def __init__(self, source: HeaderTable | WidthTable) -> None:
        self.source = source

    def rows(self, file: BinaryIO) -> Rows:
        """Yield the calls, each with the line of its first event, in the order in which they became whole."""
        dialogs = _Dialogs()
        for number, event in self.source.rows(file):
            kind = event if isinstance(event, RowFault) else _kind(event)
            if isinstance(kind, RowFault):
                yield number, kind
            elif kind == "failed":
                yield number, event
            elif kind in ("begin", "end"):
                yield from dialogs.take(number, event, kind)
        yield from dialogs.left()


class _Dialogs:
    def __init__(self) -> None:
        self.open: dict[tuple[str, ...], tuple[int, Any, str]] = {}
        self.closed: dict[tuple[str, ...], None] = {}

    def take(self, number: int, event: Any, kind: str) -> Rows:
        dialog = (cell(event, "callid"), *sorted((cell(event, "from_tag"), cell(event, "to_tag"))))
        line, earlier, waiting = self.open.get(dialog, (0, None, ""))
        if waiting == kind or dialog in self.closed:
            yield number, RowFault("repeated_event", "This event of a call stands in the file already.")
        elif waiting:
            del self.open[dialog]
            self.closed[dialog] = None
            begin, end = (event, earlier) if kind == "begin" else (earlier, event)
            yield line, {**begin, "answer_time": begin["time"], "end_time": end["time"]}
        else:
            self.open[dialog] = (number, event, kind)
        if len(self.closed) > MAX_WAITING:
            del self.closed[next(iter(self.closed))]
        if len(self.open) > MAX_WAITING:
            yield _alone(*self.open.pop(next(iter(self.open))))

    def left(self) -> Rows:
        for each in self.open.values():
            yield _alone(*each)


def _kind(event: Row) -> str | RowFault:
    method, code = cell(event, "method").upper(), cell(event, "sip_code")
    if method == "INVITE" and code in CHALLENGES:
        return RowFault("not_a_call", "This was only a question for the password; the call follows.")
    if method == "INVITE":
        return "begin" if code.startswith("2") else "failed"
    if method == "BYE":
        return "end"
    if method in METHODS:
        return "nothing"  # belongs to a call and adds nothing to it
    return RowFault("not_a_call", "The event is not one of a call.")


def _alone(line: int, event: Any, kind: str) -> tuple[int, Row | RowFault]:
    """Return a call that had not ended when the file did, or why an end without its beginning is no call."""
    if kind == "end":
        return line, RowFault("no_beginning", "This call began in another file. Import one that holds both its ends.")
    return line, {**event, "answer_time": event["time"]}


def _format(source: HeaderTable | WidthTable, *, name: str) -> Format:
    pairs = Pairs(source)

    def read(file: BinaryIO, settings: Settings) -> Read:
        return CALLS.read(pairs, file, settings)

    return Format(read, by_first_line=source.looks_like, name=name)


FLATSTORE = _format(FLAT, name="Kamailio or OpenSIPS flat store")
EVENTS = _format(TABLE, name="Kamailio or OpenSIPS acc table")
