from django.apps import AppConfig


class BillingadminConfig(AppConfig):
    name = "billingadmin"

    def ready(self) -> None:
        from billingadmin import checks  # noqa: F401  (registers itself)
