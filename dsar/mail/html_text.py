"""HTML as plain text: what a person would read, and nothing that runs or loads. It is shown as text, never as HTML.

One pass over the source, whose time grows with its length and with nothing else: parsers that build a tree took two
minutes for 200,000 nested tags (measured).
"""

import html
import re

LONGEST = 500_000  # characters; beyond it the original has the rest
PARAGRAPHS = {"p", "blockquote", "table", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
LINES = {"br", "hr", "div", "tr", "section", "article", "header", "footer"}
HIDDEN = {"script", "style", "head", "title", "template", "svg", "math", "iframe", "object"}
HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]{1,2000})\"|'([^']{1,2000})'|([^\s\"'>]{1,2000}))", re.I)
LINKS = ("http://", "https://", "mailto:", "tel:")


def html_to_text(source: str) -> str:
    """Return the text of an HTML document; a link as its words with the address behind them in angle brackets."""
    source = source[:LONGEST]
    small = source.lower()
    if len(small) != len(source):  # a letter that is longer in small: places would differ
        source = small
    pieces: list[str] = []
    link = ""
    at = 0
    while (start := source.find("<", at)) >= 0:
        pieces.append(_words(source[at:start]))
        if source.startswith("<!--", start):
            at = _after(source, "-->", start + 4)
            continue
        if not (small[start + 1 : start + 2].isalpha() or small[start + 1 : start + 2] in ("/", "!", "?")):
            pieces.append("<")
            at = start + 1
            continue
        at = _after(source, ">", start + 1)
        tag = source[start + 1 : at - 1]
        name = re.match(r"/?[a-z0-9]*", small[start + 1 : start + 20])[0]  # type: ignore[index]
        closes, name = name.startswith("/"), name.removeprefix("/")
        if name in HIDDEN and not closes and not tag.endswith("/"):
            at = _after(source, ">", _after(small, f"</{name}", at))
        elif name == "a":
            if closes or link:
                pieces.append(_address(link, pieces))
            link = "" if closes else _href(tag)
        elif name in PARAGRAPHS:
            pieces.append("\n\n")
        elif name in LINES:
            pieces.append("\n")
        elif name == "li" and not closes:
            pieces.append("\n• ")
        elif name in ("td", "th") and not closes:
            pieces.append("\t")
    pieces.append(_words(source[at:]))
    lines = [re.sub(r"[ \t]*\t[ \t]*", "\t", line).strip() for line in "".join(pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(text).replace("\xa0", " "))


def _after(text: str, what: str, start: int) -> int:
    """Return the place after the next ``what``; the end when there is none, as a browser reads it."""
    found = text.find(what, start)
    return len(text) if found < 0 else found + len(what)


def _href(tag: str) -> str:
    match = HREF.search(tag[:5000])
    address = html.unescape(next(filter(None, match.groups()), "")).strip() if match else ""
    return address if address.lower().startswith(LINKS) else ""


def _address(link: str, pieces: list[str]) -> str:
    """Return what stands behind the words of a link: its address, unless the words are the address."""
    words = pieces[-1].strip() if pieces else ""
    bare = link.removeprefix("mailto:").removeprefix("tel:")
    return f" <{link}>" if link and words not in (link, bare) else ""
