"""A token is planted in every text of every model; everything is done; no token is in anything that proves it."""

import json

import pytest
from django.db import models, transaction

from accounts import approvals, checkpoints, evidence, signing, verify_evidence
from accounts.access import log_access
from accounts.models import AccessLogEntry, Approval, Checkpoint, EvidenceEntry, OutsideState, User, Workspace
from accounts.verdicts import data_map
from dsar.models import SubjectRequest
from retention import jobs
from retention.approved_actions import LIFT_HOLD, ask_to_arm, observe_again
from retention.bundles import bundle
from retention.certificates import as_text, certificate_of
from retention.holds import UnableToHold, place_hold
from retention.models import DeletionJob, EngineStop, Hold, Rule
from retention.purge import carry_out
from retention.stops import go_on, stop
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
TOKEN = "Zyzzyva"
CODES = {  # chosen from a list, or a code by its constraint: no text can be written into them
    "accounts.Approval.action", "accounts.Approval.target", "accounts.Approval.digest", "accounts.AccessLogEntry.of",
    "accounts.AccessLogEntry.subject",
}  # fmt: skip


def free_texts(model: type[models.Model]) -> list[str]:
    """Return the columns into which somebody could write words of their own."""
    texts = []
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, models.CharField | models.TextField) and not field.primary_key
        if is_text and not field.choices and not field.generated and field.max_length != 2 and field.max_length != 3:
            texts.append(field.name)
    return texts


def plant(model: type[models.Model]) -> set[str]:
    """Write a token of its own into every text of every row of a model that takes one; return the tokens."""
    planted = set()
    label = model._meta.label
    for name in free_texts(model):
        if f"{label}.{name}" in CODES:
            continue
        for row in model._default_manager.all():
            field = model._meta.get_field(name)
            token = f"{TOKEN}{len(planted)}{label.split('.')[1]}{name}".replace("_", "")[: field.max_length or 60]
            if name == "email":
                token = f"{token.lower()}@example.test"
            try:
                with transaction.atomic():
                    model._default_manager.filter(pk=row.pk).update(**{name: token})
            except Exception:  # a constraint says what it may be: a file key, a number
                continue
            planted.add(f"{label}.{name}")
    return planted


@pytest.fixture
def planted() -> set[str]:
    """A portal with a row of each kind, a token in every text of each, and rows whose own time is over."""
    officer = factories.make_user()
    for workspace in (factories.make_customer(), factories.make_customer(), factories.make_customer()):
        factories.make_request(officer, workspace=workspace, person=workspace.memberships.get().person)
    factories.make_tool_session()
    factories.make_source()
    log_access(officer, AccessLogEntry.Action.LOOK, of="accounts.Person", reason="x", ticket="x", now=NOW)
    found = set()
    kept = {
        "retention.Rule",
        "retention.RuleVersion",
        "accounts.EvidenceEntry",
        "accounts.Checkpoint",
        "accounts.KeyPair",
    }
    for entry in data_map().values():
        model = entry.model_class
        if entry.model not in kept and not model._meta.auto_created and not entry.partitioned_by:
            found |= plant(model)
    return found


def staff() -> User:
    """An officer whose name and address are tokens."""
    user = factories.make_user()
    User.objects.filter(pk=user.pk).update(name=f"{TOKEN} Officer", email=f"{TOKEN.lower()}{user.pk}@example.test")
    user.refresh_from_db()
    return user


