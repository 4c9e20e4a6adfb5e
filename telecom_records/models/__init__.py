from telecom_records.models.calls import CallDetailRecord, Direction, SmsRecord
from telecom_records.models.figures import TrafficFigure, TrafficMonth
from telecom_records.models.imports import ImportReject, ImportRun, ImportSource, WaitingCall
from telecom_records.models.numbers import Number, NumberAssignment
from telecom_records.models.recordings import Recording, WaitingRecording
from telecom_records.models.usage import FreeToolSession, UsageRecord
from telecom_records.models.watching import WatchedFile, WatchedPlace

__all__ = [
    "CallDetailRecord",
    "Direction",
    "FreeToolSession",
    "ImportReject",
    "ImportRun",
    "ImportSource",
    "Number",
    "NumberAssignment",
    "Recording",
    "SmsRecord",
    "TrafficFigure",
    "TrafficMonth",
    "UsageRecord",
    "WaitingCall",
    "WatchedFile",
    "WatchedPlace",
    "WaitingRecording",
]
