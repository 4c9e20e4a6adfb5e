"""The one address of the portal that a recipient calls: “I have erased it”, signed with its secret."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from retention.models import Notice, Recipient
from retention.upstream.notices import UnableToSettle, confirm_by_call
from retention.upstream.recipients import address_of
from retention.upstream.signatures import NotSigned, check_signature
from retention.upstream.webhook import confirms

LONGEST_CALL = 4096


@csrf_exempt  # the caller is a machine without a session: what it says is believed for its signature
@require_POST
def confirm(request: HttpRequest, notice_id) -> JsonResponse:
    """Take a confirmation: {"confirmed": "<id of the notice>"}. Every fault has the same answer, so that nothing is told."""
    no = JsonResponse({"error": "not a signed confirmation of a notice"}, status=403)
    now = timezone.now()
    notice = Notice.objects.select_related("recipient").filter(pk=notice_id).first()
    if notice is None or notice.recipient.channel != Recipient.Channel.WEBHOOK:
        return no
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_CALL:
        return no
    try:
        message_id = check_signature(address_of(notice.recipient).secret, request.headers, request.body, now=now)
        if message_id != str(notice.pk) or not confirms(request.body, str(notice.pk)):
            return no
        confirm_by_call(notice, now=now)
    except (NotSigned, UnableToSettle):
        return no
    return JsonResponse({"confirmed": str(notice.pk)})
