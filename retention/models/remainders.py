"""What is left of emptied workspaces."""

from django.db import models

from accounts.models import Workspace


class Remainder(models.Model):
    """What holds and laws keep of an emptied workspace, and when somebody must look whether they still do."""

    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, primary_key=True, related_name="remainder")
    kept = models.JSONField(default=dict, help_text="Rows by model, for each hold and law that keeps them.")
    look_again_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"remainder of {self.workspace_id}"
