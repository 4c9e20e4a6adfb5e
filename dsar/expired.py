"""The answer to “my workspace expired, can I have it back?”: approved words with the receipt of the deletion, nothing else.

Whoever asks is not identified, so an account that exists, one whose deletion is not finished and one that never existed
get the same words.
"""

from django.utils import timezone

from accounts.models import Workspace
from dsar.models import Ticket
from retention.models import DeletionJob

GONE = {
    "en": "Dear {name},\n\nThe account {account} has ended. As our Privacy Policy says (section 5.2), everything in it was deleted on "
    "{day}, and it cannot be brought back: nobody at Callmama can restore it.\n\nThe receipt of this deletion has the number "
    "{receipt}. It is in our log, where an auditor can verify it.\n\nYou are welcome to open a new account at any time.",
    "zh-hant": "{name} 閣下：\n\n帳戶 {account} 已經終止。根據本公司《私隱政策》第 5.2 條，其中所有資料已於 {day} 刪除，無法復原，Callmama 任何人員均不能恢復。\n\n"
    "是次刪除的收據編號為 {receipt}，載於本公司的紀錄，可供審計人員核實。\n\n歡迎閣下隨時開立新帳戶。",
}
NOT_FOUND = {
    "en": "Dear {name},\n\nWe know of no deletion of an account with the number {account}. Please check the number. If the account is "
    "still there, you can see and renew it when you sign in.",
    "zh-hant": "{name} 閣下：\n\n本公司並無帳戶編號 {account} 的刪除紀錄，請核對編號。如帳戶仍然存在，閣下登入後即可查閱及續期。",
}
NOBODY = {"en": "customer", "zh-hant": "客戶"}


def receipt_of(account: str) -> DeletionJob | None:
    """Return the finished deletion of a workspace by its account number, None while there is none."""
    done = DeletionJob.objects.filter(
        workspace__outside_id=account.strip(), workspace__state=Workspace.State.EMPTIED, state=DeletionJob.State.DONE,
        done_sequence__isnull=False,
    )  # fmt: skip
    return done.select_related("workspace").order_by("-done_at").first()


def words_for(ticket: Ticket, account: str, *, language: str) -> str:
    """Return the answer for one account number, in the zone of the workspace."""
    account, job = account.strip(), receipt_of(account)
    name = ticket.contact_name or (ticket.person.name if ticket.person else "") or NOBODY[language]
    if job is None or job.done_at is None or job.workspace is None:
        return NOT_FOUND[language].format(name=name, account=account)
    day = timezone.localdate(job.done_at, job.workspace.zone)
    written = f"{day:%-d %B %Y}" if language == "en" else f"{day.year} 年 {day.month} 月 {day.day} 日"
    return GONE[language].format(name=name, account=account, day=written, receipt=str(job.pk)[:8].upper())
