from billingadmin.formats.en.formats import *  # noqa: F403
