"""One server in production's clothes for the run."""

from collections.abc import Iterator

import pytest

from tests.security.production import Production


@pytest.fixture(scope="session")
def production(tmp_path_factory) -> Iterator[Production]:
    """The running server."""
    running = Production(tmp_path_factory.mktemp("production"))
    running.prepare()
    running.start()
    yield running
    running.close()
