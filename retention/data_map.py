"""The verdicts on retention's own rows: codes, opaque ids and counts."""

from accounts.verdicts import Goes, ModelMap, internal


def _kept(model: str, plural: str, reason: str, *columns: str) -> ModelMap:
    return ModelMap(
        model=f"retention.{model}",
        about="nobody",
        plural=plural,
        goes=Goes.KEEP,
        policy="5.2",
        clock="",
        reason=reason,
        columns={name: internal() for name in columns},
    )


MAPS = [
    _kept("Rule", "retention rules", "What the policy promises; nobody's data.", "key", "state", "armed_at"),
    _kept(
        "RuleVersion",
        "periods of rules",
        "Who set a period, and from when; nobody's data.",
        "id",
        "rule_id",
        "number",
        "period",
        "effective_at",
        "asked_by_id",
        "approved_by_id",
        "approved_at",
    ),
    _kept(
        "Hold",
        "legal holds",
        "Why data stayed, for whom and by whose decision; the workspace is an opaque id.",
        "id",
        "workspace_id",
        "reason",
        "authority",
        "owner_id",
        "review_on",
        "placed_by_id",
        "placed_at",
        "lifted_by_id",
        "lifted_at",
    ),
    _kept(
        "DeletionJob",
        "deletions",
        "The receipt of a deletion: opaque ids, counts and instants.",
        "id",
        "rule_id",
        "workspace_id",
        "due_at",
        "cutoff",
        "state",
        "scope",
        "planned",
        "destroyed",
        "stopped_because",
        "attempts",
        "lease_until",
        "created_at",
        "intent_at",
        "intent_sequence",
        "done_at",
        "done_sequence",
    ),
    _kept("Slot", "schedule ticks", "Which tick was taken; nobody's data.", "id", "name", "at"),
    _kept(
        "Tombstone",
        "tombstones",
        "Keyed hashes that only recognise an erased customer's late records.",
        "id",
        "number_hash",
        "window",
        "erased_at",
        "job_id",
    ),
]
