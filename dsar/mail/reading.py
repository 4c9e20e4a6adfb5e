"""What a mail says, whatever it is: nothing that a sender writes raises here. No database, no clock.

Parsed by the old, forgiving parser of the standard library (``compat32``): the new one raises on some of the headers that
spam has. What cannot be read is kept in the original, and ``remarks`` say so to whoever reads the ticket.
"""

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from email import policy
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import collapse_rfc2231_value, parseaddr

from dsar.mail.html_text import html_to_text

LONGEST_TEXT = 100_000  # characters on the page; the original has all
LONGEST_SUBJECT = 200
MOST_PARTS = 100
IDS = re.compile(r"<([^<>\s]{3,250})>")
CHARSETS = {"unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8", "ks_c_5601-1987": "cp949", "gb2312": "gb18030", "x-gbk": "gbk"}  # fmt: skip
# What no text on a page needs: control characters, and letters that turn the direction of what follows (Trojan Source).
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of a mail."""

    name: str
    said_type: str
    data: bytes


@dataclasses.dataclass(frozen=True)
class Bounce:
    """What a report of non-delivery says (RFC 3464)."""

    mail_id: str
    failed: bool
    status: str


@dataclasses.dataclass
class Mail:
    """A mail as far as it could be read. ``text`` is plain text; ids are without their angle brackets."""

    mail_id: str = ""
    answers: list[str] = dataclasses.field(default_factory=list)  # In-Reply-To, then References from the last on
    sender_name: str = ""
    sender: str = ""
    subject: str = ""
    text: str = ""
    parts: list[Part] = dataclasses.field(default_factory=list)
    remarks: list[str] = dataclasses.field(default_factory=list)
    results: list[str] = dataclasses.field(default_factory=list)  # Authentication-Results
    is_automatic: bool = False
    bounce: Bounce | None = None


def read_mail(raw: bytes, *, whole: bool = True) -> Mail:
    """Return what a mail says. ``whole`` is False when ``raw`` is only its beginning."""
    mail = Mail()
    try:
        message = BytesParser(policy=policy.compat32).parsebytes(raw)
    except Exception:  # the parser has no known way to fail but depth; whatever it is, the original has the mail
        message = BytesParser(policy=policy.compat32).parsebytes(raw[:100_000].partition(b"\n\n")[0], headersonly=True)
        mail.remarks.append("It could not be taken apart: read the original.")
    _read_headers(mail, message)
    if not whole:
        mail.remarks.append("It is too large to be taken apart: its beginning is shown, the original has all of it.")
    try:
        _read_parts(mail, message, keep_parts=whole)
    except Exception:
        mail.remarks.append("Not all of it could be read: the original has the rest.")
    mail.text = clean_text(mail.text).strip()
    if len(mail.text) > LONGEST_TEXT:
        mail.text = mail.text[:LONGEST_TEXT]
        mail.remarks.append("The text is longer than this: the original has all of it.")
    mail.remarks = list(dict.fromkeys(mail.remarks))
    return mail


def clean_text(text: str) -> str:
    """Return text that a database can hold and a page can show as it is read: no controls, one kind of line end."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return INVISIBLE.sub("\ufffd", text)


def _read_headers(mail: Mail, message: Message) -> None:
    mail.mail_id = next(iter(IDS.findall(_plain(message.get("Message-ID")))), "")
    referred = IDS.findall(_plain(message.get("References")))[-50:]
    mail.answers = list(dict.fromkeys([*IDS.findall(_plain(message.get("In-Reply-To"))), *reversed(referred)]))[:50]
    with contextlib.suppress(Exception):
        name, address = parseaddr(_plain(message.get("From")))
        mail.sender_name, mail.sender = one_line(_decoded(name), 200), one_line(address, 320)
    mail.subject = one_line(_decoded(_plain(message.get("Subject"))), LONGEST_SUBJECT)
    mail.results = [_plain(value) for value in message.get_all("Authentication-Results", [])][:10]
    said = _plain(message.get("Auto-Submitted")).split(";")[0].strip().lower()
    bulk = _plain(message.get("Precedence")).strip().lower() in ("bulk", "junk", "auto_reply")
    mail.is_automatic = (bool(said) and said != "no") or bulk


