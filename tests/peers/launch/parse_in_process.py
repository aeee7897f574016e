"""Time ``Agent.parse_message`` of stock Rasa: text in, intent out; no server, no rules, no replies.

    python parse_in_process.py MODEL TEXTS SECONDS

TEXTS is a JSON file that is read, SECONDS one that is written. Runs in the environment of stock
Rasa.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from rasa.core.agent import Agent


async def ask(agent, texts):
    waits = []
    for text in texts:
        began = time.perf_counter()
        await agent.parse_message(text)
        waits.append(time.perf_counter() - began)
    return waits


asked = json.loads(Path(sys.argv[2]).read_text("utf-8"))
waits = asyncio.run(ask(Agent.load(sys.argv[1]), asked))
Path(sys.argv[3]).write_text(json.dumps(waits), "utf-8")
