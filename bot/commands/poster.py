"""``havn poster``: a page to print, with a neutral headline and a QR code, as SVG.

Whoever sees it learns that there is free information, and nothing about whom it is for
(ux.md T1). The code opens a Telegram bot or the web chat in the language of the page.
"""

import re
from pathlib import Path

import click
import segno
from jinja2 import Environment, PackageLoader, select_autoescape

from bot.bootstrap import make_renderer
from bot.domain.errors import ConfigurationError
from bot.i18n import LOCALES
from bot.i18n.direction import direction
from bot.services.reply import Renderer
from bot.settings import Settings

# Telegram: 5 to 32 letters, digits and underscores.
_BOT = re.compile(r"[A-Za-z]\w{4,31}", re.ASCII)
# What Telegram passes on from a link besides letters; visitors are not told apart by it.
_BATCH = re.compile(r"[a-z0-9]{1,8}")
# Thai sets each sentence on a line of its own, without a full stop.
_SENTENCES = re.compile(r"(?<=\.)\s+|\n")
# The widest line of the headline, in characters of its largest size.
_LINE = 22


def poster(settings: Settings, *, locale: str, bot: str, batch: str, out: Path) -> None:
    """Write a poster; ConfigurationError where no chat is named or the language is not served."""
    renderer, _ = make_renderer(settings)
    if locale not in renderer.texts.locales:
        raise ConfigurationError(
            f"there are no texts in {locale}, or only drafts: set HAVN_ALLOW_DRAFTS to use those"
        )
    out.write_text(draw(renderer, locale, link(settings, locale, bot, batch)), encoding="utf-8")
    click.echo(f"{out} is written. Open it in a browser to print it or to save it as a PDF.")


def link(settings: Settings, locale: str, bot: str, batch: str) -> str:
    """Return the address that the code holds: language and batch of print, nothing personal."""
    if not _BATCH.fullmatch(batch):
        raise ConfigurationError("--batch takes one to eight small letters and digits, like p07")
    if bot:
        if not _BOT.fullmatch(bot):
            raise ConfigurationError("--bot takes the name of a Telegram bot without the @")
        return f"https://t.me/{bot}?start={locale}-{batch}"
    if not settings.web_chat_url:
        raise ConfigurationError("name a chat: --bot NAME, or set HAVN_WEB_CHAT_URL")
    return settings.web_chat_url


def draw(renderer: Renderer, locale: str, address: str) -> str:
    """Return the page, A4 in millimetres."""
    headline = _lines(renderer.values.word("channel_short_description", locale))
    served = [LOCALES[code] for code in LOCALES if code in renderer.texts.locales]
    pages = Environment(
        loader=PackageLoader("bot.commands", ""), autoescape=select_autoescape(["svg"])
    )
    return pages.get_template("poster.svg").render(
        locale=locale.replace("_", "-"),
        direction=direction(locale),
        headline=headline,
        size=min(15.0, 15.0 * _LINE / max(map(len, headline))),
        below=_SENTENCES.split(renderer.values.word("channel_description", locale))[1:],
        address=address.removeprefix("https://"),
        code=segno.make(address, error="q", micro=False).svg_inline(border=4, omitsize=True),
        languages=[" · ".join(served[:7]), " · ".join(served[7:])],
    )


def _lines(text: str) -> list[str]:
    """Break a headline between words, each line as long as fits."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= _LINE or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
