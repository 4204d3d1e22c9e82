// The page around the avatar: sliders, files, messages.

export type Bytes = Uint8Array<ArrayBuffer>;

/** Says what the page is doing, or nothing when it is ready. */
export function showStatus(state: 'loading' | 'ready' | 'error', message = ''): void {
  document.body.dataset.state = state;
  document.querySelector('#status')!.textContent = message;
}

/** Says what went wrong. */
export function showError(error: unknown): void {
  showStatus('error', error instanceof Error ? error.message : String(error));
}

/** Adds a slider; what `onInput` does may take a while and may fail. */
export function addSlider(
  label: string,
  [min, max, value]: readonly [number, number, number],
  onInput: (value: number) => void | Promise<void>,
): void {
  const input = document.createElement('input');
  Object.assign(input, { type: 'range', min, max, step: (max - min) / 100, value });
  input.addEventListener('input', () => attempt(() => onInput(input.valueAsNumber)));
  const element = document.createElement('label');
  element.append(label, input);
  document.querySelector('#sliders')!.append(element);
}

/** Does something on a click; it may take a while and may fail. */
export function onClick(selector: string, action: () => void | Promise<void>): void {
  document.querySelector(selector)!.addEventListener('click', () => attempt(action));
}

/** Does something when a box is ticked or cleared. */
export function onSwitch(selector: string, action: (on: boolean) => void | Promise<void>): void {
  const input = document.querySelector<HTMLInputElement>(selector)!;
  input.addEventListener('change', () => attempt(() => action(input.checked)));
}

/** Calls back with each file that is chosen in an input. */
export function pickFile(selector: string, callback: (file: File) => Promise<void>): void {
  const input = document.querySelector<HTMLInputElement>(selector)!;
  input.addEventListener('change', () => {
    const [file] = input.files!;
    // So that the same file can be chosen again.
    input.value = '';
    if (file) attempt(() => callback(file));
  });
}

/** Lets the visitor keep a file. */
export function saveFile(name: string, bytes: Uint8Array, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([Uint8Array.from(bytes)], { type }));
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A PNG file of a picture, by the browser. */
export async function encodePng(image: { data: ArrayLike<number>; width: number; height: number }): Promise<Bytes> {
  const { data, width, height } = image;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(new ImageData(Uint8ClampedArray.from(data), width, height), 0, 0);
  return bytesOf(await canvas.convertToBlob());
}

/** Calls back with the content of each avatar that is chosen or dropped. */
export function onFile(callback: (bytes: Promise<Bytes>) => Promise<void>): void {
  pickFile('#file', (file) => callback(bytesOf(file)));
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    const file = event.dataTransfer?.files[0];
    if (file) attempt(() => callback(bytesOf(file)));
  });
}

/** The bytes at an address. */
export async function fetchBytes(url: string): Promise<Bytes> {
  const response = await fetch(url).catch(() => undefined);
  if (!response?.ok) throw new Error(`${url} could not be fetched. Is it there, and allowed for this page?`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Lets `work` run once at a time: calls that come meanwhile share one more run, after it. */
export function inTurn(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  return () => {
    if (current) {
      next ??= current.catch(() => {}).then(() => start());
      return next;
    }
    return start();
  };

  function start(): Promise<void> {
    next = undefined;
    current = work().finally(() => {
      current = undefined;
    });
    return current;
  }
}

async function bytesOf(file: Blob): Promise<Bytes> {
  return new Uint8Array(await file.arrayBuffer());
}

async function attempt(action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    showError(error);
  }
}
