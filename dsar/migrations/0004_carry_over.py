"""Requests from before: their states get the names of the moves, and their dates a row of their own."""

from django.db import migrations

TO_STATE = {"working": "collecting", "answered": "closed"}
BACK = {"identity": "received", "collecting": "working", "review": "working", "approved": "working",
        "delivered": "answered", "closed": "answered", "routed": "withdrawn", "expired": "withdrawn"}  # fmt: skip
WORDS = {"In progress.": "collecting", "Answered.": "closed", "Refused.": "refused", "Withdrawn.": "withdrawn"}


def carry_over(apps, schema_editor):
    Request = apps.get_model("dsar", "SubjectRequest")
    Event = apps.get_model("dsar", "RequestEvent")
    Result = apps.get_model("dsar", "DeadlineResult")
    for old, new in TO_STATE.items():
        Request.objects.filter(state=old).update(state=new)
    Event.objects.filter(kind="registered").update(state="received")
    for text, state in WORDS.items():
        Event.objects.filter(kind="moved", text=text).update(state=state)
    for request in Request.objects.iterator(chunk_size=1000):
        moved = Event.objects.filter(request=request).exclude(state="").order_by("-at", "-pk").first()
        request.state_since = moved.at if moved else request.registered_at
        request.remind_at = request.due_at if request.closed_at is None else None
        request.save(update_fields=["state_since", "remind_at"])
        if answer := request.explanation:
            given = {
                "type": request.type, "received_at": request.received_at.isoformat(), "region": request.region,
                "events": [],
            }  # fmt: skip
            added = {"acknowledge_by": None, "acknowledge_by_at": None, "legal_latest": answer.get("statutory_due")}
            Result.objects.create(
                request=request, cause="registered", computed_at=request.registered_at, regime=request.regime,
                rule_version=answer.get("rule_version", ""), holiday_data=answer.get("holiday_data", ""), given=given,
                answer={**added, **answer},
            )  # fmt: skip


def carry_back(apps, schema_editor):
    Request = apps.get_model("dsar", "SubjectRequest")
    Result = apps.get_model("dsar", "DeadlineResult")
    for result in Result.objects.filter(ended_at__isnull=True).iterator(chunk_size=1000):
        Request.objects.filter(pk=result.request_id).update(explanation=result.answer)
    for new, old in BACK.items():
        Request.objects.filter(state=new).update(state=old)


class Migration(migrations.Migration):
    dependencies = [("dsar", "0003_clock_and_workflow")]

    operations = [migrations.RunPython(carry_over, carry_back)]
