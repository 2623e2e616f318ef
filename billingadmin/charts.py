"""Charts as SVG text, drawn on the server: no library, no script, colours from the stylesheet's classes alone.

Each takes whole numbers and gives a Chart: the picture, the sentence that says what it shows, and the same figures as
a table (parts/chart.html puts them together). A narrow card asks for a narrow ``width``: its text stays readable.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

LEFT, RIGHT, TOP, BOTTOM = 48, 8, 10, 20
WIDE, NARROW = 500, 340  # for half a page and for a card: text is then about as large as the page's
CLOCK = (1, 5, 15, 60, 300, 900, 3600, 7200, 21600, 86400, 172800, 604800)  # steps of an axis in seconds
MOST_HITS = 500  # beyond, a rectangle to hover over for each point weighs more than it tells

Moment = date | datetime | str
Show = Callable[[int], str]


@dataclass(frozen=True)
class Chart:
    svg: SafeString
    title: str
    finding: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: Sequence[tuple[str, str]] = ()  # (class of the colour, words)


@dataclass(frozen=True)
class Limit:
    value: int
    level: str  # warning or critical
    label: str


@dataclass(frozen=True)
class Plane:
    """Where values are drawn: ticks from the lowest to the highest, the highest never below the largest value."""

    width: int
    height: int
    ticks: Sequence[int]
    count: int

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return round(TOP + (self.height - TOP - BOTTOM) * (high - value) / (high - low), 1)

    @property
    def step(self) -> float:
        return (self.width - LEFT - RIGHT) / max(1, self.count)

    def x(self, index: int) -> float:
        """The middle of the place of one value."""
        return round(LEFT + self.step * (index + 0.5), 1)


def line(
    points: Sequence[tuple[Moment, int | None]],
    *,
    title: str,
    finding: str,
    unit: str,
    band: tuple[int, int] | None = None,
    limits: Sequence[Limit] = (),
    flagged: Iterable[int] = (),
    show: Show = "{:,}".format,
    scale: Sequence[int] = (),
    width: int = WIDE,
    height: int = 180,
) -> Chart:
    """Values over time. None is a gap, not a zero. ``band``: where values usually lie; ``flagged``: the odd indices;
    ``scale``: the steps an axis may have, where the round ones are not those of ten (CLOCK for seconds)."""
    values = [value for _moment, value in points]
    known = [value for value in values if value is not None]
    marks = [*known, *(band or ()), *(limit.value for limit in limits)]
    plane = Plane(width, height, ticks(marks, scale), len(points))
    flags = set(flagged)
    rows = [(moment_label(moment), shown(value, show)) for moment, value in points]
    pieces = [
        grid(plane, show),
        band_of(plane, band),
        format_html_join("", "{}", ((limit_of(plane, limit, show),) for limit in limits)),
        path(plane, values),
        format_html_join("", '<circle class="flagged" cx="{}" cy="{}" r="4"/>', dots(plane, values, flags)),
        moments(plane, [moment for moment, _value in points]),
        hits(plane, rows),
    ]
    return Chart(picture(plane, title, finding, pieces), title, finding, (_("When"), unit), rows)


def bars(
    moments_: Sequence[Moment],
    series: Mapping[str, Sequence[int]],
    *,
    title: str,
    finding: str,
    show: Show = "{:,}".format,
    width: int = WIDE,
    height: int = 180,
) -> Chart:
    """Counts per day, one bar a day, stacked by series; what is below zero hangs from the axis."""
    columns = list(zip(*series.values(), strict=True)) or [()] * len(moments_)
    tops = [sum(value for value in column if value > 0) for column in columns]
    floors = [sum(value for value in column if value < 0) for column in columns]
    plane = Plane(width, height, ticks([*tops, *floors]), len(moments_))
    rows = [(moment_label(moment), *map(show, column)) for moment, column in zip(moments_, columns, strict=True)]
    words = [(when, ", ".join(map(" ".join, zip(series, figures, strict=True)))) for when, *figures in rows]
    pieces = [
        grid(plane, show),
        format_html_join("", "{}", ((stack(plane, index, column),) for index, column in enumerate(columns))),
        moments(plane, moments_),
        hits(plane, words),
    ]
    legend = [(colour(index), name) for index, name in enumerate(series)]
    return Chart(picture(plane, title, finding, pieces), title, finding, (_("When"), *series), rows, legend)


def sparkline(values: Sequence[int | None], *, label: str, width: int = 96, height: int = 24) -> SafeString:
    """A line the size of a word, its last value dotted."""
    known = [value for value in values if value is not None] or [0]
    low, high = min(known), max(known)
    scale = (height - 6) / ((high - low) or 1)
    step = (width - 6) / max(1, len(values) - 1)
    places = [
        None if value is None else (round(3 + index * step, 1), round(3 + (high - value) * scale, 1))
        for index, value in enumerate(values)
    ]
    ends = [place for place in places if place][-1:]
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img"><title>{}</title>{}{}</svg>',
        width, height, label, joined(places), format_html_join("", '<circle class="dot" cx="{}" cy="{}" r="2"/>', ends),
    )  # fmt: skip


def share_bar(parts: Sequence[tuple[str, int]], *, label: str, width: int = 300) -> SafeString:
    """One bar cut by share, in the order given. All zeros is an empty bar."""
    total = sum(value for _name, value in parts) or 1
    edges = [sum(value for _name, value in parts[:index]) * width / total for index in range(len(parts) + 1)]
    pieces = [
        (colour(index), round(edges[index], 1), round(edges[index + 1] - edges[index], 1), name, f"{value:,}")
        for index, (name, value) in enumerate(parts)
    ]
    form = '<rect class="{}" x="{}" width="{}" height="8"><title>{}: {}</title></rect>'
    return format_html(
        '<svg class="share" viewBox="0 0 {} 8" preserveAspectRatio="none" role="img"><title>{}</title>{}</svg>',
        width, label, format_html_join("", form, pieces),
    )  # fmt: skip


# The pieces


def picture(plane: Plane, title: str, finding: str, pieces: Iterable[SafeString]) -> SafeString:
    size = "narrow" if plane.width <= NARROW else "wide" if plane.width <= WIDE else "broad"
    return format_html(
        '<svg class="{}" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>',
        size, plane.width, plane.height, title, finding, mark_safe("".join(pieces)),
    )  # fmt: skip


def ticks(values: Sequence[int], scale: Sequence[int] = ()) -> list[int]:
    """About four round numbers from at or below the least value (or zero) to at or above the greatest (or zero)."""
    low, high = min([0, *values]), max([0, *values])
    step = next((step for step in scale if step * 4 >= high - low), None) or round_step(high - low)
    return list(range(low // step * step, -(-high // step) * step + 1, step)) if high > low else [0, 1]


def round_step(span: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 … that covers the span in four steps."""
    size = 1
    while size * 40 < span:
        size *= 10
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor * 4 >= span)


