"""The house's own directory of people, where one is set: an OpenID Connect provider and what its groups mean here."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from billingadmin.environment import envlist, envsecret, envstr

PROVIDER_ID = "oidc"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def providers() -> dict[str, Any]:
    """allauth's SOCIALACCOUNT_PROVIDERS: our one provider when all three variables are set, none when none is."""
    said = {
        "OIDC_SERVER_URL": envstr("OIDC_SERVER_URL"),
        "OIDC_CLIENT_ID": envstr("OIDC_CLIENT_ID"),
        "OIDC_CLIENT_SECRET": envsecret("OIDC_CLIENT_SECRET"),
    }
    missing = [name for name, value in said.items() if not value]
    if len(missing) == len(said):
        return {}
    if missing:
        raise ImproperlyConfigured(f"Sign-in by OpenID Connect is set in part: {', '.join(missing)} is missing.")
    refuse_in_the_clear(said["OIDC_SERVER_URL"])
    return {"openid_connect": provider(*said.values(), name=envstr("OIDC_NAME", "Single sign-on"))}


def provider(server_url: str, client_id: str, secret: str, *, name: str) -> dict[str, Any]:
    app = {
        "provider_id": PROVIDER_ID,
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": server_url},
    }
    scope = envlist("OIDC_SCOPE", "openid,profile,email")  # some directories tell of groups only when asked
    return {"OAUTH_PKCE_ENABLED": True, "SCOPE": scope, "APPS": [app]}


def refuse_in_the_clear(url: str) -> None:
    """What the provider says is trusted because TLS says who it is; on this machine itself there is nobody between."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ImproperlyConfigured(f"OIDC_SERVER_URL must begin with https://, not “{url}”.")


def origins(configured: dict[str, Any]) -> list[str]:
    """Where the sign-in form may lead to, for the content security policy."""
    urls = [app["settings"]["server_url"] for kind in configured.values() for app in kind["APPS"]]
    return ["{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in urls]
