// A camera that runs. One frame is on its way at a time: the next is taken when the answer to the last has been drawn,
// so a slow server or a slow line drops frames instead of piling them up. No frame is kept.
const PAUSE = 70;        // milliseconds from one frame to the next at least
const BUSY = 500;        // the same while the server drops frames
const LOST = 3000;       // milliseconds after which an answer is not waited for any more
const MOST_LOST = 4;     // answers in a row
const SLOW = 300, FAST = 150;  // milliseconds on the way, from which on frames become smaller, and larger again
const SMALLEST = 160, COARSE = 0.4, FINE = 0.75;  // pixels on the long side, quality of the JPEG

const NO_CAMERA = 'No camera was found. Connect one and press Start again, or choose a picture.';
const WORDS = {
  NotAllowedError: 'The camera was refused. Allow it for this page in your browser (the sign before the address), then '
    + 'press Start again.',
  NotFoundError: NO_CAMERA,
  OverconstrainedError: NO_CAMERA,
  NotReadableError: 'The camera is in use by another program, or switched off by a key. Free it, then press Start '
    + 'again.',
};
WORDS.SecurityError = WORDS.NotAllowedError;
WORDS.AbortError = WORDS.NotReadableError;
const UNKNOWN = 'The camera could not be opened. Please choose a picture instead.';
const INSECURE = 'Browsers open a camera on secure pages only, and this one came without HTTPS. Please choose a '
  + 'picture.';
const NO_DEVICES = 'This browser cannot open a camera. Please choose a picture.';
const FRAMED = 'The site that shows this page in a frame does not let it use a camera: its iframe lacks '
  + 'allow="camera".';
const HIDDEN = 'Stopped, since the page was out of sight.';
const GONE = 'The camera went away. Connect it and press Start again.';
const SILENT = 'The server has not answered for some seconds, so the camera was stopped.';

export default function ({ data, setTriggerValue, parentElement }) {
  const live = (parentElement.live ??= new Live(parentElement));
  live.send = (message) => setTriggerValue('frame', message);
  live.receive(data);
  return () => live.leave();
}

class Live {
  constructor(parent) {
    this.find = (part) => parent.querySelector(part);
    this.video = this.find('video');
    this.state = 'idle';  // asking, opening, running
    this.number = Math.floor(Math.random() * 1e9);  // of the message that is on its way
    this.side = this.quality = this.facing = null;
    this.find('.go').onclick = () => (this.state === 'idle' ? this.ask() : this.stop(''));
    this.find('.turn').onclick = () => this.turn();
    this.hide = () => { if (document.hidden) this.stop(HIDDEN); };
    document.addEventListener('visibilitychange', this.hide);
    this.end = () => this.stop(HIDDEN);
    window.addEventListener('pagehide', this.end);
  }

  say(words) {
    this.find('.trouble').textContent = words;
  }

  enter(state) {
    this.state = state;
    this.find('.go').textContent = state === 'idle' ? 'Start the camera' : 'Stop the camera';
    this.video.hidden = state !== 'running';
    if (state !== 'running') this.find('.turn').hidden = true;
    if (state !== 'running') this.find('.pace').textContent = '';
  }

  // Whether there is a seat is asked before the camera is opened.
  ask() {
    if (!navigator.mediaDevices?.getUserMedia) return this.say(window.isSecureContext ? NO_DEVICES : INSECURE);
    const policy = document.permissionsPolicy ?? document.featurePolicy;
    if (policy && !policy.allowsFeature('camera')) return this.say(FRAMED);
    this.say('');
    this.lost = this.answered = 0;
    this.device = null;
    this.find('.pace').dataset.answered = 0;
    this.enter('asking');
    this.post({ asks: true });
  }

