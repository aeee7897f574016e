"""The command line: ``havn``. Every command says what it does with ``--help``."""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console

from bot import logs
from bot.domain.errors import HavnError
from bot.domain.staff import Role
from bot.settings import Settings

_FAILED = 1
_ROLES = [role.value for role in Role]


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command's work; a Havn error becomes one line that says what to do."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(130)


class _Commands(click.Group):
    """Turns Havn's own errors into one line on standard error and exit status 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except HavnError as error:
            click.echo(f"havn: {error}", err=True)
            context.exit(_FAILED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="havn")
@click.pass_context
def main(context: click.Context) -> None:
    """Havn: anonymous information in many languages, and a queue to a person.

    To try it: havn demo. To see what is missing before it can be used: havn doctor.
    Settings are environment variables that begin with HAVN_; havn doctor lists them.
    """
    settings = Settings.load()
    logs.configure(settings.log_level)
    context.obj = settings


@main.command()
@click.option("--port", type=int, help="Port of the web chat (8080 unless set).")
@click.option("--console-port", type=int, help="Port of the console (8081 unless set).")
@click.option("--no-nlu", is_flag=True, help="Buttons and words of danger only, no free text.")
@click.pass_obj
def demo(settings: Settings, port: int | None, console_port: int | None, no_nlu: bool) -> None:
    """Run everything on this machine, with no token and nothing to set up."""
    from bot.commands import serve  # noqa: PLC0415 -- a fast --help

    changes: dict[str, Any] = {"allow_drafts": True}
    if port is not None:
        changes["chat_port"] = port
    if console_port is not None:
        changes["console_port"] = console_port
    if no_nlu:
        changes["nlu"] = "off"
    logs.configure("WARNING")
    _run(serve.demo(replace(settings, **changes), Console()))


@main.command()
@click.option(
    "--role",
    type=click.Choice(["all", "web", "telegram", "deliver"]),
    default="all",
    show_default=True,
    help="What this process does; several processes share one PostgreSQL.",
)
@click.pass_obj
def serve(settings: Settings, role: str) -> None:
    """Run Havn in production."""
    from bot.commands import serve as serving  # noqa: PLC0415

    _run(serving.serve(settings, serving.Role(role)))


@main.command()
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@click.pass_obj
def sign(settings: Settings, until_stdin_closes: bool) -> None:
    """Publish what two people approved: the only process that holds the signing key.

    serve and demo run it themselves unless HAVN_SIGNER is off.
    """
    from bot.commands import sign as signing  # noqa: PLC0415

    _run(signing.sign(settings, until_stdin_closes=until_stdin_closes))


@main.command()
@click.option("--locale", default="", help="Language to begin in, for example da.")
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    help='Play a file of JSON lines, {"text": …} or {"tap": "label or to"}, instead of asking.',
)
@click.option("--json", "as_lines", is_flag=True, help="Print a JSON line per reply.")
@click.pass_obj
def chat(settings: Settings, locale: str, script: Path | None, as_lines: bool) -> None:
    """Chat on the terminal. The conversation is erased when you leave."""
    from bot.commands import chat as chatting  # noqa: PLC0415

    logs.configure("WARNING")
    settings = replace(settings, allow_drafts=True)
    _run(chatting.chat(settings, locale=locale, script=script, as_lines=as_lines))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def check(settings: Settings, as_json: bool) -> None:
    """Check words, facts, placeholders, lengths, reading grade, translations and rules."""
    from bot.commands import check as checking  # noqa: PLC0415

    checking.run(settings, as_json=as_json)


@main.command()
@click.option("--locale", required=True, help="Language of the page, for example th.")
@click.option("--bot", default="", help="Name of the Telegram bot; the web chat unless given.")
@click.option("--batch", default="p01", show_default=True, help="Which posters these are.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    default=Path("poster.svg"),
    show_default=True,
    help="Where to write it.",
)
@click.pass_obj
def poster(settings: Settings, locale: str, bot: str, batch: str, out: Path) -> None:
    """Write a page to print with a neutral headline and a QR code (SVG)."""
    from bot.commands import poster as printing  # noqa: PLC0415

    printing.poster(settings, locale=locale, bot=bot, batch=batch, out=out)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Say what is set, what is missing, and what to do about it."""
    from bot.commands import doctor as doctoring  # noqa: PLC0415

    _run(doctoring.doctor(settings, as_json=as_json))


