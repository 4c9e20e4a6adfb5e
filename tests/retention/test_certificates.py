"""The certificate and the bundle: what an auditor's program passes, every change that it must refuse, and who rewrites."""

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import approvals, checkpoints, evidence, outside, signing, verify_evidence
from accounts.models import Approval, EvidenceEntry
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from accounts.verify_evidence import FAIL, PASS, UNKNOWN
from retention import certificates, jobs
from retention.approved_actions import ask_to_arm
from retention.bundles import bundle
from retention.certificates import UnableToCertify, as_text, certificate_of
from retention.models import DeletionJob, Rule
from retention.purge import carry_out
from tests import factories
from tests.accounts.test_checkpoints import behind_the_portals_back
from tests.factories import NOW

pytestmark = pytest.mark.django_db
WHY = {"reason": "Yearly audit", "ticket": "AUD-7"}


@pytest.fixture
def job() -> DeletionJob:
    """A finished deletion of a workspace, under a rule that two officers armed, with entries of others around it."""
    first, second = factories.make_user(), factories.make_user()
    asked = ask_to_arm(Rule.objects.get(pk="workspace_expiry"), user=first, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    checkpoints.write()
    factories.make_customer()
    (done,) = carry_out(NOW, now=NOW)
    for number in range(5):
        evidence.append_entry("OTHER", subject=str(number))
    return done


@pytest.fixture
def certificate(job) -> dict:
    checkpoints.write()
    return certificate_of(job)


def keys() -> str:
    return "\n".join(signing.verifier_key(public) for public in checkpoints.public_keys())


def verdict(value, old: str = "") -> tuple[int, str]:
    said: list[str] = []
    text = value if isinstance(value, str) else json.dumps(value)
    return verify_evidence.verify(text, keys(), old, say=said.append), said[-1] if said else ""


def bundle_of(jobs_=None, since=()) -> dict:
    return json.loads("".join(bundle(checkpoints.write(), jobs=jobs_, since=since)))


def scalars(value, path=()):
    """Yield the path to every scalar."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path
    else:
        for key, item in items:
            yield from scalars(item, (*path, key))


def changed(document: dict, path: tuple, value) -> dict:
    result = copy.deepcopy(document)
    *way, last = path
    place = result
    for key in way:
        place = place[key]
    place[last] = value
    return result


def others(value) -> list:
    """Return what a scalar could be changed into."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, str(value), float(value)]
    return [value[:-1] + ("B" if value[-1:] == "A" else "A"), value + "A", "", None]


def mutants(document: dict):
    for path in scalars(document):
        value = document
        for key in path:
            value = value[key]
        for other in others(value):
            yield path, other, changed(document, path, other)


def survivors(document: dict) -> list:
    return [(path, other) for path, other, mutant in mutants(document) if verdict(mutant)[0] == PASS]


# --- What it says -------------------------------------------------------------------------------------------------


def test_a_certificate_says_what_was_done_and_what_proves_it(job, certificate):
    intent = EvidenceEntry.objects.get(type="INTENT")
    assert verdict(certificate)[0] == PASS
    assert certificate["deletion"] == str(job.pk)
    assert certificate["destroyed"] == certificate["planned"] == job.planned
    assert {row["class"]: row["count"] for row in certificate["classes"]} == job.planned
    assert certificate["manifest"] == intent.body["manifest"]
    assert "Not media sanitization under NIST SP 800-88" in certificate["claim"]
    assert "unrecoverable" not in as_text(certificate).lower()
    armed_by = Approval.objects.get()
    assert certificate["people"]["rule_armed_by"] == [
        f"staff {armed_by.requested_by_id}",
        f"staff {armed_by.decided_by_id}",
    ]
    for name in ("validation", "destination", "kept", "not_by_this_deletion", "request"):
        assert certificate[name] == "n/a"
    assert [entry["type"] for entry in certificate["evidence"]] == ["RULE_ARMED", "INTENT", "DONE"]


def test_it_is_the_same_for_life(job, certificate):
    before = as_text(certificate)
    evidence.append_entry("OTHER", subject="later")
    checkpoints.write()
    assert as_text(certificate_of(job)) == before


def test_it_names_nobody(job, certificate):
    text = as_text(certificate)
    assert "example.test" not in text and "Person " not in text and "Staff " not in text and "+44" not in text


def test_rows_past_their_time_have_one_too():
    factories.arm("free_tool_session")
    factories.make_tool_session()
    (job,) = carry_out(NOW, now=NOW)
    checkpoints.write()
    made = certificate_of(job)
    assert verdict(made)[0] == PASS
    assert made["workspace"] == "n/a"
    assert made["claim"] == certificates.ROWS_ONLY
    assert made["periods"] == {"general": "1 hour"}
    assert made["classes"] == [
        {"class": "telecom_records.FreeToolSession", "what": "free-tool sessions", "count": 1, "method": "DELETE"}
    ]
    assert made["destroyed"] == {"telecom_records.FreeToolSession": 1}


def test_another_part_adds_a_section_and_says_whether_all_is_complete(job, monkeypatch):
    section = certificates.Section(
        "upstream",
        "Told to others",
        lambda job: {"complete": False, "rows": [{"label": "Carrier 7", "value": "not yet"}]},
    )
    silent = certificates.Section("silent", "Nothing", lambda job: None)
    monkeypatch.setattr(certificates, "SECTIONS", {})
    certificates.register_section(section)
    certificates.register_section(silent)
    checkpoints.write()
    made = certificate_of(job)
    assert (made["complete"], list(made["sections"])) == (False, ["upstream"])
    assert verdict(made)[0] == PASS


# --- When there is none -------------------------------------------------------------------------------------------


def test_there_is_none_before_a_checkpoint_covers_it(job):
    with pytest.raises(UnableToCertify, match="not under a signed checkpoint yet"):
        certificate_of(job)


@pytest.mark.parametrize("state", [state for state in DeletionJob.State if state != DeletionJob.State.DONE])
def test_there_is_none_of_a_deletion_that_is_not_done(job, certificate, state):
    job.state = state
    with pytest.raises(UnableToCertify, match="not done"):
        certificate_of(job)


@pytest.mark.parametrize("unknown", [None, "", "UNKNOWN"])
def test_there_is_none_while_anything_is_unknown(job, certificate, monkeypatch, unknown):
    monkeypatch.setitem(
        certificates.SECTIONS,
        "upstream",
        certificates.Section("upstream", "x", lambda job: {"rows": [{"label": "Carrier", "value": unknown}]}),
    )
    with pytest.raises(UnableToCertify, match="not known: sections upstream rows value"):
        certificate_of(job)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE accounts_evidenceentry SET body = body || '{\"remains\": 1}' WHERE type = 'DONE'", "not in the log"),
        ("UPDATE accounts_evidenceentry SET at = at - interval '1 day' WHERE type = 'INTENT'", "not in the log"),
        ("UPDATE accounts_evidenceentry SET leaf = '\\x00' WHERE sequence = 1", "does not hold"),
    ],
)
def test_there_is_none_when_the_log_was_changed(job, certificate, statement, says):
    behind_the_portals_back(statement)
    with pytest.raises(UnableToCertify, match=says):
        certificate_of(job)


