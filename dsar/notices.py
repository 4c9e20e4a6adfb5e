"""Letters that leave the portal: the one place where mail and text messages are handed over."""

import logging
import smtplib

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)


class UnableToSend(ValueError):
    """Nothing has left; the message is a code or a few words without anybody's address."""


def send_mail(to: list[str], *, subject: str, body: str) -> None:
    """Send one e-mail in plain text, to everybody by themselves. Raises UnableToSend."""
    try:
        for address in to:
            EmailMessage(subject=subject, body=body, to=[address]).send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted(code for code, _ in error.recipients.values())
        raise UnableToSend(f"the mail server refused the address ({codes[0]})") from error
    except smtplib.SMTPResponseException as error:
        raise UnableToSend(f"the mail server answered {error.smtp_code}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise UnableToSend(f"the mail was not sent ({type(error).__name__})") from error


def send_text(number: str, body: str) -> None:
    """Send one text message to a number in E.164 by the gateway of the settings. Raises UnableToSend."""
    import_string(settings.SMS_GATEWAY)().send(number, body)
