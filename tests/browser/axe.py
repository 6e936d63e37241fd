"""axe-core on a page: what it finds, and what of it is Streamlit's own."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

from playwright.sync_api import Page

#: Rules that Streamlit's own elements break, and where: rule -> selector of what is around them.
STREAMLITS_OWN = {
    "list": "[data-testid=stSidebarNav]",  # the headings of the navigation are no list items
    "listitem": "[data-testid=stSidebarNav]",
    "presentation-role-conflict": "[data-testid=stFileUploader]",
}
_RUN = """async ({ own, rules }) => {
  const options = rules ? { runOnly: rules } : {};
  const { violations } = await axe.run(document, { ...options, resultTypes: ['violations'] });
  const find = (path) => path.flat().reduce((root, part) => (root.shadowRoot ?? root).querySelector(part), document);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => ({
    rule: id, html: node.html.slice(0, 160),
    own: Boolean(own[id] && find(node.target)?.closest(own[id])),
    why: [...node.any, ...node.all, ...node.none].map((check) => check.message).join(' '),
  })));
}"""


def violations(page: Page, rules: list[str] | None = None) -> tuple[list[str], Counter[str]]:
    """What is ours, a line each; and how often Streamlit's own elements break which rule."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(f"{files('axe_playwright_python').joinpath('axe.min.js').read_text(encoding='utf-8')};0")
    found = page.evaluate(_RUN, {"own": STREAMLITS_OWN, "rules": rules})
    ours = [f"{item['rule']}: {item['html']} ({item['why']})" for item in found if not item["own"]]
    return ours, Counter(item["rule"] for item in found if item["own"])
