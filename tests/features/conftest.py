"""What the tests of several features use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories import World
from tests.sso import MemoryProvider


@pytest.fixture
def provider(world: World) -> Iterator[MemoryProvider]:
    """A provider that the application of the test is configured with."""
    found = MemoryProvider()
    world.app.providers[found.id] = found
    yield found
    del world.app.providers[found.id]
