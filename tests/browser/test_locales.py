"""Every screen of every language on the smallest phone: nothing is cut off, nothing sticks out."""

from collections.abc import Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser

from bot.bootstrap.words import SAMPLES
from bot.domain.messages import Channel, Reply
from bot.i18n import LOCALES
from bot.services.reply import Renderer
from tests.browser.site import serve, visit

WIDTH = 320
# Puts the words of each screen into the bubble and the buttons of the real page, and tells of each
# what is wider than its place. A word too long for its line shows as an overflow.
_MEASURE = """screens => {
  const log = document.getElementById('log'), answers = document.getElementById('answers');
  const said = log.querySelector('.said'), button = answers.querySelector('button[name=tap]');
  const pair = button.parentElement.cloneNode(false), wide = [];
  const outside = e => {
    const r = e.getBoundingClientRect();
    return e.scrollWidth > e.clientWidth + 1 || r.left < -0.5 || r.right > innerWidth + 0.5;
  };
  for (const screen of screens) {
    const bubble = said.cloneNode(true);
    bubble.querySelector('p').textContent = screen.text;
    log.replaceChildren(bubble);
    answers.querySelectorAll('.pair').forEach(row => row.remove());
    for (const row of screen.rows) {
      const div = pair.cloneNode(false);
      for (const label of row) {
        const one = button.cloneNode(true);
        one.querySelector('bdi').textContent = label;
        div.append(one);
      }
      answers.append(div);
    }
    const seen = [bubble, bubble.querySelector('p'), ...answers.querySelectorAll('.pair button')];
    const cut = seen.filter(outside).map(e => e.textContent.trim());
    if (document.documentElement.scrollWidth > innerWidth) cut.push('the page');
    if (cut.length) wide.push([screen.id, ...cut]);
  }
  // A word of a button is never broken; Thai writes no spaces, so its lines break inside.
  const broken = e => {
    const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      for (const word of walk.currentNode.data.matchAll(/\\S+/g)) {
        if (/[\\u0e00-\\u0e7f]/.test(word[0])) continue;
        const range = document.createRange();
        range.setStart(walk.currentNode, word.index);
        range.setEnd(walk.currentNode, word.index + word[0].length);
        if (range.getClientRects().length > 1) return true;
      }
    }
    return false;
  };
  const always = [...document.querySelectorAll('#row button, #exit, #top .name')];
  const high = document.getElementById('top').offsetHeight > 80 ? ['the top takes two lines'] : [];
  const cut = always.filter(e => outside(e) || broken(e)).map(e => e.textContent.trim());
  return [...wide, ...cut, ...high];
}"""


def _screens(renderer: Renderer, locale: str) -> Sequence[dict[str, Any]]:
    """Return words and labels of all screens a visitor of the web chat can meet."""
    found = []
    for id_ in renderer.deck.screens:
        bubble = renderer.render(Reply(id_, locale, SAMPLES), Channel.WEB)
        rows = [[choice.label for choice in row] for row in bubble.rows]
        found.append({"id": id_, "text": bubble.text, "rows": rows})
    return found


@pytest.mark.parametrize("locale", list(LOCALES))
def test_no_screen_is_cut_off_on_the_smallest_phone(chromium: Browser, locale: str) -> None:
    with serve() as site:
        renderer = site.door.renderer
        assert locale in renderer.texts.locales
        tag = locale.replace("_", "-")
        context = visit(chromium, viewport={"width": WIDTH, "height": 568}, locale=tag)
        page = context.new_page()
        page.goto(site.url)
        assert page.evaluate("document.documentElement.lang") == tag
        page.locator("button[value='utter_safe_to_talk']").click()
        page.wait_for_selector("#answers .pair button")
        assert page.evaluate(_MEASURE, _screens(renderer, locale)) == []
        context.close()
