DATE_FORMAT = "l, j F Y"  # a day as it is said; in tables and forms days are written as ISO does
MONTH_DAY_FORMAT = "M j"
SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i"
