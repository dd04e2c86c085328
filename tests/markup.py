"""HTML as a tree, read with the standard library only: what a test asks about a page."""

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Node:
    """An element: tag, attributes (the first of a name counts, as in browsers), children."""

    def __init__(self, tag: str, attrs: list[tuple[str, str | None]] = (), parent: "Node | None" = None):
        self.tag, self.parent, self.children = tag, parent, []
        self.attrs = {}
        for name, value in attrs:
            self.attrs.setdefault(name, value or "")

    def walk(self) -> Iterator["Node"]:
        """This element and everything in it."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def text(self) -> str:
        """All text in it, white space folded; pieces of different elements are set apart."""
        return " ".join(" ".join(self._pieces()).split())

    def exact(self) -> str:
        """All text in it as it is written; a <br> is a line break."""
        return "".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag == "br":
                yield "\n"
            else:
                yield from child._pieces()

    def all(self, tag: str = "", css: str = "") -> list["Node"]:
        """The elements in it with this tag and this class."""
        return [
            node
            for node in self.walk()
            if (not tag or node.tag == tag) and (not css or css in node.attrs.get("class", "").split())
        ]

    def by_id(self, identity: str) -> "Node":
        """The one element with this id."""
        [found] = [node for node in self.walk() if node.attrs.get("id") == identity]
        return found


class _Builder(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.here = Node("root")

    def handle_starttag(self, tag, attrs):
        node = Node(tag, attrs, self.here)
        self.here.children.append(node)
        if tag not in VOID:
            self.here = node

    def handle_startendtag(self, tag, attrs):
        self.here.children.append(Node(tag, attrs, self.here))

    def handle_endtag(self, tag):
        node = self.here
        while node.parent is not None and node.tag != tag:
            node = node.parent
        if node.parent is not None:
            self.here = node.parent

    def handle_data(self, data):
        self.here.children.append(data)


def parse(html: str | bytes) -> Node:
    """The tree of a page or a fragment."""
    builder = _Builder()
    builder.feed(html.decode() if isinstance(html, bytes) else html)
    builder.close()
    return builder.root


def filled(form: Node) -> dict[str, str]:
    """What a browser would send of a form as it stands."""
    data = {}
    for node in form.walk():
        name, kind = node.attrs.get("name"), node.attrs.get("type", "")
        if not name or node.tag == "button" or kind == "file":
            continue
        if node.tag == "select":
            options = node.all("option")
            chosen = [option for option in options if "selected" in option.attrs] or options[:1]
            data[name] = chosen[0].attrs.get("value") or "" if chosen else ""
        elif node.tag == "textarea":
            data[name] = node.exact().removeprefix("\n").replace("\n", "\r\n")
        elif kind not in ("checkbox", "radio"):
            data[name] = node.attrs.get("value", "")
        elif "checked" in node.attrs:
            data[name] = node.attrs.get("value", "on")
    return data


def squash(text: str) -> str:
    """Text without white space and without ligatures, for comparing what was broken into lines."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