def test_a_deletion_that_was_stopped_has_none(monkeypatch):
    factories.arm()
    factories.make_customer()
    monkeypatch.setattr(jobs.deletion, "remains", lambda scope: {"accounts.Credit": 1})
    (job,) = carry_out(NOW, now=NOW)
    checkpoints.write()
    assert job.state == DeletionJob.State.QUARANTINED
    with pytest.raises(UnableToCertify):
        certificate_of(job)


# --- What the auditor's program refuses ---------------------------------------------------------------------------


def test_every_change_to_a_certificate_is_refused(certificate):
    assert verdict(certificate)[0] == PASS
    assert sum(1 for _ in scalars(certificate)) > 100
    assert survivors(certificate) == []


def test_every_change_to_the_bundle_of_a_deletion_is_refused(job):
    document = bundle_of([job])
    assert verdict(document)[0] == PASS
    assert {"RULE_ARMED", "INTENT", "DONE"} == {entry["type"] for entry in document["entries"]}
    assert len(document["earlier"]) == 1
    del document["certificates"]  # each has its own test
    document["certificates"] = []
    assert survivors(document) == []


def test_every_change_to_the_bundle_of_the_whole_log_is_refused(job, certificate):
    document = bundle_of()
    assert verdict(document)[0] == PASS
    assert len(document["entries"]) == EvidenceEntry.objects.count()
    assert len(document["certificates"]) == 1
    document["certificates"] = []
    assert survivors(document) == []


