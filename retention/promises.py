"""What the policy promises, as data: one entry per rule, in the officer's words.

What officers may change of it (the period, its variants by country, whether it deletes) stands in rows of ``Rule`` and
``RuleVersion``; the limits within which they may stand here, in code.
"""

import dataclasses
import datetime as dt
import enum

from accounts.models.billing import RECORDING_DAYS_CEILING
from accounts.recording_cap import POLICY_DAYS

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
LONGEST = 10 * 365 * DAY
REGISTER = 731 * DAY  # 24 months, of which one may have a leap day (policy § 6.7: the register of requests)
THREE_YEARS = 1096 * DAY  # of which one may have a leap day
FOUR_YEARS = 1461 * DAY


class Action(enum.StrEnum):
    """What a rule does to a row whose time is over."""

    DELETE = "deleted"
    SHRED = "image destroyed"
    SHRED_ARCHIVE = "archive destroyed"
    BLANK = "words blanked"
    EVERYTHING = "everything deleted"


@dataclasses.dataclass(frozen=True)
class Promise:
    """What the policy promises, in the officer's words; “{period}” in ``words`` stands for the period in force.

    ``seed`` is the period that holds until officers set another one between ``shortest`` and ``longest``; it comes from
    the policy and is shown as unconfirmed until an officer confirms it. No seed: the rule keeps everything, and says so,
    until they set a period; where ``without`` says what happens then instead, that is no fault.
    """

    key: str
    title: str
    words: str
    policy: str  # sections of the privacy policy
    clock: str = ""  # what a period counts from: “after the call”
    action: Action = Action.DELETE
    basis: str = ""  # the lawful basis on which the data is kept until then
    seed: dt.timedelta | None = None
    shortest: dt.timedelta = DAY
    longest: dt.timedelta = LONGEST
    policy_longest: dt.timedelta | None = None  # beyond it, a published policy version must say so
    words_without: str = ""  # the words while no period is set, if that is no fault
    without: str = ""  # what happens while no period is set, if that is no fault: “with the account”
    contradiction: str = ""  # where the policy says two things, which reading is in force

    @property
    def is_fixed(self) -> bool:
        """Whether the policy leaves no choice of a period."""
        return self.shortest == self.longest


