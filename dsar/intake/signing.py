"""The signature of a website form's message (``accounts/signed.py``), and the sources that sign."""

import datetime as dt

from django.db import transaction

from accounts import evidence, signed
from accounts.models import User
from dsar.models import IntakeSource

TIMESTAMP, NONCE, SIGNATURE = "X-Intake-Timestamp", "X-Intake-Nonce", "X-Intake-Signature"
PURPOSE = "secrets of website forms"


def make_source(source: IntakeSource, *, user: User, now: dt.datetime) -> IntakeSource:
    """Store a new source with the account under which it acts: nobody can sign in to that, and it has no role."""
    with transaction.atomic():
        account = User(email=f"{source.name}@intake.invalid", name=f"Website form {source.name}", is_active=False, is_staff=False)  # fmt: skip
        account.set_unusable_password()
        account.save()
        source.account, source.created_at = account, now
        source.save(force_insert=True)
        evidence.append_entry("INTAKE_MADE", subject=str(source.pk), body={"by": user.pk})
    return source


def make_secret(source_id: int, *, user: User, now: dt.datetime) -> str:
    """Give a source a new secret and return it: it is shown once, and the old one signs nothing from now on."""
    with transaction.atomic():
        source = IntakeSource.objects.select_for_update().get(pk=source_id, retired_at__isnull=True)
        secret = signed.renew_secret(source, purpose=PURPOSE, now=now)
        evidence.append_entry("INTAKE_SECRET_MADE", subject=str(source.pk), body={"by": user.pk})
    return secret


def retire(source_id: int, *, user: User, now: dt.datetime) -> None:
    """Let a source sign nothing any more, for good; its secret is destroyed."""
    with transaction.atomic():
        source = IntakeSource.objects.select_for_update().get(pk=source_id)
        source.secret, source.retired_at = None, now
        source.save(update_fields=["secret", "retired_at"])
        evidence.append_entry("INTAKE_RETIRED", subject=str(source.pk), body={"by": user.pk})