@pytest.mark.parametrize("which", ["all", "one"])
def test_a_certificate_in_a_bundle_must_be_of_the_same_log(job, certificate, which):
    document = bundle_of(None if which == "all" else [job])
    for name in ("deletion", "manifest", "signature", "checkpoint"):
        assert verdict(changed(document, ("certificates", 0, name), "0"))[0] != PASS
    assert verdict(changed(document, ("certificates", 0, "evidence", 1, "at"), "0"))[0] == FAIL


@pytest.mark.parametrize("which", ["all", "one"])
def test_leaving_out_and_adding_is_refused(job, certificate, which):
    document = bundle_of(None if which == "all" else [job])
    for number in range(len(document["entries"])):
        missing = copy.deepcopy(document)
        del missing["entries"][number]
        assert verdict(missing)[0] == FAIL
        double = copy.deepcopy(document)
        double["entries"].insert(number, document["entries"][number])
        assert verdict(double)[0] == FAIL
    for name in document:
        if name != "proofs" or which == "one":
            assert verdict({key: value for key, value in document.items() if key != name})[0] != PASS, name


def test_a_name_that_stands_twice_is_refused(certificate):
    text = json.dumps(certificate)
    assert verdict('{"deletion": "other",' + text[1:])[0] == FAIL


def fake_log(*entries) -> dict:
    """Return a bundle with these entries, signed with the real key: what an insider can make."""
    made, tree = [], verify_evidence.Tree()
    for number, (type_, subject, body) in enumerate(entries, 1):
        entry = {
            "sequence": number,
            "at": "2026-11-23T12:00:00.000000Z",
            "type": type_,
            "subject": subject,
            "body": body,
        }
        made.append(entry)
        tree.add(verify_evidence.leaf_of(entry))
    note = signing.sign_checkpoint(tree.size, tree.root(), NOW).text
    return {
        "format": verify_evidence.FORMAT, "scope": "all", "public_keys": [signing.verifier_key()], "checkpoint": note,
        "earlier": [], "certificates": [], "entries": made,
    }  # fmt: skip


INTENT = ("INTENT", "job", {"manifest": "m", "planned": {"a": 2, "files": 1}})
DONE = ("DONE", "job", {"intent": 1, "manifest": "m", "destroyed": {"a": 2, "files": 1}, "remains": 0})


def done(**body) -> tuple:
    return ("DONE", "job", {**DONE[2], **body})


