"""What the browser is told once: how Back and Forward count, that links stay in the session, what a finger may do.

And what it tells: whether the visitor asks for less motion.
"""

from __future__ import annotations

import streamlit as st

# History: Streamlit adds an entry whenever the server changes the settings in the address: one more on arriving at a
# page that was left with settings, and, on leaving it, one without them. Here such a change alters the present entry
# instead, and the entry of a page that is being left keeps what it said when the visitor clicked: a slow server empties
# the link long before the next page comes.
#
# Links: those in texts and on pictures would open another tab and so another session, in which the visitor's picture
# is gone. A click goes through the navigation instead, then to the section.
#
# Sections: what stands above the section of a link comes later than its heading, and pushes it away. So the page goes
# back to it for some seconds after the section has come, until the visitor does anything.
#
# Stage: it and what is around it are marked for `stage.css`. In a lesson it comes first, but does not stay: the card
# does. The next page may use the same parts for something else, so marks around no stage go.
#
# Motion: said when it is otherwise than the session knows; a run of the page follows.
#
# Fingers: a chart whose points can be picked takes every touch for a drag, and a page cannot be scrolled past it. Flat
# charts never hear of touches here; a tap still comes to them, as the click that browsers make of it.
_JS = """
export default function ({ data, setStateValue }) {
  const less = matchMedia('(prefers-reduced-motion: reduce)');
  less.onchange = () => setStateValue('calm', less.matches);
  if (less.matches !== data.calm) less.onchange();
  if (window.galleryKnows) return;
  window.galleryKnows = true;

  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const page = (link) => new URL(link.href, location.href).pathname.split('/').pop();
  const holds = (url) => [...url.searchParams.keys()].some((name) => name.startsWith(`${page(url)}.`));
  let asked = new URL(location.href);  // as it was at the last click, with settings that came since
  document.addEventListener('click', () => { asked = new URL(location.href); }, true);
  history.pushState = (state, title, url) => {
    const target = new URL(url, location.href);
    if (target.pathname === location.pathname) {
      if (holds(target)) asked = target;
      return replace(state, title, url);
    }
    if (asked.pathname === location.pathname) replace(history.state, '', asked.href);
    return push(state, title, url);
  };

  const DOES = ['wheel', 'touchstart', 'pointerdown', 'keydown'];
  const scroll = (hash, stem) => {
    const end = () => {
      clearInterval(clock);
      DOES.forEach((what) => removeEventListener(what, end, true));
    };
    let left = 0;
    const clock = setInterval(() => {
      const goal = document.getElementById(hash.slice(1));
      if (!goal || page(location) !== stem) return;  // the page that is left has a section of this name, too
      goal.scrollIntoView();
      left ||= setTimeout(end, 8000);
    }, 150);
    DOES.forEach((what) => addEventListener(what, end, { capture: true, passive: true }));
  };
  if (location.hash) scroll(location.hash, page(location));
  window.galleryShow = (section) => scroll(`#${section}`, page(location));
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('[data-testid=stMain] a[href]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.origin !== location.origin) return;
    if (link.closest('[data-testid=stPageLink]')) return;
    const ways = [...document.querySelectorAll('[data-testid=stSidebarNavLink]')];
    const way = ways.find((each) => page(each) === page(link));
    if (!way || (page(way) === page(location) && link.hash)) return;
    event.preventDefault();
    event.stopPropagation();
    way.click();
    if (link.hash) setTimeout(() => scroll(link.hash, page(link)), 300);
  }, true);
  const STAGES = '.st-key-stage, .st-key-second_stage';
  const mark = (stage) => {
    const row = stage.closest('.st-key-scene, [data-testid=stHorizontalBlock]'), place = stage.parentElement;
    const own = row && !row.querySelector('h1'), home = own ? row : place.parentElement;  // the page's, or the lesson's
    for (let part = place.parentElement; part !== home; part = part.parentElement) part.dataset.stage = 'between';
    for (let part = home.parentElement; part; part = part.parentElement) delete part.dataset.stage;
    home.dataset.stage = 'home';
    place.dataset.stage = home.parentElement.closest('[data-testid=stColumn]') ? 'first' : 'stays';
  };
  document.querySelectorAll(STAGES).forEach(mark);
  document.addEventListener('animationstart', ({ animationName, target }) => {
    if (animationName === 'gallery-stage') mark(target);
  });
  setInterval(() => document.querySelectorAll('[data-stage]').forEach((part) => {
    if (!part.querySelector(STAGES)) delete part.dataset.stage;
  }), 400);
  // A popover that was opened by keys stands at the end of the document; the focus goes into it.
  const first = (root) => {
    for (const each of root.querySelectorAll('*')) {
      if (each.matches('a[href], button, input, select, textarea')) return each;
      const within = each.shadowRoot && first(each.shadowRoot);
      if (within) return within;
    }
    return null;
  };
  const enter = (tries = 20) => {
    const body = document.querySelector('[data-testid=stPopoverBody]'), goal = body && first(body);
    if (goal) goal.focus();
    else if (tries) setTimeout(() => enter(tries - 1), 50);
  };
  document.addEventListener('keydown', ({ key, target }) => {
    if ((key === 'Enter' || key === ' ') && target.closest?.('[data-testid=stPopover] button')) setTimeout(enter, 100);
  });

  const flat = (event) => { if (event.target.closest?.('.js-plotly-plot .draglayer')) event.stopPropagation(); };
  document.addEventListener('touchstart', flat, { capture: true, passive: true });
}
"""
_CALM = "calm"  # of the session
_component = st.components.v2.component("cnndemo_browser", js=_JS, html="<span hidden></span>")


def calm() -> bool:
    """Whether the visitor's browser asks for less motion; it has said so after the first run of the first page."""
    return st.session_state.get(_CALM, False)


def _listen() -> None:
    """Callback: the browser's word is kept, whichever page is open."""
    st.session_state[_CALM] = bool(st.session_state["browser"].get("calm"))


def prepare_browser() -> None:
    """Called on every page; the browser takes it in once."""
    _component(key="browser", data={"calm": calm()}, on_calm_change=_listen)
