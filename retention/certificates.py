"""The certificate of a deletion: signed JSON that an auditor checks alone. The printed page says the same in words.

The fields are those of NIST SP 800-88 Rev. 2, section 4.6 (Rev. 1, Appendix G); what does not apply is printed as
“n/a”, not left out. A certificate says no more than was done and looked at: rows deleted, files deleted, keys
destroyed, in this portal. It names nobody: people, workspaces and keepers stand there by opaque ids. It is computed
from the evidence and the job, always the same way, and it is not issued while anything about it is unknown.
"""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from accounts import checkpoints, evidence, files, merkle, signing, verify_evidence
from accounts.evidence import rfc3339
from accounts.models import Checkpoint, EvidenceEntry
from accounts.verdicts import Goes, data_map
from retention.models import DeletionJob
from retention.promises import PROMISES, Action
from retention.rules import aged_maps, period_words, periods_of

NOT_APPLICABLE = "n/a"
ROWS_ONLY = "Logical deletion of rows. Not media sanitization under NIST SP 800-88 Rev. 2."
ROWS_AND_KEYS = (
    "Logical deletion of rows and files, and cryptographic erase at application level: the private keys of the files were "
    "destroyed first. Not media sanitization under NIST SP 800-88 Rev. 2."
)
RESIDUALS = [
    "Backups of the database, until the date from which none of them can have it",
    "The write-ahead log, replicas and free space of the database, until they are overwritten",
    "Copies of the key store in backups, until they expire; a file whose key survives there can be read with it",
]
CHECKS = [
    "Every table was searched for what was to go, in SQL of its own, by the columns that lead to the workspace or the people",
    "The keys were asked for again and must not be found, where keys were destroyed",
    "The file store was asked for each file after its deletion and must not have it",
    "What went was counted and compared with what was chosen, and the choice with its digest in INTENT",
]


class UnableToCertify(ValueError):
    """There is no certificate of this deletion, or not yet; the message says why, for the officer."""


@dataclasses.dataclass(frozen=True)
class Section:
    """What another part adds to the certificates: ``facts(job)`` returns codes, ids, counts and instants, or None.

    Facts are ``{"complete": bool, "rows": [{"label": …, "value": …}]}``. Nothing personal: values are words of the
    portal's own, opaque ids, counts and instants (RFC 3339).
    """

    key: str
    title: str
    facts: Callable[[DeletionJob], Mapping[str, Any] | None]


SECTIONS: dict[str, Section] = {}


def register_section(section: Section) -> None:
    """Let another part say something on every certificate; called once at start."""
    SECTIONS[section.key] = section


def certificate_of(job: DeletionJob) -> dict[str, Any]:
    """Return the signed certificate of a deletion. Raises UnableToCertify, saying why there is none (yet).

    Its checkpoint is the first one over its DONE, so that the same deletion has the same certificate for life, but for
    what registered sections come to know later.
    """
    if job.state != DeletionJob.State.DONE or not job.intent_sequence or not job.done_sequence:
        raise UnableToCertify("This deletion is not done. It gets its certificate when nothing of it is left.")
    checkpoint = checkpoints.covering(job.done_sequence)
    if checkpoint is None:
        raise UnableToCertify(
            checkpoints.fault()
            or "The evidence of this deletion is not under a signed checkpoint yet. The next one is written within a minute."
        )
    certificate = _content(job, checkpoint)
    signed = {**certificate, "signature": signing.sign_certificate(certificate)}
    _refuse_doubt(signed)
    return signed


