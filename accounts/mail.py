"""Handing one e-mail to the mail server, and what came of it."""

import smtplib

from django.core.mail import EmailMessage

from accounts.delivery import Outcome, Result


def hand_over(mail: EmailMessage) -> Outcome:
    """Send one e-mail by the configured backend; return what came of it. Never raises for what the server does.

    REFUSED is a permanent answer about the recipient or the message (5xx, RFC 5321 section 4.2.1); a refused sender or a
    refused sign-in is our own fault, so it is FAILED: it will be put right and then the mail must still go.
    """
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        refused = all(code >= 500 for code in codes)
        return Outcome(Result.REFUSED if refused else Result.FAILED, f"SMTP {min(codes)}")
    except smtplib.SMTPDataError as error:
        return Outcome(Result.REFUSED if error.smtp_code >= 500 else Result.FAILED, f"SMTP {error.smtp_code}")
    except smtplib.SMTPResponseException as error:
        return Outcome(Result.FAILED, f"SMTP {error.smtp_code}")
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(Result.FAILED, f"not sent ({type(error).__name__})"[:80])
    return Outcome(Result.TAKEN, "sent")
