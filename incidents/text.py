"""What people typed, as HTML: exactly, or as Markdown. Floor 0; the only place that turns text into markup.

Nothing here makes a link, a picture or a script out of text that was not Markdown; control characters that
reorder text are shown instead of obeyed (Unicode TR 36).
"""

import re
from collections.abc import Iterable

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

LEADS = re.compile(
    r"https?://|mailto:|#|/(?![/\\])", re.IGNORECASE
)  # no address without a scheme leaves the site
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TAGS = {
    "p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "h3", "h4", "h5", "h6", "hr",
    "a", "table", "thead", "tbody", "tr", "th", "td", "del", "span",
}  # fmt: skip
markdown = (
    MarkdownIt("commonmark", {"html": False, "linkify": False})
    .disable("image")
    .enable(["table", "strikethrough"])
)


def show_bidi(html: str) -> str:
    """Make the characters that reorder text visible; `html` is escaped already."""
    return BIDI.sub(lambda found: f'<span class="bidi">U+{ord(found[0]):04X}</span>', html)


def literal(text: str) -> SafeString:
    """The text itself, line breaks kept."""
    return mark_safe(show_bidi(escape(text)).replace("\r\n", "\n").replace("\n", "<br>"))  # noqa: S308 (escaped)


def marked(text: str, spans: Iterable[tuple[int, int]]) -> SafeString:
    """The text itself with a quiet mark around some spans of it, such as the people it names."""
    pieces, here = [], 0
    for start, end in spans:
        pieces += [
            literal(text[here:start]),
            format_html('<b class="named">{}</b>', literal(text[start:end])),
        ]
        here = end
    return mark_safe("".join([*pieces, literal(text[here:])]))  # noqa: S308 (escaped piece by piece)


def verbatim(text: str) -> SafeString:
    """The text itself for a <pre>."""
    return mark_safe(show_bidi(escape(text)))  # noqa: S308 (escaped)


def link(address: str, label: str = "") -> SafeString:
    """The label as a link to http or https; any other address is text beside it, whatever brought it here."""
    if not re.match("https?://", address, re.IGNORECASE):
        return literal(f"{label} {address}".strip())
    shown = literal(label or address)
    return format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', address, shown)


def prose(text: str) -> SafeString:
    """Markdown to HTML through an explicit list of tags; links to http, https, mail and this site only."""
    html = markdown.render(text).replace("<h1>", "<h3>").replace("</h1>", "</h3>")
    html = html.replace("<h2>", "<h3>").replace("</h2>", "</h3>")
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}, "*": set()},
        attribute_filter=lambda tag, name, value: value if name != "href" or LEADS.match(value) else None,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(show_bidi(clean))  # noqa: S308 (cleaned by nh3)
