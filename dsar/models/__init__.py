from dsar.models.bulk import BulkAction, BulkItem
from dsar.models.corrections import Correction, Statement
from dsar.models.deadlines import ClockEvent, DeadlineResult, WeatherWarning
from dsar.models.decisions import Decision
from dsar.models.identity import Agent, ChallengeAnswer, Identifier, IdentityCode
from dsar.models.intake import IntakeDelivery, IntakeSource
from dsar.models.letters import DownloadLink, Letter, Refusal
from dsar.models.mail import Mailbox, OutgoingMail, TakenMail
from dsar.models.marketing import OptOut
from dsar.models.packages import Package
from dsar.models.parts import RequestPart
from dsar.models.register import RegisterEntry
from dsar.models.requests import NotSame, RequestEvent, SubjectRequest, Watcher
from dsar.models.searches import RecordSearch
from dsar.models.steps import RequestPace, RequestStep
from dsar.models.tickets import Attachment, ReplyTemplate, Ticket, TicketMessage

__all__ = [
    "Agent", "Attachment", "BulkAction", "BulkItem", "ChallengeAnswer", "ClockEvent", "DeadlineResult", "DownloadLink", "Identifier", "IdentityCode",
    "IntakeDelivery", "IntakeSource", "Letter", "Mailbox", "NotSame", "OutgoingMail", "Package", "RecordSearch", "Refusal", "ReplyTemplate", "RequestEvent", "RequestPace", "RequestPart",
    "Correction", "Decision", "OptOut", "RegisterEntry", "Statement",
    "RequestStep", "SubjectRequest", "TakenMail", "Ticket", "TicketMessage", "Watcher", "WeatherWarning",
]  # fmt: skip