def as_text(certificate: Mapping[str, Any]) -> str:
    """Return a certificate as the file that is handed out."""
    return json.dumps(certificate, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _content(job: DeletionJob, checkpoint: Checkpoint) -> dict[str, Any]:
    entries = _entries(job)
    intent = next(entry for entry in entries if entry.sequence == job.intent_sequence)
    done = next(entry for entry in entries if entry.sequence == job.done_sequence)
    armed = next((entry for entry in entries if entry.type == "RULE_ARMED"), None)
    with_keys = done.body.get("keys") == "destroyed"
    sections = {key: facts for key, section in sorted(SECTIONS.items()) if (facts := section.facts(job)) is not None}
    subtree = evidence.stored_subtrees()
    return {
        "format": verify_evidence.CERTIFICATE,
        "authoritative": "This signed JSON. A printed page says the same in words and proves nothing.",
        "deletion": str(job.pk),
        "rule": job.rule_id,
        "rule_title": PROMISES[job.rule_id].title,
        "policy": PROMISES[job.rule_id].policy,
        "basis_until_then": PROMISES[job.rule_id].basis or NOT_APPLICABLE,
        "periods": _periods(job),
        "request": NOT_APPLICABLE,
        "workspace": str(job.workspace_id or NOT_APPLICABLE),
        "due": rfc3339(job.due_at),
        "cutoff": rfc3339(job.cutoff),
        "begun": rfc3339(intent.at),
        "done": rfc3339(done.at),
        "media": _media(with_keys, done.body["destroyed"]),
        "confidentiality_before": "Personal data; files encrypted, rows protected by access control",
        "confidentiality_after": "None: what was deleted is not held in this portal any more",
        "claim": ROWS_AND_KEYS if with_keys else ROWS_ONLY,
        "manifest": intent.body.get("manifest"),
        "planned": intent.body["planned"],
        "destroyed": done.body["destroyed"],
        "classes": _classes(job, done.body["destroyed"], with_keys),
        "not_by_this_deletion": done.body.get("not_by_this_job") or NOT_APPLICABLE,
        "kept": _kept(intent) or NOT_APPLICABLE,
        "tool": {
            "at_deletion": intent.body.get("software"),
            "at_issue": settings.SOFTWARE,
            "schema": _schema(),
        },
        "verification": {"method": CHECKS, "performed_by": "the worker, by another code path", "result": "PASS"},
        "validation": NOT_APPLICABLE,
        "destination": NOT_APPLICABLE,
        "backup_exposure_until": rfc3339(done.at + dt.timedelta(days=settings.BACKUP_DAYS)),
        "residuals": RESIDUALS,
        "people": {
            "performed_by": "worker of the portal, unattended",
            "ordered_by": f"rule {job.rule_id}",
            "rule_armed_by": [f"staff {pk}" for pk in armed.body["by"]] if armed else NOT_APPLICABLE,
            "title": NOT_APPLICABLE,
            "place": settings.EVIDENCE_ORIGIN,
            "contact": NOT_APPLICABLE,
        },
        "sections": sections,
        "complete": all(facts.get("complete", True) for facts in sections.values()),
        "evidence": [evidence.as_dict(entry) for entry in entries],
        "proofs": {
            str(entry.sequence): [
                node.hex() for node in merkle.inclusion_proof(entry.sequence - 1, checkpoint.size, subtree)
            ]
            for entry in entries
        },
        "checkpoint": checkpoint.note,
        "key": signing.key_id(),
    }


def _entries(job: DeletionJob) -> list[EvidenceEntry]:
    """Return what the log says of the job, and how its rule came to be armed, in order."""
    own = list(EvidenceEntry.objects.filter(subject=str(job.pk), sequence__lte=job.done_sequence or 0))
    armed = EvidenceEntry.objects.filter(subject=job.rule_id, type="RULE_ARMED", sequence__lt=job.intent_sequence or 0)
    return sorted([*own, *armed.order_by("-sequence")[:1]], key=lambda entry: entry.sequence)


def _periods(job: DeletionJob) -> dict[str, str] | str:
    """Return the periods in force when the rows were chosen, in general and by country; a workspace's expiry has none."""
    if not aged_maps(job.rule_id):
        return NOT_APPLICABLE
    periods = periods_of(job.rule_id, job.cutoff)
    found = {"general": periods.general, **periods.by_country}
    return {
        where: period_words(period) for where, period in sorted(found.items()) if period is not None
    } or NOT_APPLICABLE


def _media(with_keys: bool, destroyed: Mapping[str, int]) -> list[dict[str, str]]:
    version = connection.pg_version  # type: ignore[attr-defined]
    none = dict.fromkeys(("manufacturer", "model", "serial", "property_number"), NOT_APPLICABLE)
    media = [{"kind": "rows", "store": f"PostgreSQL {version // 10_000}.{version % 10_000}", **none}]
    if "files" in destroyed:
        media.append({"kind": "files", "store": type(files.store()).__name__, **none})
    if with_keys:
        media.append({"kind": "keys", "store": "key store of the portal", **none})
    return media


def _classes(job: DeletionJob, destroyed: Mapping[str, int], with_keys: bool) -> list[dict[str, Any]]:
    maps = data_map()
    classes = []
    for name, count in sorted(destroyed.items()):
        entry = maps.get(name)
        if entry is None:  # files
            method = "FILE_DELETE, CE (age X25519, private half destroyed)" if with_keys else "FILE_DELETE"
        elif (age := entry.age(job.rule_id)) and age.shreds:
            method = "FILE_DELETE, the row stays without it"
        else:
            blanks = entry.goes is Goes.BLANK or PROMISES[job.rule_id].action is Action.BLANK
            method = "BLANK, the row stays" if blanks else "DELETE"
        classes.append({"class": name, "what": entry.plural if entry else name, "count": count, "method": method})
    return classes


def _kept(intent: EvidenceEntry) -> list[dict[str, Any]]:
    """Return what was kept back, by the opaque id of the hold or law that keeps it, as INTENT has it."""
    kept = intent.body.get("kept") or {}
    return [{"keeper": keeper, "counts": counts} for keeper, counts in sorted(kept.items()) if isinstance(counts, dict)]


def _schema() -> dict[str, str]:
    """Return the last migration of each of the portal's apps that have personal data."""
    applied = MigrationRecorder(connection).applied_migrations()
    ours = {entry.split(".")[0] for entry in data_map()}
    return {app: max(name for label, name in applied if label == app) for app in sorted(ours)}


def _refuse_doubt(certificate: dict[str, Any]) -> None:
    """Refuse a certificate with anything unknown in it, or that an auditor's program would not pass."""
    if holes := sorted(_holes({name: value for name, value in certificate.items() if name != "evidence"})):
        raise UnableToCertify(f"Something about this deletion is not known: {', '.join(holes)}.")
    said: list[str] = []
    keys = "\n".join(signing.verifier_key(public) for public in checkpoints.public_keys())
    if verify_evidence.verify(as_text(certificate), keys, say=said.append) != verify_evidence.PASS:
        raise UnableToCertify(f"The evidence of this deletion does not hold: {said[-1]}.")


def _holes(value: Any, name: str = "") -> set[str]:
    if isinstance(value, Mapping):
        return {hole for key, item in value.items() for hole in _holes(item, f"{name} {key}".strip())}
    if isinstance(value, list):
        return {hole for item in value for hole in _holes(item, name)}
    return {name} if value is None or value in ("", "UNKNOWN") else set()
