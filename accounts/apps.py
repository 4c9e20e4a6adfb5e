from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Customers"

    def ready(self):
        from accounts import epochs, roles, verdicts
        from accounts.feeds import approved_actions

        approved_actions.register()
        checks.register(verdicts.check_data_map)
        epochs.register()
        post_migrate.connect(roles.make_groups, dispatch_uid="roles")
