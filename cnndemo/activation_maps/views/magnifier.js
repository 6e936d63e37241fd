// A map over the picture. Point at a place and see the pixels that it looks at; the arrow keys move, too.
export default function ({ data, parentElement }) {
  const find = (part) => parentElement.querySelector(part);
  const canvas = find('.whole'), patch = find('.patch'), said = find('.said'), over = find('.over');
  const state = (parentElement.magnifier ??= { place: null, stamp: null });
  const bytes = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0));
  const levels = new Uint16Array(bytes.buffer);
  const value = (row, column) => data.low + (levels[row * data.columns + column] / 65535) * (data.high - data.low);
  if (state.stamp !== data.stamp) { state.place = data.place; state.stamp = data.stamp; }
  const side = canvas.width, pictures = [data.picture, data.map].map((source) => {
    const image = new Image();
    image.src = source;
    return image;
  });
  canvas.setAttribute('aria-label', `${data.alt}. Arrow keys move the place.`);

  const draw = () => {
    const [row, column] = state.place, [top, height] = data.rows[row], [left, width] = data.cols[column];
    const pen = canvas.getContext('2d'), scale = side / data.size;
    pen.imageSmoothingEnabled = data.size > 64;
    pen.globalAlpha = 1;
    pen.drawImage(pictures[0], 0, 0, side, side);
    pen.imageSmoothingEnabled = false;
    pen.globalAlpha = over.value / 100;
    pen.drawImage(pictures[1], 0, 0, side, side);
    pen.globalAlpha = 1;
    const cell = [column * side / data.columns, row * side / data.count, side / data.columns, side / data.count];
    for (const [color, wide] of [['#000', 5], ['#E69F00', 3]]) {
      pen.strokeStyle = color;
      pen.lineWidth = wide;
      pen.strokeRect(left * scale, top * scale, width * scale, height * scale);
    }
    for (const [color, wide] of [['#000', 3], ['#fff', 1.5]]) {
      pen.strokeStyle = color;
      pen.lineWidth = wide;
      pen.strokeRect(...cell);
    }
    const small = patch.getContext('2d'), most = Math.max(width, height);
    small.clearRect(0, 0, patch.width, patch.height);
    small.imageSmoothingEnabled = most > 64;
    const grow = patch.width / most;
    small.drawImage(pictures[0], left, top, width, height,
      (patch.width - width * grow) / 2, (patch.height - height * grow) / 2, width * grow, height * grow);
    said.textContent = `Row ${row}, column ${column}: ${Number(value(row, column).toPrecision(3))}. `
      + `It looks at ${height} × ${width} of ${data.size} × ${data.size} pixels.`;
  };
  const at = (row, column) => {
    state.place = [Math.max(0, Math.min(data.count - 1, row)), Math.max(0, Math.min(data.columns - 1, column))];
    draw();
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    at(Math.floor((event.clientY - box.top) / box.height * data.count),
      Math.floor((event.clientX - box.left) / box.width * data.columns));
  };
  canvas.onpointermove = canvas.onpointerdown = point;
  canvas.onkeydown = (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    at(state.place[0] + step[0], state.place[1] + step[1]);
  };
  over.oninput = draw;
  Promise.all(pictures.map((image) => image.decode().catch(() => null))).then(draw);
}
