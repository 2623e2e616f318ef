from billingadmin.formats.en.formats import *  # noqa: F403

DATE_FORMAT = "Y年n月j日(D)"
MONTH_DAY_FORMAT = "n/j"
