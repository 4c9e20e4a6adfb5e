"""The four roles and what each may do. Groups in the database are made from this after every migration."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import router

PRIVACY_OFFICER = "Privacy officer"
SUPPORT_AGENT = "Support agent"
AUDITOR = "Auditor"
SECURITY_ADMINISTRATOR = "Security administrator"


def _permissions(app: str, verbs: str, *models: str) -> list[str]:
    return [f"{app}.{verb}_{model}" for model in models for verb in verbs.split()]


CUSTOMER_MODELS = ["workspace", "person", "membership", "subscription", "credit", "paymentreference", "billingrecord"]
RECORD_MODELS = ["number", "numberassignment", "calldetailrecord", "smsrecord", "recording", "usagerecord"]

ROLES: dict[str, list[str]] = {
    PRIVACY_OFFICER: [
        *_permissions("accounts", "view add change", "workspace", "person", "membership", "subscription"),
        *_permissions("accounts", "view add change", "businessclient"),
        *_permissions("accounts", "view", "credit", "paymentreference", "billingrecord", "kycdocument"),
        *_permissions("accounts", "view add change", "consent", "policyversion"),
        *_permissions("accounts", "view rotate prune", "keyepoch"),
        *_permissions("accounts", "view", "evidenceentry", "approval", "accesslogentry", "feed", "feeddelivery"),
        "accounts.retire_feed",
        *_permissions("accounts", "view add", "childfinding", "suspension"),
        "accounts.decide_suspension",
        "accounts.confirm_childfinding",
        "accounts.view_clear_values",
        "accounts.search_customers",
        *_permissions("telecom_records", "view add change", "number", "numberassignment"),
        *_permissions("telecom_records", "view", "calldetailrecord", "smsrecord", "recording", "usagerecord"),
        *_permissions(
            "telecom_records", "view", "freetoolsession", "importrun", "importreject", "waitingcall", "watchedfile"
        ),
        *_permissions("telecom_records", "export", "calldetailrecord", "smsrecord"),
        *_permissions("telecom_records", "play", "recording"),
        "telecom_records.view_waitingrecording",
        "telecom_records.import_recordings",
        *_permissions("telecom_records", "view add change", "importsource"),
        "telecom_records.import_calls",
        "telecom_records.undo_import",
        "telecom_records.view_trafficfigure",
        *_permissions("retention", "view", "rule", "ruleversion", "review", "deletionjob", "tombstone"),
        *_permissions("retention", "view", "deletionrun", "breakerlimit", "reprieve"),
        *_permissions("retention", "view add", "hold", "enginestop", "legalretention"),
        "retention.end_enginestop",
        *_permissions("retention", "view add change", "recipient"),
        *_permissions("retention", "view", "notice"),
        "retention.activate_recipient",
        "retention.settle_notice",
        "retention.arm_rule",
        "retention.activate_legalretention",
        "retention.lift_hold",
        "retention.decide_job",
        "retention.unseal",
        *_permissions("retention", "view", "filecheck"),
        *_permissions("retention", "view destroy", "filefinding"),
        *_permissions("dsar", "view add change", "subjectrequest", "ticket", "ticketmessage"),
        *_permissions("dsar", "view", "requestevent", "outgoingmail", "intakesource", "intakedelivery"),
        *_permissions("dsar", "view add change", "replytemplate"),
        *_permissions("dsar", "view", "letter", "refusal", "downloadlink", "registerentry"),
        *_permissions("dsar", "view add", "optout"),
        "dsar.take_marketing_list",
        *_permissions("dsar", "view", "correction", "statement"),
        "dsar.send_letter",
        "dsar.search_records",
        "dsar.settle_outgoingmail",
        *_permissions("dsar", "view add", "weatherwarning"),
        *_permissions("dsar", "view add take approve", "package"),
        *_permissions("dsar", "view confirm", "decision"),
    ],
    SUPPORT_AGENT: [
        *_permissions("accounts", "view", "workspace", "person", "membership", "subscription", "consent"),
        *_permissions("telecom_records", "view", "number", "numberassignment"),
        *_permissions("dsar", "view add change", "ticket"),
        *_permissions("dsar", "view add", "ticketmessage"),
        *_permissions("dsar", "view add", "subjectrequest"),
        *_permissions("dsar", "view", "replytemplate", "outgoingmail"),
        *_permissions("dsar", "view add", "optout"),
        "dsar.view_statement",
        "dsar.settle_outgoingmail",
    ],
    AUDITOR: [
        *_permissions("accounts", "view", "workspace", "subscription", "consent", "policyversion", "kycdocument"),
        *_permissions("accounts", "view", "businessclient"),
        *_permissions(
            "accounts",
            "view",
            "evidenceentry",
            "approval",
            "accesslogentry",
            "keyepoch",
            "feed",
            "feeddelivery",
            "childfinding",
        ),
        *_permissions(
            "telecom_records", "view", "importrun", "importreject", "importsource", "trafficfigure", "watchedfile"
        ),
        *_permissions("retention", "view", "deletionrun", "breakerlimit", "reprieve", "legalretention"),
        *_permissions(
            "retention", "view", "rule", "ruleversion", "review", "hold", "deletionjob", "tombstone", "enginestop"
        ),
        *_permissions("retention", "view", "filecheck", "filefinding"),
        *_permissions("retention", "view", "recipient", "notice"),
        *_permissions(
            "dsar",
            "view",
            "subjectrequest",
            "requestevent",
            "refusal",
            "weatherwarning",
            "package",
            "decision",
            "registerentry",
            "optout",
        ),
    ],
    SECURITY_ADMINISTRATOR: [
        *_permissions("accounts", "view rotate", "keyepoch"),
        *_permissions("accounts", "view add change", "user", "feed"),
        *_permissions("accounts", "view", "feeddelivery"),
        "accounts.rotate_feed",
        *_permissions("dsar", "view add", "intakesource"),
        *_permissions("dsar", "view", "intakedelivery"),
        "dsar.rotate_intakesource",
        *_permissions("auth", "view", "group"),
        *_permissions("django_celery_beat", "view", "periodictask", "intervalschedule", "crontabschedule"),
        *_permissions("retention", "view", "rule"),
        "retention.unseal",
        *_permissions("accounts", "view", "approval"),
        *_permissions("axes", "view", "accessattempt"),
    ],
}


def has_role(user, *roles: str) -> bool:
    """Return whether ``user`` works in one of these roles."""
    return user.is_authenticated and user.groups.filter(name__in=roles).exists()


def make_groups(*, using: str = "default", apps=None, verbosity: int = 1, **_) -> None:
    """Bring the groups in line with ROLES. Runs after each migration."""
    if not router.allow_migrate_model(using, Group):
        return
    known = {
        f"{label}.{code}": pk
        for pk, label, code in Permission.objects.using(using).values_list("pk", "content_type__app_label", "codename")
    }
    for role, wanted in ROLES.items():
        group, _made = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set(_existing(wanted, known))


def _existing(wanted: Iterable[str], known: dict[str, int]) -> list[int]:
    return [known[code] for code in wanted if code in known]
