"""The figures of a run as bar charts: `python -m tests.bench.charts instance/bench.json docs/charts`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

WIDTH, LABEL, BAR, ROW, TOP, MARGIN = 760, 220, 400, 28, 76, 20  # pixels
NAMES = {  # of the report: as the docs show them
    "bare Flask": "bare Flask",
    "baseline": "baseline",
    "me": "GET /auth/me",
    "role-checked read": "one organization, by token",
    "API key read": "one organization, by API key",
    "page of 50 members": "page of 50 members",
    "refresh": "refresh",
    "login, hash cost 4": "login, bcrypt at cost 4",
    "register, hash cost 4": "register, bcrypt at cost 4",
    "logout": "logout",
}
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .muted { fill: #59636e }
  .title { font-weight: 600; font-size: 15px }
  .card { fill: #ffffff; stroke: #d1d9e0 } .axis { stroke: #d1d9e0 } .first { fill: #0969da } .second { fill: #9ec9f5 }
  .reference .first { fill: #6e7781 } .reference .second { fill: #c8cdd3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .muted { fill: #9198a1 } .card { fill: #0d1117; stroke: #3d444d } .axis { stroke: #3d444d }
    .first { fill: #4493f8 } .second { fill: #1f4f8a }
    .reference .first { fill: #9198a1 } .reference .second { fill: #4a5058 }
  }
"""


@dataclass(frozen=True)
class Chart:
    """Horizontal bars.

    Attributes:
        file: its name, without the ending.
        title: what is shown.
        series: the names of the one or two parts of each bar.
        rows: by label, where each part of its bar ends, and the text behind the bar.
    """

    file: str
    title: str
    series: tuple[str, ...]
    rows: dict[str, tuple[list[float], str]]


def charts(report: dict[str, Any]) -> list[Chart]:
    """The charts of a report, as `Report.as_dict` gives it."""

    def middle(name: str, figure: str) -> float:
        return float(median(reading[figure] for reading in report["readings"][name]))

    throughput, processor, latency = {}, {}, {}
    for name, label in NAMES.items():
        rate, p50, p99 = (middle(name, figure) for figure in ("per_second", "p50_ms", "p99_ms"))
        workers, postgres = middle(name, "server_ms"), middle(name, "postgres_ms")
        throughput[label] = [rate], f"{rate:.0f}"
        processor[label] = [workers, workers + postgres], f"{workers:.3g} + {postgres:.3g}"
        latency[label] = [p50, p99], f"{p50:.3g} / {p99:.3g}"
    return [
        Chart("throughput", "Requests per second, four clients", ("requests per second",), throughput),
        Chart("processor", "Processor time of one request, milliseconds", ("workers", "PostgreSQL"), processor),
        Chart("latency", "Time until the answer, milliseconds", ("p50", "p99"), latency),
    ]


def draw(chart: Chart) -> str:
    """The chart as SVG, on a card of its own, so that it is readable on a light and on a dark page."""
    height = TOP + ROW * len(chart.rows) + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(chart.title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            f'<text class="title" x="{MARGIN}" y="32">{escape(chart.title)}</text>',
            *_legend(chart.series),
            *_bars(chart),
            f'<path class="axis" d="M{LABEL} {TOP - 6}V{height - MARGIN + 6}"/>',
            "</svg>\n",
        ]
    )


def _legend(series: tuple[str, ...]) -> Iterator[str]:
    for number, (name, style) in enumerate(zip(series, ("first", "second"), strict=False)):
        x = LABEL + number * 150
        yield f'<rect class="{style}" x="{x}" y="46" width="12" height="12" rx="2"/>'
        yield f'<text class="muted" x="{x + 18}" y="57">{escape(name)}</text>'


def _bars(chart: Chart) -> Iterator[str]:
    longest = max(ends[-1] for ends, _ in chart.rows.values())
    for number, (label, (ends, text)) in enumerate(chart.rows.items()):
        y = TOP + ROW * number
        style = ' class="reference"' if label in ("bare Flask", "baseline") else ""
        widths = [max(1.5, BAR * end / longest) for end in ends]
        parts = list(zip(widths, ("first", "second"), strict=False))
        yield f"<g{style}>"
        yield f'<text x="{LABEL - 10}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
        for width, part in reversed(parts):  # the first part lies on the second
            yield f'<rect class="{part}" x="{LABEL}" y="{y + 2}" width="{width:.1f}" height="18" rx="3"/>'
        yield f'<text class="muted" x="{LABEL + widths[-1] + 8:.1f}" y="{y + 15}">{escape(text)}</text></g>'


def main(report: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for chart in charts(json.loads(report.read_text())):
        (folder / f"{chart.file}.svg").write_text(draw(chart))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
