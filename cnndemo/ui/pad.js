// The drawing pad: strokes and boxes for mouse, finger, pen and keyboard. It keeps what is drawn as points and sends
// those; the server draws them again from the numbers.
const PAUSE = 150;  // milliseconds between two messages while the pen moves
const MOST_POINTS = 20000;

export default function ({ data, setStateValue, parentElement }) {
  const find = (part) => parentElement.querySelector(part);
  const canvas = find('canvas'), said = find('.said');
  const pad = (parentElement.pad ??= { strokes: null, tool: 'pen', open: null, sent: 0, timer: null, pen: null });
  if (pad.strokes === null || pad.sheet !== data.sheet) {
    pad.strokes = data.strokes;
    pad.sheet = data.sheet;
    pad.open = null;
  }

  const sharp = window.devicePixelRatio || 1;
  canvas.width = data.width * sharp;
  canvas.height = data.height * sharp;
  canvas.style.aspectRatio = `${data.width} / ${data.height}`;
  canvas.style.maxWidth = `${data.width}px`;
  canvas.style.background = data.background ? `center / 100% 100% url(${data.background})` : data.paper;
  canvas.setAttribute('aria-label', `${data.alt}. ${data.box ? BOX_KEYS : PEN_KEYS}`);
  find('.tools').hidden = data.box;
  for (const tool of ['pen', 'eraser']) find(`.${tool}`).setAttribute('aria-pressed', String(pad.tool === tool));

  const context = canvas.getContext('2d');
  const draw = () => {
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, data.width, data.height);
    context.lineCap = context.lineJoin = 'round';
    for (const stroke of pad.strokes) {
      if (stroke.tool === 'box') drawBox(stroke.points);
      else drawLine(stroke);
    }
    if (pad.pen && document.activeElement !== document.body) cross(pad.pen);
  };
  const drawLine = ({ tool, width, points }) => {
    const rubbing = tool === 'eraser' && !data.eraser;
    context.globalCompositeOperation = rubbing ? 'destination-out' : 'source-over';
    context.globalAlpha = data.background ? 0.75 : 1;
    context.strokeStyle = tool === 'eraser' ? data.eraser || '#000' : data.color;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]);
    for (const point of points.slice(1)) context.lineTo(...point);
    context.stroke();
    context.globalCompositeOperation = 'source-over';
    context.globalAlpha = 1;
  };
  const drawBox = ([[x, y], [right, bottom]]) => {
    context.strokeStyle = data.color;
    context.lineWidth = 3;
    context.strokeRect(x, y, right - x, bottom - y);
    context.globalAlpha = 0.15;
    context.fillStyle = data.color;
    context.fillRect(x, y, right - x, bottom - y);
    context.globalAlpha = 1;
  };
  const cross = ([x, y]) => {
    for (const [color, width] of [['#ffffff', 3], ['#D55E00', 1.5]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x - 9, y); context.lineTo(x + 9, y);
      context.moveTo(x, y - 9); context.lineTo(x, y + 9);
      context.stroke();
    }
  };

  const send = (now) => {
    clearTimeout(pad.timer);
    const wait = now ? 0 : Math.max(0, pad.sent + PAUSE - Date.now());
    pad.timer = setTimeout(() => {
      pad.sent = Date.now();
      setStateValue('strokes', pad.strokes.map((stroke) => ({
        ...stroke, open: stroke === pad.open, points: stroke.points.map((p) => [...p]),
      })));
    }, wait);
  };
  const count = () => pad.strokes.reduce((sum, stroke) => sum + stroke.points.length, 0);
  const begin = (point) => {
    if (data.box) pad.strokes = [{ tool: 'box', width: 0, points: [point, point] }];
    else pad.strokes.push({ tool: pad.tool, width: data.pen, points: [point] });
    pad.open = pad.strokes.at(-1);
    draw();
    if (!data.box) send(false);
  };
  const extend = (point) => {
    if (data.box) pad.open.points[1] = point;
    else {
      const last = pad.open.points.at(-1);
      if (Math.hypot(point[0] - last[0], point[1] - last[1]) < 1 || count() > MOST_POINTS) return;
      pad.open.points.push(point);
    }
    draw();
    if (!data.box) send(false);
  };
  const end = () => {
    if (!pad.open) return;
    const [first, last] = [pad.open.points[0], pad.open.points.at(-1)];
    const tiny = data.box && (Math.abs(first[0] - last[0]) < 3 || Math.abs(first[1] - last[1]) < 3);
    if (tiny) pad.strokes = [];
    pad.open = null;
    draw();
    if (!tiny) send(true);
  };

  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    const within = (value, length) => Math.round(10 * Math.max(0, Math.min(length, value))) / 10;
    return [within(((event.clientX - frame.left) / frame.width) * data.width, data.width),
      within(((event.clientY - frame.top) / frame.height) * data.height, data.height)];
  };
  canvas.onpointerdown = (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pad.pen = null;
    begin(place(event));
  };
  canvas.onpointermove = (event) => {
    if (!pad.open || !canvas.hasPointerCapture(event.pointerId)) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) extend(place(each));
  };
  canvas.onpointerup = canvas.onpointercancel = end;  // a cancelled touch ends where it was last seen
  canvas.onblur = () => { if (pad.pen) { pad.pen = null; end(); draw(); } };

  canvas.onkeydown = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const far = event.shiftKey ? 16 : 4;
    if (step) {
      pad.pen ??= [data.width / 2, data.height / 2];
      pad.pen = [Math.max(0, Math.min(data.width, pad.pen[0] + far * step[0])),
        Math.max(0, Math.min(data.height, pad.pen[1] + far * step[1]))];
      if (pad.open) extend([...pad.pen]);
      else draw();
    } else if (event.key === ' ' || event.key === 'Enter') {
      pad.pen ??= [data.width / 2, data.height / 2];
      const down = !pad.open;
      if (down) begin([...pad.pen]);
      else end();
      said.textContent = down ? 'Pen down' : 'Pen up';
    } else if (event.key === 'Backspace' || (event.key === 'z' && (event.ctrlKey || event.metaKey))) undo();
    else if (event.key === 'Delete') clear();
    else return;
    event.preventDefault();
  };

  const undo = () => { pad.open = null; pad.strokes.pop(); draw(); send(true); };
  const clear = () => { pad.open = null; pad.strokes = []; draw(); send(true); };
  find('.undo').onclick = undo;
  find('.clear').onclick = clear;
  for (const tool of ['pen', 'eraser']) {
    find(`.${tool}`).onclick = () => {
      pad.tool = tool;
      for (const each of ['pen', 'eraser']) find(`.${each}`).setAttribute('aria-pressed', String(each === tool));
    };
  }
  draw();
  return () => clearTimeout(pad.timer);
}

const PEN_KEYS = 'Arrow keys move the pen, space puts it down and lifts it, backspace undoes, delete clears';
const BOX_KEYS = 'Arrow keys move, space sets a corner and then the opposite one, delete clears';