@main.group()
def nlu() -> None:
    """Train and measure the understanding of free text."""


@nlu.command("train")
@click.pass_obj
def nlu_train(settings: Settings) -> None:
    """Build the NLU environment if needed and train the model."""
    from bot.commands import nlu as understanding  # noqa: PLC0415

    _run(understanding.train(settings, Console(stderr=True)))


@nlu.command("evaluate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--predictions", type=click.Path(path_type=Path), help="Write each prediction here.")
@click.pass_obj
def nlu_evaluate(settings: Settings, file: Path, as_json: bool, predictions: Path | None) -> None:
    """Measure triage and understanding on FILE, JSON lines with lang, intent, level and text."""
    from bot.commands import nlu as understanding  # noqa: PLC0415

    _run(understanding.evaluate(settings, file, as_json=as_json, predictions=predictions))


@main.command()
@click.option("--conversation", required=True, help="The id of the conversation.")
@click.pass_obj
def forget(settings: Settings, conversation: str) -> None:
    """Erase one conversation for good."""
    from bot.commands import upkeep  # noqa: PLC0415

    _run(upkeep.forget(settings, conversation))


@main.command()
@click.pass_obj
def purge(settings: Settings) -> None:
    """Erase everything that is older than the retention settings allow."""
    from bot.commands import upkeep  # noqa: PLC0415

    _run(upkeep.purge(settings))


@main.group()
def keys() -> None:
    """Care for the keys that seal what visitors write."""


@keys.command("rotate")
@click.option("--pepper", is_flag=True, help="Also change the secret that recognises visitors.")
@click.pass_obj
def keys_rotate(settings: Settings, pepper: bool) -> None:
    """Wrap all data keys anew and destroy the old key-encryption key."""
    from bot.commands import upkeep  # noqa: PLC0415

    _run(upkeep.rotate(settings, pepper=pepper))


@main.group()
def staff() -> None:
    """Let people in to the console, and take their access away."""


@staff.command("invite")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([*_ROLES, "counsellor"]),
    help="What the person does here; may be given several times. A counsellor is a responder.",
)
@click.option(
    "--locale",
    "locales",
    multiple=True,
    help="A language a translator translates into, for example th; may be given several times.",
)
@click.option("--alias", required=True, help="What colleagues and visitors see; not a real name.")
@click.pass_obj
def staff_invite(
    settings: Settings, roles: tuple[str, ...], locales: tuple[str, ...], alias: str
) -> None:
    """Make an account and print a link that lets its owner enrol, once, within 24 hours."""
    from bot.commands import staff as people  # noqa: PLC0415

    _run(people.invite(settings, alias, roles, locales))


@staff.command("list")
@click.pass_obj
def staff_list(settings: Settings) -> None:
    """Show everybody with an account."""
    from bot.commands import staff as people  # noqa: PLC0415

    _run(people.show(settings, Console()))


@staff.command("disable")
@click.option("--alias", required=True, help="Whom to switch off.")
@click.pass_obj
def staff_disable(settings: Settings, alias: str) -> None:
    """Switch somebody off at once; their sessions end."""
    from bot.commands import staff as people  # noqa: PLC0415

    _run(people.disable(settings, alias))


@staff.command("reset")
@click.option("--alias", required=True, help="Who needs a new way in.")
@click.pass_obj
def staff_reset(settings: Settings, alias: str) -> None:
    """Void what somebody signed in with and print a link to enrol anew."""
    from bot.commands import staff as people  # noqa: PLC0415

    _run(people.reset(settings, alias))


@main.group()
def catalog() -> None:
    """Bring published texts and facts to git, and translations from outside to review."""


