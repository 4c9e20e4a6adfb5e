"""What every page shows, whatever it is about."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts import checkpoints, epochs
from accounts.feeds.freshness import late_feeds
from accounts.models import Checkpoint
from callmama_privacy.remembered import for_a_moment
from dsar import outbox
from dsar.mail.fetching import problems as mailbox_problems
from dsar.models import Package
from retention.children import late_findings, what_stops_it
from retention.fed import FED_BY
from retention.holds import overdue_reviews
from retention.models import FileFinding
from retention.promises import PROMISES
from retention.reviews import overdue
from retention.rules import observing_rules, without_period
from retention.runs import stopped_runs
from retention.schedule import is_silent
from retention.stops import TICK, active_stop
from telecom_records import watching
from telecom_records.partitions import missing_months

LEVELS = ("danger", "warning", "info")  # the gravest first


def portal_notices(request) -> dict[str, Any]:
    """Return the notices above every page, the gravest first: above all, that an installation only observes (mission P14)."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    if not hasattr(request, "portal_notices"):  # a page is put together from several templates
        found = for_a_moment(request, "notices", lambda: _notices(request))
        request.portal_notices = sorted(found, key=lambda notice: LEVELS.index(notice["level"]))
    return {"portal_notices": request.portal_notices, "is_start": request.path == reverse("admin:index")}


def _notices(request) -> list[dict[str, Any]]:
    notices: list[dict[str, Any]] = []
    if stop := active_stop():
        notices.append(
            {
                "level": "danger",
                "text": f"Every deletion is stopped: {stop.reason}",
                "href": reverse("admin:retention_enginestop_change", args=[stop.pk])
                if request.user.has_perm("retention.view_enginestop")
                else "",
            }
        )
    for run in stopped_runs():
        notices.append(
            {
                "level": "danger",
                "text": f"The breaker stopped a run, and it needs a decision today. {run.stopped_because}",
                "href": reverse("admin:retention_deletionrun_change", args=[run.pk])
                if request.user.has_perm("retention.view_deletionrun")
                else "",
            }
        )
    if is_silent(TICK):
        notices.append(
            {
                "level": "danger",
                "text": "Nothing looks for what is due: the schedule has given no sign of life for minutes.",
            }
        )
    if months := missing_months(timezone.now()):
        names = ", ".join(f"{plural} of {month:%B %Y}" for plural, month in months)
        notices.append(
            {
                "level": "danger",
                "text": f"There is no table for {names}. It is tried again every ten minutes; the log of the workers says "
                "why it fails.",
            }
        )
    if request.user.has_perm("telecom_records.view_watchedfile"):
        href = reverse("admin:telecom_records_watchedfile_changelist")
        notices += [{"level": "danger", "text": text, "href": href} for text in watching.problems(timezone.now())]
    if request.user.has_perm("dsar.view_package"):
        for package in (
            Package.objects.filter(state=Package.State.FAILED).select_related("request").order_by("asked_at")[:3]
        ):
            notices.append(
                {
                    "level": "danger",
                    "text": f"The package for {package.request.reference} could not be made.",
                    "href": reverse("packages:page", args=[package.request_id]),
                }
            )
    missing = FileFinding.objects.filter(kind=FileFinding.Kind.MISSING, ended_at__isnull=True)
    if request.user.has_perm("retention.view_filefinding") and (count := missing.count()):
        notices.append(
            {
                "level": "danger",
                "text": f"{count:,} stored {'file is' if count == 1 else 'files are'} gone that should be there.",
                "href": reverse("admin:retention_filefinding_changelist") + "?kind__exact=missing",
            }
        )
    if request.user.has_perm("accounts.prune_keyepoch") and (old := epochs.overdue(timezone.now())):
        numbers = ", ".join(str(epoch.number) for epoch in old)
        notices.append(
            {
                "level": "warning",
                "text": f"Two officers should have the key of epoch {numbers} destroyed: until then old copies of the key "
                "store can be opened.",
                "href": reverse("admin:accounts_keyepoch_change", args=[old[0].pk]),
            }
        )
    notices += _evidence_notices(request.user)
    notices += _mail_notices(request.user)
    for feed in late_feeds(timezone.now()):
        told = (
            f"tells nothing since {timezone.localtime(feed.as_of):%-d %b %Y %H:%M}" if feed.as_of else "was never heard"
        )
        waits = [PROMISES[rule].title.lower() for rule, kind in FED_BY.items() if kind in feed.carries]
        stands = f" Nothing goes by these rules until it is heard: {', '.join(waits)}." if waits else ""
        notices.append(
            {
                "level": "danger",
                "text": f"Feed {feed.name} is late: it {told}.{stands}",
                "href": reverse("admin:accounts_feed_change", args=[feed.pk])
                if request.user.has_perm("accounts.view_feed")
                else "",
            }
        )
    for finding, deadline in late_findings(timezone.now()):
        when = f"{timezone.localtime(deadline):%-d %b %Y %H:%M}"
        past = deadline <= timezone.now()
        notices.append(
            {
                "level": "danger" if past else "warning",
                "text": f"A child’s data {'should have been' if past else 'must be'} gone by {when}. {what_stops_it(finding)}",
                "href": reverse("admin:accounts_childfinding_change", args=[finding.pk])
                if request.user.has_perm("accounts.view_childfinding")
                else "",
            }
        )
    if request.user.has_perm("retention.view_hold") and (late := overdue_reviews(timezone.localdate())):
        notices.append(
            {
                "level": "danger",
                "text": "A hold should have been reviewed by now: is it still needed?"
                if late == 1
                else f"{late} holds should have been reviewed by now: are they still needed?",
                "href": f"{reverse('admin:retention_hold_changelist')}?state=overdue",
            }
        )
    if observing := observing_rules():
        names = ", ".join(PROMISES[key].title.lower() for key in observing if key in PROMISES)
        whole = len(observing) == len(PROMISES)
        notices.append(
            {
                "level": "warning",
                "text": "This installation only observes: nothing is deleted until two officers arm a rule."
                if whole
                else f"These rules only observe, and delete nothing until two officers arm them: {names}.",
                "href": reverse("admin:retention_rule_changelist")
                if request.user.has_perm("retention.view_rule")
                else "",
            }
        )
    if unreviewed := overdue(timezone.now()):
        notices.append(
            {
                "level": "warning",
                "text": "The yearly review is overdue: "
                + ", ".join(standing.title.lower() for standing in unreviewed)
                + ".",
                "href": reverse("retention:reviews") if request.user.has_perm("retention.view_review") else "",
            }
        )
    if endless := without_period(timezone.now()):
        names = ", ".join(PROMISES[key].title.lower() for key in endless)
        notices.append(
            {
                "level": "info",
                "text": f"Kept without end, because two officers have not set a period yet: {names}.",
                "href": reverse("admin:retention_rule_changelist")
                if request.user.has_perm("retention.view_rule")
                else "",
            }
        )
    return notices


