"""A plane with points to drag: mouse, finger, or arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from cnndemo.errors import VisitorError
from cnndemo.ui.session import state

LIMIT = 3.0  # the plane reaches from -LIMIT to LIMIT both ways
Points = dict[str, np.ndarray]

_JS = """
const SIZE = 480, SVG = 'http://www.w3.org/2000/svg';

function make(parent, kind, attributes, text) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

export default function (component) {
  const { data, setStateValue, parentElement } = component;
  const root = parentElement.querySelector('svg');
  const limit = data.limit, scale = SIZE / (2 * limit);
  const state = (parentElement.state ??= { dragged: null, sent: 0, moved: 0 });
  const px = (x) => (x + limit) * scale, py = (y) => (limit - y) * scale;
  const clip = (v) => Math.round(100 * Math.max(-limit, Math.min(limit, v))) / 100;
  root.setAttribute('aria-label', data.alt);

  const back = root.querySelector('.back'), front = root.querySelector('.front');
  back.replaceChildren();
  for (let line = Math.ceil(-limit); line <= limit; line++) {
    make(back, 'line', { class: 'grid', x1: px(line), x2: px(line), y1: 0, y2: SIZE });
    make(back, 'line', { class: 'grid', y1: py(line), y2: py(line), x1: 0, x2: SIZE });
  }
  for (const shape of data.shapes) {
    if (shape.kind === 'circle')
      make(back, 'circle', { cx: px(shape.x), cy: py(shape.y), r: shape.r * scale, fill: shape.fill ?? 'none',
        'fill-opacity': shape.opacity ?? 1, stroke: shape.color ?? 'none', 'stroke-width': 2 });
    else if (shape.kind === 'text')
      make(back, 'text', { x: px(shape.x), y: py(shape.y), fill: shape.color ?? 'currentColor', 'font-size': 15,
        'text-anchor': 'middle', 'dominant-baseline': 'middle' },
        shape.text);
    else {
      make(back, 'polyline', { points: shape.points.map(([x, y]) => `${px(x)},${py(y)}`).join(' '), fill: 'none',
        stroke: shape.color, 'stroke-width': shape.width ?? 2.5, 'stroke-dasharray': shape.dash ?? 'none' });
      if (shape.arrow && shape.points.length > 1) {
        const [[ax, ay], [bx, by]] = shape.points.slice(-2);
        const angle = Math.atan2(py(by) - py(ay), px(bx) - px(ax)), tip = 11;
        if (Math.hypot(px(bx) - px(ax), py(by) - py(ay)) > 3) {
          const corner = (turn) => `${px(bx) - tip * Math.cos(angle + turn)},${py(by) - tip * Math.sin(angle + turn)}`;
          make(back, 'polygon', { points: `${px(bx)},${py(by)} ${corner(0.45)} ${corner(-0.45)}`, fill: shape.color });
        }
      }
    }
  }

  const send = (name, x, y, now) => {
    const time = Date.now();
    state.moved = time;
    if (!now && time - state.sent < 150) return;
    state.sent = time;
    setStateValue('moved', { name, x: clip(x), y: clip(y), time });
  };
  const known = front.dataset.names === Object.keys(data.points).join();
  if (!known) front.replaceChildren();
  front.dataset.names = Object.keys(data.points).join();
  for (const [name, point] of Object.entries(data.points)) {
    let group = known ? front.querySelector(`[data-name="${name}"]`) : null;
    const fresh = !group;
    if (fresh) {
      group = make(front, 'g', { 'data-name': name, tabindex: 0, role: 'button', class: 'point' });
      make(group, 'circle', { r: 22, fill: 'transparent' });
      make(group, 'circle', { r: 13, fill: point.color, stroke: 'white', 'stroke-width': 2 });
      make(group, 'text', { 'text-anchor': 'middle', dy: 5, fill: 'white', 'font-size': 15, 'font-weight': 600 }, name);
    }
    const place = (x, y) => {
      [group.dataset.x, group.dataset.y] = [x, y];
      group.setAttribute('transform', `translate(${px(x)} ${py(y)})`);
      group.setAttribute('aria-label', `${point.title} at ${x.toFixed(2)}, ${y.toFixed(2)}; arrow keys move it`);
    };
    // An answer to an earlier move must not pull the point back.
    if (fresh || (state.dragged !== name && data.time >= state.moved)) place(point.x, point.y);
    const where = (event) => {
      const box = root.getBoundingClientRect();
      return [clip(((event.clientX - box.left) / box.width) * 2 * limit - limit),
        clip(limit - ((event.clientY - box.top) / box.height) * 2 * limit)];
    };
    group.onpointerdown = (event) => {
      event.preventDefault(); group.focus(); group.setPointerCapture(event.pointerId); state.dragged = name;
    };
    group.onpointermove = (event) => {
      if (state.dragged !== name) return;
      const [x, y] = where(event); place(x, y); send(name, x, y, false);
    };
    group.onpointerup = group.onpointercancel = (event) => {
      if (state.dragged !== name) return;
      state.dragged = null;
      // A touch that the system takes away has no place of its own: the point stays where it was last.
      const [x, y] = event.type === 'pointercancel' ? [+group.dataset.x, +group.dataset.y] : where(event);
      place(x, y); send(name, x, y, true);
    };
    group.onkeydown = (event) => {
      const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [x, y] = [clip(+group.dataset.x + step[0]), clip(+group.dataset.y + step[1])];
      place(x, y); send(name, x, y, true);
    };
  }
}
"""
_HTML = '<svg viewBox="0 0 480 480" role="group"><g class="back"></g><g class="front"></g></svg>'
_CSS = """
svg { touch-action: none; user-select: none; width: 100%; max-width: 480px; display: block; margin: auto;
  overflow: hidden; border-radius: 8px;
  color: var(--st-text-color); font-family: var(--st-font); border: 1px solid rgba(128, 128, 128, 0.35); }
