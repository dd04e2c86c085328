"""HTML → PDF with WeasyPrint, cut off from disk and network. Floor 0: runs in the printer process without Django."""

import io
import multiprocessing
import os
import threading

SCHEME = "sitroom:"


def begin_printer() -> None:
    """In the printer process, first: it gives way to whoever writes, and ends with the server, killed or stopped."""
    os.nice(10)
    threading.Thread(target=_wait_for_its_end, daemon=True).start()


def _wait_for_its_end() -> None:
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os._exit(1)


def render_pdf(html: str, found: dict[str, tuple[bytes, str]]) -> bytes:
    """Print; addresses that do not start with sitroom: or are not in `found` are refused, whatever asks for them."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OnlyWhatWasHandedOver(URLFetcher):
        def fetch(self, url, headers=None):
            name = url.removeprefix(SCHEME)
            if not url.startswith(SCHEME) or name not in found:
                raise ValueError(f"refused: {url[:200]}")
            content, content_type = found[name]
            return URLFetcherResponse(url, io.BytesIO(content), {"Content-Type": content_type})

    return HTML(string=html, base_url=f"{SCHEME}report", url_fetcher=OnlyWhatWasHandedOver()).write_pdf(
        pdf_variant="pdf/ua-1"
    )
