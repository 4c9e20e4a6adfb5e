"""Taking an answer home: a link that only the letter has, and a one-time code to an address that was proved.

The link alone opens nothing, and the code alone neither. Both are random; only hashes of them are kept. No cookie is needed.
What is served comes from ``answer_file``: whoever makes answers registers how to find the one of a request.
"""

import dataclasses
import datetime as dt
import secrets
import uuid
from collections.abc import Callable, Iterator

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import evidence, keys
from accounts.models import User
from dsar import outbox
from dsar.models import DownloadLink, OutgoingMail, SubjectRequest
from dsar.trail import tell

CODE_DIGITS = 8
CODE_LIFE = dt.timedelta(minutes=15)
BETWEEN_CODES = dt.timedelta(minutes=1)
MOST_CODES = 10  # of one link, over its whole life
MOST_TRIES = 5  # of one code
MOST_WRONG = 20  # of one link; then it is closed, and an officer makes another
MOST_DOWNLOADS = 5
LONGEST_DAYS = 30
PURPOSE = "addresses of download links"

SUBJECT = {"en": "Your code", "zh-hant": "閣下的驗證碼"}
TEXT = {
    "en": "Your code is {code}. It is good for 15 minutes and for one download of the answer to your request {reference}.\n\n"
    "If you have not asked for it, you need not do anything: without it nothing can be opened.\n\nCallmama Limited, privacy office",
    "zh-hant": "閣下的驗證碼為 {code}，15 分鐘內有效，可用於下載一次閣下要求 {reference} 的答覆。\n\n"
    "如閣下並無索取此驗證碼，則無須理會：沒有驗證碼不能開啟任何資料。\n\nCallmama Limited 私隱事務處",
}


@dataclasses.dataclass(frozen=True)
class AnswerFile:
    """What is handed out: its name, its type, its size in bytes (None: not known before), and its bytes, in pieces."""

    name: str
    content_type: str
    size: int | None
    pieces: Callable[[], Iterator[bytes]]


_finder: Callable[[SubjectRequest], AnswerFile | None] | None = None


def register_answer_file(finder: Callable[[SubjectRequest], AnswerFile | None]) -> None:
    """Say how the answer of a request is found; called once at start by whoever makes answers."""
    global _finder
    _finder = finder


def answer_file(request: SubjectRequest) -> AnswerFile | None:
    """Return the file of a request's answer, or None while there is none (any more)."""
    return _finder(request) if _finder else None


class Refused(ValueError):
    """The link or the code does not open it now. ``code`` is for the page: gone, locked, wait, wrong, ended, missing."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def make_link(
    request: SubjectRequest, *, code_to: str, language: str, days: int, user: User, now: dt.datetime
) -> tuple[DownloadLink, str]:
    """Make a link to a request's answer, and return it with its token, which is kept nowhere. Earlier links end."""
    token = secrets.token_urlsafe(32)
    earlier = DownloadLink.objects.filter(request=request, withdrawn_at__isnull=True)
    outbox.withdraw(earlier.values_list("code_mail", flat=True), now=now)
    earlier.update(withdrawn_at=now, code_hash=None, code_until=None)
    link = DownloadLink(
        request=request,
        token_hash=_hash(token),
        language=language,
        made_by=user,
        made_at=now,
        expires_at=now + dt.timedelta(days=min(days, LONGEST_DAYS)),
    )
    link.sealed_address = keys.seal(code_to.encode(), purpose=PURPOSE, bound_to=str(link.pk))
    link.save(force_insert=True)
    return link, token


def path_of(token: str) -> str:
    """Return the path of a link."""
    return reverse("download", args=[token])


def find(token: str, *, now: dt.datetime) -> DownloadLink:
    """Return the link of a token while it is open. Raises Refused."""
    link = DownloadLink.objects.select_related("request").filter(token_hash=_hash(token)).first()
    if link is None:
        raise Refused("missing")
    if link.withdrawn_at is not None or link.expires_at <= now or link.downloads >= MOST_DOWNLOADS:
        raise Refused("gone")
    if link.wrong_codes >= MOST_WRONG:
        raise Refused("locked")
    return link


