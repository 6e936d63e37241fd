"""The address of the page as the browser has it: to be copied, shown in a frame, or read by a phone's camera."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

LONGEST = 600  # characters of a link whose code a phone still reads from a screen

_HTML = """
<label for="where">Opens at</label>
<select id="where"><option value="">the top of the page</option></select>
<label for="link">Link</label>
<div class="row">
  <input id="link" type="text" readonly aria-label="Link to this page">
  <button type="button" data-copies="link">Copy link</button>
</div>
<label for="frame">In a page of your own</label>
<div class="row">
  <input id="frame" type="text" readonly aria-label="HTML that shows this page in a frame">
  <button type="button" data-copies="frame">Copy HTML</button>
</div>
<button type="button" class="code">Show QR code</button>
<div class="picture" role="img" hidden></div>
<p class="words" role="status" hidden></p>
"""
_CSS = """
:host, .row { display: block; }
label { display: block; margin: 10px 0 3px; color: var(--st-text-color); font: 14px var(--st-font); }
label:first-of-type { margin-top: 0; }
.row { display: flex; gap: 8px; min-width: 260px; }
input, select { flex: 1; min-width: 0; padding: 6px 8px; color: var(--st-text-color);
  background: var(--st-background-color); border: 1px solid var(--st-border-color, rgba(128, 128, 128, 0.5));
  border-radius: 6px; font: 13px var(--st-code-font, monospace); }
select { width: 100%; font: 14px var(--st-font); }
button { padding: 6px 12px; color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color, rgba(128, 128, 128, 0.5)); border-radius: 6px; font: 14px var(--st-font);
  cursor: pointer; }
.code { margin-top: 12px; }
:is(input, select, button):focus-visible { outline: 2px solid var(--st-primary-color); }
.picture { margin-top: 12px; background: #fff; border-radius: 6px; max-width: 260px; }
.picture svg { display: block; width: 100%; height: auto; }
p { margin: 8px 0 0; color: var(--st-text-color); font: 14px var(--st-font); }
[hidden] { display: none; }
"""
_component = st.components.v2.component(
    "cnndemo_share", html=_HTML, css=_CSS, js=(Path(__file__).parent / "share.js").read_text(encoding="utf-8")
)


@st.fragment
def share() -> None:
    """The browser's own address, settings in fragments too, as a link, as a frame and as a QR code.

    The link is made in the browser, which alone knows it; the server draws the code when it is asked for.
    """
    wanted = st.session_state.get("share", {}).get("coded") or ""
    data = {"coded": wanted, "svg": "", "words": ""}
    if wanted and len(wanted) > LONGEST:
        data["words"] = "This link is too long for a QR code that a phone could read. Start again makes it short."
    elif wanted:
        data["svg"] = qr_code(wanted)
    _component(key="share", data=data, on_coded_change=lambda: None)


@st.cache_data(max_entries=64, show_spinner=False)
def qr_code(text: str) -> str:
    """A QR code as an SVG element, black on white with the quiet border that readers want."""
    import segno

    return segno.make(text, error="m", micro=False).svg_inline(border=4, light="#fff", omitsize=True)