.grid { stroke: rgba(128, 128, 128, 0.18); }
.point { cursor: grab; }
.point:focus-visible circle:first-child { stroke: var(--st-primary-color); stroke-width: 2; }
.point:focus { outline: none; }
"""
_component = st.components.v2.component("cnndemo_plane", html=_HTML, css=_CSS, js=_JS)


def written(points: Points) -> str:
    """Points as one line: "A 0 0, P 1.2 0.6"."""
    return ", ".join(f"{name} {x:g} {y:g}" for name, (x, y) in points.items())


def read(text: str, names: Sequence[str], limit: float = LIMIT) -> Points:
    """The points of such a line.

    Raises:
        VisitorError: a point is missing or not two numbers.
    """
    found: Points = {}
    for part in text.split(","):
        words = part.split()
        try:
            x, y = (float(word) for word in words[1:])
        except ValueError:
            continue
        if words[0] in names and np.isfinite([x, y]).all():
            found[words[0]] = np.clip([x, y], -limit, limit)
    if set(found) != set(names):
        example = ", ".join(f"{name} 0.5 1" for name in names)
        raise VisitorError(f"Write each point as its letter and two numbers, for example: {example}")
    return {name: found[name] for name in names}


def plane(
    key: str,
    start: dict[str, tuple[float, float]],
    titles: dict[str, tuple[str, str]],
    shapes_of: Callable[[Points], list[dict[str, Any]]],
    alt: Callable[[Points], str],
    limit: float = LIMIT,
    line: Any = None,
) -> Points:
    """A square of the plane with points to drag; a line of text holds them, for links and for those who type.

    Args:
        key: name of the link's parameter.
        start: where the points start, by their letter.
        titles: what each letter means and its colour.
        shapes_of: what to draw behind the points, given where they are: dicts of `kind` "circle" (x, y, r, fill,
            opacity, color), "line" (points, color, width, dash, arrow) or "text" (x, y, text, color).
        alt: the picture in words.
        limit: the plane reaches from -limit to limit.
        line: the container for the line of text; default below the plane.

    Returns:
        Where the points are now.
    """

    def move() -> None:
        moved = state[f"{key}_plane"].moved
        try:
            points = read(state[key], list(start), limit)
        except VisitorError:
            points = {name: np.array(point) for name, point in start.items()}
        if moved and moved["name"] in points:
            state[key] = written(points | {moved["name"]: (moved["x"], moved["y"])})

    slot = st.container()
    words = line or st.container()
    begin = written({name: np.array(point) for name, point in start.items()})
    text = words.text_input("Points", begin, 100, **state.linked(key))
    try:
        points = read(text, list(start), limit)
    except VisitorError as error:
        words.warning(str(error), icon=":material/info:")
        points = {name: np.array(point) for name, point in start.items()}
    last = getattr(state.get(f"{key}_plane"), "moved", None)
    data = {
        "points": {
            name: {"x": float(x), "y": float(y), "title": titles[name][0], "color": titles[name][1]}
            for name, (x, y) in points.items()
        },
        "shapes": shapes_of(points),
        "limit": limit,
        "alt": alt(points),
        "time": last["time"] if last else 0,
    }
    with slot:
        _component(key=state.key(f"{key}_plane"), data=data, on_moved_change=move)
    return points
