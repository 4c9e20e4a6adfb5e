from retention.models.holds import Hold
from retention.models.jobs import DeletionJob, Slot
from retention.models.rules import Rule, RuleVersion
from retention.models.tombstones import Tombstone

__all__ = ["DeletionJob", "Hold", "Rule", "RuleVersion", "Slot", "Tombstone"]
