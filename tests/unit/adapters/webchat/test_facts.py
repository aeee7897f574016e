"""The public page of facts: all that visitors are told, each with its source and its day."""

import re
from dataclasses import replace
from html import unescape

import httpx
import pytest

from bot.adapters.webchat.facts import Cited, FactBook, Stated, stated_facts
from bot.domain.facts import PLACEHOLDER, Fact, Registry, Source
from bot.domain.messages import Channel, Reply
from bot.i18n import Texts, Values, direction
from bot.i18n.values import phone
from bot.services.reply import Renderer
from bot.settings import Settings
from tests.support import deck
from tests.support.webchat_door import MemoryDoor, make_app
from tests.unit.adapters.webchat.conftest import SETTINGS, make_client

LOCALES = deck.renderer().texts.locales


def listed(renderer: Renderer, locale: str = "en") -> list[Stated]:
    found = stated_facts(renderer.deck, renderer.texts, renderer.values, locale)
    return [one for each in found.values() for one in each]


def with_fact(renderer: Renderer, fact: Fact) -> Renderer:
    """Return a renderer over one fact that is another."""
    registry = Registry({**renderer.registry.facts, fact.key: fact})
    values = Values(renderer.deck, registry, renderer.texts, Settings().said())
    return Renderer(renderer.deck, renderer.texts, values, renderer.today)


async def page_of(renderer: Renderer, locale: str = "en") -> str:
    async with make_client(make_app(MemoryDoor(renderer), SETTINGS)) as client:
        headers = {"accept-language": locale.replace("_", "-")}
        response = await client.get("/facts", headers=headers)
    assert response.status_code == 200
    return response.text


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_fact_of_every_screen_is_there_as_visitors_read_it(locale: str) -> None:
    renderer = deck.renderer()
    shown = {
        key
        for screen in renderer.deck.screens.values()
        for text in (*screen.sources(), screen.topic, *(b.label for b in screen.buttons))
        for key in renderer.registry.used_by(text)
    } | {key for word in renderer.deck.words.values() for key in renderer.registry.used_by(word)}
    page = unescape(await page_of(renderer, locale))
    said = re.findall(r'<p class="reads"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert len(said) == len(shown)
    for key in shown:
        runtime = {"fact_reviewed_on": renderer.registry[key].checked_on.isoformat()}
        assert renderer.values.fill(f"{{{key}}}", locale, runtime) in said
    assert f'dir="{direction(locale)}"' in page
    assert not PLACEHOLDER.search("".join(said))


async def test_a_fact_no_screen_shows_is_not_there() -> None:
    renderer = deck.renderer()
    hidden = "kompasset_url"
    assert str(renderer.registry[hidden].value) not in [one.reads for one in listed(renderer)]


async def test_each_has_its_sources_its_day_and_its_mark() -> None:
    renderer = deck.renderer()
    unsure = sum(not one.confirmed for one in listed(renderer))
    assert 0 < unsure < len(listed(renderer))
    page = await page_of(renderer)
    assert page.count("No person has confirmed this yet.") == unsure
    assert page.count("Checked on ") == len(listed(renderer))
    assert all(one.sources for one in listed(renderer))
    confirmed = replace(renderer.registry["cmm_phone"], verify_before_launch=False)
    less = await page_of(with_fact(renderer, confirmed))
    assert less.count("No person has confirmed this yet.") == unsure - 1


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/page",
        "javascript:alert(1)",
        "data:text/html,x",
        "//a.example",
        "document:plan",
        " https",
    ],
)
async def test_only_https_pages_are_links(url: str) -> None:
    renderer = deck.renderer()
    sources = (Source(url, "said <b>there</b>"), Source("https://b.example/p?x=1&y=2", "here"))
    fact = replace(renderer.registry["cmm_phone"], sources=sources)
    renderer = with_fact(renderer, fact)
    (stated,) = [one for one in listed(renderer) if one.reads == phone(str(fact.value))]
    assert stated.sources == [
        Cited(f"{url}: said <b>there</b>"),
        Cited("b.example/p?x=1&y=2", "https://b.example/p?x=1&y=2"),
    ]
    page = await page_of(renderer)
    assert "<b>there</b>" not in page
    outside = re.findall(r'<a href="(https[^"]*)"([^>]*)>', page)
    assert ("https://b.example/p?x=1&amp;y=2", ' target="_blank" rel="noreferrer noopener"') in (
        outside
    )
    assert {attributes for _, attributes in outside} == {
        ' target="_blank" rel="noreferrer noopener"'
    }
    assert {a.partition(":")[0] for a in re.findall(r'href="([^#"][^"]*)"', page)} == {
        "https", "/", "/exit", "/icon.svg", *re.findall(r'href="(/a/[^"]*)"', page)
    }  # fmt: skip


async def test_english_is_marked_as_english() -> None:
    renderer = deck.renderer(drafts=False)
    served = Texts.load(deck.ROOT / "locales", allow_drafts=True)
    drafted = Renderer(renderer.deck, served, renderer.values, renderer.today)
    assert {one.locale for one in listed(renderer, "ar")} == {"ar", "en"}
    page = await page_of(drafted, "ar")
    notes = re.findall(r'<p class="note"([^>]*)>', page)
    assert notes.count(' lang="en" dir="ltr"') == len(listed(drafted))


async def test_the_page_sets_nothing_and_the_chat_does_not_load_its_style(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/facts")
    assert "set-cookie" not in response.headers
    own = set(re.findall(r'href="(/a/[^"]*\.css)"', response.text))
    chat = set(re.findall(r'href="(/a/[^"]*\.css)"', (await client.get("/")).text))
    assert len(own) == 2
    assert len(chat) == 1
    assert chat < own
    assert 'href="/facts"' in (await client.get("/privacy")).text


def test_it_is_written_once_for_what_is_served() -> None:
    renderer = deck.renderer()
    book = FactBook(lambda: (renderer.deck, renderer.texts, renderer.values))
    first = book("da")
    assert book("da") is first
    assert book("en") is not first
    other = with_fact(renderer, replace(renderer.registry["cmm_phone"], value="+4511223344"))
    renderer.serve(other.deck, other.texts, other.values)
    assert book("da") is not first
    assert phone("+4511223344") in [one.reads for one in book("da")["facts_phones"]]
    assert (
        phone("+4511223344")
        in renderer.render(Reply("utter_phone_numbers", "da"), Channel.WEB).text
    )
