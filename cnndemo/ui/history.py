"""Back and Forward: one entry of the browser's history for each page that was looked at, with its last settings."""

from __future__ import annotations

import streamlit as st

# Streamlit adds an entry whenever the server changes the settings in the address: one more on arriving at a page that
# was left with settings, and, on leaving it, one without them. Here such a change alters the present entry instead, and
# the entry of a page that is being left keeps what it said.
_JS = """
const MOMENT = 400;  // milliseconds: leaving a page first empties its link, then goes to the next page

export default function () {
  if (window.galleryHistory) return;
  window.galleryHistory = true;
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  let before = null, time = 0;
  history.pushState = (state, title, url) => {
    const target = new URL(url, location.href);
    if (target.pathname === location.pathname) {
      if (Date.now() - time > MOMENT) before = location.href;
      time = Date.now();
      return replace(state, title, url);
    }
    if (before && Date.now() - time < MOMENT) replace(history.state, '', before);
    before = null;
    return push(state, title, url);
  };
}
"""
_component = st.components.v2.component("cnndemo_history", js=_JS, html="<span hidden></span>")


def one_entry_a_page() -> None:
    """Mends the browser's history; called on every page, done once."""
    _component(key="history")
