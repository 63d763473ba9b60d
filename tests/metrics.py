"""What `GET /metrics` answers, as numbers."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from authapp.core import metrics

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by name and labels."""


def read(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels, and others; 0 where there is none."""
    wanted = set(labels.items())
    return sum(number for (found, its), number in samples.items() if found == f"authapp_{name}" and wanted <= its)


def labels_by_name(text: str) -> dict[str, set[str]]:
    """The labels of each metric that there is, by the name that it has in queries."""
    declared = {
        f"{metric._name}{'_total' if metric._type == 'counter' else ''}": set(metric._labelnames)
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
    }
    told = {
        family.name: {label for sample in family.samples for label in sample.labels}
        for family in text_string_to_metric_families(text)
        if family.type == "gauge" and not family.name.endswith("_created")  # which one process alone tells
    }
    return {**told, **declared}
