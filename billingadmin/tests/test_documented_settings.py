"""Whoever sets the console up finds every setting in one place."""

import re

from django.conf import settings

READ = re.compile(r"""(?:env(?:str|bool|int|list|secret)|environ\.get)\(\s*"([A-Z_]+)\"""")
OURS = (
    "billingadmin/settings.py",
    "billingadmin/single_sign_on.py",
    "billingadmin/postgres/embedded.py",
    "billingadmin/postgres/binaries.py",
)


def test_every_environment_variable_that_is_read_is_documented():
    code = "".join((settings.BASE_DIR / name).read_text(encoding="utf-8") for name in OURS)
    told = (settings.BASE_DIR / "docs/settings.md").read_text(encoding="utf-8")

    read = set(READ.findall(code))

    assert len(read) > 30
    assert {name for name in read if f"`{name}`" not in told} == set()
