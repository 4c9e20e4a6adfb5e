"""A certificate in words, for paper: everything that the signed JSON says, in an order that people read."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from accounts.verdicts import data_map
from retention.certificates import NOT_APPLICABLE, SECTIONS


def page_of(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the printed page shows of a certificate; instants in the portal's time zone, with the zone's name."""
    evidence = certificate["evidence"]
    own = [entry for entry in evidence if entry["subject"] == certificate["deletion"]]
    checkpoint = certificate["checkpoint"].split("\n")
    return {
        "certificate": certificate,
        "number": certificate["deletion"][:8].upper(),
        "facts": _facts(certificate),
        "classes": [{**row, "planned": certificate["planned"].get(row["class"], 0)} for row in certificate["classes"]],
        "kept": _kept(certificate),
        "not_by_this": _counts(certificate["not_by_this_deletion"]),
        "people": _people(certificate),
        "media": certificate["media"],
        "sections": [
            {"title": SECTIONS[key].title, "complete": facts.get("complete", True), "rows": _rows(facts)}
            for key, facts in certificate["sections"].items()
            if key in SECTIONS
        ],
        "steps": [{"what": entry["type"], "number": entry["sequence"], "at": instant(entry["at"])} for entry in own],
        "log": {
            "origin": checkpoint[0],
            "size": int(checkpoint[1]),
            "root": checkpoint[2],
            "at": instant(checkpoint[3]),
        },
        "leaf_count": len(evidence),
    }


def instant(text: str) -> str:
    """Return an instant of the evidence (RFC 3339) as people write it; anything else as it is."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{timezone.localtime(at):%-d %b %Y, %H:%M:%S %Z}" if at.tzinfo else text


def _facts(certificate: Mapping[str, Any]) -> list[tuple[str, Any]]:
    periods = certificate["periods"]
    return [
        ("Deletion", certificate["deletion"]),
        (
            "Of",
            f"workspace {certificate['workspace']}"
            if certificate["workspace"] != NOT_APPLICABLE
            else "rows past their time",
        ),
        ("By the rule", f"{certificate['rule_title']} (policy {certificate['policy']})"),
        (
            "Period in force",
            ", ".join(f"{where}: {period}" for where, period in periods.items())
            if isinstance(periods, dict)
            else periods,
        ),
        ("Kept until then for", certificate["basis_until_then"]),
        ("Request of a person", certificate["request"]),
        ("Due", instant(certificate["due"])),
        ("Begun", instant(certificate["begun"])),
        ("Done, nothing left", instant(certificate["done"])),
        ("Confidentiality before", certificate["confidentiality_before"]),
        ("Confidentiality after", certificate["confidentiality_after"]),
        ("Destination after sanitization", certificate["destination"]),
        ("Gone from backups by", instant(certificate["backup_exposure_until"])),
        ("Digest of what was chosen", certificate["manifest"]),
    ]


def _people(certificate: Mapping[str, Any]) -> list[tuple[str, str]]:
    people = certificate["people"]
    armed = people["rule_armed_by"]
    return [
        ("Performed by", people["performed_by"]),
        ("Ordered by", people["ordered_by"]),
        ("Rule armed by", " and ".join(armed) if isinstance(armed, list) else armed),
        ("Verified by", certificate["verification"]["performed_by"]),
        ("Validated by", certificate["validation"]),
        ("Title", people["title"]),
        ("Place", people["place"]),
        ("Contact", people["contact"]),
    ]


def _kept(certificate: Mapping[str, Any]) -> list[dict[str, str]]:
    kept = certificate["kept"]
    return (
        [] if kept == NOT_APPLICABLE else [{"keeper": row["keeper"], "counts": _counts(row["counts"])} for row in kept]
    )


def _counts(counts: Any) -> str:
    if not isinstance(counts, Mapping):
        return str(counts)
    maps = data_map()
    return ", ".join(
        f"{count:,} {maps[name].plural if name in maps else name}" for name, count in sorted(counts.items())
    )


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(row["label"], instant(str(row["value"]))) for row in facts.get("rows", [])]
