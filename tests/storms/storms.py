"""All storms, in the order in which they are run."""

from tests.storms import (
    clocks,
    desk,
    figures,
    leaving,
    malformed,
    order,
    repeats,
    sending,
    trail,
    unit,
)
from tests.storms.outcome import Storm

STORMS = (
    Storm("desk", "F11", "anybody does anything with a talk", 100, 100_000, desk.run),
    Storm("webhook", "F4 B6 B20", "malformed bodies", 100, 10_000, malformed.by_webhook),
    Storm("polling", "F4 B6 B20", "malformed updates", 100, 10_000, malformed.by_polling),
    Storm("forms", "F4 B6 B20", "malformed forms", 100, 10_000, malformed.by_form),
    Storm("duplicates", "F5 B7", "the same update at once", 200, 10_000, repeats.duplicates),
    Storm("jumps", "F6 B7", "ids that jump", 10, 1_000, repeats.jumps),
    Storm("forgeries", "F21", "deliveries by nobody", 200, 10_000, repeats.forgeries),
    Storm("workers", "F7", "eight workers, out of turn", 100, 10_000, order.workers),
    Storm("trail", "F23 B18", "the audit trail changed", 120, 10_000, trail.run),
    Storm("figures", "B23", "exports of two months", 20, 10_000, figures.run),
    Storm("one waits", "F8 B9", "a chat under 429", 20, 4_800, sending.one_waits),
    Storm("bad weather", "F9", "three calls of ten break", 30, 10_000, sending.bad_weather),
    Storm("leaving", "B3", "people who leave while Telegram is away", 7, 700, leaving.leaving),
    Storm("timers", "F12", "timers due at a restart", 20, 1_000, clocks.due_timers),
    Storm("clocks", "F13", "clocks that jump", 60, 2_000, clocks.clock_jumps),
    Storm("unit away", "F14 B10", "an NLU unit in trouble", 8, 400, unit.troubles),
    Storm("mad unit", "F14", "any answer of the unit", 100, 10_000, unit.mad_units),
    Storm("worker", "F14", "any question to the unit", 100, 10_000, unit.worker_protocol),
    Storm("backlog", "F20", "a day's messages at once", 60, 5_000, order.backlog),
)
