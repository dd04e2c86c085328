"""Tags and filters of the templates. Everything that shows text or time goes through these."""

import uuid

from django import template
from django.utils.html import format_html

from incidents import moments, noticeboard, text
from incidents.moments import Moment
from incidents.sections import SECTIONS

register = template.Library()
register.filter("literal", text.literal)
register.filter("verbatim", text.verbatim)
register.filter("prose", text.prose)
register.filter("link", text.link)


@register.simple_tag
def moment(entry, name: str, form: str = "long"):
    """A <time> of an entry in its incident's zone. form: long (with the date) or clock (the day heads the list)."""
    known = entry.moment(name)
    if known is None:
        return ""
    zone = entry.incident.zone
    shown = moments.show_clock(known, zone) if form == "clock" else moments.show(known, zone)
    css = "at" if form == "clock" else "num"
    return format_html('<time class="{}" datetime="{}">{}</time>', css, moments.iso(known, zone), shown)


@register.simple_tag
def instant(at, zone, precision: str = "minute"):
    """A <time> of a server time (UTC) in a zone."""
    if at is None:
        return ""
    known = Moment(at, precision)
    return format_html(
        '<time class="num" datetime="{}">{}</time>', moments.iso(known, zone), moments.show(known, zone)
    )


@register.simple_tag
def day(at, zone):
    """The day of a time in a zone, such as 23 Nov 2023."""
    return moments.show_day(at, zone)


@register.simple_tag
def avatar(user, small: bool = True, doing: str = ""):
    """The initials of a person in their colour, with the name for those who cannot see it."""
    name = f"{user.display_name}, {doing}" if doing else user.display_name
    return format_html(
        '<span class="av{} h{}" title="{}"><span aria-hidden="true">{}</span><span class="vh">{}</span></span>',
        " s" if small else "",
        user.hue,
        name,
        user.initials,
        name,
    )


@register.simple_tag
def unread_notices(user) -> int:
    """How many notices wait for this person, for the bell in the bar; one query."""
    return noticeboard.unread(user)


@register.simple_tag
def classification(incident):
    """The classification for the banner of every page about an incident; the usual one where there is none."""
    chosen = SECTIONS["classification"]
    return chosen.single(incident) if incident else chosen.model()


@register.simple_tag
def new_id() -> str:
    """An id for an entry that this form makes: sent twice, it makes one."""
    return str(uuid.uuid4())


@register.simple_tag
def icon(name: str):
    """One of the icons of static/icons.svg; words stand next to it or in an aria-label."""
    return format_html('<svg class="i" aria-hidden="true"><use href="/static/icons.svg#i-{}"/></svg>', name)


@register.filter
def human_size(size: int) -> str:
    """Bytes in a unit that people read: 214 MB."""
    value, unit = float(size), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"


@register.filter
def split_words(words: str) -> list[str]:
    """The words of a text, for a loop over fixed names."""
    return words.split()


@register.filter
def lower_first(sentence: str) -> str:
    """A sentence that goes on after a colon."""
    return sentence[:1].lower() + sentence[1:]


@register.filter
def last_word(html: str) -> str:
    """The clock of a shown time, without the date in front of it."""
    return html.rsplit(">", 2)[-2].split("<")[0].rsplit(" ", 1)[-1]