def send_code(token: str, *, now: dt.datetime) -> None:
    """Send a new code to the proved address; the one before opens nothing any more. Raises Refused."""
    with transaction.atomic():
        link = _locked(token, now=now)
        if link.codes_sent >= MOST_CODES:
            raise Refused("locked")
        if link.code_sent_at and link.code_sent_at > now - BETWEEN_CODES:
            raise Refused("wait")
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        link.code_hash, link.code_until = _hash(f"{link.pk}:{code}"), now + CODE_LIFE
        link.code_tries, link.codes_sent, link.code_sent_at = 0, link.codes_sent + 1, now
        outbox.withdraw([link.code_mail], now=now)
        mail = outbox.send(
            to=keys.unseal(bytes(link.sealed_address), purpose=PURPOSE, bound_to=str(link.pk)).decode(),
            subject=SUBJECT[link.language],
            text=TEXT[link.language].format(code=code, reference=link.request.reference),
            purpose=OutgoingMail.Purpose.CODE,
            about=link.request.reference,
            give_up_after=CODE_LIFE,
            now=now,
        )
        link.code_mail = mail.pk
        link.save(update_fields=["code_hash", "code_until", "code_tries", "codes_sent", "code_sent_at", "code_mail"])


def open_with(token: str, code: str, *, now: dt.datetime) -> tuple[DownloadLink, AnswerFile]:
    """Return the file when the code is the one that was sent last. A code opens once. Raises Refused; a wrong try counts."""
    code = "".join(letter for letter in code if letter.isdigit())
    with transaction.atomic():
        link = _locked(token, now=now)
        if link.code_hash is None or link.code_until is None or link.code_until <= now or link.code_tries >= MOST_TRIES:
            raise Refused("ended")
        right = secrets.compare_digest(bytes(link.code_hash), _hash(f"{link.pk}:{code}"))
        if right:
            link.code_hash = link.code_until = None
        else:
            link.code_tries, link.wrong_codes = link.code_tries + 1, link.wrong_codes + 1
        link.save(update_fields=["code_hash", "code_until", "code_tries", "wrong_codes"])
    if not right:
        raise Refused("wrong")
    file = answer_file(link.request)
    if file is None:
        raise Refused("gone")
    return link, file


def handed_out(link_id: uuid.UUID, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a file, and write down that it was taken when the last one has gone out."""
    yield from pieces
    now = timezone.now()
    with transaction.atomic():
        link = DownloadLink.objects.select_for_update(of=("self",)).select_related("request").get(pk=link_id)
        link.downloads += 1
        link.first_downloaded_at = link.first_downloaded_at or now
        link.save(update_fields=["downloads", "first_downloaded_at"])
        tell(link.request, "downloaded", "The answer was downloaded.", user=None, now=now)
        evidence.append_entry("ANSWER_DOWNLOADED", subject=str(link.request_id), body={"link": str(link.pk)})


def withdraw(link_id: uuid.UUID, *, user: User, now: dt.datetime) -> None:
    """Close a link at once."""
    with transaction.atomic():
        link = DownloadLink.objects.select_for_update().get(pk=link_id)
        link.withdrawn_at, link.code_hash, link.code_until = link.withdrawn_at or now, None, None
        link.save(update_fields=["withdrawn_at", "code_hash", "code_until"])
        outbox.withdraw([link.code_mail], now=now)
        evidence.append_entry(
            "LINK_WITHDRAWN", subject=str(link.request_id), body={"link": str(link.pk), "by": user.pk}
        )


def _locked(token: str, *, now: dt.datetime) -> DownloadLink:
    link = find(token, now=now)
    DownloadLink.objects.select_for_update().get(pk=link.pk)
    return find(token, now=now)


def _hash(secret: str) -> bytes:
    return keys.keyed_hash(secret, purpose="download links")