  async open() {
    this.enter('opening');
    const which = this.device ? { deviceId: { exact: this.device } } : { facingMode: this.facing };
    const video = { ...which, width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 } };
    let stream = null;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
      if (this.state !== 'opening') return release(stream);  // stopped while the visitor was asked
      this.video.srcObject = this.stream = stream;
      stream.getVideoTracks()[0].onended = () => { if (this.stream === stream) this.stop(GONE); };
      await this.video.play();
    } catch (error) {
      if (this.state === 'opening') this.stop(WORDS[error.name] ?? UNKNOWN);
      return;
    }
    if (this.stream !== stream) return;
    this.enter('running');
    this.times = [];
    this.next();
    const several = (await cameras()).length > 1;
    this.find('.turn').hidden = !several || this.state !== 'running';
  }

  async turn() {
    const known = await cameras(), now = this.stream?.getVideoTracks()[0].getSettings().deviceId;
    if (this.state !== 'running') return;
    this.device = known[(known.indexOf(now) + 1) % known.length];
    clearTimeout(this.timer);
    this.close();  // phones open one at a time
    this.open();
  }

  close() {
    const stream = this.stream;
    this.stream = this.video.srcObject = null;
    if (stream) release(stream);
  }

  stop(words) {
    if (this.state === 'idle') return;
    clearTimeout(this.timer);
    clearTimeout(this.pause);
    this.close();
    this.enter('idle');
    this.say(words);
    this.yield();
  }

  yield() {  // the seat; the still picture comes back
    this.post({ ends: true });
    clearTimeout(this.timer);
  }

  leave() {  // the page was left: nobody is there to be told
    document.removeEventListener('visibilitychange', this.hide);
    window.removeEventListener('pagehide', this.end);
    this.send = () => {};
    this.stop('');
  }

  post(message) {
    this.number += 1;
    this.posted = performance.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.miss(), LOST);
    this.send({ number: this.number, ...message });
  }

  // An answer can be lost: the run that made it was given up for another.
  miss() {
    this.lost += 1;
    if (this.lost >= MOST_LOST) this.stop(SILENT);
    else if (this.state === 'asking') this.post({ asks: true });
    else if (this.state === 'running') this.next();
  }

  next(pause = PAUSE) {
    const now = performance.now();
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.whenSeen(() => this.take()), Math.max(0, this.posted + pause - now));
  }

  whenSeen(act) {  // the next picture of the camera
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(act);
    else requestAnimationFrame(act);
  }

  take() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (this.state !== 'running') return;
    if (!width) return this.next();
    const scale = Math.min(1, this.side / Math.max(width, height));
    const sheet = (this.sheet ??= document.createElement('canvas'));
    sheet.width = Math.max(1, Math.round(width * scale));
    sheet.height = Math.max(1, Math.round(height * scale));
    sheet.getContext('2d').drawImage(this.video, 0, 0, sheet.width, sheet.height);
    this.post({ jpeg: sheet.toDataURL('image/jpeg', this.quality).split(',')[1] });
  }

  async receive(data) {
    this.most = data.side;
    this.side ??= data.side;
    this.quality ??= FINE;
    this.facing ??= data.facing;
    this.find('.pictures').setAttribute('aria-label', data.about);
    if (data.still) {
      if (this.state === 'idle') await this.show(data);
      return;
    }
    if (!('number' in data)) {
      if (this.state === 'idle') this.yield();  // the server takes the camera of a page just left for this one's
      return;
    }
    if (data.number !== this.number || this.done === this.number) return;  // an old one, or seen already
    this.done = this.number;
    clearTimeout(this.timer);
    this.lost = 0;
    if (data.refused) this.stop(data.refused);
    else if (this.state === 'asking') this.open();
    else if (this.state === 'running') {
      this.say(data.busy ? 'The server is busy: frames are dropped.' : '');
      if (data.busy) return this.next(BUSY);
      await this.show(data).catch(() => {});  // a picture that cannot be drawn is dropped, too
      if (this.state !== 'running') return;
      this.adapt(performance.now() - this.posted, data.spent);
      this.next();
    }
  }

  adapt(took, spent) {
    const way = took - spent;
    const factor = way > SLOW ? 0.85 : way < FAST ? 1.1 : 1;
    this.side = Math.min(this.most, Math.max(SMALLEST, this.side * factor));
    this.quality = Math.min(FINE, Math.max(COARSE, this.quality * factor));
    this.times = [...this.times.slice(-9), performance.now()];
    const span = this.times.at(-1) - this.times[0];
    const pace = span ? (1000 * (this.times.length - 1)) / span : 0;
    this.answered += 1;
    Object.assign(this.find('.pace').dataset, { answered: this.answered, took: Math.round(took) });
    this.find('.pace').textContent = `${pace.toFixed(1)} pictures a second, ${Math.round(took)} ms each`;
  }

  async show({ pictures, words, shares }) {
    const loaded = await Promise.all(pictures.map(({ source }) => picture(source)));
    const box = this.find('.pictures');
    box.classList.toggle('old', !pictures.length && box.children.length > 0);
    if (pictures.length) {
      while (box.children.length > pictures.length) box.lastChild.remove();
      while (box.children.length < pictures.length) box.append(figure());
      pictures.forEach((each, place) => draw(box.children[place], loaded[place], each));
    }
    this.find('.told').textContent = words;
    const rows = this.find('.shares');
    while (rows.children.length > shares.length) rows.lastChild.remove();
    while (rows.children.length < shares.length) rows.append(row());
    shares.forEach(([name, share], place) => {
      const [label, bar, number] = rows.children[place].children;
      label.textContent = name;
      bar.firstChild.style.width = `${100 * share}%`;
      number.textContent = `${(100 * share).toFixed(1)} %`;
    });
  }
}

const cameras = async () => (await navigator.mediaDevices.enumerateDevices())
  .filter(({ kind }) => kind === 'videoinput').map(({ deviceId }) => deviceId);

const release = (stream) => stream.getTracks().forEach((track) => track.stop());

const picture = async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
};

const figure = () => {
  const made = document.createElement('figure');
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  made.append(canvas, document.createElement('figcaption'));
  return made;
};

const draw = ({ children: [canvas, caption] }, image, { caption: words, alt }) => {
  const { naturalWidth: width, naturalHeight: height } = image;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.classList.toggle('grid', Math.max(width, height) <= 64);
  canvas.getContext('2d').drawImage(image, 0, 0);
  canvas.setAttribute('aria-label', alt);
  if (caption.textContent !== words) caption.textContent = words;
};

const row = () => {
  const made = document.createElement('div'), bar = document.createElement('span');
  bar.append(document.createElement('i'));
  made.append(document.createElement('span'), bar, document.createElement('span'));
  return made;
};
