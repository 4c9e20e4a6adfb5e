from django.apps import AppConfig
from django.core import checks


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Customers"

    def ready(self):
        from accounts import epochs, roles, verdicts
        from accounts.after_migrating import after_migrating
        from accounts.feeds import approved_actions

        approved_actions.register()
        checks.register(verdicts.check_data_map)
        epochs.register()
        after_migrating(roles.make_groups)