@catalog.command("export")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder locales of a clone; that of this installation unless given.",
)
@click.pass_obj
def catalog_export(settings: Settings, out: Path | None) -> None:
    """Write what was published last into facts.yml, deck.yml and every deck.po."""
    from bot.commands import catalog as words  # noqa: PLC0415

    _run(words.export(settings, out))


@catalog.command("import")
@click.option("--as", "alias", required=True, help="Whose proposals they are.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, readable=True)
)
@click.pass_obj
def catalog_import(settings: Settings, alias: str, files: tuple[Path, ...]) -> None:
    """Propose each changed translation of FILES (.po, XLIFF, or a folder locales) for review."""
    from bot.commands import catalog as words  # noqa: PLC0415

    _run(words.take(settings, files, alias))


@main.group()
def audit() -> None:
    """Prove that nobody tampered with the record of who did what at the console."""


@audit.command("start")
@click.option("--yes", is_flag=True, help="Do not ask whether anybody looks over your shoulder.")
@click.pass_obj
def audit_start(settings: Settings, yes: bool) -> None:
    """Print the key that proves the trail, once, and erase it from this machine."""
    from bot.commands import audit as trail  # noqa: PLC0415

    if not yes:
        click.confirm("The key is shown once. Is an auditor here to keep it?", abort=True)
    _run(trail.start(settings))


