// The layers of a network as a row that scrolls: what a place of each looks at, and its strongest map.
export default function ({ data, setTriggerValue, parentElement }) {
  const row = parentElement.querySelector('.row');
  row.setAttribute('aria-label', data.alt);
  if (row.children.length !== data.layers.length || row.dataset.network !== data.network) {
    row.replaceChildren(...data.layers.map(() => {
      const card = document.createElement('button');
      card.type = 'button';
      card.innerHTML = '<span class="pair"><span class="see"><img alt=""><span class="field"></span></span>'
        + '<img class="map" alt=""></span><b></b><small class="shape"></small><small class="sees"></small>';
      return card;
    }));
    row.dataset.network = data.network;
    row.scrollLeft = 0;
  }
  data.layers.forEach((layer, place) => {
    const card = row.children[place];
    const chosen = layer.name === data.chosen;
    card.setAttribute('aria-pressed', String(chosen));
    card.setAttribute('aria-label', `${layer.title}: ${layer.shape}, sees ${layer.sees}`);
    card.querySelector('.see img').src = data.picture;
    card.querySelector('.map').src = layer.map;
    card.querySelector('b').textContent = layer.title;
    card.querySelector('.shape').textContent = layer.shape;
    card.querySelector('.sees').textContent = `sees ${layer.sees}`;
    const [top, left, height, width] = layer.field;
    Object.assign(card.querySelector('.field').style,
      { top: `${top}%`, left: `${left}%`, height: `${height}%`, width: `${width}%` });
    card.onclick = () => setTriggerValue('picked', layer.name);
    if (chosen && row.dataset.shown !== layer.name) {
      row.dataset.shown = layer.name;
      const away = card.offsetLeft - row.offsetLeft;
      if (away < row.scrollLeft || away + card.offsetWidth > row.scrollLeft + row.clientWidth)
        row.scrollLeft = away - row.clientWidth / 2 + card.offsetWidth / 2;
    }
  });
}
