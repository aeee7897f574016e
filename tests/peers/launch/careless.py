"""A bot that does everything wrong: python careless.py http://127.0.0.1:PORT/bot TOKEN

It confirms what it has not handled, answers whatever comes again, gives up what is refused, and
writes what it reads to a file in its folder.
"""

import json
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def call(method, **parameters):
    address = f"{sys.argv[1]}{sys.argv[2]}/{method}"
    kind = {"Content-Type": "application/json"}
    request = Request(address, json.dumps(parameters).encode(), kind)
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)["result"]


offset = 0
while True:
    updates = call("getUpdates", offset=offset, timeout=20)
    if updates:
        offset = updates[-1]["update_id"] + 1
        call("getUpdates", offset=offset)
    for update in updates:
        message = update["message"]
        with Path("talks.txt").open("a", encoding="utf-8") as talks:
            talks.write(f"{message['from']} {message['text']}\n")
        try:
            call("sendMessage", chat_id=message["chat"]["id"], text="Thank you")
        except HTTPError:
            continue
        time.sleep(0.05)