def _read_parts(mail: Mail, message: Message, *, keep_parts: bool) -> None:
    plain: list[str] = []
    rich: list[str] = []
    for count, part in enumerate(_leaves(message)):
        if count >= MOST_PARTS:
            mail.remarks.append(f"It has more than {MOST_PARTS} parts: the original has the rest.")
            break
        kind, name = part.get_content_type(), _file_name(part)
        attached = str(part.get("Content-Disposition", "")).strip().lower().startswith("attachment") or bool(name)
        data = _bytes_of(part, mail)
        if kind == "text/plain" and not attached:
            plain.append(_text_of(data, part, mail))
        elif kind == "text/html" and not attached:
            rich.append(_text_of(data, part, mail))
        elif keep_parts:
            mail.parts.append(Part(name or f"part {count + 1}", kind[:100], data))
    _read_bounce(mail, message)
    if any(text.strip() for text in plain):
        mail.text = "\n\n".join(plain)
    elif rich:
        mail.text = html_to_text("\n".join(rich))
        mail.remarks.append("It was written as HTML: its text is shown, the original has its looks.")
    if message.defects and message.is_multipart() is False and message.get_content_maintype() == "multipart":
        mail.remarks.append("Its parts are broken: what could be read is shown, the original has all of it.")
        mail.text = mail.text or clean_text(_text_of(_bytes_of(message, mail), message, mail))


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold something. A mail inside a mail is one part; so deep nesting ends here, not in a crash."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting += reversed([one for one in payload if isinstance(one, Message)])
        else:
            yield part


def _bytes_of(part: Message, mail: Mail) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # message/rfc822, or what said it was one
        return b"\n".join(one.as_bytes() for one in payload if isinstance(one, Message))
    data = part.get_payload(decode=True)
    if any("base64" in type(defect).__name__.lower() for defect in part.defects):
        mail.remarks.append("A part of it is damaged: what could be read is kept, and the original as it came.")
    return data if isinstance(data, bytes) else str(payload or "").encode("utf-8", "replace")


def _text_of(data: bytes, part: Message, mail: Mail) -> str:
    said = str(part.get_content_charset() or "").strip()
    for charset in (CHARSETS.get(said, said) or "utf-8", "utf-8"):
        try:
            return data.decode(charset)
        except (LookupError, ValueError):
            continue
    mail.remarks.append("Its letters were not in the character set that it names: some may be shown wrongly.")
    return data.decode("cp1252", "replace")


def _file_name(part: Message) -> str:
    """Return the name of a part's file without any folder; empty when it has none."""
    try:
        name = part.get_param("filename", None, "content-disposition") or part.get_param("name", None)
        text = collapse_rfc2231_value(name) if name else ""
    except Exception:  # a broken RFC 2231 value
        text = "unnamed"
    text = one_line(_decoded(text), 400)
    text = re.split(r"[/\\]", text)[-1].strip(". ")
    return text if len(text) <= 150 else f"{text[:120]}…{text[-29:]}"


def _read_bounce(mail: Mail, message: Message) -> None:
    """Find which mail of ours could not be delivered, in a report (RFC 3464) that the mail may be."""
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        return
    report, original = "", ""
    for part in message.get_payload():
        if not isinstance(part, Message):
            continue
        if part.get_content_type() == "message/delivery-status":
            report = _bytes_of(part, mail).decode("ascii", "replace")
        elif part.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            original = _bytes_of(part, mail).decode("latin-1", "replace")
    found = re.search(r"^message-id:\s*<([^<>\s]{3,250})>", original, re.I | re.M)
    action = re.search(r"^action:\s*(\w+)", report, re.I | re.M)
    status = re.search(r"^status:\s*(\d\.\d{1,3}\.\d{1,3})", report, re.I | re.M)
    if found:
        mail.bounce = Bounce(found[1], bool(action and action[1].lower() == "failed"), status[1] if status else "")


def one_line(text: str, longest: int) -> str:
    """Return text on one line, at most ``longest`` characters."""
    return re.sub(r"\s+", " ", clean_text(text)).strip()[:longest]


def _plain(value: object) -> str:
    return re.sub(r"\r?\n[ \t]?", " ", str(value)) if value is not None else ""


def _decoded(text: str) -> str:
    """Return a header's words (RFC 2047) in clear; as they stand when they cannot be decoded."""
    try:
        pieces = decode_header(text)
    except Exception:  # binascii.Error, HeaderParseError
        return text
    found = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            found.append(piece)
            continue
        try:
            found.append(piece.decode(CHARSETS.get((charset or "").lower(), charset or "utf-8")))
        except (LookupError, ValueError):
            found.append(piece.decode("utf-8", "replace"))
    return "".join(found)
