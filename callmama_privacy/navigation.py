"""The side navigation: by the work people do, each seeing only what they may open."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.feeds.freshness import late_feeds
from accounts.models import Approval
from accounts.portal_admin import shown
from callmama_privacy.remembered import for_a_moment
from dsar import outbox, queue
from dsar.models import Ticket
from retention.children import late_findings
from retention.models import DeletionJob, DeletionRun, FileFinding
from retention.upstream.notices import needs_somebody
from telecom_records.models import WaitingRecording

# group, then entries: (title, icon, url name, permission, badge)
ENTRIES: list[tuple[str, list[tuple[str, str, str, str, str]]]] = [
    (
        "",
        [
            ("Today", "today", "admin:index", "", ""),
            ("Requests", "gavel", "admin:dsar_subjectrequest_changelist", "dsar.view_subjectrequest", "overdue"),
            ("Tickets", "support_agent", "admin:dsar_ticket_changelist", "dsar.view_ticket", "my_tickets"),
            ("Letters", "stylus_note", "admin:dsar_letter_changelist", "dsar.view_letter", ""),
            ("Refusal log", "block", "admin:dsar_refusal_changelist", "dsar.view_refusal", ""),
            ("Corrections", "edit_note", "admin:dsar_correction_changelist", "dsar.view_correction", ""),
            ("Statements", "format_quote", "admin:dsar_statement_changelist", "dsar.view_statement", ""),
            ("California", "travel_explore", "california:page", "dsar.view_registerentry", ""),
            ("Downloads", "download", "admin:dsar_downloadlink_changelist", "dsar.view_downloadlink", ""),
            ("Weather", "thunderstorm", "admin:dsar_weatherwarning_changelist", "dsar.view_weatherwarning", ""),
            ("Outgoing mail", "outgoing_mail", "admin:dsar_outgoingmail_changelist", "dsar.view_outgoingmail", "mail"),
        ],
    ),
    (
        "Customers",
        [
            ("Workspaces", "apartment", "admin:accounts_workspace_changelist", "accounts.view_workspace", ""),
            ("Business clients", "domain", "admin:accounts_businessclient_changelist", "accounts.view_businessclient", ""),
            ("People", "group", "admin:accounts_person_changelist", "accounts.view_person", ""),
            ("Subscriptions", "autorenew", "admin:accounts_subscription_changelist", "accounts.view_subscription", ""),
            ("Consents", "handshake", "admin:accounts_consent_changelist", "accounts.view_consent", ""),
            ("Marketing", "campaign", "marketing:page", "dsar.view_optout", ""),
            ("Identity documents", "badge", "admin:accounts_kycdocument_changelist", "accounts.view_kycdocument", ""),
        ],
    ),
    (
        "Records",
        [
            ("Calls", "call", "admin:telecom_records_calldetailrecord_changelist", "telecom_records.view_calldetailrecord", ""),
            ("Messages", "sms", "admin:telecom_records_smsrecord_changelist", "telecom_records.view_smsrecord", ""),
            ("Recordings", "mic", "admin:telecom_records_recording_changelist", "telecom_records.view_recording", ""),
            ("Without a call", "mic_off", "admin:telecom_records_waitingrecording_changelist",
             "telecom_records.view_waitingrecording", "recordings"),
            ("Usage", "devices", "admin:telecom_records_usagerecord_changelist", "telecom_records.view_usagerecord", ""),
            ("Numbers", "dialpad", "admin:telecom_records_number_changelist", "telecom_records.view_number", ""),
            ("Assignments", "swap_horiz", "admin:telecom_records_numberassignment_changelist",
             "telecom_records.view_numberassignment", ""),
            ("Free tools", "construction", "admin:telecom_records_freetoolsession_changelist",
             "telecom_records.view_freetoolsession", ""),
            ("Traffic figures", "bar_chart", "calls:figures", "telecom_records.view_trafficfigure", ""),
            ("Imports", "upload_file", "admin:telecom_records_importrun_changelist", "telecom_records.view_importrun", ""),
            ("Sources", "router", "admin:telecom_records_importsource_changelist", "telecom_records.view_importsource", ""),
        ],
    ),
    (
        "Retention",
        [
            ("Overview", "monitoring", "retention:console", "retention.view_deletionjob", ""),
            ("Due", "hourglass_bottom", "retention:due", "retention.view_deletionjob", ""),
            ("Deletions", "delete_forever", "admin:retention_deletionjob_changelist", "retention.view_deletionjob", "stopped"),
            ("Runs", "stacks", "admin:retention_deletionrun_changelist", "retention.view_deletionrun", "stopped_runs"),
            ("Children", "child_care", "admin:accounts_childfinding_changelist", "accounts.view_childfinding", "children"),
            ("Fraud", "gpp_maybe", "admin:accounts_suspension_changelist", "accounts.view_suspension", ""),
            ("Holds", "lock", "admin:retention_hold_changelist", "retention.view_hold", ""),
            ("Laws that keep", "gavel", "admin:retention_legalretention_changelist", "retention.view_legalretention", ""),
            ("Rules", "rule", "admin:retention_rule_changelist", "retention.view_rule", ""),
            ("Reviews", "event_repeat", "retention:reviews", "retention.view_review", ""),
            ("Stops", "front_hand", "admin:retention_enginestop_changelist", "retention.view_enginestop", ""),
            ("Limits", "speed", "admin:retention_breakerlimit_changelist", "retention.view_breakerlimit", ""),
            ("Reprieves", "undo", "admin:retention_reprieve_changelist", "retention.view_reprieve", ""),
            ("File findings", "draft", "admin:retention_filefinding_changelist", "retention.view_filefinding", "files"),
            ("File checks", "inventory", "admin:retention_filecheck_changelist", "retention.view_filecheck", ""),
            ("Recipients", "hub", "admin:retention_recipient_changelist", "retention.view_recipient", ""),
            ("Notices", "outgoing_mail", "admin:retention_notice_changelist", "retention.view_notice", "notices"),
            ("Conformance", "fact_check", "retention:conformance", "retention.view_deletionjob", ""),
        ],
    ),
    (
        "Evidence",
        [
            ("State", "verified", "retention:evidence", "accounts.view_evidenceentry", ""),
            ("Log", "receipt_long", "admin:accounts_evidenceentry_changelist", "accounts.view_evidenceentry", ""),
            ("Access log", "visibility", "admin:accounts_accesslogentry_changelist", "accounts.view_accesslogentry", ""),
            ("Approvals", "how_to_reg", "admin:accounts_approval_changelist", "accounts.view_approval", "approvals"),
            ("After a restore", "settings_backup_restore", "retention:restore", "retention.unseal", ""),
            ("Tombstones", "fingerprint", "admin:retention_tombstone_changelist", "retention.view_tombstone", ""),
            ("Policy versions", "policy", "admin:accounts_policyversion_changelist", "accounts.view_policyversion", ""),
        ],
    ),
    (
        "Administration",
        [
            ("Staff", "manage_accounts", "admin:accounts_user_changelist", "accounts.view_user", ""),
            ("Feeds", "rss_feed", "admin:accounts_feed_changelist", "accounts.view_feed", "late_feeds"),
            ("Feed messages", "move_to_inbox", "admin:accounts_feeddelivery_changelist", "accounts.view_feeddelivery", ""),
            ("Website forms", "web", "admin:dsar_intakesource_changelist", "dsar.view_intakesource", ""),
            ("Form messages", "move_to_inbox", "admin:dsar_intakedelivery_changelist", "dsar.view_intakedelivery", ""),
            ("Reply templates", "quickreply", "admin:dsar_replytemplate_changelist", "dsar.view_replytemplate", ""),
            ("Roles", "shield_person", "admin:auth_group_changelist", "auth.view_group", ""),
            ("Key epochs", "key", "admin:accounts_keyepoch_changelist", "accounts.view_keyepoch", ""),
            ("Schedule", "schedule", "admin:django_celery_beat_periodictask_changelist",
             "django_celery_beat.view_periodictask", ""),
            ("Failed sign-ins", "gpp_bad", "admin:axes_accessattempt_changelist", "axes.view_accessattempt", ""),
        ],
    ),
]  # fmt: skip


def navigation(request) -> list[dict[str, Any]]:
    """Return the groups of the side navigation that this person may see."""
    if not request.user.is_authenticated:
        return []
    counts = for_a_moment(request, "badges", lambda: _counts(request))
    groups = []
    for title, entries in ENTRIES:
        items = [
            {"title": name, "icon": icon, "link": reverse(url), **_badge(badge, counts.get(badge, 0))}
            for name, icon, url, permission, badge in entries
            if not permission or request.user.has_perm(permission)
        ]
        if items:
            groups.append({"title": title, "items": items, "separator": bool(title), "collapsible": bool(title)})
    return groups


def _counts(request) -> dict[str, int]:
    """Return the figures of the badges that this person may see."""
    entries = [entry for _, entries in ENTRIES for entry in entries]
    return {
        badge: BADGES[badge](request)
        for _, _, _, permission, badge in entries
        if badge and (not permission or request.user.has_perm(permission))
    }


def _badge(name: str, count: int) -> dict[str, Any]:
    return {"badge": str(count), "badge_variant": "info" if name in WORK else "danger"} if count else {}


WORK = {"my_tickets", "recordings"}  # what is to be done, rather than what is wrong
BADGES = {
    "my_tickets": lambda request: Ticket.objects.filter(assignee=request.user, closed_at__isnull=True).count(),
    "recordings": lambda request: shown(WaitingRecording.objects.filter(set_aside_at__isnull=True)).count(),
    "mail": lambda request: outbox.needs_somebody(timezone.now()).count(),
    "children": lambda request: len(late_findings(timezone.now())),
    "late_feeds": lambda request: len(late_feeds(timezone.now())),
    "overdue": lambda request: queue.counts(timezone.now())["overdue"],
    "stopped": lambda request: DeletionJob.objects.filter(state=DeletionJob.State.QUARANTINED).count(),
    "stopped_runs": lambda request: DeletionRun.objects.filter(state=DeletionRun.State.STOPPED).count(),
    "files": lambda request: FileFinding.objects.filter(ended_at__isnull=True).count(),
    "notices": lambda request: needs_somebody(timezone.now()).count(),
    "approvals": lambda request: (
        Approval.objects.filter(state=Approval.State.WAITING, expires_at__gt=timezone.now())
        .exclude(requested_by=request.user)
        .count()
    ),
}