def test_the_near_miss_of_the_next_test_passes():
    assert verdict(fake_log(INTENT, DONE))[0] == PASS
    assert verdict(fake_log(INTENT))[0] == PASS
    aged = done(destroyed={"a": 1, "files": 1}, not_by_this_job={"a": 1})
    assert verdict(fake_log(INTENT, aged))[0] == PASS
    assert verdict(fake_log(("APPROVAL_ASKED", "x", {"by": 1}), ("APPROVAL_GIVEN", "x", {"by": 2})))[0] == PASS


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([DONE], "a DONE and no INTENT"),
        ([INTENT, INTENT, DONE], "more than one INTENT"),
        ([INTENT, DONE, DONE], "more than one DONE"),
        ([("OTHER", "x", {}), ("DONE", "job", {**DONE[2], "intent": 3}), INTENT], "does not follow"),
        ([INTENT, done(intent=2)], "does not follow"),
        ([INTENT, done(manifest="other")], "not what was intended"),
        (
            [("INTENT", "job", {"planned": {}}), ("DONE", "job", {"intent": 1, "destroyed": {}, "remains": 0})],
            "intended",
        ),
        ([INTENT, done(destroyed={"a": 1, "files": 1})], "counts differ"),
        ([INTENT, done(destroyed={})], "counts differ"),
        ([INTENT, done(destroyed={"a": 2, "files": 1, "b": 1})], "counts differ"),
        ([INTENT, done(destroyed={"a": 1}, not_by_this_job={"a": 2})], "counts differ"),
        ([INTENT, done(remains=1)], "something remained"),
        ([("RULE_ARMED", "rule", {"by": [3, 3]})], "by the same person"),
        ([("APPROVAL_ASKED", "x", {"by": 1}), ("APPROVAL_GIVEN", "x", {"by": 1})], "by the same person"),
    ],
)
def test_a_log_that_is_well_signed_and_tells_of_something_wrong_is_refused(entries, says):
    result, words = verdict(fake_log(*entries))
    assert result == FAIL and says in words


def test_an_insider_who_rewrites_the_log_with_the_real_key_is_found_by_an_older_checkpoint(
    job, certificate, settings, tmp_path
):
    kept = checkpoints.take(factories.make_user(AUDITOR)).note
    assert verdict(bundle_of(), kept)[0] == PASS
    entries = list(EvidenceEntry.objects.order_by("sequence"))
    behind_the_portals_back(
        "DELETE FROM accounts_evidenceentry", "DELETE FROM accounts_evidencetree", "DELETE FROM accounts_evidencetile",
        "DELETE FROM accounts_checkpoint", "DELETE FROM accounts_outsidestate",
    )  # fmt: skip
    shutil.rmtree(settings.OUTSIDE_ROOT)
    for entry in entries:
        if entry.type != "OTHER":
            evidence.append_entry(entry.type, subject=entry.subject, body=entry.body)
    for number in range(20):
        evidence.append_entry("INVENTED", subject=str(number))
    rewritten = bundle_of()
    assert verdict(rewritten)[0] == PASS, "nobody can tell without an older checkpoint; the verifier says so"
    assert "cannot be told" in verdict(rewritten)[1]
    result, words = verdict(rewritten, kept)
    assert result == FAIL and "written anew" in words


def test_a_log_that_was_cut_off_is_found_by_an_older_checkpoint(job, certificate):
    early = bundle_of()
    evidence.append_entry("OTHER", subject="later")
    kept = checkpoints.write().note
    result, words = verdict(early, kept)
    assert result == FAIL and "shorter" in words


def test_the_bundle_of_a_deletion_is_checked_against_a_checkpoint_of_ones_own_or_nothing_is_said(job, monkeypatch):
    monkeypatch.setattr("retention.bundles.EARLIER_SHOWN", 0)
    checkpoints.write()  # this one is the certificate's own
    evidence.append_entry("OTHER", subject="before")
    mine = checkpoints.write().note
    for number in range(7):
        evidence.append_entry("OTHER", subject=str(number))
    assert verdict(bundle_of([job]), mine)[0] == UNKNOWN
    assert verdict(bundle_of([job], since=[signing.read_checkpoint(mine)]), mine)[0] == PASS


def test_a_key_that_was_changed_is_followed_when_the_auditor_knows_both(job, certificate, settings):
    kept = checkpoints.take(factories.make_user(AUDITOR)).note
    first = keys()
    settings.SIGNING_KEY = "the next key of this installation, long enough to be one"
    document = json.dumps(bundle_of())
    assert verify_evidence.verify(document, keys(), kept) == PASS
    assert verify_evidence.verify(document, first, kept) == FAIL
    assert verify_evidence.verify(document, signing.verifier_key(), kept) == FAIL


