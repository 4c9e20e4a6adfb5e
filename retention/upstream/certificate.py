"""What a certificate says of the recipients outside: it is complete only when all of them have confirmed (mission P12)."""

from typing import Any

from accounts.evidence import rfc3339
from retention.certificates import Section, register_section
from retention.models import DeletionJob, Notice
from retention.upstream.notices import everywhere


def facts(job: DeletionJob) -> dict[str, Any]:
    """Return who was told, by kind and opaque id, with what came of it; names and addresses are typed in by people."""
    found = everywhere(job)
    rows = [{"label": "Recipients told", "value": len(found.notices)}]
    for notice in found.notices:
        label = f"{notice.recipient.get_kind_display()}, notice {notice.pk}"
        if notice.state == Notice.State.CONFIRMED and notice.settled_at:
            rows.append({"label": label, "value": f"Confirmed {rfc3339(notice.settled_at)}"})
        else:
            due = f", due {rfc3339(notice.due_at)}" if notice.due_at else ""
            rows.append({"label": label, "value": f"{notice.get_state_display()}{due}"})
    if found.notices and found.by:
        rows.append({"label": "Gone everywhere by", "value": rfc3339(found.by)})
    return {"complete": found.is_complete, "rows": rows}


def register() -> None:
    """Let every certificate say it; called once at start."""
    register_section(Section("recipients", "Recipients outside", facts))
