"""F5, F6, F21: the same update many times at once, ids that jump, and deliveries by nobody."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.storms.malformed import PATH, SECRET, behind_a_webhook, behind_polling, update
from tests.storms.outcome import Outcome
from tests.support.telegram_api import SECRET_HEADER

HEADERS = {SECRET_HEADER: SECRET}
# What a visitor does, one thing after the other, up to the queue.
TAPS = (
    *("utter_main_menu", "utter_debt", "utter_human_consent", "utter_human_notify consent=all"),
    *("utter_human_code_word notify=pull", "action_queue_open", "utter_phone_numbers"),
)
# A slash too many is sent away; the page of the web chat takes forms only.
REFUSED = (307, 400, 403, 404, 405)
FIRST_CHAT = 1_000_000
_COUNTS = {
    "conversations": "SELECT count(*) FROM conversations",
    "stored": "SELECT count(*) FROM messages WHERE incoming",
    "unanswered": "SELECT count(*) FROM messages WHERE incoming AND state <> 'done'",
    "replies": "SELECT count(*) FROM messages WHERE NOT incoming",
    "handovers": "SELECT count(*) FROM handovers",
    "timers": "SELECT count(*) FROM timers",
    "receipts": "SELECT count(*) FROM receipts",
}


def effects(folder: Path) -> Mapping[str, int]:
    """Count what lies in the file."""
    with closing(sqlite3.connect(folder / "havn.db")) as file:
        return {name: file.execute(how).fetchone()[0] for name, how in _COUNTS.items()}


def tap(number: int, chat: int, data: str) -> dict[str, Any]:
    """Return the update of a button."""
    message = update(number, chat)["message"]
    query = {"id": f"{number}", "from": {"id": chat}, "message": message, "data": data}
    return {"update_id": number, "callback_query": query}


def duplicates(times: int, folder: Path, number: int) -> Outcome:
    """Bring each update 2 to 50 times in parallel; what comes of it is what comes of one."""
    outcome, chance = Outcome(), random.Random(number)
    wanted = max(times // (26 * len(TAPS)), 1)

    async def storm(where: Path, *, once: bool) -> None:
        async with behind_a_webhook(where) as (app, client):
            for step, data in enumerate(TAPS):
                posts = []
                for visitor in range(wanted):
                    one = tap(step * 100_000 + visitor + 1, FIRST_CHAT + visitor, data)
                    posts += [json.dumps(one)] * (1 if once else chance.randint(2, 50))
                chance.shuffle(posts)
                answers = await _all(client, posts)
                outcome.expect(answers == {200}, f"answered {answers}")
                await app.reception.close()
                if not once:
                    outcome.count("updates", wanted)
                    outcome.count("duplicates", len(posts) - wanted)

    for name, once in (("once", True), ("often", False)):
        asyncio.run(storm(folder / name, once=once))
    one, many = effects(folder / "once"), effects(folder / "often")
    outcome.expect(one == many, f"once {one}, often {many}")
    outcome.expect(many["stored"] == wanted * len(TAPS), f"{many['stored']} were stored")
    outcome.expect(many["handovers"] == wanted, f"{many['handovers']} requests")
    outcome.figures |= {"extra effects": sum(many.values()) - sum(one.values())}
    return outcome


def jumps(times: int, folder: Path, number: int) -> Outcome:
    """Let the ids of updates restart anywhere; each message is stored once and answered."""
    outcome, chance = Outcome(), random.Random(number)

    async def storm() -> None:
        async with behind_polling(folder) as api:
            # A number that came before would be a repeat: Telegram has 2**30 of them to choose of.
            for start in chance.sample(range(2_000_001, 2**30, 100), times):
                try:
                    await api.drained(within=30)
                except TimeoutError:
                    outcome.expect(False, f"stuck after {outcome.figures}")
                    return
                api.jump(start)
                outcome.count("jumps")
                visitor = api.visitor(language_code="en")
                for _ in range(chance.randint(1, 3)):
                    await visitor.sends("/phone")
                    outcome.count("messages")
            await api.drained(within=30)
            await asyncio.sleep(0.5)

    asyncio.run(storm())
    found = effects(folder)
    outcome.expect(found["stored"] == outcome.figures["messages"], f"{found}")
    outcome.expect(found["unanswered"] == 0, f"{found['unanswered']} were left")
    return outcome


def forgeries(times: int, folder: Path, number: int) -> Outcome:
    """Post updates that Telegram did not send; all are refused, and nothing is written."""
    outcome, chance = Outcome(), random.Random(number)

    async def storm() -> None:
        async with behind_a_webhook(folder) as (app, client):
            genuine = json.dumps(update(1, FIRST_CHAT, text="/start en"))
            outcome.expect(await _all(client, [genuine]) == {200}, "the genuine one was refused")
            await app.reception.close()
            before = effects(folder)
            with closing(sqlite3.connect(folder / "havn.db")) as file:
                version = file.execute("PRAGMA data_version").fetchone()
                for start in range(0, times, 100):
                    some = [
                        _forged(client, chance, genuine) for _ in range(min(100, times - start))
                    ]
                    for response in await asyncio.gather(*some):
                        refused = response.status_code in REFUSED
                        outcome.expect(refused, f"{response.status_code} for a forgery")
                        outcome.count("forgeries")
                outcome.expect(
                    file.execute("PRAGMA data_version").fetchone() == version, "it was written"
                )
            # With the secret a delivery may be repeated by whoever overheard it: without effect.
            repeated = await _all(client, [genuine] * 100)
            outcome.expect(repeated == {200}, "a repeat was refused")
            await app.reception.close()
            outcome.expect(effects(folder) == before, "a repeat had an effect")
            outcome.count("repeats", 100)

    asyncio.run(storm())
    return outcome


def _forged(client: httpx.AsyncClient, chance: random.Random, genuine: str) -> Any:
    """Return a delivery with a wrong secret, or to a wrong place."""
    fresh = update(chance.randrange(10, 2**40), chance.randrange(2**40), text="they have a knife")
    body = chance.choice([genuine, json.dumps(fresh)])
    if chance.random() < 0.2:
        wrong = chance.choice(["/", f"{PATH}/", f"/{PATH}", PATH.upper(), PATH[:-1], f"{PATH}%00"])
        method = chance.choice(["POST", "PUT"])
        return client.request(method, f"https://bot.example{wrong}", content=body, headers=HEADERS)
    return client.post(PATH, content=body, headers=chance.choice(_wrong_secrets(chance)))


def _wrong_secrets(chance: random.Random) -> Sequence[Mapping[str, bytes | str]]:
    place = chance.randrange(len(SECRET))
    changed = SECRET[:place] + chance.choice("abcXYZ019é") + SECRET[place + 1 :]
    wrong = [
        *("", SECRET[:place], SECRET + "x", SECRET.upper(), "null", "Bearer " + SECRET),
        *("the-secret-of-last-year", changed if changed != SECRET else ""),
    ]
    headers: list[Mapping[str, bytes | str]] = [
        {SECRET_HEADER: value.encode("latin-1")} for value in wrong
    ]
    return [*headers, {}, {"Authorization": SECRET}, {SECRET_HEADER[2:]: SECRET}]


async def _all(client: httpx.AsyncClient, posts: Sequence[str]) -> set[int]:
    """Post everything, two hundred at a time; return the answers there were."""
    statuses: set[int] = set()
    for start in range(0, len(posts), 200):
        batch = (client.post(PATH, content=p, headers=HEADERS) for p in posts[start : start + 200])
        statuses |= {response.status_code for response in await asyncio.gather(*batch)}
    return statuses
