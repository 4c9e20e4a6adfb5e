"""The page on which a person takes their answer: without a cookie or a script, on any telephone, in their language."""

from typing import TypeVar

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dsar import downloads

Answer = TypeVar("Answer", bound=HttpResponseBase)

WORDS = {
    "en": {
        "lang": "en", "title": "Your answer", "intro": "Here you take the answer to your request {reference}, until {until}.",
        "ask": "Send me a code", "ask_text": "We send a code to the address that you have proved to be yours.",
        "code": "Code from the mail", "open": "Download",
        "sent": "A code is on its way. It can take a minute, and is good for 15 minutes and one download.",
        "again": "Send another code", "wrong": "This is not the code that we sent last. Look at the newest mail.",
        "ended": "There is no code that opens it now: it is too old, was used, or was tried too often. Have another one sent.",
        "wait": "A code was sent less than a minute ago. Look at your mail, also among the junk, before you have another one sent.",
        "gone_title": "This is not here any more", "gone": "The link has ended. Answer the mail that it came with, and we will send another one.",
        "locked_title": "This link is closed", "locked": "Too many codes were tried or sent. Nothing was opened. Answer the mail that it came with, and we will send another link.",
        "missing_title": "There is nothing here", "missing": "The link is not whole, or is none of ours. Copy all of it from our mail.",
    },
    "zh-hant": {
        "lang": "zh-Hant", "title": "閣下的答覆", "intro": "閣下可於 {until} 或之前在此下載要求 {reference} 的答覆。",
        "ask": "發送驗證碼", "ask_text": "我們會將驗證碼發送至閣下已確認的地址。", "code": "電郵中的驗證碼", "open": "下載",
        "sent": "驗證碼已發出，約需一分鐘，15 分鐘內有效，可下載一次。", "again": "再發送一次",
        "wrong": "這不是我們最近發出的驗證碼，請查看最新的電郵。", "ended": "驗證碼已過期、已使用或嘗試次數過多，請再發送一次。",
        "wait": "驗證碼在一分鐘內剛發出，請先查看電郵（包括垃圾郵件）。",
        "gone_title": "連結已失效", "gone": "此連結已失效。請回覆附有此連結的電郵，我們會再發送。",
        "locked_title": "連結已關閉", "locked": "驗證碼嘗試或發送次數過多，並無資料被開啟。請回覆附有此連結的電郵，我們會再發送。",
        "missing_title": "沒有內容", "missing": "連結不完整，或並非由本公司發出。請從我們的電郵複製完整連結。",
    },
}  # fmt: skip
STATUS = {"missing": 404, "gone": 410, "locked": 429, "wait": 429, "wrong": 403, "ended": 403}


@csrf_exempt  # the link is the secret; there is no session that a stranger could use
@require_http_methods(["GET", "HEAD", "POST"])
def download(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the page, send a code, or hand out the file to who has the code."""
    now = timezone.now()
    try:
        link = downloads.find(token, now=now)
    except downloads.Refused as refusal:
        return _page(request, WORDS["en"], closed=refusal.code, status=STATUS[refusal.code])
    words = WORDS[link.language]
    said, status = "", 200
    if request.method == "POST":
        try:
            if "code" not in request.POST:
                downloads.send_code(token, now=now)
                said = "sent"
            else:
                link, file = downloads.open_with(token, request.POST["code"][:40], now=now)
                return _file(link, file)
        except downloads.Refused as refusal:
            if refusal.code in ("gone", "locked", "missing"):
                return _page(request, words, closed=refusal.code, status=STATUS[refusal.code])
            said, status = refusal.code, STATUS[refusal.code]
    link.refresh_from_db()
    return _page(request, words, link=link, said=said, status=status, has_code=link.code_hash is not None)


def _page(
    request: HttpRequest, words, *, status: int, closed: str = "", link=None, said: str = "", has_code: bool = False
):
    context = {"words": words, "has_code": has_code, "said": words[said] if said else "", "is_fault": status != 200}
    if closed:
        context |= {"title": words[f"{closed}_title"], "text": words[closed]}
    else:
        until = timezone.localtime(link.expires_at)
        shown = (
            f"{until:%-d %B %Y, %H:%M %Z}"
            if words["lang"] == "en"
            else f"{until.year} 年 {until.month} 月 {until.day} 日 {until:%H:%M}（{until:%Z}）"
        )
        context |= {"title": words["title"], "text": words["intro"].format(reference=link.request.reference, until=shown), "open": True}  # fmt: skip
    return _private(render(request, "dsar/download.html", context, status=status))


def _file(link, file: downloads.AnswerFile) -> StreamingHttpResponse:
    response = StreamingHttpResponse(downloads.handed_out(link.pk, file.pieces()), content_type=file.content_type)
    response["Content-Disposition"] = content_disposition_header(True, file.name)
    response["X-Content-Type-Options"] = "nosniff"
    if file.size is not None:
        response["Content-Length"] = str(file.size)
    return _private(response)


def _private(response: Answer) -> Answer:
    response["Cache-Control"], response["Referrer-Policy"] = "no-store", "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
