"""A private PostgreSQL server for tests: a temporary folder and a Unix socket, gone afterwards."""

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

MISSING = (
    "the tests marked postgres need the programs of a PostgreSQL server: "
    "run `apt-get install postgresql`, or leave these tests out with -m 'not postgres'"
)
_OWNER = "havn"
# Durability is not what these tests are about, and the folder is thrown away.
_FAST = "-c fsync=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=16MB"


class PostgresMissingError(RuntimeError):
    """PostgreSQL is not installed; the message says what to do."""


@dataclass(frozen=True)
class Cluster:
    """A running server."""

    programs: Path
    folder: Path

    @classmethod
    def start(cls) -> "Cluster":
        """Make and start a server; PostgresMissingError when it is not installed."""
        cluster = cls(_programs(), Path(tempfile.mkdtemp(prefix="havn-pg-", dir="/tmp")))
        if user := _servant():
            shutil.chown(cluster.folder, user)
        cluster.folder.chmod(0o700)
        data = cluster.folder / "data"
        cluster._run(
            "initdb", "-D", data, "-U", _OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
        )
        options = f"-k {cluster.folder} -c listen_addresses='' {_FAST}"
        log = cluster.folder / "log"
        cluster._run("pg_ctl", "-D", data, "-w", "-s", "-l", log, "-o", options, "start")
        return cluster

    def restart(self) -> None:
        """Let the server die without a word to anybody, and start it again."""
        data, log = self.folder / "data", self.folder / "log"
        self._run("pg_ctl", "-D", data, "-w", "-s", "-l", log, "-m", "immediate", "restart")

    def cut(self, database: str) -> None:
        """Cut every connection to a database."""
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        self.run(f"{ended} WHERE datname = '{database}' AND pid <> pg_backend_pid()")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-s", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql:///{database}?host={self.folder}&user={_OWNER}"

    def create(self, database: str) -> str:
        """Make an empty database, anew if there is one of this name; return its address."""
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", f"CREATE DATABASE {database}")
        return self.url(database)

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each in a transaction of its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(
            [*_as_servant(), *command],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")


@functools.cache
def shared_cluster() -> Cluster:
    """Return the one server of a test run, started at the first call and stopped at the end."""
    cluster = Cluster.start()
    atexit.register(cluster.stop)
    return cluster


def _programs() -> Path:
    """Find the newest server programs: Debian keeps one folder per version, apart from PATH."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3])
    )
    if installed:
        return installed[-1].parent
    found = shutil.which("initdb")
    if found is None:
        raise PostgresMissingError(MISSING)
    return Path(found).resolve().parent


def _servant() -> str:
    """Return the user to run the server as: it refuses to run as root."""
    if os.geteuid() != 0:
        return ""
    users = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"


def _as_servant() -> Sequence[str]:
    user = _servant()
    if not user:
        return ()
    group = str(pwd.getpwnam(user).pw_gid)
    return ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups")
