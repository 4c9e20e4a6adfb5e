from retention.models.files import FileCheck, FileFinding
from retention.models.holds import Hold
from retention.models.jobs import DeletionJob, EngineStop, Slot
from retention.models.laws import LegalRetention
from retention.models.remainders import Remainder
from retention.models.reviews import Review
from retention.models.rules import Rule, RuleVersion
from retention.models.runs import Allowance, BreakerLimit, DeletionRun, Heartbeat, Reprieve
from retention.models.seals import Seal
from retention.models.tombstones import ErasedPerson, Tombstone
from retention.models.upstream import Notice, NoticeContent, Recipient

__all__ = [
    "Allowance",
    "BreakerLimit",
    "DeletionJob",
    "DeletionRun",
    "EngineStop",
    "ErasedPerson",
    "FileCheck",
    "FileFinding",
    "Heartbeat",
    "Hold",
    "LegalRetention",
    "Notice",
    "NoticeContent",
    "Recipient",
    "Remainder",
    "Reprieve",
    "Review",
    "Rule",
    "RuleVersion",
    "Seal",
    "Slot",
    "Tombstone",
]
