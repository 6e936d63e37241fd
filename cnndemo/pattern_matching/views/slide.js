// The pattern slides over the scene under mouse, finger or arrow keys. All scores are here already, so the sum and the
// response follow at once; the server hears where the pattern was put down.
const PAUSE = 300;  // milliseconds after the last key until the server hears of it
const ORANGE = '#E69F00';

export default function ({ data, setStateValue, parentElement }) {
  const find = (part) => parentElement.querySelector(part);
  const scene = find('.scene'), map = find('.map'), sum = find('.sum'), bar = find('.bar span'), said = find('.said');
  const own = (parentElement.slide ??= { identity: null, timer: null });
  const { rows, columns, block } = data;
  const scores = new Uint16Array(Uint8Array.from(atob(data.scores), (letter) => letter.charCodeAt(0)).buffer);
  if (own.identity !== data.identity) {
    Object.assign(own, { identity: data.identity, row: data.row, column: data.column, held: null });
    own.seen = document.createElement('canvas');
    [own.seen.width, own.seen.height] = [columns, rows];
  }
  const images = {};
  for (const name of ['image', 'pattern', 'response']) {
    images[name] = new Image();
    images[name].onload = () => draw();
    images[name].src = data[name];
  }
  for (const canvas of [scene, map]) [canvas.width, canvas.height] = [data.width, data.height];
  scene.setAttribute('aria-label', `${data.alt}. Arrow keys move the pattern, with shift farther`);

  const lowest = data.height - data.pattern_height, rightmost = data.width - data.pattern_width;
  const at = (row, column) => Math.floor(row / block) * columns + Math.floor(column / block);
  const score = () => data.low + ((data.high - data.low) * scores[at(own.row, own.column)]) / 65535;
  const words = (value) => new Intl.NumberFormat('en', { maximumSignificantDigits: 4 }).format(value);

  const see = (from, to) => {
    const context = own.seen.getContext('2d');
    context.lineCap = 'round';
    context.lineWidth = Math.max(4, columns / 14);
    context.beginPath();
    context.moveTo(from[1] / block, from[0] / block);
    context.lineTo(to[1] / block + 0.01, to[0] / block);
    context.stroke();
  };
  const put = (row, column) => {
    const before = [own.row, own.column];
    own.row = Math.round(Math.max(0, Math.min(lowest, row)));
    own.column = Math.round(Math.max(0, Math.min(rightmost, column)));
    see(before, [own.row, own.column]);
    draw();
  };
  const draw = () => {
    const context = scene.getContext('2d'), frame = [own.column, own.row, data.pattern_width, data.pattern_height];
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, data.width, data.height);
    if (images.image.complete) context.drawImage(images.image, 0, 0, data.width, data.height);
    if (images.pattern.complete) context.drawImage(images.pattern, ...frame);
    context.strokeStyle = ORANGE;
    context.lineWidth = Math.max(1, data.width / 240);
    context.strokeRect(...frame);

    // Only what the pattern has been over is shown of the response, each score at the middle of the pattern.
    const shown = document.createElement('canvas');
    [shown.width, shown.height] = [columns, rows];
    const part = shown.getContext('2d');
    part.drawImage(own.seen, 0, 0);
    part.globalCompositeOperation = 'source-in';
    if (images.response.complete) part.drawImage(images.response, 0, 0, columns, rows);
    const answer = map.getContext('2d'), [down, across] = [data.pattern_height / 2, data.pattern_width / 2];
    answer.clearRect(0, 0, data.width, data.height);
    answer.strokeStyle = '#808080';
    answer.strokeRect(across, down, rightmost + 1, lowest + 1);
    answer.drawImage(shown, across, down, columns * block, rows * block);
    for (const [color, width] of [['#000000', 5], ['#ffffff', 2.5]]) {
      answer.strokeStyle = color;
      answer.lineWidth = (width * data.width) / 600;
      answer.beginPath();
      answer.arc(own.column + across, own.row + down, data.width / 50, 0, 7);
      answer.stroke();
    }
    const value = score();
    sum.textContent = words(value);
    const share = (value - data.low) / (data.high - data.low || 1);
    bar.style.width = `${100 * share}%`;
    bar.parentElement.setAttribute('aria-valuenow', (100 * share).toFixed(0));
  };
  const send = (wait) => {
    clearTimeout(own.timer);
    own.timer = setTimeout(() => setStateValue('place', { row: own.row, column: own.column }), wait);
  };

  const place = (event) => {
    const frame = scene.getBoundingClientRect();
    return [((event.clientY - frame.top) / frame.height) * data.height,
      ((event.clientX - frame.left) / frame.width) * data.width];
  };
  scene.onpointerdown = (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    event.preventDefault();
    scene.focus({ preventScroll: true });
    scene.setPointerCapture(event.pointerId);
    const [row, column] = place(event);
    const inside = row >= own.row && row < own.row + data.pattern_height
      && column >= own.column && column < own.column + data.pattern_width;
    own.held = inside ? [row - own.row, column - own.column] : [data.pattern_height / 2, data.pattern_width / 2];
    put(row - own.held[0], column - own.held[1]);
  };
  scene.onpointermove = (event) => {
    if (!own.held) return;
    const [row, column] = place(event);
    put(row - own.held[0], column - own.held[1]);
  };
  scene.onpointerup = scene.onpointercancel = () => {
    if (own.held) send(0);
    own.held = null;
  };
  scene.onkeydown = (event) => {
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!way) return;
    event.preventDefault();
    const far = Math.max(1, Math.round((data.width / 600) * (event.shiftKey ? 32 : 4)));
    put(own.row + far * way[0], own.column + far * way[1]);
    said.textContent = `Row ${own.row}, column ${own.column}: ${words(score())}`;
    send(PAUSE);
  };
  find('.all').onclick = () => {
    own.seen.getContext('2d').fillRect(0, 0, columns, rows);
    draw();
  };
  find('.best').onclick = () => {
    put(...data.best);
    send(0);
  };
  see([own.row, own.column], [own.row, own.column]);
  draw();
  return () => clearTimeout(own.timer);
}
