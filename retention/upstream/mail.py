"""Telling a recipient by e-mail: words for people, and the same message as a file, encrypted when they gave a key."""

import pyrage
from django.conf import settings
from django.core.mail import EmailMessage

from accounts.delivery import Outcome
from accounts.mail import hand_over

ASKS = {
    "erasure": "please erase what you hold of the customer named in the attached file",
    "correction": "please correct what you hold of the customer named in the attached file, as it says there",
    "withdrawal": "the customer named in the attached file has withdrawn a consent; please end what rests on it",
    "restriction": "please only store, and not use, what you hold of the customer named in the attached file",
    "lifting": "what you hold of the customer named in the attached file may be used again",
}
WORDS = """\
{name}: {asks}.

Our reference: {notice}
{done}
To be confirmed by: {confirm_by}
What it is about: {categories}

Answer this message when it is done, naming the reference above. {again}
Callmama Limited, privacy office
"""
AGAIN = "This is a reminder: we have had no confirmation yet."


def send_notice(email: str, key: str, *, name: str, message: dict, body: bytes) -> Outcome:
    """Send one e-mail; return what came of it. A copy that is sent again has the same Message-ID.

    ``key`` is an age recipient (age1…); with it the file is readable by its owner only. Confirmation is an answer by
    people, so a sent e-mail is only ever taken, never confirmed.
    """
    mail = EmailMessage(
        subject=f"{message['type'].capitalize()} {message['id']}{' (reminder)' if message['reminder'] else ''}",
        body=WORDS.format(
            name=name,
            notice=message["id"],
            asks=ASKS[message["type"]],
            done=f"Erased by us: {message['erased_at']}"
            if "erased_at" in message
            else f"Done here: {message['changed_at']}",
            confirm_by=message["confirm_by"],
            categories=", ".join(message["categories"]),
            again=AGAIN if message["reminder"] else "",
        ),
        to=[email],
        headers={"Message-ID": f"<{message['id']}@{settings.UPSTREAM_MAIL_DOMAIN}>"},
    )
    if key:
        sealed = pyrage.encrypt(body, [pyrage.x25519.Recipient.from_str(key)])
        mail.attach(f"{message['type']}.json.age", sealed, "application/octet-stream")
    else:
        mail.attach(f"{message['type']}.json", body, "application/json")
    return hand_over(mail)
