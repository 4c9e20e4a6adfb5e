"""The promises that are kept by themselves, and whether this installation keeps them yet (mission P14)."""

import dataclasses
import datetime as dt

from accounts.verdicts import Age, ModelMap, data_map
from retention.models import DeletionJob, Rule, RuleVersion

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
LONGEST = 10 * 365 * DAY
REGISTER = 731 * DAY  # 24 months, of which one may have a leap day (policy § 6.7: the register of requests)


@dataclasses.dataclass(frozen=True)
class Promise:
    """What the policy promises, in the officer's words; “{period}” stands for the period in force.

    ``seed`` is the period that holds until officers set another one between ``shortest`` and ``longest``. No seed: the
    rule keeps everything, and says so, until they set one.
    """

    key: str
    title: str
    words: str
    policy: str
    seed: dt.timedelta | None = None
    shortest: dt.timedelta = DAY
    longest: dt.timedelta = LONGEST

    @property
    def is_fixed(self) -> bool:
        """Whether the policy leaves no choice of a period."""
        return self.shortest == self.longest


PROMISES: dict[str, Promise] = {
    promise.key: promise
    for promise in (
        Promise(
            key="workspace_expiry",
            title="Workspace expiry",
            words="When the last subscription of a workspace expires, or at the next billing (or the agreed end) after it was "
            "cancelled, everything of it is deleted at that instant: numbers, "
            "call records, messages, recordings, identity documents, correspondence and remaining credits. "
            "The empty workspace record stays. There is no recovery.",
            policy="§ 5.2",
        ),
        Promise(
            key="number_expiry",
            title="Number expiry",
            words="When the subscription of a non-VoIP number ends before its workspace does, the number and its assignment "
            "are deleted at that instant, without recovery; a VoIP number goes back to the pool. Calls of it stay the "
            "workspace’s.",
            policy="§ 5.2",
            seed=dt.timedelta(0),
            shortest=dt.timedelta(0),
            longest=dt.timedelta(0),
        ),
        Promise(
            key="free_tool_session",
            title="Free-tool sessions",
            words="What a visitor entered into a free tool is deleted when the session ends, at the latest after {period}.",
            policy="§ 2.5, § 5.2",
            seed=HOUR,
            shortest=HOUR / 60,
            longest=HOUR,
        ),
        Promise(
            key="waiting_call",
            title="Calls of nobody",
            words="An imported call whose numbers were nobody's is kept sealed for {period}, in case its assignment "
            "arrives late, and is then deleted.",
            policy="§ 5.2",
            seed=7 * DAY,
            longest=30 * DAY,
        ),
        Promise(
            key="subscriber_recording",
            title="Subscriber recordings",
            words="A recording that a customer ordered is deleted when the days that the customer chose are over, at the "
            "latest {period} after the call.",
            policy="§ 2.2, § 5.2",
            seed=30 * DAY,
            longest=30 * DAY,
        ),
        Promise(
            key="diagnostic_recording",
            title="Diagnostic recordings",
            words="A recording made to find a fault is deleted when its ticket is closed, at the latest {period} after the call.",
            policy="§ 2.2, § 5.2",
            seed=30 * DAY,
            longest=30 * DAY,
        ),
        Promise(
            key="kyc_image",
            title="Images of identity documents",
            words="The image of an identity document is destroyed {period} after the decision; the result stays.",
            policy="§ 2.1, § 5.2",
            seed=30 * DAY,
            longest=365 * DAY,
        ),
        Promise(
            key="withdrawn_consent",
            title="Withdrawn consents",
            words="A consent is deleted {period} after it was withdrawn.",
            policy="§ 6.5, § 5.2",
        ),
        Promise(
            key="closed_ticket",
            title="Closed tickets",
            words="A ticket and its messages are deleted {period} after it was closed.",
            policy="§ 5.2",
        ),
        Promise(
            key="usage_record",
            title="Device and usage records",
            words="A record of device or usage is deleted {period} after it was made.",
            policy="§ 2.2, § 5.2",
        ),
        Promise(
            key="past_assignment",
            title="Assignments of the past",
            words="Who had a number is deleted {period} after that ended; that its calls are the workspace's stays known by a "
            "keyed hash.",
            policy="§ 5.2",
        ),
        Promise(
            key="closed_request",
            title="Closed requests",
            words="Name, address and note of a request are blanked {period} after it was closed; its line in the register stays.",
            policy="§ 6.7",
            shortest=REGISTER,
        ),
        Promise(
            key="import_leftover",
            title="Files of imports",
            words="The file of an import is destroyed when the import ends; of one that never does, {period} after it came in.",
            policy="§ 5.2",
            seed=7 * DAY,
            longest=7 * DAY,
        ),
        Promise(
            key="import_file_name",
            title="Names of imported files",
            words="What an imported file was called, which may name somebody, is blanked {period} after it came in.",
            policy="§ 5.2",
            seed=30 * DAY,
            longest=365 * DAY,
        ),
    )
}


def promise_of(rule: Rule) -> Promise:
    """Return the words of a rule."""
    return PROMISES[rule.key]


def what_of(job: DeletionJob) -> str:
    """Return in words what a deletion is about: a workspace by its account number, or rows by their rule."""
    return f"Workspace {job.workspace}" if job.workspace else PROMISES[job.rule_id].title


def aged_maps(rule_key: str) -> list[tuple[ModelMap, Age]]:
    """Return the models on which a rule acts by the age of their rows, with their clocks; none for the workspace's rule."""
    return [(entry, age) for entry in data_map().values() if (age := entry.age(rule_key))]


def aged_rules() -> list[str]:
    """Return the keys of the rules that act by age, in the order of PROMISES."""
    return [key for key in PROMISES if aged_maps(key)]


def period_of(rule_key: str, now: dt.datetime) -> dt.timedelta | None:
    """Return the period in force at ``now``: the last one that officers set, else the seed, else None (keep)."""
    version = (
        RuleVersion.objects.filter(rule=rule_key, effective_at__lte=now).order_by("-effective_at", "-number").first()
    )
    return version.period if version else PROMISES[rule_key].seed


def period_words(period: dt.timedelta | None) -> str:
    """Return a period as people say it: “30 days”, “1 hour”, “at once”; “a period not set yet” for none."""
    if period is None:
        return "a period not set yet"
    if not period:
        return "at once"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (HOUR / 60, "minute")):
        if period % unit == dt.timedelta(0):
            count = period // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    return str(period)


def words_of(rule_key: str, now: dt.datetime) -> str:
    """Return what a rule does, with the period in force."""
    return PROMISES[rule_key].words.format(period=period_words(period_of(rule_key, now)))


def without_period(now: dt.datetime) -> list[str]:
    """Return the keys of the rules by age that keep everything because nobody has set their period."""
    return [key for key in aged_rules() if period_of(key, now) is None]


def armed_rules() -> set[str]:
    """Return the keys of the rules that delete."""
    return set(Rule.objects.filter(state=Rule.State.ARMED).values_list("key", flat=True))


def observing_rules() -> list[str]:
    """Return the keys of the rules that only show what they would delete."""
    return list(Rule.objects.filter(state=Rule.State.OBSERVING).order_by("key").values_list("key", flat=True))


def make_rules(*, using: str = "default", **_) -> None:
    """Bring the rows in line with PROMISES after a migration; a new rule observes."""
    for key in PROMISES:
        Rule.objects.using(using).get_or_create(key=key)
