"""Whom a right is about: the customer of a request, and where they are."""

from accounts.models import Membership, Person, Workspace
from dsar.models import SubjectRequest
from dsar.rights import UnableToCarryOut


def person_of(request: SubjectRequest) -> Person:
    """Return the customer that a request is about: named by it, or the only one in its workspace. Raises UnableToCarryOut."""
    if request.person:
        return request.person
    people = (
        list(Person.objects.filter(memberships__workspace=request.workspace_id)[:2]) if request.workspace_id else []
    )
    if len(people) == 1:
        return people[0]
    raise UnableToCarryOut(
        "The request names no customer. Enter the customer first; if nobody of that name is known here, answer that nothing is held."
        if not people
        else "Several people are in the workspace of this request. Enter which of them asks."
    )


def workspaces_of(person: Person) -> list[Workspace]:
    """Return the living workspaces that a person is in."""
    places = Membership.objects.filter(person=person).values("workspace")
    return list(Workspace.objects.filter(pk__in=places, state__in=Workspace.INTACT).order_by("outside_id"))
