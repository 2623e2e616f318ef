from billingadmin.formats.en.formats import *  # noqa: F403

MONTH_DAY_FORMAT = "n/j"
