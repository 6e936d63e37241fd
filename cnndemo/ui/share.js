// The Share popover: the address as the browser has it, of the whole page or of one section, as a link and as a frame.
const SECTIONS = '[data-testid=stMain] :is(h2, h3, h4)[id]';
const clocks = new WeakMap();
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');

export default function ({ parentElement, data, setStateValue }) {
  const find = (part) => parentElement.querySelector(part);
  const where = find('#where'), link = find('#link'), frame = find('#frame');
  const ask = find('.code'), picture = find('.picture'), words = find('.words');

  const sections = () => [...document.querySelectorAll(SECTIONS)].map((heading) => [heading.id, heading.textContent.trim()]);
  const fill = () => {
    const found = sections(), known = [...where.options].slice(1).map((option) => option.value);
    if (found.map(([id]) => id).join() === known.join()) return;
    const chosen = where.value;
    where.replaceChildren(where.options[0], ...found.map(([id, title]) => new Option(`the section “${title}”`, id)));
    where.value = found.some(([id]) => id === chosen) ? chosen : '';
  };
  const address = () => {  // one that is embedded gives the link of the page itself
    const [page, ...asked] = location.href.split('#')[0].split('?');
    const kept = asked.join('?').split('&').filter((part) => part && !/^embed(_options)?=/.test(part)).join('&');
    return page + (kept && `?${kept}`) + (where.value && `#${where.value}`);
  };
  const framed = (url) => {
    const [page, section] = url.split('#');
    const source = `${page}${page.includes('?') ? '&' : '?'}embed=true${section ? `#${section}` : ''}`;
    return `<iframe src="${escaped(source)}" title="${escaped(document.title)}" width="100%" height="700" ` +
      'style="border: 0" allow="camera; clipboard-write; fullscreen" loading="lazy"></iframe>';
  };
  const show = () => {
    fill();
    const url = address();
    if (link.value !== url) {
      link.value = url;
      frame.value = framed(url);
    }
    const drawn = data.coded === url && (data.svg || data.words);
    ask.hidden = Boolean(drawn);
    picture.hidden = !(drawn && data.svg);
    words.hidden = !(drawn && data.words);
  };

  if (picture.dataset.coded !== data.coded) {
    picture.innerHTML = data.svg;
    picture.dataset.coded = data.coded;
  }
  picture.setAttribute('aria-label', `QR code of ${data.coded}`);
  words.textContent = data.words;
  show();
  clearInterval(clocks.get(parentElement));  // of the run before, whose data is old
  clocks.set(parentElement, setInterval(show, 300));
  where.onchange = show;
  link.onfocus = () => link.select();
  frame.onfocus = () => frame.select();
  ask.onclick = () => { show(); setStateValue('coded', link.value); };
  for (const button of parentElement.querySelectorAll('[data-copies]')) {
    button.onclick = async () => {
      show();
      const field = find(`#${button.dataset.copies}`);
      field.select();
      try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand('copy'); }
      const said = button.textContent;
      if (said === 'Copied') return;
      button.textContent = 'Copied';
      setTimeout(() => { button.textContent = said; }, 1500);
    };
  }
  return () => clearInterval(clocks.get(parentElement));
}
