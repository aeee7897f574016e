"""What is the same in every browser when the visitors' page is left in a hurry."""

import re

WORDS = "my boss has my passport"
CHAT = re.compile("How can I help|I am a computer program|passport")
# Milliseconds of script (B25), times six: a cheap phone is as much slower. In Chromium they are
# those of the processor, which a busy machine does not stretch; elsewhere those of the clock.
LONGEST, SLOWER = 200, 6
WAYS = ("button", "shift", "link")
# Presses, and returns what is left on the page the moment that what runs at a press is over.
LEAVE = """(way) => {
  const press = () => {
    if (way === 'button') document.getElementById('exit').click();
    else if (way === 'link') document.querySelector('#skips a').click();
    else for (let n = 0; n < 3; n++) {
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Shift' }));
      document.dispatchEvent(new KeyboardEvent('keyup', { key: 'Shift' }));
    }
  };
  press();
  return document.body.innerText.trim() + document.title.replace('\\u200b', '');
}"""
