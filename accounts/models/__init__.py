from accounts.models.access import AccessLogEntry
from accounts.models.approvals import Approval
from accounts.models.billing import BillingRecord, Credit, PaymentReference, Subscription
from accounts.models.clients import BusinessClient
from accounts.models.consents import Consent, PolicyVersion
from accounts.models.customers import Membership, Person, Workspace
from accounts.models.evidence import Checkpoint, EvidenceEntry, EvidenceTile, EvidenceTree, OutsideState
from accounts.models.feeds import Feed, FeedDelivery
from accounts.models.files import StoredFile
from accounts.models.findings import ChildFinding
from accounts.models.keys import KeyEpoch, KeyPair
from accounts.models.kyc import KycDocument
from accounts.models.rights import PersonErasure, Restriction
from accounts.models.staff import User
from accounts.models.suspensions import Suspension

__all__ = [
    "AccessLogEntry",
    "Approval",
    "BillingRecord",
    "BusinessClient",
    "Checkpoint",
    "ChildFinding",
    "Consent",
    "Credit",
    "EvidenceEntry",
    "EvidenceTile",
    "EvidenceTree",
    "Feed",
    "FeedDelivery",
    "KeyEpoch",
    "KeyPair",
    "KycDocument",
    "Membership",
    "OutsideState",
    "PaymentReference",
    "Person",
    "PersonErasure",
    "PolicyVersion",
    "Restriction",
    "StoredFile",
    "Subscription",
    "Suspension",
    "User",
    "Workspace",
]
