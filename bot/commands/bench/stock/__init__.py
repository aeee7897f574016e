"""Stock Rasa beside Havn: the same files, Rasa's own components and its own server."""

import asyncio
import http.client
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.commands.bench.running import finish, free_port, memory_mib, running, until
from bot.domain.errors import ConfigurationError

HERE = Path(__file__).parent
RELEASE = "3.6.21"
HOW = (
    f"make an environment of CPython 3.10 with rasa=={RELEASE} and setuptools<71, "
    "and name its interpreter with --stock"
)
# Messages of one conversation, so that Rasa's opening of a session is spread as in a real chat.
_PER_CONVERSATION = 10
_TRAIN = (
    "import sys; from rasa import train; "
    "r = train(sys.argv[1], sys.argv[2], sys.argv[4:], output=sys.argv[3], "
    "fixed_model_name='stock', core_additional_arguments={'augmentation_factor': 0}); "
    "sys.exit(r.code)"
)


def interpreter(path: Path) -> Path:
    """Return the interpreter that was named; ConfigurationError says what to install."""
    if not (path.is_file() and path.with_name("rasa").is_file()):
        raise ConfigurationError(f"{path} holds no Rasa: {HOW}")
    return path.absolute()


async def measure(
    python: Path, root: Path, texts: Sequence[str], scratch: Path
) -> tuple[Sequence[float], Mapping[str, float]]:
    """Train stock Rasa, serve it on loopback, and return seconds per message and other figures."""
    environ = {**_environment(), "HOME": str(scratch)}
    training = await finish(
        [
            str(python),
            "-c",
            _TRAIN,
            str(root / "stories" / "domain"),
            str(HERE / "config.yml"),
            str(scratch),
            *(str(root / folder) for folder in ("nlu/data", "stories/rules", "stories/paths")),
        ],
        log=scratch / "train.log",
        environ=environ,
        folder=scratch,
    )
    port, log = free_port(), scratch / "run.log"
    command = [str(python), "-m", "rasa", "run", "-i", "127.0.0.1", "-p", str(port)]
    command += ["-m", str(scratch / "stock.tar.gz")]
    command += ["--credentials", str(HERE / "credentials.yml")]
    command += ["--endpoints", str(HERE / "endpoints.yml")]
    async with running(command, log=log, environ=environ, folder=scratch) as process:
        channel = Rest(port)
        started = await until(channel.answers, process, patience=180, log=log)
        channel.spoken = 0
        waits = await asyncio.to_thread(channel.ask_all, texts)
        others = {
            "train_s": training,
            "start_s": started,
            "rss_mib": memory_mib(process.pid),
            "answered": channel.spoken / len(texts),
        }
    return waits, others


def _environment() -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2"}


class Rest:
    """Rasa's REST channel over one kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.spoken = 0  # messages that got words in return, and not only a status

    async def answers(self) -> bool:
        """Tell whether the model is loaded and a message is answered."""
        try:
            return bool(await asyncio.to_thread(self.ask_all, ["hello"]))
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def ask_all(self, texts: Sequence[str]) -> Sequence[float]:
        """Send texts one after another; return the seconds each took."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        waits: list[float] = []
        try:
            for number, text in enumerate(texts):
                sender = f"visitor-{len(texts)}-{number // _PER_CONVERSATION}"
                body = json.dumps({"sender": sender, "message": text})
                began = time.perf_counter()
                connection.request("POST", "/webhooks/rest/webhook", body)
                response = connection.getresponse()
                said = json.loads(response.read())
                waits.append(time.perf_counter() - began)
                if not isinstance(said, list):
                    raise ValueError("no answer of the REST channel")  # noqa: TRY004 -- what came in
                self.spoken += bool(said)
        finally:
            connection.close()
        return waits