def do_everything() -> DeletionJob:
    """Arm, hold, refuse, lift, stop, go on, observe, move a request, delete a workspace and what is past its time."""
    first, second = staff(), staff()
    words = {
        "reason": f"{TOKEN} is suing",
        "authority": f"{TOKEN} v. Callmama",
        "owner": first,
        "user": first,
        "now": NOW,
    }
    held, refused, gone = Workspace.objects.order_by("outside_id")
    hold = place_hold(workspace=held, review_on=NOW.date() + DAY, **words)
    for rule in Rule.objects.filter(pk__in=["workspace_expiry", "waiting_call"]):
        Rule.objects.filter(pk=rule.pk).update(seed_confirmed_by=first, seed_confirmed_at=NOW)
        rule.refresh_from_db()
        approvals.decide(
            ask_to_arm(rule, user=first, now=NOW).pk, user=second, agree=rule.pk == "workspace_expiry", now=NOW
        )
    factories.arm("free_tool_session")
    for request in SubjectRequest.objects.all():  # an open one keeps its customer's data
        factories.refuse(request, first)
    done = carry_out(NOW, now=NOW)
    with pytest.raises(UnableToHold):
        place_hold(workspace=gone, review_on=NOW.date() + DAY, **words)
    asked = approvals.ask(LIFT_HOLD, target=str(hold.pk), summary="Lift a hold", user=first, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    halt = stop(EngineStop.Kind.OFFICER, reason=f"{TOKEN} called", user=first, now=NOW)
    go_on(halt.pk, user=first, now=NOW)
    observe_again(Rule.objects.get(pk="workspace_expiry"), user=first)
    assert Hold.objects.get(pk=hold.pk).reason.startswith(TOKEN) and refused.pk
    return next(job for job in done if job.workspace_id == gone.pk)


def holds_token(value: object) -> bool:
    return TOKEN.lower() in str(value).lower()


def test_no_token_is_in_anything_that_proves_something(planted, settings):
    assert {
        "accounts.Person.name",
        "dsar.Ticket.subject",
        "dsar.TicketMessage.body",
        "accounts.AccessLogEntry.reason",
    } <= planted
    assert len(planted) > 25, planted
    job = do_everything()
    assert job.state == DeletionJob.State.DONE
    made = checkpoints.take(staff())
    types = set(EvidenceEntry.objects.values_list("type", flat=True))
    assert {
        "INTENT", "DONE", "HOLD_PLACED", "HOLD_REFUSED", "HOLD_LIFTED", "APPROVAL_ASKED", "APPROVAL_GIVEN", "APPROVAL_REFUSED",
        "RULE_ARMED", "RULE_OBSERVES", "STOPPED", "WENT_ON", "REQUEST_MOVED", "CHECKPOINT_TAKEN", "REQUEST_REGISTERED",
    } <= types  # fmt: skip

    for entry in EvidenceEntry.objects.all():
        assert not holds_token(evidence.canonical(evidence.as_dict(entry)).decode()), entry
    assert not any(holds_token(note) for note in Checkpoint.objects.values_list("note", flat=True))
    assert not any(holds_token(fault) for fault in OutsideState.objects.values_list("fault", flat=True))
    files = list(settings.OUTSIDE_ROOT.iterdir())
    assert {file.name for file in files} >= {"evidence.jsonl", "checkpoints.jsonl"}
    assert not any(holds_token(file.read_text()) for file in files)
    assert not holds_token(as_text(certificate_of(job)))
    whole = "".join(bundle(made))
    assert not holds_token(whole)
    assert verify_evidence.verify(whole, signing.verifier_key()) == verify_evidence.PASS
    deletion = DeletionJob.objects.get(pk=job.pk)
    assert not holds_token(json.dumps([deletion.scope, deletion.planned, deletion.destroyed]))


def test_the_summary_of_an_approval_says_a_rule_or_an_account_and_nobodys_name(planted):
    do_everything()
    customers = [workspace.outside_id for workspace in Workspace.objects.all()]
    for summary in Approval.objects.filter(state__in=["done", "refused"]).values_list("summary", flat=True):
        for outside_id in customers:
            summary = summary.replace(outside_id, "")
        assert not holds_token(summary), summary


def test_a_stopped_deletion_says_in_the_log_what_kind_of_error_and_not_its_words(monkeypatch):
    factories.arm()
    factories.make_customer()
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get(workspace__isnull=False).pk

    def fails(*args, **kwargs):
        raise RuntimeError(f"the row of {TOKEN}")

    monkeypatch.setattr(jobs.deletion, "shred_keys", fails)
    for _ in range(jobs.MAX_ATTEMPTS):
        jobs.run_job(job_id, now=NOW)
    (entry,) = EvidenceEntry.objects.filter(type="QUARANTINED")
    assert entry.body["error"] == "RuntimeError" and not holds_token(entry.body)
