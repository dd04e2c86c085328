"""The experiments of bench/faults/ in a short form: a real server, real faults, the invariants."""

import asyncio
import os
import subprocess
import tempfile
from contextlib import AsyncExitStack

import pytest
from django.db import connection

from bench.faults import (
    clocks,
    cuts,
    database_restarts,
    disk_full,
    editors,
    kills,
    large,
    locked,
    lost_answers,
    one_entry,
    ordering,
    rights,
    server_restarts,
    seven_tabs,
    slow_reader,
)
from bench.faults.harness import Findings, build

SHORT = {
    ordering: {"rounds": 4, "writers": 8, "readers": 4},
    one_entry: {"rounds": 6},
    editors: {"editors": 6, "rounds": 12},
    lost_answers: {"rounds": 2},
    seven_tabs: {"rounds": 2},
    rights: {"rounds": 1},
    cuts: {"seconds": (0.5,), "pause": 0.1, "delay": 0.01},
    locked: {"seconds": (2.0,)},
    slow_reader: {"rounds": 15, "slow": 3},
    large: {"entries": 200, "small": 20, "rounds": 2},
    kills: {"rounds": 2, "seconds": 0.3},
    server_restarts: {"rounds": 1, "streams": 4},
}


def name_of(module) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.fixture(scope="module")
def runner():
    """One event loop for the servers of this module."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def world(runner):
    """One server of two processes for all of them, with a PostgreSQL of its own that can be restarted where there
    is one; at the end its ledgers and grants are verified."""
    stack, findings = AsyncExitStack(), Findings(lambda told: None)
    try:
        world = runner.run(build(stack, connection.vendor, findings=findings, workers=2))
        world.verifying = False
        yield world
        world.verify()
        assert findings.broken == []
    finally:
        runner.run(stack.aclose())


def play(runner, world, experiment, **options) -> None:
    """Run one; the pages that it opened are closed whatever happens."""

    async def whole() -> None:
        try:
            await experiment(world, **options)
        finally:
            await world.close()

    runner.run(whole())
    broken = list(world.findings.broken)
    world.findings.broken.clear()
    assert broken == []


@pytest.mark.parametrize("module", SHORT, ids=name_of)
def test_what_must_hold_holds(runner, world, module):
    play(runner, world, module.experiment, **SHORT[module])


def test_order_is_by_revision_when_a_clock_is_off(runner, world):
    play(runner, world, clocks.ahead, rounds=4)


def may_mount() -> bool:
    """Whether this account may make a small disk."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
        return made.returncode == 0 and not subprocess.run(["umount", folder]).returncode


def test_a_full_disk_acknowledges_nothing_and_recovers(runner, world):
    if os.geteuid() != 0 or not may_mount():
        pytest.skip("only root makes a disk that is small")
    play(runner, world, disk_full.experiment, rounds=1)


def test_a_postgresql_that_restarts_loses_nothing(runner, world):
    if world.postgres is None:
        pytest.skip("there is no server to restart")
    play(runner, world, database_restarts.experiment, rounds=2, seconds=0.5)