# --- The program by itself ----------------------------------------------------------------------------------------


def run_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run a copy of the verifier from an empty folder, with nothing of the portal in reach."""
    program = folder / "alone" / "verify_evidence.py"
    program.parent.mkdir(exist_ok=True)
    shutil.copy(verify_evidence.__file__, program)
    return subprocess.run(
        [sys.executable, "-I", str(program), *arguments], cwd=program.parent, capture_output=True, text=True, env={}
    )


def test_the_exported_files_are_enough_for_the_program_alone(job, certificate, tmp_path):
    paths = {name: str(tmp_path / name) for name in ("all.json", "one.json", "keys.txt", "old.txt", "certificate.json")}
    Path(paths["old.txt"]).write_text(checkpoints.write().note)
    evidence.append_entry("OTHER", subject="later")
    call_command("export_evidence", to=paths["all.json"], public_key=paths["keys.txt"])
    call_command("export_evidence", job=[str(job.pk)], since=paths["old.txt"], to=paths["one.json"])
    Path(paths["certificate.json"]).write_text(as_text(certificate))
    for name in ("all.json", "one.json"):
        finished = run_alone(tmp_path, paths[name], paths["keys.txt"], paths["old.txt"])
        assert (finished.returncode, finished.stdout.splitlines()[-1]) == (0, "PASS"), finished.stdout
    assert run_alone(tmp_path, paths["certificate.json"], paths["keys.txt"]).returncode == 0
    whole_outside = str(Path(tmp_path / "outside" / "checkpoints.jsonl"))
    assert run_alone(tmp_path, paths["all.json"], paths["keys.txt"], whole_outside).returncode == 0

    text = Path(paths["all.json"]).read_text()
    Path(paths["all.json"]).write_text(text.replace('"OTHER"', '"OTHEQ"', 1))
    finished = run_alone(tmp_path, paths["all.json"], paths["keys.txt"])
    assert (finished.returncode, finished.stdout.splitlines()[-1]) == (1, "FAIL")


@pytest.mark.parametrize(
    ("bundle_text", "key_text"),
    [
        ("{}", None),
        ("not json", None),
        ('{"format": "callmama-evidence/9"}', None),
        (None, ""),
        (None, "nonsense"),
        (None, "a+b+c"),
    ],
)
def test_what_cannot_be_judged_is_unknown(certificate, tmp_path, bundle_text, key_text):
    (tmp_path / "bundle").write_text(as_text(certificate) if bundle_text is None else bundle_text)
    (tmp_path / "key").write_text(keys() if key_text is None else key_text)
    finished = run_alone(tmp_path, str(tmp_path / "bundle"), str(tmp_path / "key"))
    assert finished.returncode == 2 and finished.stdout.splitlines()[-1].startswith("UNKNOWN")


def test_a_file_that_is_not_there_is_unknown(tmp_path):
    assert run_alone(tmp_path, "nowhere.json", "nothing.txt").returncode == 2
    assert run_alone(tmp_path).returncode == 2


def test_the_command_ends_with_the_programs_exit_code(certificate, tmp_path):
    (tmp_path / "certificate").write_text(as_text(certificate))
    (tmp_path / "key").write_text(keys())
    call_command("verify_evidence", str(tmp_path / "certificate"), str(tmp_path / "key"))
    (tmp_path / "certificate").write_text(as_text({**certificate, "due": "2020-01-01T00:00:00.000000Z"}))
    with pytest.raises(SystemExit) as end:
        call_command("verify_evidence", str(tmp_path / "certificate"), str(tmp_path / "key"))
    assert end.value.code == 1


@pytest.mark.parametrize("wrong", ["x", "00000000-0000-0000-0000-000000000000"])
def test_a_deletion_that_is_not_there_is_told(wrong):
    with pytest.raises(CommandError, match="there is no deletion"):
        call_command("export_evidence", job=[wrong])


# --- Pages --------------------------------------------------------------------------------------------------------


def test_the_page_for_paper_and_the_json_are_for_officers_and_auditors(client, job, certificate):
    page, file = (reverse(f"retention:certificate{kind}", args=[job.pk]) for kind in ("", "-json"))
    for role, status in ((PRIVACY_OFFICER, 200), (AUDITOR, 200), (SUPPORT_AGENT, 403)):
        client.force_login(factories.make_user(role))
        assert (client.get(page).status_code, client.get(file).status_code) == (status, status)
    client.force_login(factories.make_user(AUDITOR))
    assert client.get(file).content.decode() == as_text(certificate)
    html = client.get(page).content.decode()
    for text in (
        "Call records",
        certificate["signature"].replace("+", "&#x2B;"),
        certificate["manifest"],
        "n/a",
        "PASS",
    ):
        assert text in html or text.replace("&#x2B;", "+") in html


def test_without_a_certificate_the_pages_say_why(client, job):
    client.force_login(factories.make_user(AUDITOR))
    answer = client.get(reverse("retention:certificate", args=[job.pk]), follow=True)
    assert "not under a signed checkpoint yet" in answer.content.decode()
    answer = client.get(reverse("retention:certificate-json", args=[job.pk]))
    assert (answer.status_code, b"not under a signed checkpoint" in answer.content) == (409, True)


def test_an_auditor_takes_away_what_the_program_passes(client, job, certificate):
    auditor = factories.make_user(AUDITOR)
    client.force_login(auditor)
    for name in ("evidence-bundle", "evidence-checkpoint", "evidence-verify"):
        assert client.get(reverse(f"retention:{name}")).status_code == 405
    note = client.post(reverse("retention:evidence-checkpoint"), WHY).content.decode()
    taken = b"".join(client.post(reverse("retention:evidence-bundle"), WHY).streaming_content).decode()
    published = client.get("/evidence-key.txt").content.decode()
    assert verify_evidence.verify(taken, published, note) == PASS
    html = client.get(reverse("retention:evidence")).content.decode()
    assert str(auditor) in html and "Last taken away" in html and published.strip() in html.replace("&#x2B;", "+")
    program = b"".join(client.get(reverse("retention:evidence-verifier")).streaming_content)
    assert program == Path(verify_evidence.__file__).read_bytes()


def test_the_button_looks_through_everything_and_says_what_it_found(client, job, certificate):
    client.force_login(factories.make_user(AUDITOR))
    html = client.post(reverse("retention:evidence-verify")).content.decode()
    assert "Everything holds" in html and "checkpoints outside are signed" in html
    behind_the_portals_back("UPDATE accounts_evidenceentry SET subject = 'x' WHERE type = 'INTENT'")
    html = client.post(reverse("retention:evidence-verify")).content.decode()
    assert "Something does not hold" in html
    number = EvidenceEntry.objects.get(type="INTENT").sequence
    assert f"Entry {number} was changed" in html and f"another entry {number} than" in html


def test_nothing_is_handed_over_while_the_log_is_in_doubt(client, job, certificate):
    client.force_login(factories.make_user(AUDITOR))
    behind_the_portals_back("UPDATE accounts_evidenceentry SET leaf = '\\x00' WHERE sequence = 2")
    for name in ("evidence-bundle", "evidence-checkpoint"):
        answer = client.post(reverse(f"retention:{name}"), WHY, follow=True)
        assert "Nothing was handed over" in answer.content.decode()


def test_what_is_outside_is_enough_to_make_the_log_again(job, certificate):
    """The copy outside has every entry whole, so that a log that was lost can be judged against it."""
    tree = verify_evidence.Tree()
    for line in outside.lines(checkpoints.COPY):
        tree.add(verify_evidence.leaf_of(line))
    last = verify_evidence.Checkpoint(outside.last(checkpoints.CHECKPOINTS)["checkpoint"], verify_evidence.Keys(keys()))
    assert (tree.size, tree.root()) == (last.size, last.root)
