"""The identity provider, running in a process of its own."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port


@pytest.fixture(scope="session")
def running():
    """The address of a provider that runs."""
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "tests.identity_provider", address.rpartition(":")[2]]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    for _ in range(200):
        try:
            httpx.get(f"{address}/asked")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield address
    process.terminate()
    process.wait(timeout=10)


class Provider:
    """The provider of one test."""

    def __init__(self, address: str):
        self.address = address
        self.behaves()

    def behaves(self, **behaviour) -> None:
        """What it says of the person, and what it does wrong."""
        httpx.post(f"{self.address}/behave", json=behaviour)

    @property
    def asked(self) -> list[dict]:
        """What it was asked at its door."""
        return httpx.get(f"{self.address}/asked").json()
