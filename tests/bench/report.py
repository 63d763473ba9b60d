"""What a run has found: the figures, held against their targets, as a table for people and as JSON for machines."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from tests.bench.operations import Operation
from tests.bench.readings import Reading
from tests.bench.storms import Storm


@dataclass(frozen=True)
class Figure:
    """One thing that was measured.

    Attributes:
        name: what.
        value: how much.
        target: what it should be at most, or at least.
        bound: where `make bench-check` fails: the target with room for a noisy machine. None: it is not checked.
        at_least: which of the two.
    """

    name: str
    value: float
    target: float
    bound: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self._within(self.target)

    @property
    def in_bounds(self) -> bool:
        return self.bound is None or self._within(self.bound)

    def _within(self, limit: float) -> bool:
        within: Callable[[float, float], bool] = operator.ge if self.at_least else operator.le
        return within(self.value, limit)

    def line(self) -> str:
        sign, mark = "≥" if self.at_least else "≤", "" if self.reached else "  missed"
        return f"{self.name:<58}{self.value:>9.2f}   {sign} {self.target:g}{mark}"


@dataclass
class Report:
    """All of a run."""

    readings: dict[str, list[Reading]] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    statements: dict[str, float] = field(default_factory=dict)
    storms: list[Storm] = field(default_factory=list)
    growth: dict[str, float] = field(default_factory=dict)
    read_whole: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def compare(self, operations: Iterable[Operation], hash_ms: float) -> None:
        """Say by what each operation is dearer than the one that it is held against, round by round."""
        for operation in operations:
            pairs = zip(self.readings[operation.name], self.readings[operation.reference], strict=True)
            less = hash_ms if operation.hashes else 0.0
            ratio = median((reading.server_ms - less) / reference.server_ms for reading, reference in pairs)
            self.ratios[operation.name] = ratio
            if operation.target is not None:
                hashed = " without the hash" if operation.hashes else ""
                name = f"{operation.name}: server CPU{hashed}, × {operation.reference}"
                self.figures.append(Figure(name, ratio, operation.target, operation.bound))
            if operation.statements is not None:
                sent, most = self.statements[operation.name], operation.statements
                self.figures.append(Figure(f"{operation.name}: statements", sent, most, most))

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)

    def lines(self) -> Iterable[str]:
        """For people."""
        yield from _table(self)
        if self.storms:
            yield from _storms(self.storms)
        if self.growth:
            yield ""
            yield "From 1,000 to 1,000,000 users, server and PostgreSQL CPU together"
            yield from (f"  {name:<28}× {ratio:.2f}" for name, ratio in self.growth.items())
            yield f"  tables read whole: {', '.join(self.read_whole) or 'none'}"
        yield ""
        yield "What should be, and is"
        yield from (f"  {figure.line()}" for figure in self.figures)


def _table(report: Report) -> Iterable[str]:
    yield "Medians of the rounds; CPU in milliseconds for each request, of which × is a multiple"
    yield f"  {'':<28}{'per s':>8}{'p50 ms':>9}{'p99 ms':>9}{'CPU':>8}{'×':>7}{'PG CPU':>9}{'statements':>12}"
    for name, readings in report.readings.items():

        def middle(figure: str, readings: list[Reading] = readings) -> float:
            return float(median(getattr(reading, figure) for reading in readings))

        ratio = f"{report.ratios[name]:.2f}" if name in report.ratios else ""
        statements = f"{report.statements[name]:g}" if name in report.statements else ""
        yield (
            f"  {name:<28}{middle('per_second'):>8.0f}{middle('p50_ms'):>9.2f}{middle('p99_ms'):>9.2f}"
            f"{middle('server_ms'):>8.3f}{ratio:>7}{middle('postgres_ms'):>9.3f}{statements:>12}"
        )


def _storms(storms: list[Storm]) -> Iterable[str]:
    yield ""
    yield "GET /auth/me, 60 a second, while so many clients sign in at cost 12, each again at once"
    yield f"  {'clients':<10}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}{'sign-ins/s':>12}{'of bcrypt':>11}  refused"
    for storm in storms:
        refused = ", ".join(f"{number} × {status or 'no answer'}" for status, number in storm.refused.items())
        yield (
            f"  {storm.clients:<10}{storm.read_p50_ms:>9.2f}{storm.read_p99_ms:>9.2f}{storm.reads_failed:>8}"
            f"{storm.sign_ins_per_second:>12.2f}{storm.share_of_bcrypt:>10.0%}  {refused or 'none'}"
        )
