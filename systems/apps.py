from django.apps import AppConfig


class SystemsConfig(AppConfig):
    name = "systems"

    def ready(self) -> None:
        from systems import checks  # noqa: F401  (registers itself)
