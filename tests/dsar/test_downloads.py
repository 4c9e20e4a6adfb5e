"""An answer is taken by the link and a code together, without a cookie, a script or a second chance for who guesses."""

import datetime as dt
import re
import threading

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import EvidenceEntry
from dsar import downloads, outbox
from dsar.models import DownloadLink, OutgoingMail
from tests import factories
from tests.factories import DAY

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
CONTENT = [b"the answer, " * 1000, b"and its end"]


@pytest.fixture(autouse=True)
def answer(monkeypatch):
    file = downloads.AnswerFile(
        "DSR-2026-0001 答覆.zip", "application/zip", sum(map(len, CONTENT)), lambda: iter(CONTENT)
    )
    monkeypatch.setattr(downloads, "_finder", lambda request: file)


@pytest.fixture
def made():
    officer = factories.make_user()
    return downloads.make_link(
        factories.make_request(officer),
        code_to="anneke@brandt.example",
        language="en",
        days=14,
        user=officer,
        now=timezone.now(),
    )


def last_code() -> str:
    text = outbox.content_of(OutgoingMail.objects.filter(purpose="code").latest("created_at")).text
    return re.search(r"\d{8}", text)[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def test_a_person_takes_the_answer_with_the_link_and_the_code_and_without_a_cookie(made):
    link, token = made
    client, url = Client(enforce_csrf_checks=True), downloads.path_of(token)
    page = client.get(url)
    assert (
        page.status_code == 200
        and link.request.reference in page.content.decode()
        and "brandt" not in page.content.decode()
    )
    assert "<script" not in page.content.decode()
    sent = client.post(url)
    assert "A code is on its way" in sent.content.decode() and "one-time-code" in sent.content.decode()
    mail = OutgoingMail.objects.get()
    assert (outbox.content_of(mail).to, mail.about) == ("anneke@brandt.example", link.request.reference)
    code = last_code()
    response = client.post(url, {"code": f" {code[:4]} {code[4:]} "})
    assert b"".join(response.streaming_content) == b"".join(CONTENT)
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''DSR-2026-0001")
    assert response["Cache-Control"].startswith("no-store") and response["Referrer-Policy"] == "no-referrer"
    assert not client.cookies
    link.refresh_from_db()
    assert (
        link.first_downloaded_at and link.downloads == 1 and link.request.events.filter(kind="downloaded").count() == 1
    )
    assert EvidenceEntry.objects.get(type="ANSWER_DOWNLOADED").body == {"link": str(link.pk)}


def test_what_breaks_off_on_the_way_was_not_downloaded(made):
    link, token = made
    client, url = Client(), downloads.path_of(token)
    client.post(url)
    response = client.post(url, {"code": last_code()})
    assert next(iter(response.streaming_content)) == CONTENT[0]
    link.refresh_from_db()
    assert link.first_downloaded_at is None and link.downloads == 0


def test_a_code_opens_once_and_the_next_one_opens_again(made):
    link, token = made
    now = timezone.now()
    downloads.send_code(token, now=now)
    code = last_code()
    downloads.open_with(token, code, now=now)
    with pytest.raises(downloads.Refused, match="ended"):
        downloads.open_with(token, code, now=now)
    downloads.send_code(token, now=now + MINUTE)
    downloads.open_with(token, last_code(), now=now + MINUTE)


def test_a_code_is_good_for_fifteen_minutes_and_the_newest_one_counts(made):
    _, token = made
    now = timezone.now()
    downloads.send_code(token, now=now)
    first = last_code()
    with pytest.raises(downloads.Refused, match="ended"):
        downloads.open_with(token, first, now=now + downloads.CODE_LIFE)
    downloads.send_code(token, now=now + 2 * MINUTE)
    if last_code() != first:
        with pytest.raises(downloads.Refused, match="wrong"):
            downloads.open_with(token, first, now=now + 2 * MINUTE)


def test_who_guesses_is_stopped_by_the_code_and_then_by_the_link(made):
    link, token = made
    now = timezone.now()
    for _ in range(downloads.MOST_WRONG // downloads.MOST_TRIES):
        downloads.send_code(token, now=now)
        for _ in range(downloads.MOST_TRIES):
            with pytest.raises(downloads.Refused, match="wrong"):
                downloads.open_with(token, wrong(last_code()), now=now)
        with pytest.raises(downloads.Refused, match="ended|locked"):
            downloads.open_with(token, last_code(), now=now)
        now += MINUTE
    for act in (lambda: downloads.send_code(token, now=now), lambda: downloads.open_with(token, last_code(), now=now)):
        with pytest.raises(downloads.Refused, match="locked"):
            act()
    page = Client().get(downloads.path_of(token))
    assert page.status_code == 429 and "This link is closed" in page.content.decode()
    link.refresh_from_db()
    assert link.downloads == 0


def test_codes_are_sent_a_minute_apart_and_not_for_ever(made):
    _, token = made
    now = timezone.now()
    downloads.send_code(token, now=now)
    with pytest.raises(downloads.Refused, match="wait"):
        downloads.send_code(token, now=now + MINUTE - dt.timedelta(seconds=1))
    for count in range(1, downloads.MOST_CODES):
        downloads.send_code(token, now=now + count * MINUTE)
    with pytest.raises(downloads.Refused, match="locked"):
        downloads.send_code(token, now=now + 30 * MINUTE)
    assert OutgoingMail.objects.count() == downloads.MOST_CODES


@pytest.mark.parametrize(
    ("why", "status"), [("expired", 410), ("withdrawn", 410), ("newer", 410), ("used up", 410), ("unknown", 404)]
)
def test_a_link_that_does_not_open_says_so_and_sends_nothing(made, why, status):
    link, token = made
    if why == "expired":
        DownloadLink.objects.update(expires_at=timezone.now())
    elif why == "withdrawn":
        downloads.withdraw(link.pk, user=link.made_by, now=timezone.now())
    elif why == "newer":
        downloads.make_link(
            link.request, code_to="a@b.example", language="en", days=1, user=link.made_by, now=timezone.now()
        )
    elif why == "used up":
        DownloadLink.objects.update(downloads=downloads.MOST_DOWNLOADS)
    else:
        token = token[:-1] + ("a" if token[-1] != "a" else "b")
    for send in (Client().get, Client().post):
        assert send(downloads.path_of(token)).status_code == status
    assert Client().post(downloads.path_of(token), {"code": "12345678"}).status_code == status
    assert not OutgoingMail.objects.exists()


def test_the_answer_of_a_package_that_is_gone_is_told(made, monkeypatch):
    _, token = made
    url = downloads.path_of(token)
    Client().post(url)
    monkeypatch.setattr(downloads, "_finder", lambda request: None)
    assert Client().post(url, {"code": last_code()}).status_code == 410


@pytest.mark.parametrize(
    "code", ["", "abc", "1" * 5000, "<script>", "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", "12345678; drop"]
)
def test_a_code_that_is_none_is_wrong(made, code):
    _, token = made
    url = downloads.path_of(token)
    Client().post(url)
    if code.startswith("12345678") and last_code() == "12345678":
        return
    response = Client().post(url, {"code": code})
    assert response.status_code == 403 and "not the code" in response.content.decode()


def test_the_page_speaks_chinese(made):
    link, token = made
    DownloadLink.objects.update(language="zh-hant")
    page = Client().get(downloads.path_of(token)).content.decode()
    assert 'lang="zh-Hant"' in page and "發送驗證碼" in page
    Client().post(downloads.path_of(token))
    assert "驗證碼" in outbox.content_of(OutgoingMail.objects.get()).text


def test_nothing_secret_is_kept_in_clear(made):
    link, token = made
    Client().post(downloads.path_of(token))
    link.refresh_from_db()
    row = str(
        [bytes(one) if isinstance(one, bytes | memoryview) else one for one in DownloadLink.objects.values_list().get()]
    )
    for secret in (token, last_code(), "anneke@brandt.example"):
        assert secret not in row


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_with_the_same_code_one_opens_it(made):
    _, token = made
    downloads.send_code(token, now=timezone.now())
    code, both, found = last_code(), threading.Barrier(2), []

    def run():
        try:
            both.wait()
            downloads.open_with(token, code, now=timezone.now())
            found.append("opened")
        except downloads.Refused as refusal:
            found.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["ended", "opened"]


def test_a_link_lives_for_thirty_days_at_most(made):
    link, _ = made
    officer = link.made_by
    long, _ = downloads.make_link(
        link.request, code_to="a@b.example", language="en", days=400, user=officer, now=timezone.now()
    )
    assert long.expires_at - long.made_at == 30 * DAY