@audit.command("verify")
@click.option(
    "--key-file",
    type=click.File(),
    help="A file with the auditor's key, - to type it. Without it only digests are compared.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def audit_verify(settings: Settings, key_file: TextIO | None, as_json: bool) -> None:
    """Check that no entry was changed, removed or cut off. Exit status 1 when one was."""
    from bot.commands import audit as trail  # noqa: PLC0415

    key = key_file.read() if key_file else ""
    _run(trail.verify(settings, key, as_json=as_json, console=Console(stderr=True)))


@main.group()
def bench() -> None:
    """Measure Havn against the figures it promises; see docs/benchmarks.md."""


@bench.command("receive")
@click.option("--seconds", type=float, default=20.0, show_default=True, help="Length of a round.")
@click.option(
    "--conversations", type=int, default=6000, show_default=True, help="How many visitors."
)
@click.option(
    "--rounds", type=int, default=3, show_default=True, help="Rounds; their median counts."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_receive(
    settings: Settings, seconds: float, conversations: int, rounds: int, as_json: bool
) -> None:
    """Measure from a tap to a stored reply."""
    from bot.commands.bench import receive  # noqa: PLC0415

    logs.configure("WARNING")
    _run(
        receive.run(
            settings, seconds=seconds, conversations=conversations, rounds=rounds, as_json=as_json
        )
    )


@bench.command("nlu")
@click.option("--turns", type=int, default=1000, show_default=True, help="How many texts.")
@click.option(
    "--stock",
    type=click.Path(path_type=Path),
    envvar="STOCK_RASA_PYTHON",
    help="Interpreter of an environment with plain rasa==3.6.21, to compare with.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_nlu(settings: Settings, turns: int, stock: Path | None, as_json: bool) -> None:
    """Measure one turn of the NLU unit, and stock Rasa beside it."""
    from bot.commands.bench import nlu as understanding  # noqa: PLC0415

    logs.configure("WARNING")
    _run(understanding.run(settings, turns=turns, python=stock, as_json=as_json))


@bench.command("claim")
@click.option(
    "--races", type=click.IntRange(1), default=200, show_default=True, help="How many talks."
)
@click.option(
    "--claimants",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many take each talk at once.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_claim(settings: Settings, races: int, claimants: int, as_json: bool) -> None:
    """Let many counsellors take one talk at once; exactly one may get it."""
    from bot.commands.bench import claim  # noqa: PLC0415

    logs.configure("WARNING")
    _run(claim.run(settings, races=races, claimants=claimants, as_json=as_json))


@bench.command("demo")
@click.option(
    "--rounds", type=int, default=3, show_default=True, help="Starts; their median counts."
)
@click.option("--no-nlu", is_flag=True, help="Only the start with buttons.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_demo(settings: Settings, rounds: int, no_nlu: bool, as_json: bool) -> None:
    """Measure how soon the demo answers, its memory and the training."""
    from bot.commands.bench import demo as trial  # noqa: PLC0415

    logs.configure("WARNING")
    _run(trial.run(settings, rounds=rounds, nlu=not no_nlu, as_json=as_json))


@bench.command("console")
@click.option("--seconds", type=float, default=20.0, show_default=True, help="For how long.")
@click.option("--consoles", type=int, default=20, show_default=True, help="Open consoles.")
@click.option("--rate", type=float, default=20.0, show_default=True, help="Messages a second.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_console(
    settings: Settings, seconds: float, consoles: int, rate: float, as_json: bool
) -> None:
    """Measure from a visitor's message to its sight in an open console."""
    from bot.commands.bench import console  # noqa: PLC0415

    logs.configure("WARNING")
    _run(console.run(settings, seconds=seconds, consoles=consoles, rate=rate, as_json=as_json))


@bench.command("attack")
@click.option("--seconds", type=float, default=60.0, show_default=True, help="How long it lasts.")
@click.option("--rate", type=float, default=200.0, show_default=True, help="Updates per second.")
@click.option(
    "--accounts", type=click.IntRange(1), default=50, show_default=True, help="Who sends them."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_attack(
    settings: Settings, seconds: float, rate: float, accounts: int, as_json: bool
) -> None:
    """Flood a server and measure what five genuine visitors inside the flood notice of it."""
    from bot.commands.bench import attack  # noqa: PLC0415

    logs.configure("WARNING")
    _run(attack.run(settings, seconds=seconds, rate=rate, accounts=accounts, as_json=as_json))


@bench.command("processes")
@click.option("--seconds", type=float, default=10.0, show_default=True, help="Length of a round.")
@click.option(
    "--conversations",
    type=click.IntRange(1),
    default=3000,
    show_default=True,
    help="How many visitors each process has.",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Pairs of rounds."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_processes(
    settings: Settings, seconds: float, conversations: int, rounds: int, as_json: bool
) -> None:
    """Measure one and two processes that receive and answer on one PostgreSQL."""
    from bot.commands.bench import processes  # noqa: PLC0415

    logs.configure("WARNING")
    _run(
        processes.run(
            settings, seconds=seconds, conversations=conversations, rounds=rounds, as_json=as_json
        )
    )


@bench.command("spike")
@click.option(
    "--conversations", type=click.IntRange(1), default=225, show_default=True, help="New ones."
)
@click.option("--seconds", type=float, default=45.0, show_default=True, help="What an hour takes.")
@click.option(
    "--waiting", type=click.IntRange(0), default=300, show_default=True, help="Who waits before."
)
@click.option(
    "--consoles", type=click.IntRange(1), default=20, show_default=True, help="Open consoles."
)
@click.option("--full", is_flag=True, help="All 5,000 conversations at the same pace: 17 minutes.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_spike(
    settings: Settings,
    conversations: int,
    seconds: float,
    waiting: int,
    consoles: int,
    full: bool,
    as_json: bool,
) -> None:
    """Measure the web chat and the consoles while a campaign brings an hour's visitors."""
    from bot.commands.bench import spike  # noqa: PLC0415

    logs.configure("WARNING")
    if full:
        conversations, seconds = spike.CONVERSATIONS, spike.SECONDS
    _run(
        spike.run(
            settings,
            conversations=conversations,
            seconds=seconds,
            waiting=waiting,
            consoles=consoles,
            as_json=as_json,
        )
    )


@bench.command("soak")
@click.option("--minutes", type=float, default=5.0, show_default=True, help="How long it lasts.")
@click.option("--rate", type=float, default=3.0, show_default=True, help="Visits per second.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_obj
def bench_soak(settings: Settings, minutes: float, rate: float, as_json: bool) -> None:
    """Let visitors come and go for long, and see whether the server grows or stumbles."""
    from bot.commands.bench import soak  # noqa: PLC0415

    logs.configure("WARNING")
    _run(soak.run(settings, minutes=minutes, rate=rate, as_json=as_json))


if __name__ == "__main__":
    main()
