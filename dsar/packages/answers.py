"""The answer that a person takes home by the link of a letter: the approved package of the request."""

from accounts import files
from dsar.downloads import AnswerFile
from dsar.models import Package, SubjectRequest


def answer_of(request: SubjectRequest) -> AnswerFile | None:
    """Return the approved package of a request, decrypted as it is handed out, or None while there is none (any more)."""
    package = Package.objects.filter(request=request, state=Package.State.APPROVED).exclude(file_key="").first()
    if package is None:
        return None
    key = package.file_key
    return AnswerFile(f"{request.reference}.zip", "application/zip", package.file_bytes, lambda: files.stream(key))
