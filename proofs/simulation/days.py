"""A user's days: when the machine is awake, which tabs are used, and what goes wrong."""

from __future__ import annotations

from random import Random

from proofs.simulation.browser import Browser
from proofs.simulation.engine import Engine
from proofs.simulation.server import Server
from proofs.simulation.world import DAY, World

__all__ = ["plan_day"]

WAKING_HOURS = 0.66  # of a day; the rest is night, and the next day begins with a wake


def plan_day(
    engine: Engine, world: World, random: Random, browser: Browser, server: Server, start: float
) -> None:
    """Set everything that will happen to one browser on one day.

    A day begins with the start of the browser, or with a wake, and is over with the night.

    Args:
        engine: the time.
        world: how bad it is.
        random: where to draw the day from; a day looks the same under every rule.
        browser: whose day it is.
        server: whose network fails now and then.
        start: of the day, in seconds.
    """
    times = sorted(random.random() for _ in range(world.blocks - 1))
    starts = [start, *(start + DAY * WAKING_HOURS * each for each in times)]
    ends: list[float] = []
    for begin, limit in zip(starts, [*starts[1:], start + DAY], strict=True):
        length = min(random.expovariate(1 / world.awake), (limit - begin) * 0.9)
        ends.append(begin + length)
        sleep_until = limit
        _plan_block(engine, world, random, browser, begin, begin + length)
        if random.random() < world.peeks:
            sleep_until = _plan_peek(engine, random, browser, begin + length, limit)
        engine.at(begin + length, browser.sleep, sleep_until)
    engine.at(start, browser.restore if start == 0 else browser.wake)
    for _ in range(_poisson(random, world.outages)):
        when = start + random.random() * DAY * WAKING_HOURS
        engine.at(when, _fail, engine, random, world, server)
    if world.snapshot:
        block = random.randrange(len(starts))
        when = starts[block] + random.random() * (ends[block] - starts[block])
        engine.at(when, _put_back, engine, world, browser)


def _plan_block(
    engine: Engine, world: World, random: Random, browser: Browser, begin: float, end: float
) -> None:
    if begin % DAY:
        engine.at(begin, browser.wake)
    length = end - begin
    for _ in range(1 + int(length / world.visit)):
        tab = random.choice(browser.tabs)
        when = begin + random.random() * length
        until = min(end, when + random.expovariate(1 / world.visit))
        engine.at(when, tab.use, until)
    share = 1 / world.blocks
    for rate, stop in ((world.crashes, browser.crash), (world.restarts, browser.crash)):
        if random.random() < rate * share and length > 120:
            when = begin + random.random() * (length - 100)
            back = when + 2 + random.random() * 60
            engine.at(when, stop, back)
            engine.at(back, browser.restore)


def _plan_peek(
    engine: Engine, random: Random, browser: Browser, asleep: float, awake: float
) -> float:
    when = asleep + random.random() * (awake - asleep) * 0.9
    length = min(1 + 19 * random.random(), (awake - when) * 0.5)
    engine.at(when, browser.wake)
    engine.at(when + length, browser.sleep, awake)
    return when


def _fail(engine: Engine, random: Random, world: World, server: Server) -> None:
    server.down_until = engine.now + random.expovariate(1 / world.outage)


def _put_back(engine: Engine, world: World, browser: Browser) -> None:
    # The machine or the profile is put back to a snapshot: the browser starts anew from it.
    browser.crash(engine.now + 5)
    browser.put_back(world.snapshot)
    engine.at(engine.now + 5, browser.restore)


def _poisson(random: Random, mean: float) -> int:
    number, time = 0, random.expovariate(1.0)
    while time < mean:
        number += 1
        time += random.expovariate(1.0)
    return number
