from retention.models.holds import Hold
from retention.models.jobs import DeletionJob, EngineStop, Slot
from retention.models.rules import Rule, RuleVersion
from retention.models.tombstones import Tombstone

__all__ = ["DeletionJob", "EngineStop", "Hold", "Rule", "RuleVersion", "Slot", "Tombstone"]
