"""Time ``Agent.parse_message`` of stock Rasa: text in, intent out; no server, no rules, no replies.

    python parse_in_process.py MODEL WARM < texts.json > seconds.json

The first WARM texts are asked but not timed. Runs in the environment of stock Rasa.
"""

import asyncio
import json
import sys
import time

from rasa.core.agent import Agent


async def ask(agent, texts):
    waits = []
    for text in texts:
        began = time.perf_counter()
        await agent.parse_message(text)
        waits.append(time.perf_counter() - began)
    return waits


asked = json.load(sys.stdin)
waits = asyncio.run(ask(Agent.load(sys.argv[1]), asked))
json.dump(waits[int(sys.argv[2]) :], sys.stdout)