def _mail_notices(user) -> list[dict[str, Any]]:
    """Return what is wrong with mail that comes in or goes out, for those who work with it."""
    notices: list[dict[str, Any]] = []
    if not user.has_perm("dsar.view_ticket"):
        return notices
    for mailbox in mailbox_problems():
        since = mailbox.problem_since or mailbox.checked_at
        told = mailbox.problem or "Nobody has looked into it."
        when = f" since {timezone.localtime(since):%-d %b %Y %H:%M}" if since else ""
        notices.append({"level": "danger", "text": f"Mail is not coming in from {mailbox.name}{when}: {told}"})
    if count := outbox.needs_somebody(timezone.now()).count():
        text = "A mail to somebody has not arrived." if count == 1 else f"{count} mails to people have not arrived."
        href = f"{reverse('admin:dsar_outgoingmail_changelist')}?stands=wrong"
        notices.append(
            {"level": "danger", "text": text, "href": href if user.has_perm("dsar.view_outgoingmail") else ""}
        )
    return notices


def _evidence_notices(user) -> list[dict[str, Any]]:
    """Tell everybody when the log is not the one that was written outside, and who may act when checkpoints grow old."""
    page = reverse("retention:evidence") if user.has_perm("accounts.view_evidenceentry") else ""
    if fault := checkpoints.fault():
        return [{"level": "danger", "text": f"The evidence is in doubt. {fault}", "href": page}]
    if not page:
        return []
    now = timezone.now()
    last = Checkpoint.objects.order_by("-at").first()
    if last and now - last.at > checkpoints.STALE:
        return [
            {
                "level": "warning",
                "text": "No checkpoint of the evidence was written outside the database for hours: is the scheduler running?",
                "href": page,
            }
        ]
    if last and checkpoints.nobody_took_one(now):
        return [
            {
                "level": "info",
                "text": "Nobody has taken a checkpoint of the evidence away for a week. Only one in somebody's own hands "
                "shows that the log was not written anew.",
                "href": page,
            }
        ]
    return []
