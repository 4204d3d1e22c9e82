// The panel with which one paints on the head.

import {
  type Brush,
  createPaintControls,
  createTexturePainter,
  type PartImage,
  type Region,
  type Stamp,
  type TexturePainter,
  type Uv,
} from '@implicit-faces/renderer-webgl';
import { onClick, pickFile } from './page.js';

/**
 * Wires the panel to a painter.
 *
 * @param pick - the place on the skin's chart below the view's x and y, -1 to 1.
 * @param onChange - shows what was painted, of the texture that was given last.
 * @returns what begins to paint on another texture, and gives the painted one, which stays the same object.
 */
export function createPaintPanel(
  view: HTMLElement,
  pick: (x: number, y: number) => Uv | undefined,
  onChange: (region: Region) => void,
): (image: PartImage) => PartImage {
  const form = document.querySelector<HTMLFormElement>('#paint')!;
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;
  const layers = form.elements.namedItem('layer') as unknown as HTMLSelectElement;
  let painter: TexturePainter | undefined;
  let picture = starPicture();

  function tool(): Brush | Stamp | undefined {
    const radius = field('size').valueAsNumber;
    const opacity = field('opacity').valueAsNumber;
    switch (field('tool').value) {
      case 'brush':
        return { colour: parseColour(field('colour').value), radius, opacity };
      case 'eraser':
        return { radius, opacity };
      case 'stamp':
        return { picture, size: 4 * radius };
      default:
        return undefined;
    }
  }

  function showLayers(): void {
    if (!painter) return;
    const { layers: all, activeLayer } = painter;
    // The top layer first, as it lies on the others.
    layers.replaceChildren(
      ...all.map(({ id, name }) => new Option(name, String(id), false, id === activeLayer)).reverse(),
    );
    const active = all.find(({ id }) => id === activeLayer)!;
    field('visible').checked = active.visible;
    field('layerOpacity').valueAsNumber = active.opacity;
    form.querySelector<HTMLButtonElement>('#remove-layer')!.disabled = all.length === 1;
  }

  createPaintControls(view, { painter: () => painter, pick, tool });
  field('tool').addEventListener('change', () => view.classList.toggle('painting', tool() !== undefined));
  field('symmetric').addEventListener('change', () => {
    if (painter) painter.symmetric = field('symmetric').checked;
  });
  layers.addEventListener('change', () => {
    if (painter) painter.activeLayer = Number(layers.value);
    showLayers();
  });
  for (const name of ['visible', 'layerOpacity']) {
    field(name).addEventListener('input', () =>
      painter?.setLayer(painter.activeLayer, {
        visible: field('visible').checked,
        opacity: field('layerOpacity').valueAsNumber,
      }),
    );
  }
  onClick('#add-layer', () => {
    painter?.addLayer(`layer ${painter.layers.at(-1)!.id + 1}`);
    showLayers();
  });
  onClick('#remove-layer', () => {
    painter?.removeLayer(painter.activeLayer);
    showLayers();
  });
  onClick('#undo', () => void painter?.undo());
  onClick('#redo', () => void painter?.redo());
  pickFile('#stamp', async (file) => {
    picture = await readPicture(file);
    field('tool').value = 'stamp';
    view.classList.add('painting');
  });

  return (image) => {
    painter = createTexturePainter({ image, symmetric: field('symmetric').checked, onChange });
    showLayers();
    return painter.image;
  };
}

function parseColour(hex: string): [number, number, number] {
  const channel = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

/** What is stamped until a picture is chosen. */
function starPicture(): PartImage {
  const size = 128;
  const context = new OffscreenCanvas(size, size).getContext('2d')!;
  context.fillStyle = '#f2c230';
  for (let i = 0; i < 10; i++) {
    const [radius, angle] = [(i % 2 ? 0.19 : 0.48) * size, (i * Math.PI) / 5];
    context.lineTo(size / 2 + radius * Math.sin(angle), size / 2 - radius * Math.cos(angle));
  }
  context.fill();
  return context.getImageData(0, 0, size, size);
}

/** A picture's pixels, at most 512 wide and high. */
async function readPicture(file: Blob): Promise<PartImage> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(512 / Math.max(bitmap.width, bitmap.height), 1);
  const [width, height] = [bitmap.width, bitmap.height].map((n) => Math.max(Math.round(n * scale), 1));
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