def grid(plane: Plane, show: Show) -> SafeString:
    right = plane.width - RIGHT
    form = '<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>'
    return format_html_join("", form, (
        ("grid" if tick else "axis", LEFT, right, plane.y(tick), plane.y(tick), LEFT - 6, plane.y(tick) + 4, show(tick))
        for tick in plane.ticks
    ))  # fmt: skip


def band_of(plane: Plane, band: tuple[int, int] | None) -> SafeString:
    if band is None:
        return SafeString()
    top, bottom = plane.y(max(band)), plane.y(min(band))
    form = '<rect class="band" x="{}" y="{}" width="{}" height="{}"/>'
    return format_html(form, LEFT, top, plane.width - LEFT - RIGHT, round(bottom - top, 1))


def limit_of(plane: Plane, limit: Limit, show: Show) -> SafeString:
    form = (
        '<g data-level="{}"><line class="limit" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="end">{} {}</text></g>'
    )
    y, right = plane.y(limit.value), plane.width - RIGHT
    words_y = y - 4 if y > TOP + 8 else y + 12  # at the top there is no room above the line
    return format_html(form, limit.level, LEFT, right, y, y, right, words_y, limit.label, show(limit.value))


def path(plane: Plane, values: Sequence[int | None]) -> SafeString:
    return joined([None if value is None else (plane.x(i), plane.y(value)) for i, value in enumerate(values)])


