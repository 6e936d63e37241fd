"""The address of the page as the browser has it, to be copied."""

from __future__ import annotations

import streamlit as st

_HTML = '<div><input type="text" readonly aria-label="Link to this page"><button type="button">Copy</button></div>'
_CSS = """
div { display: flex; gap: 8px; min-width: 260px; }
input { flex: 1; min-width: 0; padding: 6px 8px; color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid rgba(128, 128, 128, 0.5); border-radius: 6px; font: 13px var(--st-code-font, monospace); }
button { padding: 6px 12px; color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid rgba(128, 128, 128, 0.5); border-radius: 6px; font: 14px var(--st-font); cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
_JS = """
export default function ({ parentElement }) {
  const link = parentElement.querySelector('input'), button = parentElement.querySelector('button');
  const show = () => { if (link.value !== location.href) link.value = location.href; };
  show();
  const clock = setInterval(show, 300);
  link.onfocus = () => link.select();
  button.onclick = async () => {
    show();
    link.select();
    try { await navigator.clipboard.writeText(link.value); } catch { document.execCommand('copy'); }
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  };
  return () => clearInterval(clock);
}
"""
_component = st.components.v2.component("cnndemo_share", html=_HTML, css=_CSS, js=_JS)


def share() -> None:
    """A field with the browser's own address and a button that copies it; settings in fragments are in it, too."""
    _component(key="share")