CONTRACT = "Performance of the contract (GDPR Art. 6(1)(b))"
INTEREST = "Legitimate interest (GDPR Art. 6(1)(f))"
CONSENT = "Consent (GDPR Art. 6(1)(a))"
LEGAL = "Legal obligation (GDPR Art. 6(1)(c))"

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
            clock="when the last subscription ends",
            action=Action.EVERYTHING,
            basis=CONTRACT,
        ),
        Promise(
            key="number_expiry",
            title="Number expiry",
            words="When the subscription of a non-VoIP number ends before its workspace does, the number and its assignment "
            "are deleted at that instant, without recovery; a VoIP number goes back to the pool. Calls of it stay the "
            "workspace’s.",
            policy="§ 5.2",
            clock="when its subscription ends",
            basis=CONTRACT,
            seed=dt.timedelta(0),
            shortest=dt.timedelta(0),
            longest=dt.timedelta(0),
        ),
        Promise(
            key="childs_data",
            title="A child’s data",
            words="When two officers have agreed that a person is a child, everything of that person is deleted at once, and no "
            "later than {period} after anybody found it; a workspace that only the child has goes whole.",
            policy="§ 8",
            clock="after it was found, at once when two officers have agreed",
            basis="None: the services are not for children",
            seed=72 * HOUR,
            shortest=HOUR,
            longest=72 * HOUR,
        ),
        Promise(
            key="erasure_request",
            title="Erasure on request",
            words="When two officers have agreed to a person’s request for erasure, what they agreed to of that person is deleted at "
            "once, without recovery: everything, or some categories; what a hold or a law keeps goes when these end. A "
            "workspace that only that person has goes whole, if the person ends its contract.",
            policy="§ 6.2",
            clock="when two officers have agreed",
            basis="None any more: the person asked for erasure (GDPR Art. 17)",
            seed=dt.timedelta(0),
            shortest=dt.timedelta(0),
            longest=dt.timedelta(0),
        ),
        Promise(
            key="undone_import",
            title="Undone imports",
            words="When an import of call records was cancelled half-way, or two officers have undone it, the records that it brought are "
            "hidden and deleted at once. The file can be imported again.",
            policy="§ 5.2",
            clock="when the import was undone",
            basis="None: the records came in by mistake",
            seed=dt.timedelta(0),
            shortest=dt.timedelta(0),
            longest=dt.timedelta(0),
        ),
        Promise(
            key="free_tool_session",
            title="Free-tool sessions",
            words="What a visitor entered into a free tool is deleted when the session ends, at the latest after {period}.",
            policy="§ 2.5, § 5.2",
            clock="after the session began, or when it ends",
            basis=f"{CONTRACT}, at the visitor’s request",
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
            clock="after its import",
            basis=INTEREST,
            seed=7 * DAY,
            longest=30 * DAY,
        ),
        Promise(
            key="waiting_recording",
            title="Recordings without a call",
            words="A recording of which it is not known whose call it is is kept sealed for {period}, in case the call's "
            "record comes late or an officer tells, at the latest 30 days after the call, and is then deleted.",
            policy="§ 2.2, § 5.2",
            clock="after its import",
            basis=INTEREST,
            seed=7 * DAY,
            longest=POLICY_DAYS * DAY,
        ),
        Promise(
            key="subscriber_recording",
            title="Subscriber recordings",
            words="A recording that a customer ordered is deleted when the days that the customer chose are over, at the "
            "latest {period} after the call.",
            policy="§ 2.2, § 5.2",
            clock="after the call, or sooner as the customer chose",
            basis=CONTRACT,
            seed=30 * DAY,
            longest=RECORDING_DAYS_CEILING * DAY,
            policy_longest=POLICY_DAYS * DAY,
            contradiction="§ 2.2 keeps recordings “for the last 30 days”; § 5.2 keeps them for the duration that the customer "
            "selects. In force is the stricter reading: as the customer chose, and never longer than 30 days, unless two "
            "officers have raised that, with a published policy version that says so and is in effect.",
        ),
        Promise(
            key="diagnostic_recording",
            title="Diagnostic recordings",
            words="A recording made to find a fault is deleted when its ticket is closed, at the latest {period} after the call.",
            policy="§ 2.2, § 5.2",
            clock="after the call, or when its ticket is closed",
            basis=INTEREST,
            seed=30 * DAY,
            longest=30 * DAY,
        ),
        Promise(
            key="kyc_image",
            title="Images of identity documents",
            words="The image of an identity document is destroyed {period} after the decision; the result stays.",
            policy="§ 2.1, § 5.2",
            clock="after the decision",
            action=Action.SHRED,
            basis=LEGAL,
            seed=30 * DAY,
            longest=365 * DAY,
        ),
        Promise(
            key="withdrawn_consent",
            title="Withdrawn consents",
            words="A consent is deleted {period} after it was withdrawn.",
            policy="§ 6.5, § 5.2",
            clock="after the withdrawal",
            basis=f"{INTEREST}: proof of the consent",
        ),
        Promise(
            key="closed_ticket",
            title="Closed tickets",
            words="A ticket, its messages and their files are deleted {period} after it was closed.",
            policy="§ 5.2",
            clock="after the ticket was closed",
            basis=CONTRACT,
        ),
        Promise(
            key="sent_mail",
            title="Outgoing mail",
            words="The copy of an e-mail from which it was sent is deleted {period} after the mail server took it, or it was given "
            "up. What was written stays in the ticket or with the request, as long as these do.",
            policy="§ 5.2",
            clock="after it was sent",
            basis=CONTRACT,
            seed=30 * DAY,
            longest=90 * DAY,
        ),
        Promise(
            key="usage_record",
            title="Device and usage records",
            words="A record of device or usage is deleted {period} after it was made.",
            policy="§ 2.2, § 5.2",
            clock="after the visit",
            basis=INTEREST,
        ),
        Promise(
            key="upstream_notice",
            title="Contents of notices",
            words="The ids by which a recipient outside was told of an erasure are kept sealed until it has confirmed, and "
            "are deleted {period} after that. That it was told, and when it confirmed, stays.",
            policy="§ 5.2",
            clock="after the recipient confirmed",
            basis=LEGAL,
            seed=7 * DAY,
            longest=90 * DAY,
        ),
        Promise(
            key="call_record",
            title="Call records",
            words="A call record is deleted with its account, and at the latest {period} after the call: a whole month at once, "
            "where nothing in it is kept.",
            words_without="A call record is deleted with its account. No maximum is set.",
            policy="§ 5.2",
            clock="after the call, or with the account",
            basis=CONTRACT,
            without="with the account",
        ),
        Promise(
            key="message_record",
            title="Message records",
            words="The record of a message is deleted with its account, and at the latest {period} after it was sent: a whole "
            "month at once, where nothing in it is kept.",
            words_without="The record of a message is deleted with its account. No maximum is set.",
            policy="§ 5.2",
            clock="after it was sent, or with the account",
            basis=CONTRACT,
            without="with the account",
        ),
        Promise(
            key="past_assignment",
            title="Assignments of the past",
            words="Who had a number is deleted {period} after that ended; that its calls are the workspace's stays known by a "
            "keyed hash.",
            policy="§ 5.2",
            clock="after the assignment ended",
            basis=CONTRACT,
        ),
        Promise(
            key="closed_request",
            title="Closed requests",
            words="Name, address and note of a request are blanked {period} after it was closed; its line in the register stays.",
            policy="§ 6.7",
            clock="after the request was closed",
            action=Action.BLANK,
            basis=f"{LEGAL}: register of requests",
            shortest=REGISTER,
        ),
        Promise(
            key="sent_letter",
            title="Letters",
            words="A letter to a person who asked, and the link in it, are deleted {period} after the request was closed.",
            policy="§ 6.7",
            clock="after the request was closed",
            basis=f"{LEGAL}: register of requests",
            seed=REGISTER,
            shortest=REGISTER,
        ),
        Promise(
            key="refusal_log",
            title="Refusal log",
            words="An entry of the refusal log is deleted {period} after it was made. Section 27 of Hong Kong’s Personal Data "
            "(Privacy) Ordinance demands four years, so it cannot be less.",
            policy="§ 6",
            clock="after it was made",
            basis=f"{LEGAL}: PDPO section 27",
            seed=FOUR_YEARS,
            shortest=FOUR_YEARS,
        ),
        Promise(
            key="request_register",
            title="Register of Californian requests",
            words="An entry of the register (what was asked, how and when it was answered; nobody’s name) is deleted {period} after "
            "the answer. California demands 24 months (11 CCR 7101), so it cannot be less.",
            policy="§ 6.7",
            clock="after the answer",
            basis=f"{LEGAL}: 11 CCR 7101",
            seed=REGISTER,
            shortest=REGISTER,
        ),
        Promise(
            key="corrected_value",
            title="Values before a correction",
            words="What a corrected field said before, and what showed that it was wrong, is deleted {period} after the request "
            "was closed, or with the person. The corrected value stays.",
            policy="§ 6.1",
            clock="after the request was closed",
            basis=f"{INTEREST}: proof of the correction",
            seed=365 * DAY,
            shortest=30 * DAY,
        ),
        Promise(
            key="ended_opt_out",
            title="Marketing opt-outs that have ended",
            words="That somebody wants no marketing is remembered by a keyed hash of the address for as long as it is theirs. Once "
            "the number is somebody else’s, it is deleted, {period} after it was asked at the soonest: section 9(3) of Hong "
            "Kong’s Unsolicited Electronic Messages Ordinance demands three years.",
            policy="§ 6.6",
            clock="after it was asked, once it has ended",
            basis=f"{LEGAL}: UEMO section 9(3)",
            seed=THREE_YEARS,
            shortest=THREE_YEARS,
        ),
        Promise(
            key="request_package",
            title="Packages for data subjects",
            words="The archive made to answer a request for access or portability is destroyed {period} after the request was "
            "closed, its key first: until then the person can fetch it. That it was made, and of how much, stays.",
            policy="§ 6.1, § 6.4",
            clock="after the request was closed",
            action=Action.SHRED_ARCHIVE,
            basis=LEGAL,
            seed=30 * DAY,
            longest=90 * DAY,
        ),
        Promise(
            key="feed_delivery",
            title="Messages of feeds",
            words="What came of a message of a feed or of a website form, and the nonce by which a second copy is refused, is "
            "deleted {period} after it came.",
            policy="§ 5.1",
            clock="after the day on which it came",
            basis=f"{INTEREST}: security of the feed",
            seed=30 * DAY,
            longest=365 * DAY,
        ),
        Promise(
            key="import_leftover",
            title="Files of imports",
            words="The file of an import is destroyed when the import ends; of one that never does, {period} after it came in.",
            policy="§ 5.2",
            clock="after it came in, or when its import ends",
            basis=INTEREST,
            seed=7 * DAY,
            longest=7 * DAY,
        ),
        Promise(
            key="access_log",
            title="Access log",
            words="Who of the staff saw what, and why, is deleted {period} after it happened. The seed of a year lets a yearly "
            "audit see all of it; it cannot be less than 90 days, so that nobody's traces go quickly.",
            policy="§ 5.1, § 5.2",
            clock="after it happened",
            basis=INTEREST,
            seed=365 * DAY,
            shortest=90 * DAY,
            longest=3 * 365 * DAY,
        ),
        Promise(
            key="import_file_name",
            title="Names of imported files",
            words="What an imported file was called, which may name somebody, is blanked {period} after it came in.",
            policy="§ 5.2",
            clock="after it came in",
            action=Action.BLANK,
            basis=INTEREST,
            seed=30 * DAY,
            longest=365 * DAY,
        ),
        Promise(
            key="decided_approval",
            title="Words of approvals",
            words="What was asked of a second officer is blanked {period} after the decision: it may name a customer’s account. "
            "Who agreed to what, and when, stays.",
            policy="§ 5.2",
            clock="after the decision",
            action=Action.BLANK,
            basis=LEGAL,
            shortest=30 * DAY,
        ),
        Promise(
            key="lifted_hold",
            title="Words of lifted holds",
            words="Why a hold was placed, and the law, order or claim it rested on, is blanked {period} after it was lifted: the "
            "words may name a customer. What it covered, who placed and who lifted it stays.",
            policy="§ 5.2",
            clock="after the hold was lifted",
            action=Action.BLANK,
            basis=f"{INTEREST}: defence of claims",
            shortest=30 * DAY,
        ),
        Promise(
            key="staff_session",
            title="Sessions of staff",
            words="What is left of a session of a member of staff is deleted {period} after it ended.",
            policy="§ 5.1",
            clock="after the day on which it ended",
            basis=f"{INTEREST}: security of the portal",
            seed=DAY,
            longest=7 * DAY,
        ),
        Promise(
            key="staff_sign_in",
            title="Sign-ins of staff",
            words="When and from where a member of staff signed in, or somebody failed to, is deleted {period} after it.",
            policy="§ 5.1",
            clock="after the day of the sign-in",
            basis=f"{INTEREST}: security of the portal",
            longest=2 * 365 * DAY,
        ),
        Promise(
            key="staff_log",
            title="Changes by staff",
            words="Which member of staff changed what in the admin is deleted {period} after it. Evidence is kept apart from it.",
            policy="§ 5.1",
            clock="after the day of the change",
            basis=f"{INTEREST}: accountability",
            shortest=30 * DAY,
        ),
    )
}