def joined(places: Sequence[tuple[float, float] | None]) -> SafeString:
    """One line through each run of known places; a run of one is a dot, since a line of one point is not seen."""
    runs = [list(run) for known, run in groupby(places, key=bool) if known]
    lines = ((" ".join(f"{x},{y}" for x, y in run),) for run in runs if len(run) > 1)
    alone = (run[0] for run in runs if len(run) == 1)
    return format_html_join("", '<polyline class="line" points="{}"/>', lines) + format_html_join(
        "", '<circle class="dot" cx="{}" cy="{}" r="2.5"/>', alone
    )


def dots(plane: Plane, values: Sequence[int | None], which: set[int]) -> Iterable[tuple[float, float]]:
    return ((plane.x(i), plane.y(value)) for i, value in enumerate(values) if i in which and value is not None)


def stack(plane: Plane, index: int, column: Sequence[int]) -> SafeString:
    width = round(max(1.0, plane.step * 0.72), 1)
    left = round(plane.x(index) - width / 2, 1)
    form = '<rect class="bar-part {}" x="{}" y="{}" width="{}" height="{}"/>'
    parts, above, below = [], 0, 0
    for number, value in enumerate(column):
        base = above if value > 0 else below
        above, below = above + max(value, 0), below + min(value, 0)
        top, bottom = plane.y(max(base, base + value)), plane.y(min(base, base + value))
        if value:
            parts.append((colour(number), left, top, width, round(bottom - top, 1)))
    return format_html_join("", form, parts)


def colour(index: int) -> str:
    return f"s{index % 6 + 1}"


def moments(plane: Plane, all_moments: Sequence[Moment]) -> SafeString:
    """As many labels on the time axis as fit, the newest always among them."""
    every = max(1, -(-len(all_moments) * 64 // (plane.width - LEFT - RIGHT)))
    chosen = [index for index in range(len(all_moments)) if (len(all_moments) - 1 - index) % every == 0]
    form = '<text x="{}" y="{}" text-anchor="{}">{}</text>'
    far = reach_over_days(all_moments)
    return format_html_join("", form, (
        (*label_place(plane, index), moment_label(all_moments[index], short=True, far=far)) for index in chosen
    ))  # fmt: skip


def reach_over_days(all_moments: Sequence[Moment]) -> bool:
    """Whether the axis is long enough that the day says more than the hour."""
    first, last = (all_moments[0], all_moments[-1]) if all_moments else (None, None)
    return isinstance(first, datetime) and last - first > timedelta(days=2)


def label_place(plane: Plane, index: int) -> tuple[float, float, str]:
    """Under its value; where that is too near the edge, up to it."""
    x, y = plane.x(index), plane.height - 4
    return (plane.width, y, "end") if x > plane.width - 24 else (x, y, "middle")


def moment_label(moment: Moment, *, short: bool = False, far: bool = False) -> str:
    """A day or an instant in the reader's zone and language; text stands for itself."""
    if isinstance(moment, datetime):
        local = timezone.localtime(moment)
        if not short:
            return f"{local:%Y-%m-%d %H:%M}"
        return date_format(local, "MONTH_DAY_FORMAT" if far else "H:i")
    if isinstance(moment, date):
        return date_format(moment, "MONTH_DAY_FORMAT" if short else "Y-m-d")
    return moment


def shown(value: int | None, show: Show) -> str:
    return _("no value") if value is None else show(value)


def hits(plane: Plane, words: Sequence[tuple[Any, str]]) -> SafeString:
    """What a pointer is told over each value."""
    if len(words) > MOST_HITS:
        return SafeString()
    form = '<rect class="hit" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>'
    width, height = round(plane.step, 1), plane.height - TOP - BOTTOM
    return format_html_join("", form, (
        (round(LEFT + plane.step * i, 1), TOP, width, height, when, what) for i, (when, what) in enumerate(words)
    ))  # fmt: skip
