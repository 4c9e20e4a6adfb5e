"""What officers do with packages: ask for one, try again, approve, drop. The worker's part is ``building``."""

import datetime as dt
import uuid

from django.db import transaction

from accounts import evidence
from accounts.models import KeyPair, User
from dsar.models import Package, SubjectRequest
from dsar.packages.categories import categories_for
from dsar.packages.parties import Parties
from dsar.packages.subject import Subject, UnableToCollect, count_of
from dsar.packages.tables import Table
from dsar.trail import tell
from retention import keeping
from retention.deletion import discard_file

State = Package.State
KINDS = set(Package.Kind.values)


class UnableToPackage(ValueError):
    """The package cannot be made, approved or dropped; the message says why, for the officer."""


def holds_what_was_asked(request: SubjectRequest) -> bool:
    """Return whether a sealed package of the request is there: its data need not be kept for it any more."""
    return Package.objects.filter(request=request.pk, state__in=Package.MADE).exclude(file_key="").exists()


def preview(request: SubjectRequest, *, now: dt.datetime) -> tuple[dict[str, int], list[tuple[str, str, int]]]:
    """Return how many rows of each category a package would hold, and what would be withheld: category, code, rows.

    Raises UnableToCollect when the request names no customer.
    """
    subject = Subject.of(request, as_of=now)
    counts, left = {}, []
    for category in categories_for(request.type):
        table = Table(category, request.type, subject, Parties.by_settings(b""))
        counts[category.name] = count_of(table.parts())
        left += [(category.name, code, rows) for code, rows in subject.left_out(category)]
    return counts, left


def ask(request_id: uuid.UUID, *, user: User, now: dt.datetime) -> Package:
    """Have a package made for a request for access or portability. Raises UnableToPackage."""
    with transaction.atomic():
        request = SubjectRequest.objects.select_for_update().get(pk=request_id)
        if request.type not in KINDS:
            raise UnableToPackage(
                "A package answers a request for access or for portability; this one asks for something else."
            )
        if not request.is_open:
            raise UnableToPackage("The request is closed. Reopen it to make a package.")
        if Package.objects.filter(request=request, state__in=[*Package.UNDER_WAY, State.FAILED]).exists():
            raise UnableToPackage("A package of this request is being made already.")
        try:
            counts, _ = preview(request, now=now)
        except UnableToCollect as error:
            raise UnableToPackage(str(error)) from error
        package = Package.objects.create(
            request=request, kind=request.type, asked_by=user, asked_at=now, rows_planned=2 * sum(counts.values())
        )
        _tell(request, "Package asked for.", user, now)
        evidence.append_entry(
            "PACKAGE_ASKED", subject=str(package.pk), body={"request": str(request.pk), "by": user.pk}
        )
    return package


def retry(package_id: uuid.UUID, *, user: User, now: dt.datetime) -> Package:
    """Let a failed package be made again, from the beginning. Raises UnableToPackage."""
    with transaction.atomic():
        package = _locked(package_id)
        if package.state != State.FAILED:
            raise UnableToPackage("Only a package that failed can be tried again.")
        package.state, package.attempts, package.problem, package.lease_until = State.WAITING, 0, "", None
        package.save(update_fields=["state", "attempts", "problem", "lease_until"])
        _tell(package.request, "Package tried again.", user, now)
    return package


def approve(package_id: uuid.UUID, *, user: User, now: dt.datetime) -> Package:
    """Let a reviewed package leave; every other package of the request is dropped. Raises UnableToPackage.

    It discloses, and cannot be called back: a second pair of eyes decides, never who asked for it.
    """
    with transaction.atomic():
        package = _locked(package_id)
        if package.state != State.SEALED or not package.file_key:
            raise UnableToPackage("Only a package that is there and waits for its review can be approved.")
        if package.asked_by_id == user.pk:
            raise UnableToPackage("Somebody else must approve this package: it was you who asked for it.")
        others = list(
            Package.objects.select_for_update()
            .filter(request=package.request_id)
            .exclude(pk=package.pk)
            .exclude(state=State.DROPPED)
        )
        for other in others:
            _drop(other, user, now)
        package.state, package.decided_by, package.decided_at = State.APPROVED, user, now
        package.save(update_fields=["state", "decided_by", "decided_at"])
        _tell(package.request, "Package approved.", user, now)
        body = {"request": str(package.request_id), "by": user.pk, "sha256": package.sha256}
        evidence.append_entry("PACKAGE_APPROVED", subject=str(package.pk), body=body)
    for other in others:
        _discard(other)
    package.refresh_from_db()
    return package


def drop(package_id: uuid.UUID, *, user: User, now: dt.datetime) -> Package:
    """Give up a package, whatever its state, and destroy its archive. Raises UnableToPackage.

    When no other one is there, the open request keeps the data again; what was deleted meanwhile is gone.
    """
    from dsar.workflow import hold_or_release  # noqa: PLC0415  it asks here whether a package is there

    with transaction.atomic():
        keeping.against_deletions()
        package = _locked(package_id)
        if package.state == State.DROPPED:
            raise UnableToPackage("This package was dropped already.")
        _drop(package, user, now)
        _tell(package.request, "Package dropped.", user, now)
        hold_or_release(package.request, user=user, now=now)
        evidence.append_entry(
            "PACKAGE_DROPPED", subject=str(package.pk), body={"request": str(package.request_id), "by": user.pk}
        )
    _discard(package)
    package.refresh_from_db()
    return package


def _locked(package_id: uuid.UUID) -> Package:
    return Package.objects.select_for_update(of=("self",)).select_related("request").get(pk=package_id)


def _drop(package: Package, user: User, now: dt.datetime) -> None:
    package.state, package.decided_by, package.decided_at, package.lease_until = State.DROPPED, user, now, None
    package.save(update_fields=["state", "decided_by", "decided_at", "lease_until"])


def _discard(package: Package) -> None:
    """Destroy the archive of a dropped package. A crash before it leaves the file to ``discard_dropped``."""
    if package.file_key and package.key_id:
        discard_file(package.file_key, owner=KeyPair.Owner.PACKAGE, owner_id=package.key_id)
    Package.objects.filter(pk=package.pk, state=State.DROPPED).update(file_key="")


def discard_dropped() -> int:
    """Destroy the archives of dropped packages that are still there, because somebody was stopped in between."""
    left = list(Package.objects.filter(state=State.DROPPED).exclude(file_key="").order_by("pk")[:20])
    for package in left:
        _discard(package)
    return len(left)


def _tell(request: SubjectRequest, text: str, user: User, now: dt.datetime) -> None:
    tell(request, "package", text, user=user, now=now)
