"""The answer that a person takes home by the link of a letter: the approved package of the request."""

from accounts import files
from dsar.downloads import AnswerFile
from dsar.models import Decision, Package, SubjectRequest
from dsar.packages.states import KINDS
from dsar.workflow import State, register_guard


def approved_package(request: SubjectRequest) -> Package | None:
    """Return the approved package of a request, or None while there is none (any more)."""
    return Package.objects.filter(request=request, state=Package.State.APPROVED).exclude(file_key="").first()


def answer_of(request: SubjectRequest) -> AnswerFile | None:
    """Return the approved package as it is handed out, decrypted on the way, or None while there is none (any more)."""
    package = approved_package(request)
    if package is None:
        return None
    key = package.file_key
    return AnswerFile(f"{request.reference}.zip", "application/zip", package.file_bytes, lambda: files.stream(key))


def is_answered_in_words(request: SubjectRequest) -> bool:
    """Return whether what was decided says that the letter itself discloses all that was asked for, without a package."""
    return request.decisions.filter(state=Decision.State.DONE, result__in_words=True).exists()


def unapproved(request: SubjectRequest) -> str:
    """Return what is missing of the package before its request may be answered, "" when nothing is."""
    is_collected = request.type in KINDS and (request.person_id or request.workspace_id)
    if not is_collected or approved_package(request) or is_answered_in_words(request):
        return ""
    return "Its package has not been approved. Somebody other than who asked for it reviews and approves it."


register_guard(unapproved, State.APPROVED, State.DELIVERED)
